"""What happens to a case. Each function runs in a writing transaction, takes one step of bot/cases/states.py and writes it down.

Messages to the person come rendered (bot/cases/notices.py): this module knows no content. How long things may take is known to
bot/timers.py alone: a timer set here is due at once, and its handler looks when it really is.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from sqlalchemy import Connection, delete, func, insert, select, update

from bot.cases import blind, steps
from bot.cases.states import DONE, HELD, OPEN, OUTCOMES, STEPS
from bot.cases.steps import Refused as Refused
from bot.cases.steps import Taken as Taken
from bot.engine.understanding import more_urgent
from bot.knowledge.schema import Language
from bot.store import timers
from bot.store.crypto import Keys
from bot.store.files import attach
from bot.store.inbox import Outgoing, insert_outgoing, next_seq
from bot.store.schema import case, draft, officer

if TYPE_CHECKING:
    from bot.store.claims import NewCase

DraftKind = Literal["reply", "note"]

REPLY_CHARACTERS = 4_000
"""An officer's message at the most: what every channel carries whole."""
NOTE_CHARACTERS = 10_000


@dataclass(frozen=True)
class Target:
    """To whom a case is transferred: exactly one of the three."""

    officer: str | None = None
    team: str | None = None
    consulate: str | None = None


# --- the case itself -----------------------------------------------------------------------------------------------------------


def open_case(
    c: Connection,
    keys: Keys,
    conversation_id: str,
    case_id: str,
    number: str,
    opened: NewCase,
    language: Language,
    channel: str,
    now: float,
) -> bool:
    """Put a case into the queue; the same id again changes nothing (False)."""
    if c.execute(select(case.c.id).where(case.c.id == case_id)).first():
        return False
    c.execute(
        insert(case).values(
            id=case_id,
            number=number,
            conversation_id=conversation_id,
            topic=opened.topic,
            level=opened.level,
            language=language,
            channel=channel,
            summary=keys.seal(opened.summary, f"case:{conversation_id}"),
            state="waiting",
            opened_at=now,
            waiting_since=now,
            intake=keys.seal(opened.intake, f"intake:{conversation_id}") if opened.intake else None,
            incomplete=opened.incomplete,
            consulate=opened.consulate,
            interpreter=opened.interpreter,
            name_hash=blind.name(keys, opened.name),
            phone_hash=blind.phone(keys, opened.phone),
        )
    )
    steps.record(c, keys, case_id, "opened", now, detail={"incomplete": True} if opened.incomplete else None)
    steps.watch_wait(c, case_id, opened.level, now)
    return True


def add_to(c: Connection, keys: Keys, case_id: str, more: NewCase, now: float) -> None:
    """What the person added to a case that is open: new answers stand beside the old ones, and what is known stays known.

    Raises:
        Refused: "gone".
    """
    row = steps.read(c, case_id)
    found = {
        "name_hash": blind.name(keys, more.name),
        "phone_hash": blind.phone(keys, more.phone),
        "consulate": more.consulate,
        "interpreter": more.interpreter,
        "topic": row.topic or more.topic,
    }
    values: dict[str, Any] = {column: value for column, value in found.items() if value is not None}
    place = f"intake:{row.conversation_id}"
    if more.intake:
        before = keys.open(row.intake, place) if row.intake else {}
        values["intake"] = keys.seal({**before, **more.intake}, place)
    urgent = more_urgent(row.level, more.level)
    steps.change(c, row, level=urgent, incomplete=row.incomplete and more.incomplete, **values)
    steps.record(c, keys, case_id, "intake", now, detail={"incomplete": True} if more.incomplete else None)
    if urgent != row.level:
        steps.record(c, keys, case_id, "level", now, detail={"from": row.level, "to": urgent})
    if row.state == "waiting":
        steps.watch_wait(c, case_id, urgent, now)


