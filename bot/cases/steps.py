"""How a case changes: one conditional step of bot/cases/states.py, what always goes with it, and the line in its history."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

from sqlalchemy import Connection, Row, insert, select, update

from bot.cases.states import DONE, HELD, STEPS, State, Step
from bot.store import holder, timers
from bot.store.crypto import Keys
from bot.store.inbox import Outgoing, insert_outgoing, next_seq
from bot.store.schema import case, case_event, conversation, message, officer, owed, tracker

Code = Literal["gone", "taken", "stale", "not_yours", "wrong_state", "empty", "too_long", "locked"]


class Refused(Exception):
    """The step cannot be taken; `code` says why and holds nothing else."""

    def __init__(self, code: Code) -> None:
        super().__init__(code)
        self.code: Code = code


class Taken(Refused):
    """Somebody else has the case: `officer` (an id) says who."""

    def __init__(self, officer: str) -> None:
        super().__init__("taken")
        self.officer = officer


def record(
    c: Connection,
    keys: Keys,
    case_id: str,
    kind: str,
    now: float,
    officer_id: str | None = None,
    detail: dict[str, Any] | None = None,
) -> None:
    """Write one line of a case's history."""
    body = keys.seal(detail, f"case_event:{case_id}") if detail else None
    c.execute(insert(case_event).values(case_id=case_id, at=now, officer_id=officer_id, kind=kind, body=body))


def read(c: Connection, case_id: str, version: int | None = None) -> Row[Any]:
    """The case as it is, locked until the transaction ends.

    Args:
        version: as the caller has seen it; None: whatever it is.

    Raises:
        Refused: "gone", "stale".
    """
    row = c.execute(select(case).where(case.c.id == case_id).with_for_update()).first()
    if row is None:
        raise Refused("gone")
    if version is not None and row.version != version:
        raise Refused("stale")
    return row


def own(row: Row[Any], officer_id: str, supervising: bool = False) -> None:
    """Only who has the case may go on, or a supervisor where that is said.

    Raises:
        Refused: "wrong_state" where nobody has it, "not_yours".
    """
    if row.state in DONE or row.state == "waiting":
        raise Refused("wrong_state")
    if row.officer_id != officer_id and not supervising:
        raise Refused("not_yours")


def take(c: Connection, row: Row[Any], step: Step, to: State | None = None, **values: Any) -> None:
    """Take a step of the table from the state as it was read.

    Raises:
        Refused: "wrong_state" where the table has no such step, "stale" where somebody changed the case meanwhile.
    """
    targets = STEPS[step].get(row.state, ())
    target = to or (targets[0] if targets else None)
    if target not in targets:
        raise Refused("wrong_state")
    change(c, row, state=target, **values)


def change(c: Connection, row: Row[Any], **values: Any) -> None:
    """Change a case on condition that it still is as it was read."""
    same = (case.c.id == row.id) & (case.c.version == row.version)
    if not c.execute(update(case).where(same).values(version=row.version + 1, **values)).rowcount:
        raise Refused("stale")


def turn(row: Row[Any]) -> State:
    """Whose turn it is while an officer has the case."""
    return "for_person" if row.waiting_since is None else "with_person"


def begin(
    c: Connection, keys: Keys, case_id: str, conversation_id: str, officer_id: str, kind: str, now: float, notice: Outgoing | None
) -> None:
    """An officer has a case from now on, and its conversation; `kind` is how that came."""
    holder.take_over(c, conversation_id)
    c.execute(update(officer).where(officer.c.id == officer_id).values(seen_at=now))
    stop_timers(c, case_id)
    timers.schedule(c, "officer_away", now, case_id=case_id)
    if notice is not None:
        say(c, keys, conversation_id, [notice], now, "system")
    record(c, keys, case_id, kind, now, officer_id)


def to_queue(c: Connection, keys: Keys, row: Row[Any], step: Step, now: float, notice: Outgoing | None, **values: Any) -> None:
    """Nobody has the case any more: it waits. The person gets the notice where an officer had the conversation."""
    since = now if row.waiting_since is None else row.waiting_since
    take(c, row, step, officer_id=None, offered_to=None, waiting_since=since, escalated_at=None, **values)
    stop_timers(c, row.id)
    if free(c, keys, row, now) and notice is not None:
        say(c, keys, row.conversation_id, [notice], now, "system")
    watch_wait(c, row.id, row.level, now)


def free(c: Connection, keys: Keys, row: Row[Any], now: float) -> bool:
    """Give the conversation back to the assistant, unless an officer has it for another case.

    What was said meanwhile is never answered late, and no form goes on by surprise.
    """
    others = select(case.c.id).where(
        case.c.conversation_id == row.conversation_id, case.c.id != row.id, case.c.state.in_(HELD), case.c.officer_id.is_not(None)
    )
    if c.execute(others).first() is not None or not holder.give_back(c, row.conversation_id):
        return False
    c.execute(update(message).where(message.c.conversation_id == row.conversation_id, owed).values(answered_at=now))
    timers.cancel(c, "abandoned", conversation_id=row.conversation_id)
    place = f"tracker:{row.conversation_id}"
    body = c.execute(select(tracker.c.body).where(tracker.c.conversation_id == row.conversation_id)).scalar()
    if body is not None:
        state = keys.open(body, place)
        kept = {name: value for name, value in state["slots"].items() if name not in ("requested_slot", "intake", "asked")}
        sealed = keys.seal({**state, "slots": kept, "loop": None}, place)
        c.execute(update(tracker).where(tracker.c.conversation_id == row.conversation_id).values(body=sealed))
    return True


def say(c: Connection, keys: Keys, conversation_id: str, messages: Sequence[Outgoing], now: float, author: str) -> None:
    """Tell the person something in the course of a step.

    Raises:
        Refused: "gone".
    """
    first = next_seq(c, conversation_id, len(messages))
    if first is None:
        raise Refused("gone")
    insert_outgoing(c, keys, conversation_id, first, messages, now, author=author, language=language_of(c, conversation_id))


def language_of(c: Connection, conversation_id: str) -> str | None:
    """The language that the person is spoken to in."""
    return c.execute(select(conversation.c.language).where(conversation.c.id == conversation_id)).scalar()


def watch_wait(c: Connection, case_id: str, level: int, now: float) -> None:
    """A case in danger must not wait long: bot/timers.py looks after it."""
    if level == 1:
        timers.ensure(c, "escalate", now, case_id=case_id)


def stop_timers(c: Connection, case_id: str) -> None:
    """The case changes hands: what watched over the former ones ends."""
    for kind in ("escalate", "officer_away", "transfer_expired"):
        timers.cancel(c, kind, case_id=case_id)


def words_of(text: str, most: int) -> str:
    """What an officer wrote, ready to be stored.

    Raises:
        Refused: "empty", "too_long".
    """
    words = whole(text).strip()
    if not words:
        raise Refused("empty")
    if len(words) > most:
        raise Refused("too_long")
    return words


def whole(text: str) -> str:
    """The text without what no database can take: lone surrogates and NUL."""
    return text.encode("utf-8", "replace").decode("utf-8").replace("\0", "\N{REPLACEMENT CHARACTER}")
