"""Voice messages that wait to be put into words: on disk and visible to officers, but not to be answered yet.

Such a message takes its place in the conversation when it has been heard: whatever was written meanwhile stands before it, and the
order of answers is the order of places.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, select, update

from bot.knowledge.schema import Language
from bot.store.crypto import Keys
from bot.store.inbox import Incoming, next_seq
from bot.store.schema import conversation, file, message


@dataclass(frozen=True)
class Unheard:
    """A voice message.

    Attributes:
        id: the message's.
        language: of the conversation.
        remote: where the channel has the recording.
        size: bytes, as the channel told.
    """

    conversation: str
    id: str
    channel: str
    language: Language
    kind: str
    size: int
    remote: dict[str, Any]
    at: float


def unheard(c: Connection, keys: Keys, conversation_id: str) -> list[Unheard]:
    """The conversation's recordings that nobody has put into words, in their order."""
    rows = c.execute(
        select(
            message.c.id,
            message.c.at,
            conversation.c.channel,
            conversation.c.language,
            file.c.id.label("file_id"),
            file.c.kind,
            file.c.size,
            file.c.remote,
        )
        .join(conversation, conversation.c.id == message.c.conversation_id)
        .join(file, (file.c.conversation_id == message.c.conversation_id) & (file.c.seq == message.c.seq))
        .where(message.c.conversation_id == conversation_id, message.c.unheard)
        .order_by(message.c.seq)
    )
    return [
        Unheard(
            conversation_id,
            row.id,
            row.channel,
            row.language,
            row.kind,
            row.size,
            keys.open(row.remote, f"file:{row.file_id}") if row.remote else {},
            row.at,
        )
        for row in rows
    ]


def hear(c: Connection, keys: Keys, conversation_id: str, incoming: Incoming) -> bool:
    """Give a recording its words; from now on it waits for its answer like any other message.

    Args:
        incoming: what was said under the message's own id; an empty text where it could not be heard.

    Returns:
        False where it is gone, or was heard already.
    """
    ours = (message.c.conversation_id == conversation_id) & (message.c.id == incoming.id) & message.c.unheard
    row = c.execute(select(message.c.seq, message.c.body).where(ours)).first()
    seq = next_seq(c, conversation_id) if row else None
    if row is None or seq is None:
        return False
    body = keys.open(row.body, f"message:{conversation_id}") | {"text": incoming.text}
    if incoming.action:
        body |= {"action": incoming.action, "typed": incoming.typed}
    c.execute(
        update(message)
        .where(ours)
        .values(
            seq=seq, unheard=False, body=keys.seal(body, f"message:{conversation_id}"), language=incoming.language, level=incoming.level
        )
    )
    c.execute(update(file).where(file.c.conversation_id == conversation_id, file.c.seq == row.seq).values(seq=seq))
    return True
