"""What officers see of the cases: the queue, one case, its history, search, and the wait that people are told. Only reads."""

from __future__ import annotations

import math
import statistics
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, Select, or_, select
from sqlalchemy import case as when

from bot.cases import blind, resume, roster
from bot.cases.states import OPEN, State
from bot.store import files
from bot.store.crypto import Keys
from bot.store.schema import case, case_event, conversation, draft

RECENT = 50
"""Claims from which the expected wait is told."""
ENOUGH = 5
"""With fewer there is no honest figure."""


@dataclass(frozen=True)
class Scope:
    """What one officer may see: the cases of their consulates, those of none, and their own.

    Attributes:
        consulates: None: all.
    """

    officer_id: str
    role: str
    consulates: Collection[str] | None

    def where(self) -> ColumnElement[bool]:
        """The condition on `cases`."""
        if self.consulates is None:
            return case.c.id.is_not(None)
        mine = or_(case.c.officer_id == self.officer_id, case.c.offered_to == self.officer_id)
        return or_(case.c.consulate.is_(None), case.c.consulate.in_(self.consulates), mine)


@dataclass(frozen=True)
class Filters:
    """What of it is asked for; None: everything."""

    states: Collection[State] | None = None
    mine: bool = False
    unassigned: bool = False
    consulate: str | None = None
    team: str | None = None
    topic: str | None = None
    level: int | None = None
    language: str | None = None
    interpreter: bool = False
    channel: str | None = None
    limit: int = 100
    offset: int = 0


@dataclass(frozen=True)
class CaseRow:
    """One case as a list shows it; the columns of `cases`, opened."""

    id: str
    number: str
    conversation: str
    topic: str | None
    level: int
    language: str
    channel: str
    summary: str
    state: State
    version: int
    incomplete: bool
    consulate: str | None
    interpreter: str | None
    officer_id: str | None
    offered_to: str | None
    team: str | None
    opened_at: float
    waiting_since: float | None
    claimed_at: float | None
    replied_at: float | None
    resolved_at: float | None
    closed_at: float | None
    escalated_at: float | None
    outcome: str | None
    rating: int | None


@dataclass(frozen=True)
class CaseDetail(CaseRow):
    """One case with all that an officer needs to act.

    Attributes:
        spoken: the conversation's language now.
        callback: {"number", "when", "message"}.
        inbound_at: the person's last message, for the channel's window.
        unreachable: why nothing can be sent; None where it can.
    """

    intake: dict[str, Any] = field(default_factory=dict)
    callback: dict[str, Any] | None = None
    spoken: str = "es"
    inbound_at: float | None = None
    unreachable: str | None = None
    stopped_at: float | None = None


@dataclass(frozen=True)
class Event:
    """One line of a case's history."""

    at: float
    kind: str
    officer_id: str | None
    detail: dict[str, Any]


@dataclass(frozen=True)
class Wait:
    """What a person can be told about the wait.

    Attributes:
        ahead: cases in the queue that are as urgent or more.
        minutes: the median of recent waits; None where there are too few to tell.
        opens_at: when somebody is on duty next; None where somebody is, or nobody knows.
    """

    on_duty: bool
    ahead: int
    minutes: int | None
    opens_at: float | None


_ORDER = when({1: 0, 2: 1, 3: 2}, value=case.c.level, else_=3)


def waiting_list(c: Connection, keys: Keys, scope: Scope, filters: Filters | None = None) -> list[CaseRow]:
    """Open cases: the most urgent first, of these the longest without a word from us."""
    filters = filters or Filters()
    open_ones = _filtered(scope, filters).where(case.c.state.in_(filters.states or OPEN))
    ordered = open_ones.order_by(_ORDER, case.c.waiting_since.is_(None), case.c.waiting_since, case.c.opened_at, case.c.id)
    return _rows(c, keys, ordered, filters)


def search(c: Connection, keys: Keys, scope: Scope, text: str, filters: Filters | None = None) -> list[CaseRow]:
    """Cases of any state, the newest first: by number, exact name or telephone, and by the filters."""
    filters = filters or Filters()
    found = _filtered(scope, filters)
    if filters.states:
        found = found.where(case.c.state.in_(filters.states))
    if text.strip():
        hashes = [(case.c.name_hash, blind.name(keys, text)), (case.c.phone_hash, blind.phone(keys, text))]
        found = found.where(or_(case.c.number == resume.as_number(text), *(column == value for column, value in hashes if value)))
    return _rows(c, keys, found.order_by(case.c.opened_at.desc(), case.c.id), filters)


def alerts(c: Connection, keys: Keys, scope: Scope) -> list[CaseRow]:
    """Cases in danger that have waited too long and that nobody has yet."""
    late = select(case).where(scope.where(), case.c.escalated_at.is_not(None), case.c.state.in_(("waiting", "assigned")))
    return _rows(c, keys, late.order_by(case.c.escalated_at), Filters())


