"""The outbox of every channel but the web, whose transcript is the delivery.

No channel's send can be repeated safely, so a call has five outcomes and each is a stored state:

    pending ─► sending ─► sent ─► delivered ─► read      what the channel tells later only ever raises it
                  │  └──► failed                          settled: the conversation goes on without it
                  ├─────► pending (not before …)          certainly not sent: tried again
                  ├─────► unknown                         perhaps sent: waited for, then repeated and marked doubtful
                  └─────► held                            the channel's window is closed: until the person writes

`sending` is committed before the call, so that what a killed process had in its hands is unknown and not forgotten.
A reference, "delivery.part.parts", goes along with each call; a channel that returns it tells which call it speaks of.
"""

from __future__ import annotations

import uuid
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Connection, and_, case, delete, exists, func, insert, literal_column, or_, select, update

from bot.knowledge.schema import Language
from bot.store.crypto import Keys
from bot.store.schema import conversation, delivery, message

STALE_SECONDS = 24 * 3600.0
"""An answer that could not be sent for so long is of no use any more; what an officer wrote stays."""
OVERTAKES_SECONDS = 2.0
"""How long a level 1 message waits for what stands before it."""
DANGER_RECONCILE = 5.0
"""A level 1 message with an unknown outcome is repeated after this at the latest: twice is better than not at all."""
WINDOW_MARGIN = 60.0
"""Seconds before the channel's window closes in which we no longer rely on it."""
WINDOWS = {"whatsapp": 24 * 3600.0}
"""Channels that let us write freely only for so many seconds after the person's last message."""
UNKNOWN_LIMIT = 6
"""Calls of one part after which an unknown outcome is left as it is: `failed` with the code `unknown`."""
OFFICER = 2
"""The priority of what an officer wrote."""
_OPEN = ("pending", "sending", "unknown")
_RANK = {"sent": 1, "delivered": 2, "read": 3}


def priority(author: str, level: int | None, interim: bool) -> int:
    """Whose message goes first: 1 danger, 2 officer, 3 assistant, 4 notice."""
    if author == "agent":
        return OFFICER
    if interim or level == 1:
        return 1
    return 4 if author == "system" else 3


def enqueue(c: Connection, conversation_id: str, first_seq: int, count: int, rank: int, now: float) -> None:
    """Put messages that were just stored into the outbox; nothing on the web.

    While something is held for the person, what follows is held with it: it would not arrive before.
    """
    channel = c.execute(select(conversation.c.channel).where(conversation.c.id == conversation_id)).scalar()
    if channel in (None, "web"):
        return
    held = c.execute(select(delivery.c.id).where(delivery.c.conversation_id == conversation_id, delivery.c.state == "held").limit(1))
    state = "pending" if held.first() is None else "held"
    for seq in range(first_seq, first_seq + count):
        _insert(c, conversation_id, seq, "message", rank, state, now)


def _insert(c: Connection, conversation_id: str, seq: int, kind: str, rank: int, state: str, now: float) -> None:
    c.execute(
        insert(delivery).values(
            id=uuid.uuid4().hex,
            conversation_id=conversation_id,
            seq=seq,
            kind=kind,
            priority=rank,
            state=state,
            not_before=now,
            created_at=now,
        )
    )


# --- what the sender does ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Due:
    """A delivery whose turn has come.

    Attributes:
        parts_done: calls of this message that were accepted; the next one is to be made.
        attempts: calls of this part that came to nothing.
        unknowns: calls of this part whose outcome nobody could tell.
        unknown: what became of its last call is not known.
        inbound_at: when the person last wrote.
    """

    id: str
    conversation: str
    seq: int
    kind: str
    priority: int
    parts_done: int
    attempts: int
    unknowns: int
    unknown: bool
    language: Language
    inbound_at: float | None


def _is(states: Sequence[str]) -> ColumnElement[bool]:
    """Literal states: SQLite uses the partial index only where it sees the very values."""
    return delivery.c.state.in_([literal_column(f"'{state}'") for state in states])


def _of(channel: str) -> ColumnElement[bool]:
    """Of this channel; looked up row by row, so that a few open deliveries are read and not every conversation."""
    whose = conversation.alias()
    return select(whose.c.channel).where(whose.c.id == delivery.c.conversation_id).scalar_subquery() == channel


