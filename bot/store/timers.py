"""Timers as rows: whatever is to happen later stands in `due`, so that it survives every restart.

A row is deleted in the transaction of its effect (`done`), or moved (`move`); two runners never bring about one effect twice.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from sqlalchemy import ColumnElement, Connection, delete, insert, select, update

from bot.store.schema import due


@dataclass(frozen=True)
class Due:
    """A timer that has run out."""

    id: int
    kind: str
    conversation_id: str | None
    case_id: str | None
    at: float


def schedule(c: Connection, kind: str, at: float, conversation_id: str | None = None, case_id: str | None = None) -> None:
    """Let something happen at a time (seconds since 1970, UTC)."""
    c.execute(insert(due).values(kind=kind, at=at, conversation_id=conversation_id, case_id=case_id))


def ensure(c: Connection, kind: str, at: float, conversation_id: str | None = None, case_id: str | None = None) -> None:
    """As `schedule`, but where that timer stands already it stays as it is."""
    if c.execute(select(due.c.id).where(*_same(kind, conversation_id, case_id)).limit(1)).first() is None:
        schedule(c, kind, at, conversation_id, case_id)


def cancel(c: Connection, kind: str, conversation_id: str | None = None, case_id: str | None = None) -> int:
    """Drop the timers of that kind that stand for this conversation or case; how many there were."""
    return c.execute(delete(due).where(*_same(kind, conversation_id, case_id))).rowcount


def _same(kind: str, conversation_id: str | None, case_id: str | None) -> list[ColumnElement[bool]]:
    return [due.c.kind == kind, due.c.conversation_id.is_not_distinct_from(conversation_id), due.c.case_id.is_not_distinct_from(case_id)]


def due_now(c: Connection, now: float, kinds: Collection[str], limit: int = 100) -> list[Due]:
    """The timers of these kinds that have run out, the oldest first."""
    rows = c.execute(select(due).where(due.c.at <= now, due.c.kind.in_(kinds)).order_by(due.c.at, due.c.id).limit(limit))
    return [Due(**row) for row in rows.mappings()]


def done(c: Connection, timer_id: int) -> bool:
    """Delete the row, in the transaction of its effect; False where somebody else did, or it was cancelled: then nothing may happen."""
    return bool(c.execute(delete(due).where(due.c.id == timer_id)).rowcount)


def move(c: Connection, timer: Due, at: float) -> bool:
    """Set the timer to another time; False where it is no longer as it was read: then somebody else has it in hand."""
    return bool(c.execute(update(due).where(due.c.id == timer.id, due.c.at == timer.at).values(at=at)).rowcount)


def postpone(c: Connection, timer_id: int, at: float) -> None:
    """Set the timer to another time, whatever it was set to."""
    c.execute(update(due).where(due.c.id == timer_id).values(at=at))
