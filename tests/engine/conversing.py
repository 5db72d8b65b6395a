"""A conversation with the real understanding and the real rules, turn by turn, without a running service."""

from __future__ import annotations

import asyncio
import secrets
import time
from functools import cache
from pathlib import Path

from bot import conversation
from bot.cases.lookup import StoreLookup
from bot.conversation import Raw
from bot.engine.agent import Engine
from bot.engine.train import MODEL
from bot.knowledge.live import LiveContent, content, serve
from bot.knowledge.schema import Language
from bot.places.resolve import DEFAULT_PATH
from bot.settings import MODELS, ROOT
from bot.store import claims, inbox
from bot.store.claims import Turn
from bot.store.crypto import Keys
from bot.store.database import Database


@cache
def engine() -> Engine:
    """The trained model; loaded once for all tests of a process."""
    return Engine.load(MODELS / MODEL, live().current.safety)


@cache
def live() -> LiveContent:
    return LiveContent(ROOT / "data", DEFAULT_PATH)


class Talk:
    """One person and the assistant."""

    def __init__(self, folder: Path, language: Language = "es") -> None:
        serve(live())
        self.keys = Keys.from_file(folder / "keys.json")
        self.database = Database(f"sqlite:///{folder / 'talk.db'}")
        self.database.migrate()
        self.turns: list[Turn] = []
        with self.database.write() as c:
            self.id = inbox.open_session(c, self.keys, secrets.token_hex(), language, time.time(), decided=True)
        self.language: Language = language

    def says(self, text: str) -> Turn:
        return self._send(Raw(secrets.token_hex(8), text))

    def presses(self, title: str) -> Turn:
        """Press the newest button of that title."""
        buttons = [b for turn in self.turns for out in turn.answers for b in out.buttons if b["title"] == title]
        assert buttons, f"no button {title}"
        return self._send(Raw(secrets.token_hex(8), payload=buttons[-1]["payload"]))

    def _send(self, raw: Raw) -> Turn:
        with self.database.write() as c:
            conversation.receive(c, self.keys, content().safety, self.id, self.language, raw, time.time())
            held = claims.claim(c, self.keys, "w", time.time(), 60)
        assert held is not None
        turn = asyncio.run(conversation.answer(held, engine(), content(), self.keys, StoreLookup(self.database, self.keys, 600)))
        with self.database.write() as c:
            assert conversation.commit(c, self.keys, held, turn, "w", 60) is None
        self.language = turn.language
        self.turns.append(turn)
        return turn

    @property
    def heard(self) -> str:
        """The texts of the last answer."""
        return "\n".join(out.text for out in self.turns[-1].answers)

    @property
    def titles(self) -> list[str]:
        return [b["title"] for out in self.turns[-1].answers for b in out.buttons]

    @property
    def asked(self) -> str | None:
        """The form's pending question."""
        last = self.turns[-1].state
        return str(last["slots"]["requested_slot"]) if last["loop"] else None
