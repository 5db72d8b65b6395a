"""The places file in memory: columns and indexes, no decisions."""

from __future__ import annotations

import json
import sys
import zipfile
from array import array
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterator
from functools import cached_property
from itertools import accumulate, chain
from pathlib import Path
from typing import Any, NamedTuple

from bot.places.geometry import Bounds, bounds, contains, distance_km
from bot.places.model import Confidence, Place
from bot.places.text import ear, key


class Unit(NamedTuple):
    """A row of data/jurisdictions.csv: a US county, a Canadian province, a part of Ontario."""

    id: str
    name: str
    state: str
    country: str
    consulate: str
    confidence: Confidence
    lat: float
    lon: float
    people: int
    near: list[int]
    rings: tuple[array[int], ...]
    box: Bounds | None


class State(NamedTuple):
    """A state, territory or province; `units` is empty for those of Mexico."""

    code: str
    country: str
    name: str
    people: int
    units: list[int]


class Pool(NamedTuple):
    """Names to compare a misspelt one with: keys, what the ear keeps of them, and their people."""

    keys: list[str]
    ears: list[str]
    people: list[int]


# Towns smaller than this are not guessed at from a misspelt name without a state: home, Mexico, elsewhere.
GUESS_HOME, GUESS_MEXICO, GUESS_ABROAD = 3_000, 20_000, 300_000
# How much less a place abroad weighs against one at home when a misspelt name could be either.
ABROAD_WEIGHT = 50
SCALE = 10_000


class Index:
    """Names to the numbers of their towns, largest first, in little memory.

    Args:
        names: the keys.
        numbers: how many towns each has, then all their numbers in a row.
    """

    def __init__(self, names: list[str], numbers: array[int]) -> None:
        self._row = {name: row for row, name in enumerate(names)}
        self._starts = array("i", accumulate(numbers[: len(names)], initial=len(names)))
        self._numbers = numbers

    def __contains__(self, name: str) -> bool:
        return name in self._row

    def get(self, name: str) -> array[int]:
        """The towns of a name, none if it is unknown."""
        row = self._row.get(name)
        return self._numbers[self._starts[row] : self._starts[row + 1]] if row is not None else _NONE

    def items(self) -> Iterator[tuple[str, array[int]]]:
        """All names with their towns, in the order of the file."""
        for name, row in self._row.items():
            yield name, self._numbers[self._starts[row] : self._starts[row + 1]]


_NONE = array("i")