def ready(c: Connection, channel: str, now: float, busy: Collection[str], order_seconds: float, limit: int) -> list[Due]:
    """Deliveries to start now: the most urgent and oldest first, in order within each conversation.

    Args:
        busy: ids of deliveries that are in somebody's hands already.
        order_seconds: how long a message that was accepted may still be overtaken on its way, so that the next one waits
            for its arrival; 0 where the channel keeps the order.
    """
    earlier = delivery.alias()
    open_before = or_(
        earlier.c.state.in_(_OPEN),
        and_(earlier.c.state == "sent", earlier.c.started_at > now - order_seconds),
    )
    overtaken = and_(
        delivery.c.priority == 1,
        delivery.c.created_at <= now - OVERTAKES_SECONDS,
        or_(earlier.c.priority > 1, earlier.c.state != "pending"),
    )
    must_wait = exists().where(
        earlier.c.conversation_id == delivery.c.conversation_id,
        earlier.c.seq > 0,
        earlier.c.seq < delivery.c.seq,
        open_before,
        ~overtaken,
    )
    rows = c.execute(
        select(
            delivery.c.id,
            delivery.c.conversation_id,
            delivery.c.seq,
            delivery.c.kind,
            delivery.c.priority,
            delivery.c.parts_done,
            delivery.c.attempts,
            delivery.c.unknowns,
            (delivery.c.state == "unknown").label("unknown"),
            conversation.c.language,
            conversation.c.inbound_at,
        )
        .join(conversation, conversation.c.id == delivery.c.conversation_id)
        .where(
            _is(_OPEN),
            delivery.c.state != "sending",
            delivery.c.not_before <= now,
            _of(channel),
            ~must_wait,
        )
        .order_by(delivery.c.priority, delivery.c.created_at, delivery.c.seq)
        .limit(limit + len(busy))
    )
    return [Due(*row) for row in rows if row.id not in busy][:limit]


def begin(c: Connection, due: Due, now: float) -> bool:
    """The call is about to be made; False where the delivery is gone or somebody settled it meanwhile."""
    values: dict[str, Any] = {"state": "sending", "started_at": now}
    if due.unknown:
        values["doubtful"] = True
    state = "unknown" if due.unknown else "pending"
    return bool(c.execute(update(delivery).where(delivery.c.id == due.id, delivery.c.state == state).values(**values)).rowcount)


def wait_until(c: Connection, due: Due, not_before: float) -> None:
    """Nothing was tried: the person's limit is reached until then."""
    c.execute(update(delivery).where(delivery.c.id == due.id, delivery.c.state != "sending").values(not_before=not_before))


def accepted(c: Connection, keys: Keys, due: Due, channel: str, external_id: str, parts: int, now: float, order_seconds: float) -> None:
    """The channel took a call; its states may have come before this."""
    hashed = keys.hash(external_id, f"message:{channel}")
    done = due.parts_done + 1
    waits = min(order_seconds, OVERTAKES_SECONDS) if due.priority == 1 else order_seconds
    values = {"state": "sent"} if done >= parts else {"state": "pending", "not_before": now + waits}
    ours = and_(delivery.c.id == due.id, delivery.c.parts_done == due.parts_done, delivery.c.state.in_(("sending", "unknown")))
    settled = c.execute(
        update(delivery).where(ours).values(external_hash=hashed, parts_done=done, attempts=0, unknowns=0, error=None, **values)
    )
    if not settled.rowcount:
        c.execute(update(delivery).where(delivery.c.id == due.id, delivery.c.parts_done == done).values(external_hash=hashed))


def postpone(c: Connection, due: Due, state: str, not_before: float, code: str, *, counts: bool, doubtful: bool = False) -> None:
    """The call came to nothing (`pending`) or to nothing known (`unknown`): again from `not_before` on."""
    values: dict[str, Any] = {"state": state, "not_before": not_before, "error": code[:32]}
    if counts:
        values["attempts"] = delivery.c.attempts + 1
    if state == "unknown":
        values["unknowns"] = delivery.c.unknowns + 1
    if doubtful:
        values["doubtful"] = True
    c.execute(update(delivery).where(delivery.c.id == due.id, delivery.c.state == "sending").values(**values))


def fail(c: Connection, due: Due, code: str, *, unreachable: bool = False) -> None:
    """The call is settled and came to nothing; with `unreachable` that goes for everything to this person."""
    c.execute(
        update(delivery)
        .where(delivery.c.id == due.id, delivery.c.state.in_(("pending", "sending")))
        .values(state="failed", error=code[:32])
    )
    if unreachable:
        c.execute(update(conversation).where(conversation.c.id == due.conversation).values(unreachable=code[:32]))
        others = and_(delivery.c.conversation_id == due.conversation, delivery.c.state.in_(("pending", "held")))
        c.execute(update(delivery).where(others).values(state="failed", error=code[:32]))


