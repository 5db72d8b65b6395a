"""From the readings of a name to one answer: the rules of ten times and of a fiftieth."""

from __future__ import annotations

from typing import NamedTuple

from bot.places.gazetteer import Gazetteer
from bot.places.geometry import distance_km
from bot.places.model import UNKNOWN, Confidence, Place, Resolution

# A reading counts as the likely one alone when its place has ten times the people of the next (docs: the contract of `make consulate`).
TEN_TIMES = 10
# A US or Canadian reading wins over a foreign namesake when it has at least a fiftieth of its people.
FIFTIETH = 50
# What a town without a count (a post office's hamlet) weighs against others.
FEW_PEOPLE = 100
# A quarter of New York counts a tenth against towns of its name: who lives in Brownsville, Brooklyn, says so.
PART_WEIGHT = 10
MOST_READINGS = 6
WEAKEST: dict[str, int] = {"low": 0, "medium": 1, "high": 2}


class Reading(NamedTuple):
    """One thing that a name may mean.

    Attributes:
        place: the place.
        units: numbers of the counties or provinces it lies in; empty abroad.
        people: inhabitants.
        part: a quarter of New York, which weighs less against towns of its name.
    """

    place: Place
    units: tuple[int, ...]
    people: int
    part: bool = False

    @property
    def weight(self) -> int:
        """What the reading weighs against others at home."""
        return max(self.people // PART_WEIGHT if self.part else self.people, FEW_PEOPLE)


def decide(places: Gazetteer, readings: list[Reading], exact: bool = True) -> Resolution:
    """Applies the rules to all readings of one name, at home and abroad.

    Args:
        places: the gazetteer.
        readings: in any order.
        exact: whether the name was written as it is.

    Returns:
        Unknown if there are none.
    """
    home = sorted((r for r in readings if r.units), key=lambda r: -r.weight)
    abroad = max((r for r in readings if not r.units), key=lambda r: r.people, default=None)
    if abroad and (not home or abroad.people > FIFTIETH * max(FEW_PEOPLE, *(r.people for r in home))):
        return Resolution("outside", place=abroad.place, exact=exact)
    if not home:
        return UNKNOWN
    likely = [r for r in home if TEN_TIMES * r.weight > home[0].weight]
    posts = tuple(dict.fromkeys(post for r in likely for post in _posts(places, r.units)))
    if len(posts) > 1:
        return Resolution("ambiguous", None, posts, likely[0].place, readings=tuple(r.place for r in likely[:MOST_READINGS]), exact=exact)
    return _found(places, likely[0], exact)


def _posts(places: Gazetteer, units: tuple[int, ...]) -> list[str]:
    """The posts of those counties, the one that serves most people there first."""
    people: dict[str, int] = {}
    for number in units:
        unit = places.units[number]
        people[unit.consulate] = people.get(unit.consulate, 0) + unit.people
    return sorted(people, key=lambda post: -people[post])


def _found(places: Gazetteer, reading: Reading, exact: bool) -> Resolution:
    units = [places.units[number] for number in reading.units]
    weakest: Confidence = min((unit.confidence for unit in units), key=lambda level: WEAKEST[level])
    near = _posts_beside(places, reading) if weakest == "low" else ()
    return Resolution("found", units[0].consulate, near, reading.place, weakest, exact=exact)


def _posts_beside(places: Gazetteer, reading: Reading) -> tuple[str, ...]:
    """At most two other posts of adjacent counties, the one nearest to the place first."""
    own = {places.units[number].consulate for number in reading.units}
    beside = {places.units[near].consulate for number in reading.units for near in places.units[number].near} - own
    lat, lon = reading.place.lat, reading.place.lon
    if lat is None or lon is None:
        return tuple(sorted(beside)[:2])

    def away(post: str) -> float:
        post_lat, post_lon, _ = places.posts[post]
        return distance_km(lat, lon, post_lat, post_lon)

    return tuple(sorted(beside, key=away)[:2])