class Gazetteer:
    """All that the places file holds.

    Args:
        file: the places file, opened; `bot.places.build.assemble` says what is in it.

    Raises:
        ValueError: an alias names a town that is not there.
    """

    def __init__(self, file: zipfile.ZipFile) -> None:
        def texts(name: str) -> list[str]:
            return file.read(name).decode().split("\n")

        def numbers(name: str) -> array[int]:
            column = array("i", file.read(name))
            if sys.byteorder == "big":
                column.byteswap()
            return column

        def content(name: str) -> Any:
            return json.loads(file.read(name))

        self.posts: dict[str, tuple[float, float, str]] = {k: (v[0], v[1], v[2]) for k, v in content("posts.json").items()}
        self.units = _units(content("units.json"), numbers("rings.i4"))
        self.unit_number = {unit.id: i for i, unit in enumerate(self.units)}
        self.counties: dict[str, list[int]] = content("counties.json")
        self.town_name = texts("town_name.txt")
        self.town_state = [sys.intern(code) for code in texts("town_state.txt")]
        self.town_country = [sys.intern(code) for code in texts("town_country.txt")]
        self.town_unit, self.town_people = numbers("town_unit.i4"), numbers("town_people.i4")
        self.town_lat, self.town_lon = numbers("town_lat.i4"), numbers("town_lon.i4")
        self.town_part = frozenset(numbers("town_part.i4"))
        self.names = Index(texts("names.txt"), numbers("names.i4"))
        self.also = Index(texts("also.txt"), numbers("also.i4"))
        self._ears = texts("ears.txt")
        self._zip_city, self._zips = texts("zip_city.txt"), numbers("zips.i4")
        self.postal: dict[str, int] = content("postal.json")
        self.words: dict[str, list[str]] = content("words.json")
        self.common = frozenset(texts("common.txt"))
        aliases = content("aliases.json")
        self._read_states(content("states.json"))
        self._read_countries(content("countries.json"), aliases["countries"])
        self._read_aliases(aliases)
        self._pools: dict[tuple[str, str], Pool] = {}

    @classmethod
    def load(cls, path: Path) -> Gazetteer:
        """Reads the file that `python -m bot.places.build` wrote."""
        with zipfile.ZipFile(path) as file:
            return cls(file)

    def _read_states(self, content: dict[str, Any]) -> None:
        self.states: dict[tuple[str, str], State] = {}
        self.state_names: dict[str, list[tuple[str, str]]] = defaultdict(list)
        self.state_short: dict[str, list[tuple[str, str]]] = defaultdict(list)
        for country, states in content.items():
            for code, state in states.items():
                where = (country, code)
                units = [i for i, unit in enumerate(self.units) if (unit.country, unit.state) == where]
                self.states[where] = State(code, country, state["name"], state["people"], units)
                for name in {key(n) for n in (state["name"], *state["also"])}:
                    self.state_names[name].append(where)
                for name in {key(n) for n in state["short"]} | ({code.lower()} if country != "MX" else set()):
                    self.state_short[name].append(where)

    def _read_countries(self, english: dict[str, Any], spoken: dict[str, list[str]]) -> None:
        self.countries: dict[str, tuple[str, int]] = {}
        self.country_name: dict[str, str] = {iso: name for iso, (name, _) in english.items()}
        for iso, (name, people) in english.items():
            for other in (name, *spoken.get(iso, [])):
                self.countries[key(other)] = (iso, people)

    def _read_aliases(self, content: dict[str, Any]) -> None:
        self.alias_towns: dict[str, int] = {}
        self.alias_regions: dict[str, tuple[str, list[int]]] = {}
        for target, names in content["cities"].items():
            name, state = target.rsplit(", ", 1)
            ids = [i for i in self.names.get(key(name)) if self.town_state[i] == state and self.town_unit[i] >= 0]
            if not ids:
                raise ValueError(f"aliases.yml: no town {target}")
            self.alias_towns |= {key(other): ids[0] for other in names}
        for region in content["regions"]:
            units = [self.unit_number[u] for u in region.get("counties", [])]
            for code in region.get("states", []):
                units += self.states[("US", code) if ("US", code) in self.states else ("CA", code)].units
            self.alias_regions |= {key(name): (name, units) for name in region["names"]}

    def town(self, i: int) -> Place:
        """The town with that number as a place."""
        unit = self.units[self.town_unit[i]] if self.town_unit[i] >= 0 else None
        county, fips = (unit.name, unit.id) if unit else ("", "")
        lat, lon = self.town_lat[i] / SCALE, self.town_lon[i] / SCALE
        return Place(self.town_name[i], "city", self.town_state[i], self.town_country[i], county, fips, lat, lon, self.town_people[i])

    def county_place(self, i: int) -> Place:
        """The county with that number as a place."""
        u = self.units[i]
        return Place(u.name, "county", u.state, u.country, u.name, u.id, u.lat, u.lon, u.people)

    def unit_around(self, lat: float, lon: float) -> int:
        """The county that contains a point, -1 if none."""
        x, y = lon * SCALE, lat * SCALE
        for i, unit in enumerate(self.units):
            box = unit.box
            if box and box[0] <= x <= box[2] and box[1] <= y <= box[3] and contains(unit.rings, x, y):
                return i
        return -1

    def nearest_town(self, lat: float, lon: float) -> tuple[int, float]:
        """Number of the nearest town of any country and its distance in km; (-1, inf) when none is within some 1,000 km."""
        for degrees in (0.5, 2.0, 10.0):
            height = degrees * SCALE
            width = height * (1.5 if abs(lat) < 48 else 3.0)
            y, x = lat * SCALE, lon * SCALE
            around = (i for i, v in enumerate(self.town_lat) if abs(v - y) < height and abs(self.town_lon[i] - x) < width)
            best = min(((distance_km(lat, lon, self.town_lat[i] / SCALE, self.town_lon[i] / SCALE), i) for i in around), default=None)
            if best:
                return best[1], best[0]
        return -1, float("inf")

    def zip(self, code: str) -> Place | None:
        """The place of a ZIP code of five digits, None if there is no such code; county_fips is "" for army posts and free states."""
        zips, rows = self._zips, len(self._zips) // 5
        row = bisect_left(zips, int(code), 0, rows)
        if row == rows or zips[row] != int(code):
            return None
        unit_number, city, lat, lon = (zips[rows * column + row] for column in (1, 2, 3, 4))
        name, state = self._zip_city[city].rsplit(", ", 1)
        if unit_number < 0:
            return Place(f"{code} {name}", "zip", state, "", "", "", lat / SCALE, lon / SCALE)
        unit = self.units[unit_number]
        return Place(f"{code} {name}", "zip", unit.state, "US", unit.name, unit.id, lat / SCALE, lon / SCALE)

    @cached_property
    def _ear(self) -> dict[str, str]:
        return {name: self._ears[row] for row, (name, _) in enumerate(self.names.items())}

    @cached_property
    def guesses(self) -> Pool:
        """Names that a misspelt one without a state may mean: sizeable towns, states, aliases, countries."""
        people: dict[str, int] = {}

        def add(name: str, count: int) -> None:
            if len(name) > 3:
                people[name] = max(count, people.get(name, 0))

        for name, ids in self.names.items():
            for i in ids:
                home, country = self.town_unit[i] >= 0, self.town_country[i]
                if self.town_people[i] >= (GUESS_HOME if home else GUESS_MEXICO if country == "MX" else GUESS_ABROAD):
                    add(name, self.town_people[i] // (1 if home else ABROAD_WEIGHT))
        for name, ids in self.also.items():
            i = ids[0]
            if name not in self.names and self.town_people[i] >= GUESS_ABROAD and (self.town_unit[i] >= 0 or self.town_country[i] == "MX"):
                add(name, self.town_people[i] // (1 if self.town_unit[i] >= 0 else ABROAD_WEIGHT))
        for name, i in self.alias_towns.items():
            add(name, self.town_people[i])
        for name, states in self.state_names.items():
            add(name, self.states[states[0]].people)
        for name, (_, count) in self.countries.items():
            add(name, count // ABROAD_WEIGHT)
        for name, (_, units) in self.alias_regions.items():
            add(name, sum(self.units[u].people for u in units))
        return self._pool(people)

    def pool_of(self, country: str, code: str) -> Pool:
        """Names within a state: towns of any size, aliases, counties."""
        if (country, code) not in self._pools:
            self._pools[country, code] = self._make_pool(country, code)
        return self._pools[country, code]

    def _make_pool(self, country: str, code: str) -> Pool:
        people: dict[str, int] = {}
        for name, ids in chain(self.names.items(), self.also.items()):
            for i in ids:
                if self.town_state[i] == code and self.town_country[i] == country:
                    people.setdefault(name, self.town_people[i])
        for name, i in self.alias_towns.items():
            if self.town_state[i] == code:
                people.setdefault(name, self.town_people[i])
        for name, units in self.counties.items():
            for u in units:
                if self.units[u].state == code:
                    people.setdefault(name, self.units[u].people // 10)
        return self._pool(people)

    def _pool(self, people: dict[str, int]) -> Pool:
        names = list(people)
        return Pool(names, [self._ear.get(name) or ear(name) for name in names], list(people.values()))


def _units(rows: list[list[Any]], flat: array[int]) -> list[Unit]:
    units = []
    at = 0
    for row in rows:
        count, at = flat[at], at + 1
        rings = []
        for _ in range(count):
            length = flat[at]
            rings.append(flat[at + 1 : at + 1 + length])
            at += 1 + length
        unit_id, name, state, country, consulate, confidence, lat, lon, people, near = row
        box = bounds(rings) if rings else None
        units.append(Unit(unit_id, name, state, country, consulate, confidence, lat, lon, people, near, tuple(rings), box))
    return units