def hold(c: Connection, conversation_id: str, seq: int, code: str, now: float) -> None:
    """The window is closed: this message and what follows wait for the person; one template asks them to write."""
    following = and_(
        delivery.c.conversation_id == conversation_id,
        delivery.c.kind == "message",
        or_(
            and_(delivery.c.seq == seq, delivery.c.state.in_((*_OPEN, "sent"))),
            and_(delivery.c.seq > seq, delivery.c.state == "pending"),
        ),
    )
    c.execute(update(delivery).where(following).values(state="held", error=code[:32]))
    wrote = select(func.coalesce(conversation.c.inbound_at, 0.0)).where(conversation.c.id == conversation_id).scalar_subquery()
    asked = select(delivery.c.id).where(
        delivery.c.conversation_id == conversation_id,
        delivery.c.kind == "template",
        delivery.c.state != "failed",
        delivery.c.created_at >= wrote,  # one that the person has answered since asks nothing any more
    )
    if c.execute(asked.limit(1)).first() is None:
        _insert(c, conversation_id, 0, "template", OFFICER, "pending", now)


def release(c: Connection, conversation_id: str, now: float) -> int:
    """The person wrote: what was held goes out, in order; how many messages that are."""
    of_theirs = delivery.c.conversation_id == conversation_id
    waits = select(delivery.c.id).where(of_theirs, or_(delivery.c.kind == "template", delivery.c.state == "held"))
    if c.execute(waits.limit(1)).first() is None:
        return 0
    c.execute(delete(delivery).where(of_theirs, delivery.c.kind == "template", delivery.c.state != "sending"))
    held = and_(of_theirs, delivery.c.state == "held")
    return int(c.execute(update(delivery).where(held).values(state="pending", not_before=now, error=None, attempts=0, unknowns=0)).rowcount)


def recover(c: Connection, channel: str, busy: Collection[str], now: float, reconcile_seconds: float) -> int:
    """A new sender begins: what the former one left in `sending` is unknown. Only under the lease; `busy` is in its own hands."""
    left = and_(_is(_OPEN), delivery.c.state == "sending", delivery.c.id.not_in(busy), _of(channel))
    wait = case((delivery.c.priority == 1, min(reconcile_seconds, DANGER_RECONCILE)), else_=reconcile_seconds)
    values = {"state": "unknown", "not_before": now + wait, "error": "killed", "unknowns": delivery.c.unknowns + 1}
    return int(c.execute(update(delivery).where(left).values(**values)).rowcount)


def give_up_stale(c: Connection, channel: str, now: float) -> int:
    """End what nobody needs any more: an answer of yesterday would only confuse."""
    old = and_(
        _is(_OPEN),
        delivery.c.state != "sending",
        delivery.c.created_at < now - STALE_SECONDS,
        delivery.c.priority != OFFICER,
        _of(channel),
    )
    return int(c.execute(update(delivery).where(old).values(state="failed", error="stale")).rowcount)


def next_due(c: Connection, channel: str, now: float) -> float | None:
    """When something that waits now becomes due; None where nothing does."""
    later = select(func.min(delivery.c.not_before)).where(
        _is(_OPEN), delivery.c.state != "sending", delivery.c.not_before > now, _of(channel)
    )
    found = c.execute(later).scalar()
    return None if found is None else float(found)


# --- what the channel tells later --------------------------------------------------------------------------------------------


def reference(due: Due, parts: int) -> str:
    """What goes along with a call: the delivery, the number of the call and how many there are."""
    return f"{due.id}.{due.parts_done}.{parts}"


@dataclass(frozen=True)
class Report:
    """What a channel tells of a call afterwards.

    Attributes:
        reference: what went along with the call, where the channel returns it.
        external_id: the channel's id of the message.
        state: sent, delivered, read or failed.
        outcome: of a failure: what is to be done ("failed", "held", "retry"); the channel's table knows.
        code: of a failure: the channel's code.
    """

    reference: str | None
    external_id: str
    state: str
    outcome: str = "failed"
    code: str | None = None


def apply(c: Connection, keys: Keys, channel: str, report: Report, now: float) -> bool:
    """Take down what the channel tells; reports come doubled, late and out of order. False where it is of no message of ours."""
    found = _find(c, keys, channel, report)
    if found is None:
        return False
    row, part, parts = found
    if report.state == "failed":
        _apply_failure(c, row, part, report, now)
    elif report.state in _RANK:
        _apply_progress(c, row, part, parts, report.state, now)
    return True


def _find(c: Connection, keys: Keys, channel: str, report: Report) -> tuple[Any, int, int] | None:
    columns = select(delivery.c.id, delivery.c.conversation_id, delivery.c.seq, delivery.c.kind, delivery.c.state, delivery.c.parts_done)
    delivery_id, _, numbers = (report.reference or "").partition(".")
    part, _, parts = numbers.partition(".")
    if part.isdecimal() and parts.isdecimal():
        row = c.execute(columns.where(delivery.c.id == delivery_id)).first()
        return (row, int(part), int(parts)) if row else None
    hashed = keys.hash(report.external_id, f"message:{channel}")
    row = c.execute(columns.where(delivery.c.external_hash == hashed)).first()
    return (row, row.parts_done - 1, row.parts_done) if row else None


