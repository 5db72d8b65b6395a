from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.channels.standins.whatsapp import WhatsAppApi
from tests.channels.telegram_world import api as api
from tests.channels.telegram_world import web as web
from tests.channels.whatsapp_world import World


@pytest.fixture(scope="module")
def whatsapp_api() -> Iterator[WhatsAppApi]:
    api = WhatsAppApi()
    yield api
    api.stop()


@pytest.fixture(scope="module")
def whatsapp_world(tmp_path_factory: pytest.TempPathFactory, whatsapp_api: WhatsAppApi) -> Iterator[World]:
    world = World(tmp_path_factory.mktemp("world"), whatsapp_api)
    yield world
    world.close()


@pytest.fixture
def world(whatsapp_world: World) -> World:
    """WhatsApp's web process and stand-in, as if nobody had ever written."""
    whatsapp_world.clear()
    return whatsapp_world
