"""Who has a conversation: the assistant, or a human. A change of hands raises the fence: what a worker is thinking is not committed."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, update

from bot.store.schema import conversation

FREE: dict[str, Any] = {"lease_by": None, "lease_until": None, "in_hand": None}
"""No worker has it in hand."""


def raise_fence(c: Connection, conversation_id: str) -> None:
    """The dialogue's state was changed by another hand: what a worker is thinking about it now is never committed, and thought again."""
    c.execute(update(conversation).where(conversation.c.id == conversation_id).values(fence=conversation.c.fence + 1, **FREE))


def take_over(c: Connection, conversation_id: str) -> bool:
    """A human takes the conversation: what a worker is thinking about it now is never committed."""
    return bool(
        c.execute(
            update(conversation)
            .where(conversation.c.id == conversation_id, conversation.c.holder == "bot")
            .values(holder="human", fence=conversation.c.fence + 1, **FREE)
        ).rowcount
    )


def give_back(c: Connection, conversation_id: str) -> bool:
    """The human is done: the assistant answers again from the next message on."""
    return bool(
        c.execute(
            update(conversation)
            .where(conversation.c.id == conversation_id, conversation.c.holder == "human")
            .values(holder="bot", fence=conversation.c.fence + 1, **FREE)
        ).rowcount
    )
