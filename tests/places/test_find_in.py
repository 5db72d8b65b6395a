"""Places inside sentences."""

from __future__ import annotations

import pytest

from bot.places import Places
from tests.places.expectations import rows, summary


@pytest.mark.parametrize(("sentence", "words", "expected"), rows("sentences.txt"), ids=lambda cell: cell or "-")
def test_sentence(places: Places, sentence: str, words: str, expected: str) -> None:
    found = places.find_in(sentence)
    if not words:
        assert found is None
        return
    assert found is not None
    assert found.text == words
    assert sentence[found.start : found.end] == words
    assert summary(found.resolution, expected) == expected


def test_find_all_in_order(places: Places) -> None:
    found = places.find_all("Vivo en Dallas pero mi hermano está detenido en El Paso")
    assert [f.text for f in found] == ["Dallas", "El Paso"]
