"""The locator, built once if its inputs changed."""

from __future__ import annotations

import pytest

from bot.places import Places
from bot.places.build import build
from bot.places.gazetteer import Gazetteer
from bot.places.resolve import DEFAULT_PATH


@pytest.fixture(scope="session")
def gazetteer() -> Gazetteer:
    build()
    return Gazetteer.load(DEFAULT_PATH)


@pytest.fixture(scope="session")
def places(gazetteer: Gazetteer) -> Places:
    return Places(gazetteer)
