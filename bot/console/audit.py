"""Who did and saw what. Entries are written with the act itself, hold pseudonyms only, and stand: the database refuses changes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from sqlalchemy import Connection, insert, select

from bot.store.schema import audit

SUBJECT, DETAIL = 64, 200
"""Characters that an entry's columns hold."""


@dataclass(frozen=True)
class Entry:
    """One line of the log.

    Attributes:
        officer_id: None where nobody was signed in.
        subject: a case's number, an officer's id, a content reference.
    """

    id: int
    at: float
    officer_id: str | None
    action: str
    subject: str | None
    detail: str | None


def record(c: Connection, officer_id: str | None, action: str, subject: str | None, detail: str | None, now: float) -> None:
    """Note an act, in the transaction of the act; `detail` never holds what a person wrote."""
    c.execute(
        insert(audit).values(at=now, officer_id=officer_id, action=action, subject=_line(subject, SUBJECT), detail=_line(detail, DETAIL))
    )


def _line(text: str | None, longest: int) -> str | None:
    """One printable line: nothing that is noted can look like another entry."""
    return "".join(sign if sign.isprintable() else " " for sign in text)[:longest] if text else None


def entries(
    c: Connection,
    officer_id: str | None = None,
    action: str | None = None,
    subject: str | None = None,
    before: int | None = None,
    limit: int | None = 100,
) -> Iterator[Entry]:
    """The newest entries first.

    Args:
        before: only entries older than the one of this id.
        limit: None: all.
    """
    wanted = select(audit).order_by(audit.c.id.desc())
    for column, value in ((audit.c.officer_id, officer_id), (audit.c.action, action), (audit.c.subject, subject)):
        if value:
            wanted = wanted.where(column == value)
    if before is not None:
        wanted = wanted.where(audit.c.id < before)
    for row in c.execute(wanted.limit(limit) if limit else wanted):
        yield Entry(*row)


def actions(c: Connection) -> list[str]:
    """Every kind of act that was noted."""
    return sorted(c.scalars(select(audit.c.action).distinct()))
