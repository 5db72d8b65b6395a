"""A desk with officers, and a person who has a case."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import Connection, insert, select, update

from bot.cases import desk, queue
from bot.cases.queue import CaseDetail
from bot.store import inbox
from bot.store.claims import NewCase
from bot.store.crypto import Keys
from bot.store.database import Database
from bot.store.inbox import Outgoing
from bot.store.schema import due, officer
from tests.conftest import Chat

ALL = queue.Scope("nobody", "administrator", None)


class Office:
    """Officers, and what they do to cases, each in a transaction of its own."""

    def __init__(self, database: Database, keys: Keys) -> None:
        self.database, self.keys = database, keys
        self.now = time.time()

    def officer(self, name: str, consulates: str | None = None, seen_at: float | None = None) -> str:
        with self.database.write() as c:
            c.execute(
                insert(officer).values(
                    id=name,
                    email_hash=self.keys.hash(name, "email"),
                    profile=self.keys.seal({"name": name}, f"officer:{name}"),
                    role="officer",
                    consulates=consulates,
                    created_at=self.now,
                    seen_at=seen_at,
                )
            )
        return name

    def opens(self, chat: Chat, level: int = 2, at: float | None = None, **fields: Any) -> str:
        """A case of that chat; its id."""
        case_id = secrets.token_hex(16)
        number = "".join(secrets.choice("ABCDEFGH") for _ in range(4)) + f"-{secrets.randbelow(10_000):04d}"
        opened = NewCase(fields.pop("topic", "detention_report"), level, fields.pop("summary", "detuvieron a mi hermano"), **fields)
        assert self.does(lambda c: desk.open_case(c, self.keys, chat.id, case_id, number, opened, "es", "web", at or self.now))
        return case_id

    def does(self, step: Callable[[Connection], Any]) -> Any:
        with self.database.write() as c:
            return step(c)

    def claims(self, case_id: str, who: str, at: float | None = None, notice: str | None = None) -> None:
        self.does(lambda c: desk.claim(c, self.keys, case_id, who, at or self.now, Outgoing(notice) if notice else None))

    def replies(self, case_id: str, who: str, text: str = "estoy con usted", at: float | None = None) -> int:
        return int(self.does(lambda c: desk.reply(c, self.keys, case_id, who, text, at or self.now)))

    def resolves(self, case_id: str, who: str, outcome: str = "detention", at: float | None = None, **more: Any) -> None:
        self.does(lambda c: desk.resolve(c, self.keys, case_id, who, outcome, None, at or self.now, **more))

    def transfers(self, case_id: str, who: str, to: desk.Target, note: str = "mira", notice: str | None = None) -> None:
        told = Outgoing(notice) if notice else None
        self.does(lambda c: desk.transfer(c, self.keys, case_id, who, to, note, self.now, told))

    def declines(self, case_id: str, who: str) -> None:
        self.does(lambda c: desk.decline(c, self.keys, case_id, who, self.now))

    def types(self, case_id: str, who: str, kind: desk.DraftKind, text: str) -> None:
        self.does(lambda c: desk.save_draft(c, self.keys, case_id, who, kind, text, self.now))

    def gives_back(self, case_id: str, who: str | None, notice: str | None = None) -> None:
        self.does(lambda c: desk.give_back(c, self.keys, case_id, who, self.now, Outgoing(notice) if notice else None))

    def hears_of(self, chat: Chat, level: int = 2, at: float | None = None) -> None:
        self.does(lambda c: desk.person_wrote(c, self.keys, chat.id, level, at or self.now))

    def sees(self, case_id: str) -> CaseDetail:
        with self.database.read() as c:
            found = queue.one(c, self.keys, case_id)
        assert found is not None
        return found

    def history(self, case_id: str) -> list[str]:
        with self.database.read() as c:
            return [event.kind for event in queue.history(c, self.keys, case_id)]

    def lists(self, scope: queue.Scope = ALL, **filters: Any) -> list[str]:
        with self.database.read() as c:
            return [row.id for row in queue.waiting_list(c, self.keys, scope, queue.Filters(**filters))]

    def timers(self, case_id: str) -> list[str]:
        with self.database.read() as c:
            return sorted(c.execute(select(due.c.kind).where(due.c.case_id == case_id)).scalars())

    def was_seen(self, who: str, at: float) -> None:
        self.does(lambda c: c.execute(update(officer).where(officer.c.id == who).values(seen_at=at)))


@pytest.fixture
def office(database: Database, keys: Keys) -> Office:
    office = Office(database, keys)
    for name in ("ana", "luis"):
        office.officer(name)
    return office


def transcript(chat: Chat) -> list[tuple[str, str]]:
    """(author, text) of everything in a conversation."""
    with chat.database.read() as c:
        rows = inbox.transcript(c, chat.id, 0)
    return [(row["author"], chat.keys.open(row["body"], f"message:{chat.id}")["text"]) for row in rows]