def one(c: Connection, keys: Keys, case_id: str, scope: Scope | None = None) -> CaseDetail | None:
    """A case; None where it is gone, or outside the scope."""
    wanted = (
        select(
            case,
            conversation.c.language.label("spoken"),
            conversation.c.inbound_at,
            conversation.c.unreachable,
            conversation.c.stopped_at,
        )
        .join(conversation, conversation.c.id == case.c.conversation_id)
        .where(case.c.id == case_id)
    )
    row = c.execute(wanted if scope is None else wanted.where(scope.where())).first()
    if row is None:
        return None
    here = row.conversation_id
    return CaseDetail(
        **_columns(keys, row),
        intake=keys.open(row.intake, f"intake:{here}") if row.intake else {},
        callback=keys.open(row.callback, f"callback:{here}") if row.callback else None,
        spoken=row.spoken,
        inbound_at=row.inbound_at,
        unreachable=row.unreachable,
        stopped_at=row.stopped_at,
    )


def by_number(c: Connection, number: str) -> str | None:
    """The id of the case of that number."""
    return c.execute(select(case.c.id).where(case.c.number == resume.as_number(number))).scalar()


def of_conversation(c: Connection, keys: Keys, conversation_id: str) -> list[CaseRow]:
    """All cases of one conversation, the newest first."""
    return _rows(c, keys, select(case).where(case.c.conversation_id == conversation_id).order_by(case.c.opened_at.desc()), Filters())


def history(c: Connection, keys: Keys, case_id: str) -> list[Event]:
    """Every change of a case, in order."""
    rows = c.execute(select(case_event).where(case_event.c.case_id == case_id).order_by(case_event.c.id))
    return [
        Event(row.at, row.kind, row.officer_id, keys.open(row.body, f"case_event:{case_id}") if row.body is not None else {})
        for row in rows
    ]


def drafting(c: Connection, case_id: str, since: float) -> list[str]:
    """Ids of the officers who have typed at this case since then."""
    rows = c.execute(select(draft.c.officer_id).where(draft.c.case_id == case_id, draft.c.at >= since).distinct())
    return sorted(row.officer_id for row in rows)


def file(c: Connection, keys: Keys, scope: Scope, file_id: str) -> files.Found | None:
    """A file of a conversation that has a case within the scope; None for any other."""
    found = files.find(c, keys, file_id)
    if found is None:
        return None
    seen = c.execute(select(case.c.id).where(case.c.conversation_id == found.conversation, scope.where()).limit(1)).first()
    return found if seen else None


def expected_wait(
    c: Connection, now: float, level: int | None = None, consulate: str | None = None, away: float = roster.AWAY_SECONDS
) -> Wait:
    """How long a case that is opened now will wait, told from the queue as it is.

    Args:
        level: of the case; None: any.
        away: as in `roster.on_duty`.
    """
    duty = bool(roster.on_duty(c, now, consulate, away))
    waiting = c.execute(select(case.c.level).where(case.c.state == "waiting")).scalars()
    as_urgent = [1] if level == 1 else [1, 2] if level == 2 else [1, 2, 3, 0]
    recent = select(case.c.opened_at, case.c.claimed_at).where(case.c.claimed_at.is_not(None))
    if level is not None:
        recent = recent.where(case.c.level == level)
    waits = [row.claimed_at - row.opened_at for row in c.execute(recent.order_by(case.c.claimed_at.desc()).limit(RECENT))]
    return Wait(
        on_duty=duty,
        ahead=sum(other in as_urgent for other in waiting),
        minutes=math.ceil(statistics.median(waits) / 60) if duty and len(waits) >= ENOUGH else None,
        opens_at=None if duty else roster.opens_at(c, now, consulate),
    )


def _filtered(scope: Scope, filters: Filters) -> Select[Any]:
    wanted = select(case).where(scope.where())
    exact = {
        case.c.consulate: filters.consulate,
        case.c.team: filters.team,
        case.c.topic: filters.topic,
        case.c.level: filters.level,
        case.c.language: filters.language,
        case.c.channel: filters.channel,
    }
    wanted = wanted.where(*(column == value for column, value in exact.items() if value is not None))
    if filters.mine:
        wanted = wanted.where(or_(case.c.officer_id == scope.officer_id, case.c.offered_to == scope.officer_id))
    if filters.unassigned:
        wanted = wanted.where(case.c.officer_id.is_(None), case.c.offered_to.is_(None))
    if filters.interpreter:
        wanted = wanted.where(case.c.interpreter.is_not(None))
    return wanted


def _rows(c: Connection, keys: Keys, wanted: Select[Any], filters: Filters) -> list[CaseRow]:
    rows: Iterable[Row[Any]] = c.execute(wanted.limit(filters.limit).offset(filters.offset))
    return [CaseRow(**_columns(keys, row)) for row in rows]


_SAME = [name for name in CaseRow.__dataclass_fields__ if name not in ("conversation", "summary")]


def _columns(keys: Keys, row: Row[Any]) -> dict[str, Any]:
    same = {name: getattr(row, name) for name in _SAME}
    return {**same, "conversation": row.conversation_id, "summary": keys.open(row.summary, f"case:{row.conversation_id}")}
