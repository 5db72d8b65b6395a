"""Who is on duty, from the shifts: hours of the week in the officers' own zones."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, Row, select

from bot.store.schema import officer, shift

AWAY_SECONDS = 600.0
"""Where there is no roster, an officer seen within this is on duty."""


def on_duty(c: Connection, now: float, consulate: str | None = None, away: float = AWAY_SECONDS) -> list[str]:
    """Ids of the officers on duty, of one consulate (and those of all) or of any.

    Args:
        away: where no shift stands at all, an officer counts who was seen within so many seconds.
    """
    rows = [row for row in _shifts(c) if _serves(row.consulates, consulate)]
    if rows or c.execute(select(shift.c.id).limit(1)).first():
        return sorted({row.officer_id for row in rows if any(a <= now < b for a, b in _times(row, now))})
    seen = c.execute(select(officer.c.id, officer.c.consulates).where(officer.c.disabled_at.is_(None), officer.c.seen_at > now - away))
    return sorted(row.id for row in seen if _serves(row.consulates, consulate))


def opens_at(c: Connection, now: float, consulate: str | None = None) -> float | None:
    """When the next shift begins; None where there is none."""
    starts = [start for row in _shifts(c) if _serves(row.consulates, consulate) for start, _ in _times(row, now) if start > now]
    return min(starts, default=None)


def _shifts(c: Connection) -> list[Row[Any]]:
    return list(
        c.execute(
            select(shift, officer.c.consulates).join(officer, officer.c.id == shift.c.officer_id).where(officer.c.disabled_at.is_(None))
        )
    )


def _serves(consulates: str | None, wanted: str | None) -> bool:
    return wanted is None or consulates is None or wanted in consulates.split(",")


def _times(row: Row[Any], now: float) -> Iterator[tuple[float, float]]:
    """The shift's beginnings and ends around `now`, from yesterday's to next week's.

    Minutes are those of the wall clock: a shift over the change to summer time is an hour shorter, and begins when the clock says so.
    """
    zone = ZoneInfo(row.zone)
    today = dt.datetime.fromtimestamp(now, zone).date()
    for offset in range(-1, 9):
        day = today + dt.timedelta(days=offset)
        if day.weekday() == row.weekday:
            ends = row.ends if row.ends > row.starts else row.ends + 24 * 60
            yield _moment(day, row.starts, zone), _moment(day, ends, zone)


def _moment(day: dt.date, minutes: int, zone: ZoneInfo) -> float:
    wall = dt.datetime.combine(day, dt.time()) + dt.timedelta(minutes=minutes)
    return wall.replace(tzinfo=zone).timestamp()