def _apply_progress(c: Connection, row: Any, part: int, parts: int, state: str, now: float) -> None:
    this = delivery.c.id == row.id
    last = part + 1 >= parts
    if row.parts_done == part and row.state in ("sending", "unknown", "pending"):  # it tells before the call has, or instead of it
        values: dict[str, Any] = {"state": state} if last else {"state": "pending", "not_before": now}
        c.execute(update(delivery).where(this).values(parts_done=part + 1, attempts=0, unknowns=0, error=None, **values))
    elif last and _RANK[state] > _RANK.get(row.state, 0 if row.state == "failed" else 9):
        c.execute(update(delivery).where(this).values(state=state, error=None))
    elif not last and row.state == "pending" and row.parts_done == part + 1 and state != "sent":
        c.execute(update(delivery).where(this, delivery.c.error.is_(None)).values(not_before=now))  # it arrived: the next part may go


def _apply_failure(c: Connection, row: Any, part: int, report: Report, now: float) -> None:
    settled_else = row.state in ("delivered", "read", "failed", "held") or row.parts_done > part + 1
    if settled_else or (row.state == "pending" and row.parts_done == part):  # it goes again already
        return
    code = (report.code or "?")[:32]
    if report.outcome == "held" and row.kind == "message":
        c.execute(update(delivery).where(delivery.c.id == row.id).values(parts_done=part))
        hold(c, row.conversation_id, row.seq, code, now)
        return
    if report.outcome == "retry":
        again = {"state": "pending", "parts_done": part, "attempts": delivery.c.attempts + 1, "error": code}
        c.execute(
            update(delivery)
            .where(delivery.c.id == row.id, delivery.c.attempts < UNKNOWN_LIMIT)
            .values(not_before=now + backoff(1), **again)
        )
        return
    c.execute(update(delivery).where(delivery.c.id == row.id).values(state="failed", error=code))


def backoff(attempts: int, longest: float = 900.0) -> float:
    """Seconds before the next try: 1, 4, 16, 64, … ."""
    return float(min(4.0 ** min(attempts, 10), longest))


# --- what others see ---------------------------------------------------------------------------------------------------------


def counts(c: Connection) -> dict[tuple[str, str], int]:
    """How many deliveries are in each state, by (channel, state)."""
    rows = c.execute(
        select(conversation.c.channel, delivery.c.state, func.count())
        .join(conversation, conversation.c.id == delivery.c.conversation_id)
        .group_by(conversation.c.channel, delivery.c.state)
    )
    return {(channel, state): count for channel, state, count in rows}


def window(c: Connection, conversation_id: str) -> float | None:
    """When the person can no longer be written to freely, in seconds since 1970; None where that is always possible.

    After it, what an officer writes is held until the person writes or taps the template that asks them to.
    """
    row = c.execute(select(conversation.c.channel, conversation.c.inbound_at).where(conversation.c.id == conversation_id)).first()
    return window_closes(WINDOWS.get(row.channel), row.inbound_at) if row else None


def window_closes(seconds: float | None, inbound_at: float | None) -> float | None:
    """The same of a channel's window and the person's last message."""
    return None if seconds is None else (inbound_at or 0.0) + seconds - WINDOW_MARGIN


@dataclass(frozen=True)
class Shown:
    """How far a message got, for the officer who reads the conversation."""

    state: str
    error: str | None
    doubtful: bool


def shown(c: Connection, conversation_id: str) -> dict[int, Shown]:
    """How far each message of a conversation got, by its seq; nothing on the web."""
    rows = c.execute(
        select(delivery.c.seq, delivery.c.state, delivery.c.error, delivery.c.doubtful).where(
            delivery.c.conversation_id == conversation_id, delivery.c.kind == "message"
        )
    )
    return {row.seq: Shown(row.state, row.error, row.doubtful) for row in rows}


def letter(c: Connection, keys: Keys, due: Due) -> dict[str, Any] | None:
    """The stored message that a delivery carries: its body with topic, author and language; None where it is gone."""
    row = c.execute(
        select(message.c.body, message.c.topic, message.c.author, message.c.language).where(
            message.c.conversation_id == due.conversation, message.c.seq == due.seq
        )
    ).first()
    if row is None:
        return None
    body: dict[str, Any] = keys.open(row.body, f"message:{due.conversation}")
    return {**body, "topic": row.topic, "author": row.author, "language": row.language or due.language}
