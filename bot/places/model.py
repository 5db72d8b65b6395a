"""What the locator gives back."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Literal

Status = Literal["found", "ambiguous", "outside", "unknown"]
Confidence = Literal["high", "medium", "low"]


@dataclass(frozen=True, slots=True)
class Place:
    """One reading of a name.

    Attributes:
        name: the name as its source writes it ("Kansas City").
        kind: "city", "county", "state", "region", "country", "zip", "postal_code" or "point".
        state: code of the state or province ("KS", "ON"), of a Mexican state ("JAL"), else "".
        country: ISO 3166 code of two letters; territories such as Puerto Rico count as "US"; "" for a point nobody owns.
        county: name of the county or the row of Ontario, "" where there is none.
        county_fips: five digits in the US, the key of the row in Canada ("BC", "ON:Ottawa"), else "".
        lat: degrees north, WGS84, or None.
        lon: degrees east, WGS84, or None.
        people: inhabitants, 0 when unknown.
    """

    name: str
    kind: str
    state: str = ""
    country: str = ""
    county: str = ""
    county_fips: str = ""
    lat: float | None = None
    lon: float | None = None
    people: int = 0


@dataclass(frozen=True, slots=True)
class Resolution:
    """The post for a place, or why there is none.

    Attributes:
        status: "found", "ambiguous", "outside" or "unknown".
        consulate: id in data/consulates.yml when found, else None.
        candidates: when ambiguous the posts in question, the one with most people first; when found on a row of low confidence the posts of
            adjacent counties, nearest first, at most two.
        place: the reading that was taken (when ambiguous the largest), None when unknown.
        confidence: of the row of data/jurisdictions.csv, only when found.
        readings: when ambiguous the places in question, largest first, at most six: what to offer as buttons.
        exact: False when the name was only alike, so that a caller may ask back.
    """

    status: Status
    consulate: str | None = None
    candidates: tuple[str, ...] = ()
    place: Place | None = None
    confidence: Confidence | None = None
    readings: tuple[Place, ...] = ()
    exact: bool = True

    def as_json(self) -> dict[str, Any]:
        """The object of `make consulate`: consulate as {"id"}, confidence only when found, readings only when ambiguous."""
        answer: dict[str, Any] = {
            "status": self.status,
            "consulate": {"id": self.consulate} if self.consulate else None,
            "candidates": list(self.candidates),
            "place": asdict(self.place) if self.place else None,
        }
        if self.confidence:
            answer["confidence"] = self.confidence
        if self.readings:
            answer["readings"] = [asdict(reading) for reading in self.readings]
        return answer


UNKNOWN = Resolution("unknown")


@dataclass(frozen=True, slots=True)
class Found:
    """A place spotted in a sentence: `sentence[start:end] == text`."""

    text: str
    start: int
    end: int
    resolution: Resolution
