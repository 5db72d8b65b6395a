"""Sessions of officers' browsers: a random token in a cookie, its hash here."""

from __future__ import annotations

import secrets
from dataclasses import dataclass

from sqlalchemy import Connection, delete, insert, select, update

from bot.console.accounts import Officer, opened
from bot.store.crypto import Keys
from bot.store.schema import console_session, officer

IDLE = 1800.0
"""Seconds without a request of the officer's own after which a session ends."""
LONGEST = 43_200.0
"""Seconds after which it ends whatever happens."""
TOUCH = 20.0
"""Between two notes that a session is in use."""


@dataclass(frozen=True)
class Session:
    """One browser that is signed in.

    Attributes:
        id: names it on the page of one's own sessions; opens nothing.
        confirmed_at: the last proof of who it is; some acts want a fresh one.
    """

    id: str
    csrf: str
    created_at: float
    seen_at: float
    confirmed_at: float

    @property
    def until(self) -> float:
        """When it ends if nothing more is asked."""
        return min(self.seen_at + IDLE, self.ends)

    @property
    def ends(self) -> float:
        """When it ends whatever happens."""
        return self.created_at + LONGEST


def _hash(keys: Keys, token: str) -> bytes:
    return keys.hash(token, "console_session")


def begin(c: Connection, keys: Keys, officer_id: str, now: float, proved_at: float) -> str:
    """A new session; its token. `proved_at`: when the officer last proved who they are. Old ones of everybody that have ended go."""
    token = secrets.token_urlsafe(32)
    c.execute(delete(console_session).where((console_session.c.seen_at < now - IDLE) | (console_session.c.created_at < now - LONGEST)))
    c.execute(
        insert(console_session).values(
            token_hash=_hash(keys, token),
            officer_id=officer_id,
            csrf=secrets.token_urlsafe(24),
            created_at=now,
            seen_at=now,
            confirmed_at=proved_at,
        )
    )
    c.execute(update(officer).where(officer.c.id == officer_id).values(seen_at=now))
    return token


def find(c: Connection, keys: Keys, token: str, now: float) -> tuple[Officer, Session] | None:
    """Whose session it is; None where it has ended or the account is disabled."""
    wanted = console_session.c.token_hash == _hash(keys, token)
    row = c.execute(select(console_session).where(wanted)).first()
    if row is None:
        return None
    session = _opened(row)
    account = c.execute(select(officer).where(officer.c.id == row.officer_id)).first()
    if session.until <= now or account is None or account.disabled_at is not None:
        return None
    return opened(keys, account), session


def _opened(row: object) -> Session:
    return Session(row.token_hash.hex()[:24], row.csrf, row.created_at, row.seen_at, row.confirmed_at)  # type: ignore[attr-defined]


def touch(c: Connection, keys: Keys, token: str, now: float) -> None:
    """The officer did something."""
    c.execute(update(console_session).where(console_session.c.token_hash == _hash(keys, token)).values(seen_at=now))


def confirm(c: Connection, keys: Keys, token: str, now: float) -> None:
    """The officer has proved anew who they are."""
    where = console_session.c.token_hash == _hash(keys, token)
    c.execute(update(console_session).where(where).values(seen_at=now, confirmed_at=now))


def of_officer(c: Connection, officer_id: str, now: float) -> list[Session]:
    """An officer's sessions that live, the newest first."""
    rows = c.execute(select(console_session).where(console_session.c.officer_id == officer_id).order_by(console_session.c.seen_at.desc()))
    return [found for found in map(_opened, rows) if found.until > now]


def end(c: Connection, keys: Keys, token: str) -> None:
    c.execute(delete(console_session).where(console_session.c.token_hash == _hash(keys, token)))


def end_one(c: Connection, officer_id: str, session_id: str) -> bool:
    """End one of an officer's own sessions, by the id that their page shows."""
    rows = c.execute(select(console_session.c.token_hash).where(console_session.c.officer_id == officer_id))
    hashes = [row.token_hash for row in rows if row.token_hash.hex()[:24] == session_id]
    if not hashes:
        return False
    c.execute(delete(console_session).where(console_session.c.token_hash.in_(hashes)))
    return True


def end_others(c: Connection, keys: Keys, officer_id: str, token: str | None) -> None:
    """End all sessions of an officer but the one of this token."""
    wanted = console_session.c.officer_id == officer_id
    if token is not None:
        wanted &= console_session.c.token_hash != _hash(keys, token)
    c.execute(delete(console_session).where(wanted))
