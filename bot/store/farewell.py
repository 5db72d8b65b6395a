"""The last word to a person on another channel who had everything erased: their conversation is gone, and they must hear that it is.

The word needs an address. It stands in a new conversation that holds the address and nothing else, and that is gone within a minute.
"""

from __future__ import annotations

import uuid

from sqlalchemy import Connection, delete, insert, select

from bot.store import timers
from bot.store.crypto import Keys
from bot.store.inbox import Outgoing, erase, insert_outgoing, next_seq
from bot.store.schema import conversation, message

KIND = "farewell"
SECONDS = 45.0
"""How long the address is kept for the last word; "borra mis datos" is promised within a minute."""


def erase_and_tell(c: Connection, keys: Keys, conversation_id: str, last_word: Outgoing, now: float) -> None:
    """Erase a conversation; on a channel that keeps no transcript of ours the person is told so."""
    row = c.execute(select(conversation).where(conversation.c.id == conversation_id)).first()
    erase(c, keys, conversation_id, now)
    if row is None or row.identity is None or row.unreachable is not None:
        return
    here = uuid.uuid4().hex
    address = keys.seal(keys.open(row.identity, f"identity:{conversation_id}"), f"identity:{here}")
    c.execute(
        insert(conversation).values(
            id=here,
            channel=row.channel,
            identity=address,
            identity_hash=row.identity_hash,
            alias_hash=row.alias_hash,
            language=row.language,
            inbound_at=row.inbound_at,
            created_at=now,
        )
    )
    first = next_seq(c, here)
    if first is not None:
        insert_outgoing(c, keys, here, first, [last_word], now, author="system", language=row.language)
    timers.schedule(c, KIND, now + SECONDS, here)


def end(c: Connection, conversation_id: str) -> None:
    """The minute is over: the address goes too, unless the person has begun anew."""
    wrote = select(message.c.seq).where(message.c.conversation_id == conversation_id, message.c.author == "user")
    if c.execute(wrote.limit(1)).first() is None:
        c.execute(delete(conversation).where(conversation.c.id == conversation_id))
