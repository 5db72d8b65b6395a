"""Places that are written in figures: coordinates, ZIP codes, Canadian postal codes."""

from __future__ import annotations

import re

_NUMBER = r"[-+−]?\s?\d{1,3}(?:\.\d+)?"
_ANGLE = rf"({_NUMBER})\s*°?\s*(?:(\d{{1,2}})\s*['’′]\s*)?(?:(\d{{1,2}}(?:\.\d+)?)\s*(?:\"|”|″|'')\s*)?([NSEWOnsewo])?"
_LABEL = r"(?:geo:|coordenadas?|coordinates?|ubicaci[oó]n|location|lat(?:itude?|itud)?|l(?:on|ng)(?:gitude?|gitud)?|gps|[@:=(\[\s])*"
_POINT = re.compile(rf"^\s*{_LABEL}{_ANGLE}\s*[,;/\s]\s*{_LABEL}{_ANGLE}\s*[)\]]?\s*\.?$", re.IGNORECASE)
_MAP_LINK = re.compile(rf"[@=/]({_NUMBER}),\s?({_NUMBER})(?=[,&z\s]|$)")
ZIP = re.compile(r"(?<![\d$#.,-])(\d{5})(?:[-–\s]?\d{4})?(?!\d|[-.,]\d)")
POSTAL = re.compile(r"\b([ABCEGHJ-NPRSTVXY]\d[ABCEGHJ-NPRSTV-Z])[ -]?(\d[ABCEGHJ-NPRSTV-Z]\d)\b", re.IGNORECASE)
_POSTAL_START = re.compile(r"^\s*([ABCEGHJ-NPRSTVXY]\d[ABCEGHJ-NPRSTV-Z])\s*$", re.IGNORECASE)


def point(text: str) -> tuple[float, float] | None:
    """(lat, lon) if the whole text is a pair of coordinates or holds a link to a map.

    Read are decimal degrees with or without "°", N, S, E, W (O in Spanish) and labels, degrees with minutes and seconds, and
    "lon, lat" where the first number can be no latitude. Two bare whole numbers need a comma between them.

    Returns:
        Degrees; None when it is something else or lies off the globe.
    """
    if (link := _MAP_LINK.search(text)) and "//" in text:
        return _on_globe(float(link[1]), float(link[2]))
    found = _POINT.match(text)
    if not found or not any(mark in text for mark in ".,°"):
        return None
    first, second = _degrees(*found.group(1, 2, 3, 4)), _degrees(*found.group(5, 6, 7, 8))
    if (found[4] or "").upper() in ("E", "W", "O") or abs(first) > 90 >= abs(second):
        first, second = second, first
    return _on_globe(first, second)


def _degrees(whole: str, minutes: str | None, seconds: str | None, side: str | None) -> float:
    value = float(whole.replace("−", "-").replace(" ", ""))
    size = abs(value) + float(minutes or 0) / 60 + float(seconds or 0) / 3600
    return -size if value < 0 or (side or "").upper() in ("S", "W", "O") else size


def _on_globe(lat: float, lon: float) -> tuple[float, float] | None:
    return (lat, lon) if abs(lat) <= 90 and abs(lon) <= 180 else None


def postal(text: str, anywhere: bool = True) -> str | None:
    """A Canadian postal code in the text as "M5V2T6", or the first half of one ("M5V") if that is all of it."""
    if (found := POSTAL.search(text) if anywhere else POSTAL.fullmatch(text.strip())) is not None:
        return (found[1] + found[2]).upper()
    start = _POSTAL_START.match(text)
    return start[1].upper() if start else None


def last_zip(text: str) -> tuple[str, str, bool] | None:
    """The last ZIP code (ZIP+4 too), the text without it, and whether words follow: then the figures may be a house number."""
    found = list(ZIP.finditer(text))
    if not found:
        return None
    before, after = text[: found[-1].start()], text[found[-1].end() :]
    return found[-1][1], f"{before} {after}", bool(re.search(r"[^\W\d]", after))
