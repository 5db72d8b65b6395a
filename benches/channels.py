"""Conversations on WhatsApp and Telegram against stand-ins that fail one call in ten: is anything lost, doubled or swapped?

    python -m benches.channels [--people 1000] [--channel whatsapp|telegram]

The service runs as `make run` starts it, on a throw-away folder; webhook calls come doubled now and then, as the real ones do.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import sys
import tempfile
import time
from abc import ABC, abstractmethod
from pathlib import Path

import httpx

from bot.store.database import Database
from tests.channels.heard_by_telegram import references
from tests.channels.judge import Verdict, judge
from tests.channels.standins import whatsapp
from tests.channels.standins.telegram import MESSAGES, TelegramStandIn
from tests.channels.standins.whatsapp import Fault, WhatsAppApi
from tests.e2e.running import RunningService

FAILING = 0.1
"""Share of calls that go wrong."""
DOUBLED = 0.05
"""Share of webhook calls that come twice."""
SAID = ["hola buenas tardes", "quiero sacar mi pasaporte", "¿cuánto cuesta?", "vivo en Houston, ¿cuál es mi consulado?"]
AT_ONCE = 40
"""Webhook calls under way at the same time."""
PATIENCE = 1800.0
FIRST_CHAT = 700000001


class Side(ABC):
    """One channel: its stand-in, and how people write there."""

    name: str

    @abstractmethod
    def settings(self) -> dict[str, str]:
        """Of the service."""

    @abstractmethod
    async def write(self, client: httpx.AsyncClient, url: str, person: int, words: str) -> None:
        """A person says something; done when it is acknowledged."""

    @abstractmethod
    def verdict(self, database: Database) -> Verdict:
        """How it stands now."""

    @abstractmethod
    def calls(self) -> int:
        """Calls that the stand-in got, accepted or not."""

    @abstractmethod
    def begin(self, url: str) -> None:
        """The service runs at this address."""

    @abstractmethod
    def stop(self) -> None:
        """No more is to come."""


class WhatsAppSide(Side):
    name = "whatsapp"

    def __init__(self, seed: int) -> None:
        self.api = WhatsAppApi()
        self._random = random.Random(seed)
        self.api.chance = self._fault
        self._faults = [
            Fault(code=131000, status=500),
            Fault(code=130429, status=429),
            Fault(code=131056),
            Fault(status=503),
            Fault(close=True),
            Fault(accept=True, close=True),
            Fault(accept=True, delay=3.0),
        ]

    def _fault(self) -> Fault | None:
        return self._random.choice(self._faults) if self._random.random() < FAILING else None

    def settings(self) -> dict[str, str]:
        return {**whatsapp.settings(self.api), "WHATSAPP_RECONCILE_SECONDS": "5"}

    def begin(self, url: str) -> None:
        self.api.webhook, self.api.states = f"{url}/webhooks/whatsapp", ("sent", "delivered")

    async def write(self, client: httpx.AsyncClient, url: str, person: int, words: str) -> None:
        body = json.dumps(whatsapp.envelope([whatsapp.text(f"1520{person:07d}", words)])).encode()
        times = 2 if self._random.random() < DOUBLED else 1
        while times:
            answer = await client.post(f"{url}/webhooks/whatsapp", content=body, headers=whatsapp.signed(body))
            times -= answer.status_code == 200

    def verdict(self, database: Database) -> Verdict:
        return judge(database, self.name, list(self.api.references))

    def calls(self) -> int:
        return self.api.calls

    def stop(self) -> None:
        self.api.stop()


class TelegramSide(Side):
    """By polling; a call carries no reference there, so what was heard is told by its content and place."""

    name = "telegram"

    def __init__(self, seed: int) -> None:
        self.api = TelegramStandIn(seed=seed, failing=FAILING)
        self.api.__enter__()
        self._random = random.Random(seed)

    def settings(self) -> dict[str, str]:
        return {"TELEGRAM_TOKEN": self.api.token, "TELEGRAM_API_URL": self.api.url}

    def begin(self, url: str) -> None:
        pass

    async def write(self, client: httpx.AsyncClient, url: str, person: int, words: str) -> None:
        update = self.api.update(message=self.api.message(FIRST_CHAT + person, text=words))
        times = 2 if self._random.random() < DOUBLED else 1
        await asyncio.to_thread(self.api.push, *[update] * times)

    def verdict(self, database: Database) -> Verdict:
        return judge(database, self.name, references(database, self.api))

    def calls(self) -> int:
        return sum(method in MESSAGES for method, _ in list(self.api.calls))

    def stop(self) -> None:
        self.api.__exit__()


SIDES: dict[str, type[WhatsAppSide] | type[TelegramSide]] = {"whatsapp": WhatsAppSide, "telegram": TelegramSide}


async def _talk(side: Side, url: str, people: int) -> None:
    """Everybody says all of it, one thing after another; many at the same time."""
    free = asyncio.Semaphore(AT_ONCE)
    async with httpx.AsyncClient(timeout=60, trust_env=False) as client:

        async def person(number: int) -> None:
            for words in SAID:
                async with free:
                    await side.write(client, url, number, words)
                await asyncio.sleep(0.5)

        await asyncio.gather(*(person(number) for number in range(people)))


def run(side: Side, people: int, folder: Path) -> tuple[Verdict, float]:
    """All conversations of one channel; what became of them, and the seconds until the last answer had arrived."""
    service = RunningService(folder, CHANNEL_SECONDS="2", **side.settings()).start()
    database = Database(f"sqlite:///{service.data_dir / 'db' / 'orienta.db'}")
    try:
        side.begin(service.url)
        began = time.monotonic()
        asyncio.run(_talk(side, service.url, people))
        print(f"{side.name}: {people * len(SAID)} messages acknowledged after {time.monotonic() - began:.0f} s", file=sys.stderr)
        while True:
            verdict = side.verdict(database)
            passed = time.monotonic() - began
            if (verdict.received == people * len(SAID) and not verdict.unanswered and not verdict.lost) or passed > PATIENCE:
                return verdict, passed
            time.sleep(2)
    finally:
        database.close()
        service.stop()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--people", type=int, default=1000)
    parser.add_argument("--channel", choices=sorted(SIDES))
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    print("| channel | conversations | received | sent | calls | unanswered | lost | doubled | swapped | repeated, marked | seconds |")
    print("|---|---|---|---|---|---|---|---|---|---|---|")
    good = True
    for name in [given.channel] if given.channel else SIDES:
        side = SIDES[name](given.seed)
        with tempfile.TemporaryDirectory() as folder:
            found, seconds = run(side, given.people, Path(folder))
        figures = [found.conversations, found.received, found.sent, side.calls(), found.unanswered, sum(found.lost.values())]
        figures += [found.doubled, found.swapped, found.repeated, round(seconds)]
        print(f"| {name} | {' | '.join(map(str, figures))} |", flush=True)
        side.stop()
        good = good and found.is_good()
    sys.exit(0 if good else 1)


if __name__ == "__main__":
    main()
