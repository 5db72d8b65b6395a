"""What web writes and reads: sessions, the person's messages, interim answers, the transcript, erasure.

Every function takes a connection inside `Database.write` (or `read` where it only reads) and does nothing slow.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from sqlalchemy import Connection, RowMapping, delete, func, insert, select, update

from bot.knowledge.schema import Language
from bot.store import deliveries, files, timers
from bot.store.crypto import Keys
from bot.store.schema import conversation, erasure, message, offer, owed, unanswered

LISTEN = "listen"
"""The timer of a voice message that waits for its words (bot/voice/listen.py)."""

Author = Literal["user", "bot", "agent", "system"]


@dataclass(frozen=True)
class Session:
    """A web conversation as its token finds it."""

    conversation: str
    language: Language


@dataclass(frozen=True)
class Incoming:
    """A person's message, normalised: what every channel turns its own form into.

    Attributes:
        id: the client's id; the same id again in one conversation is the same message.
        text: what was written, or a button's title.
        action: what the pressed button means, or None.
        location: {"lat", "lon"} or None.
        file: {"id"} of an upload that was not sent yet, or {"kind", "size", "remote"} of what only the channel has;
            in a claim what the message carries: {"id", "kind", "size"}.
        external: keyed hash of the channel's own id, or None.
        unheard: a voice message that is to be put into words before it is answered.
        typed: the action was written in words, not pressed.
        language, level: as the web's own rules see it; a worker corrects both.
    """

    id: str
    text: str
    language: Language
    level: int
    action: str | None = None
    location: dict[str, float] | None = None
    file: dict[str, Any] | None = None
    external: bytes | None = None
    typed: bool = False
    unheard: bool = False


class UnknownFile(ValueError):
    """A file that was never uploaded in this conversation, or was sent already."""


@dataclass(frozen=True)
class Outgoing:
    """A message to the person, ready for any channel.

    Attributes:
        image: {"url", "alt", "size"} of a picture of ours; its size in bytes.
        asks_place: it asks where the person is; a channel may offer to send the position in one tap.
        file: {"id", "kind", "size"} of what an officer sends along.
    """

    text: str
    buttons: list[dict[str, str]] = field(default_factory=list)
    location: dict[str, Any] | None = None
    image: dict[str, Any] | None = None
    asks_place: bool = False
    file: dict[str, Any] | None = None
    id: str = field(default_factory=lambda: str(uuid.uuid4()))


def open_session(c: Connection, keys: Keys, token: str, language: Language, now: float, *, decided: bool) -> str:
    """A new web conversation; returns its id. Its language is `decided` where somebody gave it."""
    conversation_id = uuid.uuid4().hex
    c.execute(
        insert(conversation).values(
            id=conversation_id,
            channel="web",
            token_hash=keys.hash(token, "token"),
            language=language,
            language_run=0 if decided else -1,
            created_at=now,
        )
    )
    return conversation_id


def find_session(c: Connection, keys: Keys, token: str) -> Session | None:
    row = c.execute(
        select(conversation.c.id, conversation.c.language).where(conversation.c.token_hash == keys.hash(token, "token"))
    ).first()
    return Session(row.id, row.language) if row else None


def end_session(c: Connection, conversation_id: str) -> None:
    """Quick exit: nothing on the device can read any more; the conversation and an open case stay."""
    c.execute(update(conversation).where(conversation.c.id == conversation_id).values(token_hash=None))


def next_seq(c: Connection, conversation_id: str, count: int = 1) -> int | None:
    """Take `count` places in the conversation; the first of them, or None where it is gone."""
    last = c.execute(
        update(conversation)
        .where(conversation.c.id == conversation_id)
        .values(last_seq=conversation.c.last_seq + count)
        .returning(conversation.c.last_seq)
    ).scalar()
    return None if last is None else last - count + 1


def add_message(c: Connection, keys: Keys, conversation_id: str, incoming: Incoming, now: float) -> bool:
    """Store a person's message; a repetition changes nothing.

    Returns:
        False where the conversation is gone.

    Raises:
        UnknownFile: it carries a file that cannot be sent here.
    """
    known = select(message.c.seq).where(message.c.conversation_id == conversation_id, message.c.id == incoming.id)
    if c.execute(known).first():
        return True
    seq = next_seq(c, conversation_id)
    if seq is None:
        return False
    body: dict[str, Any] = {"text": incoming.text}
    if incoming.action:
        body["action"] = incoming.action
    if incoming.typed:
        body["typed"] = True
    if incoming.location:
        body["location"] = incoming.location
    if incoming.file:
        body["file"] = _carried(c, keys, conversation_id, seq, incoming.file, now)
    c.execute(
        insert(message).values(
            conversation_id=conversation_id,
            seq=seq,
            id=incoming.id,
            author="user",
            body=keys.seal(body, f"message:{conversation_id}"),
            level=incoming.level,
            language=incoming.language,
            at=now,
            external_hash=incoming.external,
            unheard=incoming.unheard,
        )
    )
    if incoming.unheard:
        timers.schedule(c, LISTEN, now, conversation_id)
    return True


def has(c: Connection, conversation_id: str, message_id: str) -> bool:
    """Whether the conversation has a message of this id."""
    return (
        c.execute(select(message.c.seq).where(message.c.conversation_id == conversation_id, message.c.id == message_id)).first() is not None
    )


def is_known(c: Connection, external_hash: bytes) -> bool:
    """Whether the channel gave us this message before."""
    return c.execute(select(message.c.seq).where(message.c.external_hash == external_hash)).first() is not None


def replace_message(c: Connection, keys: Keys, conversation_id: str, incoming: Incoming) -> bool:
    """The person corrected what `incoming.external` names. Before the answer the correction takes its place; later it stands beside it.

    Returns:
        Whether it will be answered as corrected.
    """
    ours = (message.c.external_hash == incoming.external) & (message.c.conversation_id == conversation_id)
    row = c.execute(select(message.c.seq, message.c.body, message.c.level, message.c.answered_at).where(ours)).first()
    if row is None:
        return False
    body = keys.open(row.body, f"message:{conversation_id}")
    if row.answered_at is not None:
        body["edited"] = incoming.text
        c.execute(update(message).where(ours).values(body=keys.seal(body, f"message:{conversation_id}")))
        return False
    body |= {"text": incoming.text, "action": incoming.action, "typed": incoming.typed}
    level = min(row.level, incoming.level, key=lambda level: (1, 2, 3, 0).index(level))
    c.execute(
        update(message).where(ours).values(body=keys.seal(body, f"message:{conversation_id}"), language=incoming.language, level=level)
    )
    # whoever thinks about the former words must not commit; the message is nobody's and is claimed anew
    c.execute(
        update(conversation)
        .where(conversation.c.id == conversation_id, conversation.c.in_hand == row.seq)
        .values(fence=conversation.c.fence + 1, lease_by=None, lease_until=None, in_hand=None)
    )
    return True


def answer_with_another(c: Connection, conversation_id: str, message_id: str, now: float) -> None:
    """The message belongs to another one that is answered for both (pictures sent together)."""
    of_it = (message.c.conversation_id == conversation_id) & (message.c.id == message_id)
    c.execute(update(message).where(of_it, message.c.answered_at.is_(None)).values(answered_at=now))


def _carried(c: Connection, keys: Keys, conversation_id: str, seq: int, given: dict[str, Any], now: float) -> dict[str, Any]:
    if "remote" in given:
        return files.add_remote(c, keys, conversation_id, seq, given, now)
    attached = files.attach(c, conversation_id, given["id"], seq)
    if attached is None:
        raise UnknownFile
    return attached


def insert_outgoing(
    c: Connection, keys: Keys, conversation_id: str, first_seq: int, messages: Sequence[Outgoing], now: float, **common: Any
) -> None:
    """Insert messages to the person from `first_seq` on, and into the outbox; `common` are the columns that all of them share."""
    for number, out in enumerate(messages):
        body: dict[str, Any] = {"text": out.text}
        if out.buttons:
            body["buttons"] = [{"title": b["title"], "short": b.get("short", b["title"]), "payload": b["payload"]} for b in out.buttons]
        if out.location:
            body["location"] = out.location
        if out.image:
            body["image"] = out.image
        if out.asks_place:
            body["asks_place"] = True
        if out.file:
            body["file"] = out.file
        c.execute(
            insert(message).values(
                conversation_id=conversation_id,
                seq=first_seq + number,
                id=out.id,
                body=keys.seal(body, f"message:{conversation_id}"),
                at=now,
                **{"author": "bot", **common},
            )
        )
        for button in out.buttons:
            _offer(c, keys, conversation_id, button)
    rank = deliveries.priority(common.get("author", "bot"), common.get("level"), common.get("interim", False))
    deliveries.enqueue(c, conversation_id, first_seq, len(messages), rank, now)


def _offer(c: Connection, keys: Keys, conversation_id: str, button: dict[str, str]) -> None:
    known = select(offer.c.payload).where(offer.c.conversation_id == conversation_id, offer.c.payload == button["payload"])
    if c.execute(known).first() is None:
        action = {"action": button["action"], "title": button["title"]}
        c.execute(
            insert(offer).values(
                conversation_id=conversation_id, payload=button["payload"], action=keys.seal(action, f"offer:{conversation_id}")
            )
        )


def offered(c: Connection, keys: Keys, conversation_id: str, payload: str) -> dict[str, str] | None:
    """What a button that was offered in this conversation means: {"action", "title"}; None for any other payload."""
    row = c.execute(select(offer.c.action).where(offer.c.conversation_id == conversation_id, offer.c.payload == payload)).first()
    return keys.open(row.action, f"offer:{conversation_id}") if row else None


@dataclass(frozen=True)
class Waiting:
    """A message that has no answer yet, as the interim rule looks at it."""

    conversation: str
    seq: int
    id: str
    level: int
    language: Language
    at: float
    outage: bool


def waiting(c: Connection, before: float, limit: int = 500) -> list[Waiting]:
    """Messages older than `before` that have neither answer nor interim, the most urgent and oldest first."""
    rows = c.execute(
        select(
            message.c.conversation_id,
            message.c.seq,
            message.c.id,
            message.c.level,
            message.c.language,
            message.c.at,
            conversation.c.outage,
        )
        .join(conversation, conversation.c.id == message.c.conversation_id)
        .where(owed, message.c.interim_at.is_(None), message.c.at <= before, conversation.c.holder == "bot")
        .order_by(message.c.level != 1, message.c.at)
        .limit(limit)
    )
    return [Waiting(*row) for row in rows]


def add_interim(c: Connection, keys: Keys, wait: Waiting, out: Outgoing, now: float) -> bool:
    """Insert the safety answer of one message, at most once and never after the full answer.

    Returns:
        False where it was answered meanwhile, or had its interim (of a level above 1: its conversation had one in this outage).
    """
    if wait.level != 1:
        first = c.execute(
            update(conversation).where(conversation.c.id == wait.conversation, conversation.c.outage.is_(False)).values(outage=True)
        ).rowcount
        if not first:
            return False
    given = c.execute(
        update(message)
        .where(
            message.c.conversation_id == wait.conversation,
            message.c.seq == wait.seq,
            message.c.answered_at.is_(None),
            message.c.interim_at.is_(None),
            select(conversation.c.id).where(conversation.c.id == wait.conversation, conversation.c.holder == "bot").exists(),
        )
        .values(interim_at=now)
    ).rowcount
    if not given:
        return False
    seq = next_seq(c, wait.conversation)
    if seq is None:
        return False
    insert_outgoing(
        c, keys, wait.conversation, seq, [out], now, in_reply_to=wait.id, interim=True, level=wait.level, language=wait.language
    )
    return True


def last_seq(c: Connection, conversation_ids: Sequence[str]) -> dict[str, int]:
    """The newest cursor of each of these conversations; those that are gone are missing."""
    rows = c.execute(select(conversation.c.id, conversation.c.last_seq).where(conversation.c.id.in_(conversation_ids)))
    return {row.id: row.last_seq for row in rows}


def transcript(c: Connection, conversation_id: str, after: int, limit: int = 200) -> Sequence[RowMapping]:
    """Rows of the transcript behind the cursor `after`, in order."""
    return (
        c.execute(
            select(message).where(message.c.conversation_id == conversation_id, message.c.seq > after).order_by(message.c.seq).limit(limit)
        )
        .mappings()
        .all()
    )


def is_thinking(c: Connection, conversation_id: str) -> bool:
    """Whether the assistant still owes an answer here."""
    return (
        c.execute(
            select(message.c.seq)
            .join(conversation, conversation.c.id == message.c.conversation_id)
            .where(message.c.conversation_id == conversation_id, owed, conversation.c.holder == "bot")
            .limit(1)
        ).first()
        is not None
    )


def erase(c: Connection, keys: Keys, conversation_id: str, now: float) -> None:
    """Delete a conversation and all that hangs on it; a worker that still thinks about it cannot commit any more."""
    c.execute(delete(conversation).where(conversation.c.id == conversation_id))
    hashed = keys.hash(conversation_id, "erasure")
    if c.execute(select(erasure.c.at).where(erasure.c.conversation_hash == hashed)).first() is None:
        c.execute(insert(erasure).values(conversation_hash=hashed, at=now))


def counts(c: Connection) -> dict[str, int]:
    """Figures for /metrics: how many messages wait, how many were given up."""
    waiting_now = c.execute(select(func.count()).select_from(message).where(unanswered)).scalar_one()
    dead = c.execute(select(func.count()).select_from(message).where(message.c.dead.is_(True))).scalar_one()
    return {"waiting": waiting_now, "dead": dead}


def body_of(c: Connection, keys: Keys, conversation_id: str, seq: int) -> dict[str, Any]:
    """What one message says; an empty text where it is gone."""
    body = c.execute(select(message.c.body).where(message.c.conversation_id == conversation_id, message.c.seq == seq)).scalar()
    found: dict[str, Any] = keys.open(body, f"message:{conversation_id}") if body else {"text": ""}
    return found
