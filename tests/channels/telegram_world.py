"""The web process's part of the service with Telegram connected to its stand-in, for tests that hand it updates and look into the store."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from bot.channels.telegram.receiver import Receiver
from bot.knowledge.live import LiveContent
from bot.settings import ROOT, Settings
from bot.store import claims
from bot.store.inbox import Outgoing
from bot.store.schema import conversation, message
from bot.web.service import Service
from tests.channels.standins.telegram import TOKEN, TelegramStandIn

ANA, BETO, GROUP = 700000001, 700000002, -1001234
PATIENCE = 30.0


@pytest.fixture
def api() -> Iterator[TelegramStandIn]:
    with TelegramStandIn() as api:
        yield api


class Web:
    """The web process's part of the service, with Telegram connected; nobody answers unless the test does."""

    def __init__(self, service: Service, receiver: Receiver, api: TelegramStandIn) -> None:
        self.service, self.receiver, self.api = service, receiver, api

    async def take(self, *updates: Any) -> None:
        for one in updates:
            await self.receiver.take(one)

    async def says(self, chat: int, text: str, **more: Any) -> dict[str, Any]:
        said = self.api.update(message=self.api.message(chat, text=text, **more))
        await self.take(said)
        return said

    def rows(self) -> list[dict[str, Any]]:
        """Everything people said, in order of storage: the row with its opened body."""
        with self.service.database.read() as c:
            found = c.execute(select(message).where(message.c.author == "user").order_by(message.c.at, message.c.seq)).mappings().all()
        return [{**row, **self.service.keys.open(row["body"], f"message:{row['conversation_id']}")} for row in found]

    def one(self) -> dict[str, Any]:
        (row,) = self.rows()
        return row

    def texts(self) -> list[str]:
        return [row["text"] for row in self.rows()]

    def conversations(self) -> list[Any]:
        with self.service.database.read() as c:
            return list(c.execute(select(conversation)))

    async def answer(self, *texts: str, **more: Any) -> None:
        """Answer the oldest message as a worker would."""
        its = self.service

        def commit(c: Any) -> None:
            held = claims.claim(c, its.keys, "w", time.time(), 0.0)
            assert held is not None
            answers = [Outgoing(text, **more) for text in texts]
            turn = claims.Turn("es", False, 0, "es", 3, "documents", None, answers, {"slots": {}, "loop": None})
            claims.commit(c, its.keys, held, turn, "w", time.time(), 0.0)

        await its.writer.write(commit)

    async def eventually(self, what: Callable[[], Any]) -> Any:
        async def look() -> Any:
            while not (found := what()):
                await asyncio.sleep(0.01)
            return found

        return await asyncio.wait_for(look(), PATIENCE)


Doing = Callable[[Web], Awaitable[None]]


LIVE = LiveContent(ROOT / "data", None)


@pytest.fixture
def web(tmp_path: Path, api: TelegramStandIn, monkeypatch: pytest.MonkeyPatch) -> Callable[[Doing], None]:
    """Runs a test's coroutine beside the service."""
    monkeypatch.setattr("bot.web.service.LiveContent", lambda *_: LIVE)  # read once for all tests

    @asynccontextmanager
    async def connected() -> AsyncIterator[Web]:
        settings = Settings(data_dir=tmp_path, telegram_token=TOKEN, telegram_api_url=api.url, channel_seconds=5.0)
        service = Service(settings)
        service.database.migrate()
        receiver = Receiver(service)
        async with service.running():
            yield Web(service, receiver, api)

    def run(doing: Doing) -> None:
        async def main() -> None:
            async with connected() as it:
                await doing(it)

        asyncio.run(main())

    return run


Run = Callable[[Doing], None]
