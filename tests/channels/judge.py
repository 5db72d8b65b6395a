"""Who says whether anything was lost, doubled or swapped: the store tells what was to be said, the stand-in what was heard."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import select

from bot.store.database import Database
from bot.store.schema import conversation, delivery, message

ARRIVED = ("sent", "delivered", "read")


@dataclass
class Verdict:
    """Figures of one channel.

    Attributes:
        unanswered: messages of people without an answer.
        lost: messages to people that did not arrive, by state.
        repeated: calls that were made twice, their outcome being unknown, and marked so.
        doubled: calls that were made twice without a mark.
        swapped: conversations in which something came before what was said earlier.
    """

    conversations: int = 0
    received: int = 0
    sent: int = 0
    unanswered: int = 0
    lost: dict[str, int] = field(default_factory=dict)
    repeated: int = 0
    doubled: int = 0
    swapped: int = 0

    def is_good(self) -> bool:
        return not (self.unanswered or self.lost or self.doubled or self.swapped)


def judge(database: Database, channel: str, references: list[str]) -> Verdict:
    """Hold what was heard against what was stored.

    Args:
        references: of every call that the stand-in took, in order: "delivery.part.parts".
    """
    with database.read() as c:
        rows = c.execute(
            select(delivery)
            .join(conversation, conversation.c.id == delivery.c.conversation_id)
            .where(conversation.c.channel == channel, delivery.c.kind == "message")
        ).all()
        people = c.execute(
            select(message.c.answered_at)
            .join(conversation, conversation.c.id == message.c.conversation_id)
            .where(conversation.c.channel == channel, message.c.author == "user")
        ).all()
    known = {row.id: row for row in rows}
    heard = Counter(references)
    twice = [reference.partition(".")[0] for reference, times in heard.items() if times > 1]
    arrived = {reference.partition(".")[0] for reference in references}
    lost = Counter(
        row.state if row.state not in ARRIVED else "never heard" for row in rows if row.state not in ARRIVED or row.id not in arrived
    )
    return Verdict(
        conversations=len({row.conversation_id for row in rows}),
        received=len(people),
        sent=len(rows),
        unanswered=sum(row.answered_at is None for row in people),
        lost=dict(lost),
        repeated=sum(known[one].doubtful for one in twice if one in known),
        doubled=sum(not known[one].doubtful for one in twice if one in known),
        swapped=_swapped(known, references),
    )


def _swapped(known: dict[str, Any], references: list[str]) -> int:
    """Conversations in which a call came before one of an earlier message; what may overtake (danger) apart."""
    furthest: dict[str, tuple[int, int]] = {}
    swapped = set()
    for reference in dict.fromkeys(references):
        delivery_id, part, _ = reference.split(".")
        row = known.get(delivery_id)
        if row is None or row.priority == 1:
            continue
        place, before = (row.seq, int(part)), furthest.get(row.conversation_id, (0, 0))
        if place < before:
            swapped.add(row.conversation_id)
        furthest[row.conversation_id] = max(place, before)
    return len(swapped)
