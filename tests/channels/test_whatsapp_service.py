"""The whole service over WhatsApp: a conversation, processes killed in the middle of a call, and nothing that stands open."""

from __future__ import annotations

import json
import os
import re
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from bot.store.database import Database
from tests.channels.judge import judge
from tests.channels.standins import whatsapp
from tests.channels.standins.whatsapp import Fault, WhatsAppApi, choices, said, shown, signed, tap, text
from tests.e2e.running import RunningService, eventually

pytestmark = pytest.mark.service


class Phone:
    """Somebody with WhatsApp, as the service's own webhook sees them."""

    def __init__(self, service: RunningService, api: WhatsAppApi, number: str) -> None:
        self.service, self.api, self.number = service, api, number
        self.seen = 0

    @property
    def screen(self) -> list[dict[str, Any]]:
        return self.api.heard[f"+{self.number}"]

    def send(self, *messages: dict[str, Any]) -> None:
        """As Meta does: again and again until it is acknowledged."""
        body = json.dumps(whatsapp.envelope(messages)).encode()

        def acknowledged() -> bool:
            try:
                return (
                    httpx.post(f"{self.service.url}/webhooks/whatsapp", content=body, headers=signed(body), timeout=30).status_code == 200
                )
            except httpx.HTTPError:
                return False

        eventually(acknowledged, "the webhook call was not acknowledged")

    def says(self, words: str) -> list[dict[str, Any]]:
        return self._hears(lambda: self.send(text(self.number, words)))

    def taps(self, title: str) -> list[dict[str, Any]]:
        offered = {t: p for body in self.screen for t, p in choices(body).items()}
        return self._hears(lambda: self.send(tap(self.number, offered[title], title)))

    def shares(self, lat: float, lon: float) -> list[dict[str, Any]]:
        return self._hears(lambda: self.send(said(self.number, "location", location={"latitude": lat, "longitude": lon})))

    def _hears(self, doing: Any) -> list[dict[str, Any]]:
        """Do something and read what comes, until nothing more does."""
        before = len(self.screen)
        doing()
        eventually(lambda: len(self.screen) > before, "no answer came")
        while True:
            count = len(self.screen)
            time.sleep(4)
            if len(self.screen) == count:
                return self.screen[before:]


@pytest.fixture
def api() -> Iterator[WhatsAppApi]:
    api = WhatsAppApi()
    yield api
    api.stop()


@pytest.fixture
def service(tmp_path: Path, api: WhatsAppApi) -> Iterator[RunningService]:
    settings = {**whatsapp.settings(api), "WHATSAPP_RECONCILE_SECONDS": "1", "CHANNEL_SECONDS": "2"}
    running = RunningService(tmp_path, **settings).start()
    api.webhook, api.states = f"{running.url}/webhooks/whatsapp", ("sent", "delivered")
    yield running
    running.stop()


def test_a_conversation(service: RunningService, api: WhatsAppApi) -> None:
    ana = Phone(service, api, "15205550101")

    greeting = ana.says("hola buenas tardes")
    assert greeting[0]["type"] in ("text", "interactive")
    passport = ana.says("quiero sacar mi pasaporte")
    offered = [title for body in passport for title in choices(body)]
    assert offered
    assert ana.taps(offered[0])
    danger = " ".join(shown(body) for body in ana.says("la migra está tocando la puerta de mi casa"))
    assert "520-623-7874" in danger
    place = ana.shares(32.7767, -96.797)
    assert "location" in [body["type"] for body in place]
    assert "Dallas" in " ".join(shown(body) for body in place)
    english = ana.says("please speak English with me")
    assert re.search(r"\b(you|I)\b", shown(english[0]))


def test_web_is_killed_in_the_middle_of_calls_and_nothing_is_lost(service: RunningService, api: WhatsAppApi) -> None:
    people = [Phone(service, api, f"1520555{n:04d}") for n in range(8)]
    slow = [Fault(accept=True, delay=0.5), Fault(delay=0.5, close=True), Fault(accept=True, close=True), Fault(code=131016, status=500)]
    count = 0

    def chance() -> Fault | None:
        nonlocal count
        count += 1
        return slow[count // 4 % len(slow)] if count % 4 == 0 else None

    api.chance = chance
    for turn in range(5):
        for person in people:
            person.send(text(person.number, "hola buenas tardes" if turn == 0 else f"quiero sacar mi pasaporte {turn}"))
        if turn in (1, 3):
            eventually(lambda: api.calls > turn * 4, "nothing is sent")  # noqa: B023 (called at once)
            web = service.pids()[0]
            os.kill(web, signal.SIGKILL)
            eventually(lambda: service.pids()[:1] not in ([], [web]), "web was not replaced")  # noqa: B023
    api.chance = lambda: None
    database = Database(f"sqlite:///{service.data_dir / 'db' / 'orienta.db'}")

    def settled() -> bool:
        verdict = judge(database, "whatsapp", list(api.references))
        return verdict.received == 40 and not verdict.unanswered and not verdict.lost

    eventually(settled, "something is lost")
    verdict = judge(database, "whatsapp", list(api.references))
    database.close()
    assert verdict.is_good(), verdict


def test_nothing_of_the_person_stands_open(service: RunningService, api: WhatsAppApi) -> None:
    ana = Phone(service, api, "15205550777")
    ana.send(text(ana.number, "me llamo Zenaida y detuvieron a mi esposo", external="wamid.HBgLMTUyMDU1NTA3Nzc"))
    eventually(lambda: ana.screen, "no answer came")
    ana.send({"id": "wamid.odd", "type": "text", "from": ana.number})
    os.kill(service.pids()[0], signal.SIGKILL)
    ana.says("Zenaida otra vez")

    everything = service.output.read_bytes() + b"".join(p.read_bytes() for p in service.data_dir.rglob("*") if p.is_file())
    for secret in (b"15205550777", b"HBgLMTUyMDU1NTA3Nzc", b"wamid", b"Zenaida", whatsapp.TOKEN.encode(), whatsapp.SECRET.encode()):
        assert secret not in everything, secret
