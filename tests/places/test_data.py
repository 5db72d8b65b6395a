"""The data files: complete, joined, in shape."""

from __future__ import annotations

import csv
import re
from collections import Counter
from pathlib import Path
from typing import Any

import yaml

from bot.places.gazetteer import Gazetteer
from bot.places.sources import read_units

DATA = Path(__file__).resolve().parents[2] / "data"
POSTS: list[dict[str, Any]] = yaml.safe_load((DATA / "consulates.yml").read_text(encoding="utf-8"))
LEVELS = {"high", "medium", "low"}
# West, south, east, north of the states that hold a post, degrees, generous.
BOXES = {
    "TX": (-106.7, 25.8, -93.5, 36.6), "OK": (-103.1, 33.6, -94.4, 37.1), "AR": (-94.7, 33.0, -89.6, 36.6),
    "LA": (-94.1, 28.9, -88.8, 33.1), "MO": (-95.8, 35.9, -89.0, 40.7), "NE": (-104.1, 39.9, -95.3, 43.1),
    "MN": (-97.3, 43.4, -89.4, 49.4), "WI": (-92.9, 42.4, -86.7, 47.1), "IL": (-91.6, 36.9, -87.0, 42.6),
    "IN": (-88.1, 37.7, -84.7, 41.8), "MI": (-90.5, 41.6, -82.1, 48.3), "GA": (-85.7, 30.3, -80.8, 35.1),
    "FL": (-87.7, 24.4, -79.9, 31.1), "NC": (-84.4, 33.8, -75.4, 36.6), "DC": (-77.2, 38.7, -76.9, 39.0),
    "PA": (-80.6, 39.7, -74.6, 42.3), "NJ": (-75.6, 38.9, -73.8, 41.4), "NY": (-79.8, 40.4, -71.8, 45.1),
    "MA": (-73.6, 41.2, -69.9, 42.9), "PR": (-67.4, 17.8, -65.2, 18.6), "AZ": (-114.9, 31.3, -109.0, 37.1),
    "CA": (-124.5, 32.5, -114.1, 42.1), "NV": (-120.1, 35.0, -114.0, 42.1), "UT": (-114.1, 36.9, -109.0, 42.1),
    "CO": (-109.1, 36.9, -102.0, 41.1), "NM": (-109.1, 31.3, -103.0, 37.1), "WA": (-124.9, 45.5, -116.9, 49.1),
    "OR": (-124.7, 41.9, -116.4, 46.4), "ID": (-117.3, 41.9, -111.0, 49.1), "ON": (-95.2, 41.6, -74.3, 56.9),
    "QC": (-79.8, 44.9, -57.1, 62.6), "AB": (-120.1, 48.9, -109.9, 60.1), "BC": (-139.1, 48.2, -114.0, 60.1),
}  # fmt: skip


def jurisdictions() -> list[dict[str, str]]:
    with (DATA / "jurisdictions.csv").open(encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_every_post_once() -> None:
    assert Counter(post["country"] for post in POSTS) == {"US": 53, "CA": 6}
    assert len({post["id"] for post in POSTS}) == 59


def test_numbers_are_e164() -> None:
    for post in POSTS:
        for number in (post["phone"], post["protection_phone"]):
            assert number is None or re.fullmatch(r"\+1[2-9]\d{2}[2-9]\d{6}", number), post["id"]


def test_posts_say_where_facts_come_from() -> None:
    for post in POSTS:
        assert post["sources"], post["id"]
        assert post["checked"], post["id"]
        assert set(post["confidence"].values()) <= LEVELS, post["id"]


def test_posts_lie_in_their_state() -> None:
    for post in POSTS:
        west, south, east, north = BOXES[post["state"]]
        assert west <= post["lon"] <= east, post["id"]
        assert south <= post["lat"] <= north, post["id"]


def test_posts_lie_in_their_own_district(gazetteer: Gazetteer) -> None:
    for post in POSTS:
        if post["country"] == "US":
            assert gazetteer.units[gazetteer.unit_around(post["lat"], post["lon"])].consulate == post["id"]


def test_rows_name_known_posts_and_levels() -> None:
    ids = {post["id"] for post in POSTS}
    for row in jurisdictions():
        assert row["consulate"] in ids
        assert row["confidence"] in LEVELS
        assert row["source"]
    assert {row["consulate"] for row in jurisdictions()} == ids


def test_every_county_of_the_map_has_one_row() -> None:
    fips = [row["county_fips"] for row in jurisdictions() if row["county_fips"].isdigit()]
    assert len(fips) == len(set(fips))
    units = read_units(DATA)  # raises KeyError for a county of the map without a row
    without_outline = {unit.id for unit in units.values() if unit.country == "US" and not unit.rings}
    assert without_outline == {"02066", "60030", "60040"}  # split off after 2017; two atolls


def test_counties_by_state() -> None:
    count = Counter(row["state"] for row in jurisdictions() if row["county_fips"].isdigit())
    assert (count["TX"], count["VA"], count["AK"], count["CT"], count["LA"], count["PR"], count["DC"]) == (254, 133, 30, 8, 64, 78, 1)
    assert sum(count[state] for state in count if state not in ("PR", "VI", "GU", "MP", "AS")) == 3143


def test_every_ontario_area_is_a_row() -> None:
    rows = {row["county"].removeprefix("Ontario: ") for row in jurisdictions() if row["state"] == "ON"} - {"Ontario"}
    areas: list[dict[str, Any]] = yaml.safe_load((DATA / "places/ontario.yml").read_text(encoding="utf-8"))
    assert {area["row"] for area in areas} == rows


def test_every_county_answers_by_its_row(gazetteer: Gazetteer) -> None:
    from bot.places import Places

    places = Places(gazetteer)
    for row in jurisdictions():
        if row["county_fips"].isdigit():
            answer = places.resolve(f"{row['county']}, {row['state']}")
            assert (answer.consulate, answer.confidence) == (row["consulate"], row["confidence"]), row


def test_centres_lie_in_their_counties(gazetteer: Gazetteer) -> None:
    """All but a few: a county may bend round its neighbour (Dunklin, Missouri) or surround a city of its own (Henrico, Virginia)."""
    wrong = [u.name for u in gazetteer.units if u.box and gazetteer.unit_around(u.lat, u.lon) not in (-1, gazetteer.unit_number[u.id])]
    assert len(wrong) < 10


def test_neighbours_are_mutual(gazetteer: Gazetteer) -> None:
    for i, unit in enumerate(gazetteer.units):
        if unit.country == "US":
            assert all(i in gazetteer.units[near].near for near in unit.near)
