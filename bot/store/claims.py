"""What a worker writes: it claims a conversation, and commits a turn whole or not at all.

The claim is a lease with a fencing number. Whoever takes the conversation away (another worker after the lease, an officer,
an erasure) raises the number or deletes the row; a commit under the old number then changes nothing.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field, fields
from typing import Any

from sqlalchemy import Connection, Select, insert, or_, select, update

from bot.cases import desk, resume
from bot.knowledge.schema import Language
from bot.outcome import OpenCase
from bot.store import farewell, timers
from bot.store.crypto import Keys
from bot.store.holder import FREE
from bot.store.inbox import Incoming, Outgoing, insert_outgoing
from bot.store.schema import conversation, message, tracker, unanswered
from bot.taxonomy import levels

GIVE_UP_AFTER = 3
"""Deaths or failures with one message in hand; after that it is a dead letter."""


ABANDONED = "abandoned"
"""The timer of an open form; bot/timers.py knows how long it waits."""


class ClaimLost(RuntimeError):
    """The conversation was taken away meanwhile; nothing of the turn was committed."""


@dataclass(frozen=True)
class Claim:
    """One message of one conversation in the hands of one worker.

    Attributes:
        fence: the number under which the turn must be committed.
        attempts: how often somebody died or failed with this message in hand.
        state: the dialogue's state as the last turn left it, or None.
        case: the number of the conversation's open case, or None.
    """

    conversation: str
    channel: str
    language: Language
    language_pinned: bool
    language_run: int
    human: bool
    fence: int
    seq: int
    message: Incoming
    at: float
    attempts: int
    state: dict[str, Any] | None
    case: str | None = None


@dataclass(frozen=True)
class NewCase:
    """A case to open: what an officer has to know at first sight.

    Attributes:
        intake: the form's answers; None where there was no form.
        incomplete: the form was not finished.
        consulate: the post responsible by jurisdiction.
        interpreter: the language that an interpreter is needed for.
        name, phone: by which the case is found again; kept as blind indexes only.
    """

    topic: str | None
    level: int
    summary: str
    intake: dict[str, str] | None = None
    incomplete: bool = False
    consulate: str | None = None
    interpreter: str | None = None
    name: str | None = None
    phone: str | None = None
    callback: str | None = None


@dataclass(frozen=True)
class Turn:
    """All that one message brought about; committed in one transaction.

    Attributes:
        language, language_pinned, language_run: the conversation's language from now on.
        spoken: the language of this answer.
        answers: messages to the person, in order; empty while a human has the conversation.
        state: the dialogue's state from now on.
        rating: how it went, of the case closed last.
        stop_notices: nothing is sent from now on that was not asked for.
        form_open: questions for an officer are open: where they are abandoned, what there is must not be lost.
        resume_code: a new code by which the person finds the case again.
        erase: the person asked for it: the conversation is deleted, nothing else is kept.
    """

    language: Language
    language_pinned: bool
    language_run: int
    spoken: Language
    level: int
    topic: str | None
    facet: str | None
    answers: list[Outgoing]
    state: dict[str, Any]
    cases: list[NewCase] = field(default_factory=list)
    rating: int | None = None
    stop_notices: bool = False
    form_open: bool = False
    resume_code: str | None = None
    erase: bool = False


def is_work(c: Connection, now: float) -> bool:
    """Whether a claim would find something; a look that takes no write lock."""
    return c.execute(_claimable(now)).first() is not None


def _claimable(now: float) -> Select[tuple[str]]:
    free = or_(conversation.c.lease_until.is_(None), conversation.c.lease_until <= now)
    return (
        select(message.c.conversation_id)
        .join(conversation, conversation.c.id == message.c.conversation_id)
        .where(unanswered, free)
        .order_by(message.c.level != 1, message.c.at)
        .limit(1)
    )


def claim(c: Connection, keys: Keys, worker: str, now: float, lease: float) -> Claim | None:
    """Take the conversation whose message is the most urgent, then the oldest, and that nobody holds."""
    row = c.execute(_claimable(now).with_for_update(of=conversation, skip_locked=True)).first()
    if row is None:
        return None
    _count_death(c, row.conversation_id)
    return _take(c, keys, row.conversation_id, worker, now, lease)


def _count_death(c: Connection, conversation_id: str) -> None:
    """Whoever held the lease is gone without a word: that counts for the message it had in hand."""
    row = c.execute(select(conversation.c.lease_by, conversation.c.in_hand).where(conversation.c.id == conversation_id)).one()
    if row.lease_by is not None and row.in_hand is not None:
        c.execute(
            update(message)
            .where(message.c.conversation_id == conversation_id, message.c.seq == row.in_hand, unanswered)
            .values(attempts=message.c.attempts + 1)
        )


def _take(c: Connection, keys: Keys, conversation_id: str, worker: str, now: float, lease: float) -> Claim | None:
    """Hold the conversation and take its oldest unanswered message in hand; None (and the lease ends) where there is none."""
    row = c.execute(
        select(message).where(message.c.conversation_id == conversation_id, unanswered).order_by(message.c.seq).limit(1)
    ).first()
    held = {"lease_by": worker, "lease_until": now + lease, "in_hand": row.seq} if row else FREE
    talk = c.execute(
        update(conversation)
        .where(conversation.c.id == conversation_id)
        .values(fence=conversation.c.fence + 1, **held)
        .returning(conversation)
    ).one()
    if row is None:
        return None
    body = keys.open(row.body, f"message:{conversation_id}")
    state = c.execute(select(tracker.c.body).where(tracker.c.conversation_id == conversation_id)).scalar()
    return Claim(
        conversation=conversation_id,
        channel=talk.channel,
        language=talk.language,
        language_pinned=talk.language_pinned,
        language_run=talk.language_run,
        human=talk.holder == "human",
        fence=talk.fence,
        seq=row.seq,
        message=Incoming(
            id=row.id,
            text=body["text"],
            language=row.language,
            level=row.level,
            action=body.get("action"),
            location=body.get("location"),
            file=body.get("file"),
            typed=body.get("typed", False),
        ),
        at=row.at,
        attempts=row.attempts,
        state=keys.open(state, f"tracker:{conversation_id}") if state else None,
        case=resume.current_number_of(c, conversation_id),
    )


def commit(c: Connection, keys: Keys, held: Claim, turn: Turn, worker: str, now: float, lease: float) -> Claim | None:
    """Answers, dialogue state, case changes and "answered" at once; then the conversation's next message, if there is one.

    Raises:
        ClaimLost: the fence does not hold; the transaction must be rolled back.
    """
    ours = (conversation.c.id == held.conversation) & (conversation.c.fence == held.fence) & (conversation.c.lease_by == worker)
    last = c.execute(
        update(conversation)
        .where(ours)
        .values(
            last_seq=conversation.c.last_seq + len(turn.answers),
            language=turn.language,
            language_pinned=turn.language_pinned,
            language_run=turn.language_run,
            outage=False,
        )
        .returning(conversation.c.last_seq)
    ).scalar()
    if last is None:
        raise ClaimLost
    if turn.erase:
        farewell.erase_and_tell(c, keys, held.conversation, turn.answers[-1], now)
        return None
    c.execute(
        update(message)
        .where(message.c.conversation_id == held.conversation, message.c.seq == held.seq)
        .values(answered_at=now, topic=turn.topic, facet=turn.facet, level=turn.level, language=turn.spoken)
    )
    insert_outgoing(
        c,
        keys,
        held.conversation,
        last - len(turn.answers) + 1,
        turn.answers,
        now,
        in_reply_to=held.message.id,
        topic=turn.topic,
        facet=turn.facet,
        level=turn.level,
        language=turn.spoken,
    )
    save_state(c, keys, held.conversation, turn.state)
    _tell_cases(c, keys, held, turn, now)
    for opened in turn.cases:
        _open_case(c, keys, held, opened, turn.spoken, now)
    if turn.resume_code and (known := resume.open_case_of(c, held.conversation)):
        resume.resume_code(c, keys, known, turn.resume_code, now)
    if turn.stop_notices:
        c.execute(update(conversation).where(conversation.c.id == held.conversation).values(stopped_at=now))
    timers.cancel(c, ABANDONED, held.conversation)
    if turn.form_open and not held.human:
        timers.schedule(c, ABANDONED, now, held.conversation)
    return _take(c, keys, held.conversation, worker, now, lease)


def save_state(c: Connection, keys: Keys, conversation_id: str, state: dict[str, Any]) -> None:
    """The dialogue's state after a turn."""
    body = keys.seal(state, f"tracker:{conversation_id}")
    if not c.execute(update(tracker).where(tracker.c.conversation_id == conversation_id).values(body=body)).rowcount:
        c.execute(insert(tracker).values(conversation_id=conversation_id, body=body))


