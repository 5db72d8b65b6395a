"""What is kept no longer: conversations that are over, and uploads that were never sent."""

from __future__ import annotations

from sqlalchemy import Connection, and_, func, select

from bot.store import files
from bot.store.crypto import Keys
from bot.store.inbox import erase
from bot.store.schema import case, conversation, message

BATCH = 50
"""Conversations in one transaction: it stays short."""


def purge(c: Connection, keys: Keys, now: float, after: float, after_web: float) -> int:
    """Erase what is over; how many conversations went. As many as `BATCH`: there may be more.

    Args:
        after: seconds from the last message and the closing of the last case.
        after_web: the same, of a web conversation that never had a case.
    """
    files.forget_unsent(c, now)
    gone = _over(c, now, after, after_web)
    for conversation_id in gone:
        erase(c, keys, conversation_id, now)
    return len(gone)


def _over(c: Connection, now: float, after: float, after_web: float) -> list[str]:
    last = func.coalesce(message.c.at, conversation.c.created_at)
    newest = and_(message.c.conversation_id == conversation.c.id, message.c.seq == conversation.c.last_seq)
    of_it = case.c.conversation_id == conversation.c.id
    open_or_fresh = select(case.c.id).where(of_it, (case.c.closed_at.is_(None)) | (case.c.closed_at > now - after)).exists()
    had_case = select(case.c.id).where(of_it).exists()
    light = (conversation.c.channel == "web") & ~had_case
    found = (
        select(conversation.c.id)
        .outerjoin(message, newest)
        .where(((last < now - after_web) & light) | ((last < now - after) & ~open_or_fresh))
        .limit(BATCH)
    )
    return list(c.execute(found).scalars())
