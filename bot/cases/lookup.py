"""What the assistant may look up about cases while it answers: the wait, and how a case stands."""

from __future__ import annotations

import time
from typing import Protocol

from bot.cases import queue, resume
from bot.cases.queue import Wait
from bot.cases.resume import Known
from bot.cases.steps import Refused
from bot.store.crypto import Keys
from bot.store.database import Database


class Lookup(Protocol):
    """Asked by bot/conversation.py before anything is written."""

    def wait(self, level: int | None, consulate: str | None) -> Wait:
        """How long a case opened now will wait."""
        ...

    def own(self, conversation_id: str) -> Known | None:
        """The conversation's newest case."""
        ...

    def by_code(self, number: str, code: str) -> Known | None:
        """The case of that number, where the code is right.

        Raises:
            Refused: "locked" after too many wrong codes.
        """
        ...


class StoreLookup:
    """The same, from the store."""

    def __init__(self, database: Database, keys: Keys, away: float) -> None:
        self._database, self._keys, self._away = database, keys, away

    def wait(self, level: int | None, consulate: str | None) -> Wait:
        with self._database.read() as c:
            return queue.expected_wait(c, time.time(), level, consulate, self._away)

    def own(self, conversation_id: str) -> Known | None:
        with self._database.read() as c:
            return resume.newest_of(c, conversation_id)

    def by_code(self, number: str, code: str) -> Known | None:
        with self._database.write() as c:  # a wrong code counts
            return resume.find_by_code(c, self._keys, number, code, time.time())


__all__ = ["Known", "Lookup", "Refused", "StoreLookup", "Wait"]
