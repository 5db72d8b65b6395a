"""How a person is found again: a code that opens the case's state, and a number to call back."""

from __future__ import annotations

import re
import secrets
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, select, update

from bot.cases import steps
from bot.cases.states import OPEN, State
from bot.cases.steps import Refused
from bot.store.crypto import Keys
from bot.store.schema import case

TRIES = 5
"""Wrong codes in a row; after that only a new code opens the case."""
_SIGNS = "ABCDEFGHJKLMNPQRTUVWXY346789"  # none that is read as another
_LENGTH = 8  # 38 bits: five tries are no chance


@dataclass(frozen=True)
class Known:
    """What somebody who has number and code may be told of a case."""

    case_id: str
    conversation: str
    number: str
    state: State
    topic: str | None
    opened_at: float
    waiting_since: float | None


def new_code() -> str:
    """A fresh code as it is shown: "K7QM-3XPD"."""
    signs = "".join(secrets.choice(_SIGNS) for _ in range(_LENGTH))
    return f"{signs[:4]}-{signs[4:]}"


def resume_code(c: Connection, keys: Keys, case_id: str, code: str, now: float) -> None:
    """Let this code (of `new_code`) open the case; a former one opens it no more, and its tries are forgotten.

    Raises:
        Refused: "gone".
    """
    row = steps.read(c, case_id)
    steps.change(c, row, resume_hash=_hash(keys, row.id, code), resume_tries=0)
    steps.record(c, keys, case_id, "resume_code", now)


def find_by_code(c: Connection, keys: Keys, number: str, code: str, now: float) -> Known | None:
    """The case of that number, where the code is right. Needs a writing transaction: a wrong code counts.

    Raises:
        Refused: "locked" after `TRIES` wrong codes.
    """
    row = c.execute(select(case).where(case.c.number == as_number(number)).with_for_update()).first()
    if row is None or row.resume_hash is None:
        return None
    if row.resume_tries >= TRIES:
        raise Refused("locked")
    if not secrets.compare_digest(_hash(keys, row.id, code), row.resume_hash):
        c.execute(update(case).where(case.c.id == row.id).values(resume_tries=case.c.resume_tries + 1))
        if row.resume_tries + 1 == TRIES:
            steps.record(c, keys, row.id, "code_locked", now)
        return None
    c.execute(update(case).where(case.c.id == row.id).values(resume_tries=0))
    return Known(row.id, row.conversation_id, row.number, row.state, row.topic, row.opened_at, row.waiting_since)


def set_callback(c: Connection, keys: Keys, case_id: str, callback: dict[str, Any] | None, now: float) -> None:
    """Where to call back: {"number" (E.164), "when", "message": whether one may be left}; None: nowhere.

    Raises:
        Refused: "gone".
    """
    row = steps.read(c, case_id)
    steps.change(c, row, callback=keys.seal(callback, f"callback:{row.conversation_id}") if callback else None)
    steps.record(c, keys, case_id, "callback", now, detail=None if callback else {"removed": True})


def open_case_of(c: Connection, conversation_id: str) -> str | None:
    """The newest case of a conversation that is still open."""
    return _newest(c, conversation_id, list(OPEN))


def current_number_of(c: Connection, conversation_id: str) -> str | None:
    """The number of the case that what the person says now goes to: the open one, or the resolved one that it reopens."""
    known = open_case_of(c, conversation_id) or resolved_case_of(c, conversation_id)
    return c.execute(select(case.c.number).where(case.c.id == known)).scalar() if known else None


def newest_of(c: Connection, conversation_id: str) -> Known | None:
    """A conversation's newest case, in any state."""
    row = c.execute(select(case).where(case.c.conversation_id == conversation_id).order_by(case.c.opened_at.desc()).limit(1)).first()
    return Known(row.id, row.conversation_id, row.number, row.state, row.topic, row.opened_at, row.waiting_since) if row else None


def case_to_rate(c: Connection, conversation_id: str) -> str | None:
    """The case that a tap on "how did it go" is about: the one resolved last."""
    return c.execute(
        select(case.c.id)
        .where(case.c.conversation_id == conversation_id, case.c.resolved_at.is_not(None))
        .order_by(case.c.resolved_at.desc())
        .limit(1)
    ).scalar()


def resolved_case_of(c: Connection, conversation_id: str) -> str | None:
    """The newest case of a conversation that a new message of the person reopens."""
    return _newest(c, conversation_id, ["resolved"])


def _newest(c: Connection, conversation_id: str, states: list[State]) -> str | None:
    mine = (case.c.conversation_id == conversation_id) & case.c.state.in_(states)
    return c.execute(select(case.c.id).where(mine).order_by(case.c.opened_at.desc()).limit(1)).scalar()


def as_number(given: str) -> str:
    """A case's number as it is stored, however it was typed: "abcd 1234" is ABCD-1234."""
    signs = re.sub(r"[^A-Z0-9]", "", given.upper())
    return f"{signs[:4]}-{signs[4:]}" if len(signs) == 8 else signs


def _hash(keys: Keys, case_id: str, code: str) -> bytes:
    return keys.hash(re.sub(r"[^A-Z0-9]", "", code.upper()), f"resume:{case_id}")