def person_wrote(c: Connection, keys: Keys, conversation_id: str, level: int, at: float) -> None:
    """A message of the person was understood: it is an officer's turn, and a more urgent message makes the case more urgent."""
    for row in c.execute(select(case).where(case.c.conversation_id == conversation_id, case.c.state.in_(OPEN)).with_for_update()).all():
        urgent = more_urgent(row.level, level)
        since = at if row.waiting_since is None else row.waiting_since
        if row.state == "waiting" and urgent == row.level:
            continue
        steps.take(c, row, "wrote", level=urgent, waiting_since=since)
        if row.state == "for_person":
            steps.record(c, keys, row.id, "wrote", at)
        if urgent != row.level:
            steps.record(c, keys, row.id, "level", at, detail={"from": row.level, "to": urgent})
        if row.state == "waiting":
            steps.watch_wait(c, row.id, urgent, at)
        else:
            timers.ensure(c, "officer_away", at, case_id=row.id)


# --- who has it ----------------------------------------------------------------------------------------------------------------


def claim(c: Connection, keys: Keys, case_id: str, officer_id: str, now: float, notice: Outgoing | None = None) -> None:
    """Take a case from the queue, and the conversation with it. Of two at once exactly one gets it.

    Args:
        notice: tells the person who is with them now.

    Raises:
        Taken: somebody else has it.
        Refused: "gone", "wrong_state".
    """
    won = c.execute(
        update(case)
        .where(case.c.id == case_id, case.c.state.in_(list(STEPS["claim"])))
        .values(
            state="with_person",
            officer_id=officer_id,
            claimed_at=func.coalesce(case.c.claimed_at, now),
            version=case.c.version + 1,
        )
        .returning(case.c.conversation_id)
    ).scalar()
    if won is None:
        row = steps.read(c, case_id)
        if row.offered_to == officer_id:
            accept(c, keys, case_id, officer_id, now, notice)
        elif row.state not in HELD:
            raise Refused("wrong_state")
        elif row.officer_id != officer_id:  # pressing twice is no fault
            raise Taken(row.officer_id or row.offered_to)
        return
    steps.begin(c, keys, case_id, won, officer_id, "claimed", now, notice)


def transfer(
    c: Connection,
    keys: Keys,
    case_id: str,
    officer_id: str,
    to: Target,
    note: str,
    now: float,
    notice: Outgoing | None = None,
    *,
    supervising: bool = False,
    version: int | None = None,
) -> None:
    """Offer a case to one officer, who has to accept, or put it into the queue of a team or a consulate.

    Until an officer accepts, whoever had the case still has it. A case in the queue may be transferred by anybody who sees it.

    Args:
        notice: tells the person that they are in the queue again; sent where nobody has the conversation any more.

    Raises:
        Refused: "empty" without a note or a target, "gone" also where the target is.
    """
    row = steps.read(c, case_id, version)
    words = steps.words_of(note, NOTE_CHARACTERS)
    if sum(part is not None for part in dataclasses.astuple(to)) != 1:
        raise Refused("empty")
    if row.state != "waiting":
        steps.own(row, officer_id, supervising)
    if to.officer is not None:
        if to.officer == row.officer_id:
            raise Refused("wrong_state")
        active = select(officer.c.id).where(officer.c.id == to.officer, officer.c.disabled_at.is_(None))
        if c.execute(active).first() is None:
            raise Refused("gone")
        steps.take(c, row, "offer", offered_to=to.officer)
        timers.cancel(c, "transfer_expired", case_id=case_id)
        timers.schedule(c, "transfer_expired", now, case_id=case_id)
    else:
        places = {"team": to.team} if to.team is not None else {"consulate": to.consulate, "team": None}
        steps.to_queue(c, keys, row, "route", now, notice, **places)
    steps.record(c, keys, case_id, "transferred", now, officer_id, {"to": _given(to), "note": words})


def accept(c: Connection, keys: Keys, case_id: str, officer_id: str, now: float, notice: Outgoing | None = None) -> None:
    """Take a case that was offered.

    Raises:
        Refused: "gone", "not_yours", "wrong_state" (the offer has ended).
    """
    row = steps.read(c, case_id)
    if row.state == "assigned" and row.offered_to != officer_id:
        raise Refused("not_yours")
    steps.take(
        c,
        row,
        "accept",
        steps.turn(row),
        officer_id=officer_id,
        offered_to=None,
        claimed_at=row.claimed_at if row.claimed_at is not None else now,
    )
    steps.begin(c, keys, case_id, row.conversation_id, officer_id, "accepted", now, notice)


