"""The whole way in two real browsers and the running service: a detention reported in the widget, an officer at the console, and back."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("playwright")
from playwright.sync_api import Page, expect

from bot.demo import script
from bot.demo.fill import hire
from bot.settings import Settings
from bot.store.crypto import Keys
from bot.store.database import Database
from tests.e2e.running import RunningService
from tests.widget.chatting import Widget
from tests.widget.conftest import browser, contexts

__all__ = ["browser", "contexts"]
pytestmark = [pytest.mark.browser, pytest.mark.service]

PATIENCE = 30_000
"""Milliseconds that a screen may take on a busy machine."""


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningService]:
    running = RunningService(tmp_path_factory.mktemp("desk"), DEMO="on").start()
    yield running
    running.stop()


@pytest.fixture(scope="module")
def signins(service: RunningService) -> dict[str, dict[str, str]]:
    """Accounts of the demo's officers, by the name before the @."""
    settings = Settings(data_dir=service.data_dir)
    database = Database(settings.database)
    _, made = hire(database, Keys.from_file(settings.keys_path), script.load(), time.time())
    database.close()
    return {signin["email"].partition("@")[0]: signin for signin in made}


def sits(page: Page, service: RunningService, signin: dict[str, str]) -> Page:
    page.set_default_timeout(PATIENCE)
    page.goto(f"{service.url}/console/")
    page.locator("input[name=email]").fill(signin["email"])
    page.locator("input[type=password]").fill(signin["password"])
    page.keyboard.press("Enter")
    expect(page.locator("#queue-h")).to_be_visible(timeout=PATIENCE)
    return page


def test_from_the_report_to_the_rating(
    service: RunningService, signins: dict[str, dict[str, str]], contexts: Callable[..., Any], tmp_path: Path
) -> None:
    screens = [contexts(locale="es-MX", viewport={"width": 1280, "height": 720}) for _ in range(2)]
    tomas = sits(screens[0].context.new_page(), service, signins["tomas"])
    grace = screens[1].context.new_page()
    phone = contexts(locale="es-MX", viewport={"width": 390, "height": 760}).context.new_page()
    phone.set_default_timeout(PATIENCE)
    expect.set_options(timeout=PATIENCE)

    widget = Widget(phone).open(f"{service.url}/")
    widget.says("detuvieron a mi hermano Juan Pérez en Phoenix ayer")
    widget.press("Pasarlo a un oficial")
    expect(widget.log).to_contain_text("¿Quién fue?")
    widget.press("Policía")
    expect(widget.log).to_contain_text("¿Hay niños solos")
    widget.press("No")
    expect(widget.log).to_contain_text("teléfono seguro")
    widget.says("602 555 0134 por la tarde")
    expect(widget.log).to_contain_text("Persona: Juan Pérez")
    widget.press("Enviar al oficial")
    expect(widget.log).to_contain_text("Enviado. Su caso es el")

    expect(tomas.locator("#toast-alarm")).to_contain_text("nivel 1")
    tomas.get_by_role("button", name="Enterado").click()
    tomas.locator("[id^=q-] a").first.click()
    tomas.get_by_role("button", name="Tomar el caso").click()
    expect(widget.log).to_contain_text("Tomás, oficial de CIAM, está con usted.")
    expect(tomas.locator("body")).to_contain_text("Phoenix")
    box = tomas.locator("orienta-composer textarea")
    box.fill("Soy Tomás. ¿Ya le llamó su hermano?")
    box.press("Control+Enter")
    expect(widget.log).to_contain_text("¿Ya le llamó su hermano?")

    widget.says("sí, está en Florence")
    expect(tomas.locator("li.user").last).to_contain_text("está en Florence")
    expect(widget.log.locator("li").last).to_contain_text("está en Florence")  # the assistant is silent

    sits(grace, service, signins["grace"])
    tomas.get_by_role("button", name="Transferir").first.click()
    tomas.get_by_label("A quién").select_option(label="Grace Ibarra")
    tomas.get_by_label("Nota para quien lo reciba").fill("Conoce el centro de Florence")
    tomas.locator("#dialog-transfer").get_by_role("button", name="Transferir").click()
    grace.locator("[id^=q-] a").first.click()
    grace.get_by_role("button", name="Accept").or_(grace.get_by_role("button", name="Aceptar")).first.click()
    expect(widget.log).to_contain_text("Grace, oficial de CIAM, está con usted.")
    grace.get_by_role("button", name="Resolver").or_(grace.get_by_role("button", name="Resolve")).first.click()
    dialog = grace.locator("#dialog-resolve")
    dialog.locator("input[type=radio]").first.check()
    dialog.get_by_role("button", name="Resolver").or_(dialog.get_by_role("button", name="Resolve")).click()

    expect(widget.log).to_contain_text("quedó cerrado")
    widget.press("Sí, me ayudaron")
    expect(widget.log).to_contain_text("Gracias por decirlo")
    widget.says("¿cuánto cuesta el pasaporte?")
    expect(widget.log.locator("li:not(.user)").last).to_contain_text("En 2026, en dólares")
    for screen in screens:
        assert screen.errors == []
        assert screen.foreign(service.url) == []
