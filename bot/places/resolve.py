"""Which post serves a place: `Places.resolve` for a text that is a place, `Places.find_in` for one that may hold a place."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

from bot.places import codes
from bot.places.gazetteer import Gazetteer
from bot.places.model import UNKNOWN, Found, Place, Resolution
from bot.places.names import Names
from bot.places.readings import Reading, decide
from bot.places.spot import Spotter
from bot.places.text import fold

DEFAULT_PATH = Path(__file__).resolve().parents[2] / "models/places.zip"
# Longer texts are no place names; what stands behind this is not read.
LONGEST = 200
# From how many words on a text that is no place may be a sentence that holds one.
A_SENTENCE = 4
# A point on water belongs to the town on the shore, this far away at most; beyond it nobody's post serves it.
SHORE_KM = 400.0


class Places:
    """The consulate locator. Immutable after loading, safe to share between threads.

    Args:
        gazetteer: the loaded places file.
    """

    def __init__(self, gazetteer: Gazetteer) -> None:
        self._data = gazetteer
        self._names = Names(gazetteer)
        self._spotter = Spotter(gazetteer, self._names, self._resolve)

    @classmethod
    def load(cls, path: Path = DEFAULT_PATH) -> Places:
        """Reads the places file.

        Args:
            path: what `python -m bot.places.build` wrote.

        Raises:
            FileNotFoundError: it was not built yet.
        """
        return cls(Gazetteer.load(path))

    def resolve(self, text: str) -> Resolution:
        """The post for a place as people type it.

        Args:
            text: a city, city and state, state, county, ZIP code, Canadian postal code or "lat,lon", in Spanish, English or by ear.

        Returns:
            The answer by the rules of `make consulate` in the contract; never raises.
        """
        answer = self._resolve(text)
        if answer.status == "unknown" and len(text.split()) >= A_SENTENCE and (found := self.find_in(text[:LONGEST])):
            return found.resolution
        return answer

    def _resolve(self, text: str) -> Resolution:
        text = text.strip()[:LONGEST]
        if (point := codes.point(text)) is not None:
            return self._at_point(*point)
        if re.fullmatch(r"[\d\s.,°+-]*", text) and not codes.ZIP.fullmatch(text):
            return UNKNOWN
        if (code := codes.postal(text)) is not None:
            return self._of_postal(code)
        if (zip_code := codes.last_zip(text)) is not None:
            return self._of_zip(*zip_code)
        return self._names.resolve(text)

    def find_in(self, sentence: str) -> Found | None:
        """The place that a sentence speaks of, if any.

        Args:
            sentence: what a person wrote, in Spanish, English or both.

        Returns:
            The best place with its span in `sentence`: one behind "vivo en", "I live in" and the like before others, one of the two
            countries before one abroad, the first of equals. None when no place is named.
        """
        return self._spotter.find_in(sentence)

    def find_all(self, sentence: str) -> list[Found]:
        """All places of a sentence in their order, without overlaps."""
        return self._spotter.find_all(sentence)

    def _at_point(self, lat: float, lon: float) -> Resolution:
        unit = self._data.unit_around(lat, lon)
        if unit < 0:
            town, away = self._data.nearest_town(lat, lon)
            unit = self._data.town_unit[town] if town >= 0 and away <= SHORE_KM else -1
        point = Place(f"{lat:.5g},{lon:.6g}", "point", lat=lat, lon=lon)
        if unit < 0:
            return Resolution("outside", place=point)
        county = self._data.units[unit]
        place = replace(point, state=county.state, country=county.country, county=county.name, county_fips=county.id)
        return decide(self._data, [Reading(place, (unit,), 1)])

    def _of_postal(self, code: str) -> Resolution:
        for length in range(6, 0, -1):
            unit = self._data.postal.get(code[:length])
            if unit is not None:
                u = self._data.units[unit]
                shown = f"{code[:3]} {code[3:]}".strip()
                place = Place(shown, "postal_code", u.state, "CA", u.name, u.id, u.lat or None, u.lon or None)
                return decide(self._data, [Reading(place, (unit,), 1)])
        return UNKNOWN

    def _of_zip(self, code: str, rest: str, words_follow: bool) -> Resolution:
        """The ZIP code decides, unless the words beside it name another state or country: then the figures were a house number."""
        place = self._data.zip(code)
        words_beside = re.sub(r"\b(zip|zipcode|code|postal|codigo|cp|c p)\b", " ", fold(rest)).strip()
        named = self._names.resolve(rest) if words_beside else UNKNOWN
        if named.status == "outside" or place is None:
            return named
        elsewhere = named.place is not None and named.place.state != place.state
        if elsewhere and named.status == "found" and (named.exact or words_follow):
            return named
        if not place.county_fips:
            return Resolution("outside", place=place)
        return decide(self._data, [Reading(place, (self._data.unit_number[place.county_fips],), 1)])
