"""What people type, against the table; and the rules of the contract one by one."""

from __future__ import annotations

import json

import pytest

from bot.places import Places
from tests.places.expectations import rows, summary


@pytest.mark.parametrize(("place", "expected"), rows("places.txt"), ids=lambda cell: cell or "(nothing)")
def test_place(places: Places, place: str, expected: str) -> None:
    assert summary(places.resolve(place), expected) == expected


def test_ambiguous_has_posts_and_places(places: Places) -> None:
    answer = places.resolve("Springfield")
    assert answer.consulate is None
    assert {"kansas_city", "boston", "chicago"} <= set(answer.candidates)
    assert [reading.state for reading in answer.readings[:3]] == ["MO", "MA", "IL"]


def test_misspelt_says_so(places: Places) -> None:
    assert places.resolve("Houston").exact
    assert not places.resolve("Houstan").exact


def test_low_confidence_names_at_most_two_posts_beside(places: Places) -> None:
    answer = places.resolve("Inyo County CA").as_json()
    assert answer["status"] == "found"
    assert answer["confidence"] == "low"
    assert answer["consulate"] == {"id": "fresno"}
    assert answer["candidates"] == ["las_vegas", "san_bernardino"]


def test_json_has_the_keys_of_the_contract(places: Places) -> None:
    for place in ("Chicago", "Springfield", "Madrid", "asdfgh"):
        answer = json.loads(json.dumps(places.resolve(place).as_json()))
        assert {"status", "consulate", "candidates", "place"} <= answer.keys()


ODD = ["", " ", "\x00", "\ud800", "🙂", "a" * 5000, "123456789012", "((((", "-", ",", "TX TX TX TX", "Canadá Canadá", "condado", "de"]


@pytest.mark.parametrize("text", ODD)
def test_never_raises(places: Places, text: str) -> None:
    places.resolve(text)
    places.find_in(text)