def decline(c: Connection, keys: Keys, case_id: str, officer_id: str, now: float) -> None:
    """Refuse a case that was offered: whoever had it keeps it, else it is in the queue again.

    Raises:
        Refused: "gone", "not_yours", "wrong_state".
    """
    row = steps.read(c, case_id)
    if row.state == "assigned" and row.offered_to != officer_id:
        raise Refused("not_yours")
    steps.take(c, row, "decline", steps.turn(row) if row.officer_id else "waiting", offered_to=None)
    timers.cancel(c, "transfer_expired", case_id=case_id)
    steps.record(c, keys, case_id, "declined", now, officer_id)
    if row.officer_id is None:
        steps.watch_wait(c, case_id, row.level, now)
    else:
        timers.ensure(c, "officer_away", now, case_id=case_id)


def give_back(
    c: Connection,
    keys: Keys,
    case_id: str,
    officer_id: str | None,
    now: float,
    notice: Outgoing | None = None,
    *,
    why: Literal["officer", "away", "transfer"] = "officer",
    supervising: bool = False,
    version: int | None = None,
) -> None:
    """Put a case back into the queue; the assistant answers again, from the next message on.

    Args:
        officer_id: who gives it back; None: a timer.
        notice: the one message that tells the person.
    """
    row = steps.read(c, case_id, version)
    if officer_id is not None:
        steps.own(row, officer_id, supervising)
    steps.to_queue(c, keys, row, "give_back", now, notice)
    steps.record(c, keys, case_id, "given_back", now, officer_id, {"why": why})


# --- work ----------------------------------------------------------------------------------------------------------------------


def reply(c: Connection, keys: Keys, case_id: str, officer_id: str, text: str, now: float, files: Sequence[str] = ()) -> int:
    """An officer's message to the person; the place (seq) of its first part.

    Args:
        files: ids of files of this conversation that were not sent yet; the first goes with the text.

    Raises:
        Refused: "gone" (the person erased everything, or a file is none of this conversation), "not_yours", "wrong_state",
            "empty", "too_long".
    """
    row = steps.read(c, case_id)
    words = "" if files and not text.strip() else steps.words_of(text, REPLY_CHARACTERS)
    steps.own(row, officer_id)
    steps.take(c, row, "reply", waiting_since=None, replied_at=row.replied_at if row.replied_at is not None else now)
    count = max(1, len(files))
    first = next_seq(c, row.conversation_id, count)
    if first is None:
        raise Refused("gone")
    attached = [attach(c, row.conversation_id, file_id, first + n) for n, file_id in enumerate(files)]
    if None in attached:
        raise Refused("gone")
    parts = [Outgoing(words if n == 0 else "", file=attached[n] if attached else None) for n in range(count)]
    common = {"author": "agent", "officer_id": officer_id, "language": steps.language_of(c, row.conversation_id)}
    insert_outgoing(c, keys, row.conversation_id, first, parts, now, **common)
    save_draft(c, keys, case_id, officer_id, "reply", "", now)
    timers.cancel(c, "officer_away", case_id=case_id)
    steps.record(c, keys, case_id, "replied", now, officer_id)
    return first


def note(c: Connection, keys: Keys, case_id: str, officer_id: str, text: str, now: float) -> None:
    """A note for officers; the person never sees it. Possible in every state."""
    row = steps.read(c, case_id)
    words = steps.words_of(text, NOTE_CHARACTERS)
    steps.change(c, row)
    save_draft(c, keys, case_id, officer_id, "note", "", now)
    steps.record(c, keys, case_id, "note", now, officer_id, {"text": words})