def case_number(conversation_id: str, message_id: str, attempts: int = 0) -> str:
    """A short number for people, derived from the message that opens the case: four letters, four digits.

    A failed attempt (two cases of one number) leads to another number; the case's id stays the message's.
    """
    letters = "ABCDEFGHJKLMNPQRTUVWXY"  # none that is read as a digit or as another letter
    value = uuid.uuid5(uuid.NAMESPACE_OID, f"{conversation_id}/{message_id}/{attempts}").int
    name = ""
    for _ in range(4):
        value, index = divmod(value, len(letters))
        name += letters[index]
    return f"{name}-{value % 10_000:04d}"


def case_id(conversation_id: str, message_id: str) -> str:
    """The id of the case that a message opens: a repetition opens no second one."""
    return uuid.uuid5(uuid.NAMESPACE_OID, f"{conversation_id}/{message_id}").hex


def new_case(opened: OpenCase) -> NewCase:
    """What the store keeps of it."""
    return NewCase(**{field.name: getattr(opened, field.name) for field in fields(NewCase)})


def _open_case(c: Connection, keys: Keys, held: Claim, opened: NewCase, language: Language, now: float) -> None:
    """A new case; where the conversation has an open one, that one gets what is new."""
    known = resume.open_case_of(c, held.conversation)
    if known is None:
        known = case_id(held.conversation, held.message.id)
        number = case_number(held.conversation, held.message.id, held.attempts)
        desk.open_case(c, keys, held.conversation, known, number, opened, language, held.channel, now)
    elif known != case_id(held.conversation, held.message.id):
        desk.add_to(c, keys, known, opened, now)
    if opened.phone:
        resume.set_callback(c, keys, known, {"number": opened.phone, "when": opened.callback, "message": None}, now)


