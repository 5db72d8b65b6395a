"""The web process with WhatsApp connected to the stand-in, driven by HTTP; nobody answers unless the test does."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import httpx
from sqlalchemy import delete, select, update

from bot.settings import Settings
from bot.store import inbox
from bot.store.crypto import Keys
from bot.store.database import Database
from bot.store.inbox import Outgoing
from bot.store.schema import conversation, delivery, message, unread
from tests.channels.standins import whatsapp
from tests.channels.standins.whatsapp import WhatsAppApi
from tests.channels.web_process import WebProcess

PATIENCE = 30.0
ANA, BEN = "15205550123", "15205550124"


class World:
    """Attributes:
    api: the stand-in.
    http: calls of the service's own port.
    """

    def __init__(self, folder: Path, api: WhatsAppApi, **settings: Any) -> None:
        self.api = api
        common = {name.lower(): value for name, value in whatsapp.settings(api).items()}
        quick = {"whatsapp_reconcile_seconds": 0.3, "channel_seconds": 0.5, "interim_seconds": 600.0}
        self.settings = Settings(data_dir=folder, **{**common, **quick, **settings})
        self.database = Database(self.settings.database)
        self.start()

    def start(self) -> None:
        self.web = WebProcess(self.settings)
        self.http, self.app = self.web.http, self.web.app
        self.keys: Keys = self.app.state.service.keys
        # nobody thinks here: an interim answer would stand between what the test says
        self.app.state.service.beats.any_worker_alive = lambda: True

    def clear(self) -> None:
        """As if nobody had ever written."""
        with self.database.write() as c:
            c.execute(delete(conversation))
            c.execute(delete(unread))
        self.api.clear()

    def close(self) -> None:
        self.web.stop()
        self.database.close()

    # --- what comes in -------------------------------------------------------------------------------------------------

    def post(self, body: bytes, headers: dict[str, str]) -> httpx.Response:
        return self.http.post("/webhooks/whatsapp", content=body, headers=headers)

    def brings(self, *messages: dict[str, Any], **more: Any) -> httpx.Response:
        """A rightly signed call."""
        body = json.dumps(whatsapp.envelope(messages, **more)).encode()
        answer = self.post(body, whatsapp.signed(body))
        assert answer.status_code == 200, answer.text
        return answer

    def said(self) -> list[dict[str, Any]]:
        """Everything people said, in order: the row with its opened body."""
        with self.database.read() as c:
            rows = c.execute(select(message).where(message.c.author == "user").order_by(message.c.at, message.c.seq)).mappings().all()
        return [{**row, **self.keys.open(row["body"], f"message:{row['conversation_id']}")} for row in rows]

    def texts(self) -> list[str]:
        return [row["text"] for row in self.said()]

    def conversations(self) -> list[Any]:
        with self.database.read() as c:
            return list(c.execute(select(conversation).order_by(conversation.c.created_at)))

    def unread(self) -> list[Any]:
        with self.database.read() as c:
            return list(c.execute(select(unread)))

    # --- what goes out -------------------------------------------------------------------------------------------------

    def person(self, number: str = ANA) -> str:
        """Somebody who wrote just now and is with an officer, so that nothing but the test answers; the conversation's id."""
        self.brings(whatsapp.text(number, "hola"))
        found = str(self.said()[-1]["conversation_id"])
        with self.database.write() as c:
            c.execute(update(conversation).where(conversation.c.id == found).values(holder="human"))
        return found

    def say(self, conversation_id: str, *texts: str, author: str = "agent", **more: Any) -> None:
        with self.database.write() as c:
            first = inbox.next_seq(c, conversation_id, len(texts))
            assert first is not None
            answers = [Outgoing(text, **more) for text in texts]
            inbox.insert_outgoing(c, self.keys, conversation_id, first, answers, time.time(), author=author, language="es")

    def deliveries(self, conversation_id: str) -> list[Any]:
        with self.database.read() as c:
            return list(c.execute(select(delivery).where(delivery.c.conversation_id == conversation_id).order_by(delivery.c.seq)))

    def states(self, conversation_id: str) -> list[str]:
        return [f"{d.state}{'?' if d.doubtful else ''}{f' {d.error}' if d.error else ''}" for d in self.deliveries(conversation_id)]

    def run(self, doing: Coroutine[Any, Any, Any]) -> Any:
        """Run something inside the web process's loop."""
        return asyncio.run_coroutine_threadsafe(doing, self.web.loop).result(PATIENCE)

    def until(self, what: Callable[[], Any]) -> Any:
        end = time.monotonic() + PATIENCE
        while not (found := what()):
            assert time.monotonic() < end, "it did not come about"
            time.sleep(0.02)
        return found
