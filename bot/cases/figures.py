"""What the desk's days look like, in figures: how long people wait, what they come for, and how it ends. Nothing of any person."""

from __future__ import annotations

import datetime as dt
import statistics
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, Connection, Row, func, select

from bot.cases.queue import Scope
from bot.store.schema import case, conversation, message

_COUNTED = ("topic", "level", "language", "channel", "state", "consulate", "outcome", "rating")


@dataclass(frozen=True)
class Spread:
    """Seconds: half take no longer than the median, nine in ten no longer than `ninety`; None where there are none."""

    count: int
    median: float | None
    ninety: float | None

    @classmethod
    def of(cls, seconds: Iterable[float]) -> Spread:
        values = sorted(seconds)
        if not values:
            return cls(0, None, None)
        ninety = values[min(len(values) - 1, int(0.9 * len(values)))]
        return cls(len(values), statistics.median(values), ninety)


@dataclass(frozen=True)
class Figures:
    """Of the cases opened since a time, and of what people wrote since.

    Attributes:
        wait: from the opening to the first claim.
        resolution: from the opening to the end.
        cases: counts by column of `cases`, then by value.
        hours: cases opened by (weekday, hour), 0 is Monday.
        escalated: cases that raised an alarm.
        conversations, with_case: those begun since, and those of them that became a case.
        topics: messages by what they were about.
        messages, unclear, given_up: those of people; those answered by a question what is meant; dead letters.
    """

    wait: Spread
    wait_in_danger: Spread
    resolution: Spread
    cases: dict[str, dict[Any, int]]
    hours: dict[tuple[int, int], int]
    escalated: int
    conversations: int
    with_case: int
    messages: int
    unclear: int
    given_up: int
    topics: dict[str, int] = field(default_factory=dict)

    @property
    def solved_alone(self) -> float | None:
        """The share of conversations that needed no officer."""
        return 1 - self.with_case / self.conversations if self.conversations else None


def figures(c: Connection, since: float, scope: Scope | None = None, zone: str = "UTC") -> Figures:
    """Figures since a time.

    Args:
        scope: whose cases; what people wrote is counted as a whole.
        zone: whose clock the hours are told by.
    """
    wanted = select(case).where(case.c.opened_at >= since)
    rows = c.execute(wanted if scope is None else wanted.where(scope.where())).all()
    people = message.c.author == "user"
    recent = people & (message.c.at >= since)
    topics = select(message.c.topic, func.count()).where(recent, message.c.topic.is_not(None)).group_by(message.c.topic)
    begun = conversation.c.created_at >= since
    wrote = select(message.c.seq).where(message.c.conversation_id == conversation.c.id, people).exists()
    has_case = select(case.c.id).where(case.c.conversation_id == conversation.c.id).exists()
    unclear = recent & message.c.answered_at.is_not(None) & message.c.topic.is_(None) & message.c.dead.is_(False)
    return Figures(
        wait=Spread.of(_seconds(rows, "claimed_at")),
        wait_in_danger=Spread.of(_seconds([row for row in rows if row.level == 1], "claimed_at")),
        resolution=Spread.of(_seconds(rows, "resolved_at")),
        cases={name: dict(Counter(getattr(row, name) for row in rows).most_common()) for name in _COUNTED},
        hours=dict(Counter(_hour(row.opened_at, zone) for row in rows)),
        escalated=sum(row.escalated_at is not None for row in rows),
        conversations=_count(c, select(func.count()).select_from(conversation).where(begun, wrote)),
        with_case=_count(c, select(func.count()).select_from(conversation).where(begun, wrote, has_case)),
        messages=_messages(c, recent),
        unclear=_messages(c, unclear),
        given_up=_messages(c, recent & message.c.dead.is_(True)),
        topics=dict(map(tuple, c.execute(topics.order_by(func.count().desc())))),
    )


def _seconds(rows: Iterable[Row[Any]], until: str) -> list[float]:
    return [getattr(row, until) - row.opened_at for row in rows if getattr(row, until) is not None]


def _hour(at: float, zone: str) -> tuple[int, int]:
    local = dt.datetime.fromtimestamp(at, ZoneInfo(zone))
    return local.weekday(), local.hour


def _messages(c: Connection, which: ColumnElement[bool]) -> int:
    return _count(c, select(func.count()).select_from(message).where(which))


def _count(c: Connection, wanted: Any) -> int:
    return int(c.execute(wanted).scalar_one())