def _tell_cases(c: Connection, keys: Keys, held: Claim, turn: Turn, now: float) -> None:
    """What a message of the person does to the cases that there are: it waits for an officer, reopens what was resolved, or rates it."""
    if turn.rating is not None:
        rated = resume.case_to_rate(c, held.conversation)
        if rated is not None:
            desk.rate(c, keys, rated, turn.rating, now)
        return
    desk.person_wrote(c, keys, held.conversation, turn.level, held.at)
    resolved = resume.resolved_case_of(c, held.conversation)
    if resolved is not None and (turn.cases or _is_real(held, turn)):
        desk.reopen(c, keys, resolved, None, now)


def _is_real(held: Claim, turn: Turn) -> bool:
    """Whether a message wants something of us: thanks, and buttons that only read on, do not."""
    if turn.topic is None or levels().get(turn.topic, 0) == 0:
        return False
    return held.message.action is None or held.message.typed or turn.topic == "human_handoff"


def fail(c: Connection, held: Claim, worker: str, now: float) -> None:
    """The turn failed (an exception in an action, no output): it counts, and is tried again a little later."""
    ours = (conversation.c.id == held.conversation) & (conversation.c.fence == held.fence) & (conversation.c.lease_by == worker)
    attempts = held.attempts + 1
    if c.execute(update(conversation).where(ours).values(lease_by=None, in_hand=None, lease_until=now + 0.2 * attempts)).rowcount:
        c.execute(
            update(message).where(message.c.conversation_id == held.conversation, message.c.seq == held.seq).values(attempts=attempts)
        )


def give_up(c: Connection, keys: Keys, held: Claim, final: Outgoing, worker: str, now: float, lease: float) -> Claim | None:
    """Make the message a dead letter. Its safety answer is final: given now where it had none. The conversation goes on.

    Raises:
        ClaimLost: the fence does not hold.
    """
    row = c.execute(select(message.c.interim_at).where(message.c.conversation_id == held.conversation, message.c.seq == held.seq)).first()
    answers: Sequence[Outgoing] = [] if row is None or row.interim_at is not None else [final]
    ours = (conversation.c.id == held.conversation) & (conversation.c.fence == held.fence) & (conversation.c.lease_by == worker)
    last = c.execute(
        update(conversation).where(ours).values(last_seq=conversation.c.last_seq + len(answers)).returning(conversation.c.last_seq)
    ).scalar()
    if last is None:
        raise ClaimLost
    c.execute(
        update(message)
        .where(message.c.conversation_id == held.conversation, message.c.seq == held.seq)
        .values(answered_at=now, interim_at=now, dead=True)
    )
    insert_outgoing(
        c,
        keys,
        held.conversation,
        last - len(answers) + 1,
        answers,
        now,
        in_reply_to=held.message.id,
        interim=True,
        level=held.message.level,
        language=held.language,
    )
    return _take(c, keys, held.conversation, worker, now, lease)


def release_dead(c: Connection, prefix: str, alive: str) -> None:
    """At a worker's start: the leases of its place's former process, which is dead for certain, end now."""
    c.execute(
        update(conversation)
        .where(conversation.c.lease_by.startswith(prefix, autoescape=True), conversation.c.lease_by != alive)
        .values(lease_until=0.0)
    )
