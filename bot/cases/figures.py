"""The figures of the dashboard: counted from rows, never from texts. Only reads."""

from __future__ import annotations

import datetime as dt
import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, func, select

from bot.cases.queue import Scope
from bot.store.schema import case, conversation, message


@dataclass(frozen=True)
class Spread:
    """The middle and the slow end of how long something took, in minutes; None where there is nothing to tell."""

    count: int
    median: float | None
    p90: float | None


@dataclass(frozen=True)
class Figures:
    """What happened since a moment.

    Attributes:
        wait, resolution: from opening to the first word of an officer, and to the end, by level.
        topics, levels, languages, channels: cases.
        states: open cases now and cases done since, by state.
        hours: messages of people by (weekday, hour) of the asked zone; Monday is 0.
        conversations: those in which somebody wrote.
        alone: of these, the ones that the assistant ended without a case.
        misunderstood: answers that were a question about what is meant.
        answered: all answered messages of people.
        rated, helped: taps on the question how it went.
    """

    wait: Mapping[int, Spread]
    resolution: Mapping[int, Spread]
    topics: Mapping[str, int]
    levels: Mapping[int, int]
    languages: Mapping[str, int]
    channels: Mapping[str, int]
    states: Mapping[str, int]
    hours: Mapping[tuple[int, int], int]
    conversations: int
    alone: int
    misunderstood: int
    answered: int
    rated: int
    helped: int


def figures(c: Connection, since: float, scope: Scope, zone: ZoneInfo) -> Figures:
    """Count what happened since then, within what the officer may see; messages are counted for all."""
    rows = c.execute(
        select(
            case.c.topic,
            case.c.level,
            case.c.language,
            case.c.channel,
            case.c.state,
            case.c.opened_at,
            case.c.replied_at,
            case.c.resolved_at,
            case.c.rating,
        ).where(case.c.opened_at >= since, scope.where())
    ).all()
    told = message.c.author == "user", message.c.at >= since
    talked = c.execute(select(func.count(message.c.conversation_id.distinct())).where(*told)).scalar_one()
    with_case = c.execute(
        select(func.count(message.c.conversation_id.distinct())).where(
            *told, select(case.c.id).where(case.c.conversation_id == message.c.conversation_id).exists()
        )
    ).scalar_one()
    replies = (message.c.author == "bot", message.c.at >= since, message.c.in_reply_to.is_not(None), message.c.interim.is_(False))
    answered = c.execute(select(func.count()).select_from(message).where(*replies)).scalar_one()
    unsure = c.execute(select(func.count()).select_from(message).where(*replies, message.c.topic.is_(None))).scalar_one()
    levels = sorted({row.level for row in rows}, key=lambda level: level or 9)
    return Figures(
        wait={n: spread([r.replied_at - r.opened_at for r in rows if r.level == n and r.replied_at]) for n in levels},
        resolution={n: spread([r.resolved_at - r.opened_at for r in rows if r.level == n and r.resolved_at]) for n in levels},
        topics=dict(Counter(row.topic or "human_handoff" for row in rows).most_common()),
        levels={n: sum(row.level == n for row in rows) for n in levels},
        languages=dict(Counter(row.language for row in rows).most_common()),
        channels=dict(Counter(row.channel for row in rows).most_common()),
        states=dict(Counter(row.state for row in rows)),
        hours=_hours(c, since, zone),
        conversations=talked,
        alone=talked - with_case,
        misunderstood=unsure,
        answered=answered,
        rated=sum(row.rating is not None for row in rows),
        helped=sum(row.rating == 1 for row in rows),
    )


def spread(seconds: Sequence[float]) -> Spread:
    """Median and 90th percentile (nearest rank), in minutes."""
    if not seconds:
        return Spread(0, None, None)
    ordered = sorted(seconds)

    def rank(share: float) -> float:
        return round(ordered[max(0, math.ceil(share * len(ordered)) - 1)] / 60, 1)

    return Spread(len(ordered), rank(0.5), rank(0.9))


def _hours(c: Connection, since: float, zone: ZoneInfo) -> dict[tuple[int, int], int]:
    """Counted by the hour in SQL, put into the zone's week here: rows stay few however many messages there are."""
    hour = func.floor(message.c.at / 3600)
    rows = c.execute(
        select(hour, func.count())
        .join(conversation, conversation.c.id == message.c.conversation_id)
        .where(message.c.author == "user", message.c.at >= since)
        .group_by(hour)
    )
    counted: Counter[tuple[int, int]] = Counter()
    for number, count in rows:
        local = dt.datetime.fromtimestamp(int(number) * 3600, zone)
        counted[local.weekday(), local.hour] += count
    return dict(counted)