def resolve(
    c: Connection,
    keys: Keys,
    case_id: str,
    officer_id: str,
    outcome: str,
    note: str | None,
    now: float,
    closing: Sequence[Outgoing] = (),
    *,
    supervising: bool = False,
    version: int | None = None,
) -> None:
    """A case is done: the assistant has the conversation again and says so.

    Args:
        outcome: one of `states.OUTCOMES`.
        note: for officers, or None.
        closing: what the person is told: what to do if it comes back, and the question how it went.

    Raises:
        Refused: "gone", "not_yours", "wrong_state" (also for an unknown outcome), "too_long", "stale".
    """
    row = steps.read(c, case_id, version)
    words = steps.words_of(note, NOTE_CHARACTERS) if note and note.strip() else None
    steps.own(row, officer_id, supervising)
    if outcome not in OUTCOMES:
        raise Refused("wrong_state")
    steps.take(c, row, "resolve", outcome=outcome, resolved_at=now, waiting_since=None, offered_to=None, rating=None)
    steps.stop_timers(c, case_id)
    steps.free(c, keys, row, now)
    if closing:
        steps.say(c, keys, row.conversation_id, closing, now, "bot")
    for kind in ("close_resolved", "rating"):
        timers.schedule(c, kind, now, case_id=case_id)
    steps.record(c, keys, case_id, "resolved", now, officer_id, {"outcome": outcome, **({"note": words} if words else {})})


def close(c: Connection, keys: Keys, case_id: str, officer_id: str | None, now: float, *, version: int | None = None) -> None:
    """A resolved case is closed for good: a new message of the person opens it no more.

    Args:
        officer_id: who closes it; None: a timer.
    """
    row = steps.read(c, case_id, version)
    steps.take(c, row, "close", closed_at=now)
    for kind in ("close_resolved", "rating"):
        timers.cancel(c, kind, case_id=case_id)
    steps.record(c, keys, case_id, "closed", now, officer_id)


def reopen(c: Connection, keys: Keys, case_id: str, officer_id: str | None, now: float, *, version: int | None = None) -> None:
    """A resolved or closed case is in the queue again.

    Args:
        officer_id: who reopens it; None: the person, by a new message.
    """
    row = steps.read(c, case_id, version)
    before = {"outcome": row.outcome, "rating": row.rating}
    gone = dict.fromkeys(("officer_id", "offered_to", "resolved_at", "closed_at", "outcome", "rating", "escalated_at"))
    steps.take(c, row, "reopen", waiting_since=now, **gone)
    for kind in ("close_resolved", "rating"):
        timers.cancel(c, kind, case_id=case_id)
    steps.watch_wait(c, case_id, row.level, now)
    steps.record(c, keys, case_id, "reopened", now, officer_id, before)


def rate(c: Connection, keys: Keys, case_id: str, score: int, now: float) -> None:
    """How it went, in the person's word: 1 helped, 0 did not. The last word counts.

    Raises:
        Refused: "gone", "wrong_state".
    """
    row = steps.read(c, case_id)
    if row.state not in DONE or score not in (0, 1):
        raise Refused("wrong_state")
    steps.change(c, row, rating=score)
    timers.cancel(c, "rating", case_id=case_id)
    steps.record(c, keys, case_id, "rated", now, detail={"score": score})


# --- drafts --------------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Draft:
    """What an officer has typed and not sent."""

    text: str
    at: float


def save_draft(c: Connection, keys: Keys, case_id: str, officer_id: str, kind: DraftKind, text: str, now: float) -> None:
    """Keep what is being typed, whatever becomes of the browser; an empty text drops it.

    Raises:
        Refused: "gone", "too_long".
    """
    here = (draft.c.case_id == case_id) & (draft.c.officer_id == officer_id) & (draft.c.kind == kind)
    c.execute(delete(draft).where(here))
    if not text.strip():
        return
    if len(text) > NOTE_CHARACTERS:
        raise Refused("too_long")
    if c.execute(select(case.c.id).where(case.c.id == case_id)).first() is None:
        raise Refused("gone")
    body = keys.seal(steps.whole(text), f"draft:{case_id}")
    c.execute(insert(draft).values(case_id=case_id, officer_id=officer_id, kind=kind, body=body, at=now))


def load_drafts(c: Connection, keys: Keys, case_id: str, officer_id: str) -> dict[str, Draft]:
    """An officer's drafts of one case, by kind."""
    rows = c.execute(select(draft).where(draft.c.case_id == case_id, draft.c.officer_id == officer_id))
    return {row.kind: Draft(keys.open(row.body, f"draft:{case_id}"), row.at) for row in rows}


def _given(to: Target) -> dict[str, str]:
    return {kind: value for kind, value in dataclasses.asdict(to).items() if value is not None}
