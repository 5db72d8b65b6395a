"""Withdrawals and corrections of content, as officers make them.

A withdrawal acts at once; its correction speaks once a second person has confirmed it; lifting brings back what the files say.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row, insert, select, update

from bot.knowledge.overlay import Change, Kind
from bot.store.database import Database
from bot.store.schema import withdrawal

REASON, CORRECTION = 400, 1200
"""Characters that the columns hold."""


class Refused(Exception):
    """A step that is refused; `code` says why: "gone", "own" (a second person confirms), "reason", "too_long"."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


@dataclass(frozen=True)
class Withdrawal:
    """One line of the list.

    Attributes:
        at: when it began.
        confirmed_by: the second person; None: nobody yet, and a correction waits.
        lifted_at: when it ended; None: it stands.
    """

    id: int
    kind: Kind
    ref: str
    correction: Mapping[str, Any] | None
    reason: str
    officer_id: str
    at: float
    confirmed_by: str | None
    lifted_at: float | None

    @property
    def change(self) -> Change:
        """What it does to the content now."""
        return Change(self.kind, self.ref, self.correction if self.confirmed_by else None)


def _opened(row: Row[Any]) -> Withdrawal:
    correction = json.loads(row.correction) if row.correction else None
    return Withdrawal(row.id, row.kind, row.ref, correction, row.reason, row.officer_id, row.at, row.confirmed_by, row.lifted_at)


def standing(c: Connection) -> list[Withdrawal]:
    """Those that act now, in the order in which they were made."""
    return [_opened(row) for row in c.execute(select(withdrawal).where(withdrawal.c.lifted_at.is_(None)).order_by(withdrawal.c.id))]


def lifted(c: Connection, limit: int = 50) -> list[Withdrawal]:
    """Those that ended, the newest first."""
    wanted = select(withdrawal).where(withdrawal.c.lifted_at.is_not(None)).order_by(withdrawal.c.lifted_at.desc()).limit(limit)
    return [_opened(row) for row in c.execute(wanted)]


def find(c: Connection, withdrawal_id: int) -> Withdrawal | None:
    row = c.execute(select(withdrawal).where(withdrawal.c.id == withdrawal_id)).first()
    return _opened(row) if row else None


def standing_changes(database: Database) -> list[Change]:
    """What is to be laid over the content now."""
    with database.read() as c:
        return [found.change for found in standing(c)]


def withdraw(c: Connection, kind: Kind, ref: str, correction: Mapping[str, Any] | None, reason: str, officer_id: str, now: float) -> int:
    """Withdraw a part of the content; its id. One that stood on the same part ends.

    Args:
        correction: checked by `bot.knowledge.overlay.faults` before.

    Raises:
        Refused: no reason, or something is too long.
    """
    written = json.dumps(correction, ensure_ascii=False) if correction is not None else None
    if not reason.strip():
        raise Refused("reason")
    if len(reason) > REASON or (written is not None and len(written) > CORRECTION):
        raise Refused("too_long")
    same = (withdrawal.c.kind == kind, withdrawal.c.ref == ref, withdrawal.c.lifted_at.is_(None))
    c.execute(update(withdrawal).where(*same).values(lifted_at=now))
    values = {"kind": kind, "ref": ref, "correction": written, "reason": reason.strip(), "officer_id": officer_id, "at": now}
    key = c.execute(insert(withdrawal).values(**values)).inserted_primary_key
    assert key is not None
    return int(key[0])


def confirm(c: Connection, withdrawal_id: int, officer_id: str) -> None:
    """A second person has read it; from now on its correction speaks.

    Raises:
        Refused: it is one's own, or it stands no more, or was confirmed.
    """
    found = find(c, withdrawal_id)
    if found is None or found.lifted_at is not None or found.confirmed_by is not None:
        raise Refused("gone")
    if found.officer_id == officer_id:
        raise Refused("own")
    c.execute(update(withdrawal).where(withdrawal.c.id == withdrawal_id).values(confirmed_by=officer_id))


def lift(c: Connection, withdrawal_id: int, now: float) -> None:
    """What the files say is said again.

    Raises:
        Refused: it stands no more.
    """
    where = (withdrawal.c.id == withdrawal_id, withdrawal.c.lifted_at.is_(None))
    if not c.execute(update(withdrawal).where(*where).values(lifted_at=now)).rowcount:
        raise Refused("gone")
