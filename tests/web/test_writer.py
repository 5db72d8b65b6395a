from __future__ import annotations

import asyncio

import pytest
from sqlalchemy import Connection, insert
from sqlalchemy.exc import IntegrityError

from bot.store.crypto import Keys
from bot.store.database import Database
from bot.store.schema import erasure
from bot.web.writer import Writer


def test_one_bad_wish_fails_alone(database: Database, keys: Keys) -> None:
    writer = Writer(database)

    def note(name: str) -> object:
        return lambda c: c.execute(insert(erasure).values(conversation_hash=keys.hash(name, "x"), at=1.0)).rowcount

    def broken(c: Connection) -> None:
        note("a lost one")(c)  # type: ignore[operator]
        raise ValueError

    async def all_at_once() -> list[object]:
        wishes = [note("a"), broken, note("b"), note("a"), note("c")]
        return await asyncio.gather(*(writer.write(w) for w in wishes), return_exceptions=True)  # type: ignore[arg-type]

    results = asyncio.run(all_at_once())
    writer.close()

    assert [type(r) for r in results] == [int, ValueError, int, IntegrityError, int]
    with database.read() as c:
        kept = {row.conversation_hash for row in c.execute(erasure.select())}
    assert kept == {keys.hash(n, "x") for n in "abc"}


def test_what_was_granted_is_on_disk(database: Database, keys: Keys) -> None:
    writer = Writer(database)
    asyncio.run(writer.write(lambda c: c.execute(insert(erasure).values(conversation_hash=keys.hash("a", "x"), at=1.0))))

    other = Database(database.url.render_as_string())
    with other.read() as c:
        assert len(c.execute(erasure.select()).all()) == 1
    other.close()
    writer.close()


def test_a_failing_transaction_fails_everybody_in_it(database: Database) -> None:
    def refuse(waiting: bool) -> None:
        if waiting:
            raise OSError("no disk")

    writer = Writer(database, refuse)
    with pytest.raises(OSError, match="no disk"):
        asyncio.run(writer.write(lambda c: 1))
    writer.close()
