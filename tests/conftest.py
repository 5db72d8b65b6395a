"""What all tests share: keys, a migrated database, a conversation in it."""

from __future__ import annotations

import secrets
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from bot.store import inbox
from bot.store.crypto import Keys
from bot.store.database import Database
from bot.store.inbox import Incoming


@pytest.fixture
def keys(tmp_path: Path) -> Keys:
    return Keys.from_file(tmp_path / "keys" / "keys.json")


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    database = Database(f"sqlite:///{tmp_path / 'db' / 'test.db'}")
    database.migrate()
    yield database
    database.close()


class Chat:
    """One conversation in the store, written to as web does."""

    def __init__(self, database: Database, keys: Keys) -> None:
        self.database, self.keys = database, keys
        self.token = secrets.token_hex()
        with database.write() as c:
            self.id = inbox.open_session(c, keys, self.token, "es", time.time(), decided=True)

    def says(self, text: str, id: str | None = None, level: int = 0) -> str:  # noqa: A002 (the contract's name)
        message_id = id or secrets.token_hex(8)
        with self.database.write() as c:
            assert inbox.add_message(c, self.keys, self.id, Incoming(message_id, text, "es", level), time.time())
        return message_id

    def hears(self) -> list[tuple[str, str]]:
        """(in_reply_to, text) of everything that was answered, in order."""
        with self.database.read() as c:
            rows = inbox.transcript(c, self.id, 0)
        return [(r["in_reply_to"], self.keys.open(r["body"], f"message:{self.id}")["text"]) for r in rows if r["author"] != "user"]


@pytest.fixture
def chat(database: Database, keys: Keys) -> Chat:
    return Chat(database, keys)
