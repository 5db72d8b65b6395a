"""Who is on duty, and when somebody is again."""

from __future__ import annotations

import datetime as dt

import pytest
from sqlalchemy import insert, update

from bot.cases import queue, roster
from bot.store.schema import officer, shift
from tests.cases.conftest import Office


def at(text: str, zone: str = "UTC") -> float:
    """A moment by the clock of UTC: "2026-03-02 14:30"."""
    return dt.datetime.fromisoformat(text).replace(tzinfo=dt.UTC).timestamp()


def works(office: Office, who: str, weekday: int, starts: int, ends: int, zone: str = "America/Chicago") -> None:
    row = {"officer_id": who, "weekday": weekday, "starts": starts, "ends": ends, "zone": zone}
    office.does(lambda c: c.execute(insert(shift).values(**row)))


def duty(office: Office, when: float, consulate: str | None = None) -> list[str]:
    with office.database.read() as c:
        return roster.on_duty(c, when, consulate)


def opens(office: Office, when: float, consulate: str | None = None) -> float | None:
    with office.database.read() as c:
        return roster.opens_at(c, when, consulate)


def test_a_shift_is_told_by_the_officers_own_clock(office: Office) -> None:
    works(office, "ana", 0, 9 * 60, 17 * 60)  # Mondays; in March 2026 Chicago is at UTC-6, from the 8th at UTC-5

    assert [duty(office, at(f"2026-03-02 {hour}")) for hour in ("14:59", "15:00", "22:59", "23:00")] == [[], ["ana"], ["ana"], []]
    assert [duty(office, at(f"2026-03-09 {hour}")) for hour in ("13:59", "14:00", "21:59", "22:00")] == [[], ["ana"], ["ana"], []]
    assert opens(office, at("2026-03-02 15:00")) == at("2026-03-09 14:00")


def test_a_shift_over_midnight_belongs_to_the_day_that_it_begins_on(office: Office) -> None:
    works(office, "ana", 6, 22 * 60, 6 * 60)  # Sundays, ten in the evening to six

    assert duty(office, at("2026-03-02 11:59")) == ["ana"]  # Monday, 5:59
    assert duty(office, at("2026-03-02 12:00")) == []
    assert duty(office, at("2026-03-03 05:00")) == []  # Monday, 23:00
    # the night of 7 to 8 March is a Saturday's; that of the change to summer time, 8 March, begins on Sunday
    assert duty(office, at("2026-03-09 02:59")) == []
    assert duty(office, at("2026-03-09 03:00")) == ["ana"]


def test_a_shift_over_the_change_of_the_clock_begins_and_ends_when_the_clock_says_so(office: Office) -> None:
    works(office, "ana", 5, 23 * 60, 5 * 60)  # Saturdays; on 8 March 2026 two o'clock is three

    assert duty(office, at("2026-03-08 04:59")) == []
    assert duty(office, at("2026-03-08 05:00")) == ["ana"]
    assert duty(office, at("2026-03-08 09:59")) == ["ana"]  # 4:59, five hours later
    assert duty(office, at("2026-03-08 10:00")) == []


def test_a_whole_day(office: Office) -> None:
    works(office, "ana", 0, 0, 24 * 60, "UTC")
    works(office, "luis", 1, 0, 0, "UTC")

    assert duty(office, at("2026-03-02 00:00")) == duty(office, at("2026-03-02 23:59")) == ["ana"]
    assert duty(office, at("2026-03-03 00:00")) == duty(office, at("2026-03-03 23:59")) == ["luis"]
    assert duty(office, at("2026-03-04 00:00")) == []


def test_only_officers_who_serve_the_consulate_count(office: Office) -> None:
    office.officer("dora", "dallas,austin")
    works(office, "dora", 0, 9 * 60, 17 * 60, "UTC")
    works(office, "ana", 0, 12 * 60, 17 * 60, "UTC")
    morning = at("2026-03-02 10:00")

    assert (duty(office, morning, "austin"), duty(office, morning, "boston"), duty(office, morning)) == (["dora"], [], ["dora"])
    assert opens(office, morning, "boston") == at("2026-03-02 12:00")
    office.does(lambda c: c.execute(update(officer).where(officer.c.id == "dora").values(disabled_at=1.0)))
    assert duty(office, morning, "austin") == []


def test_without_a_roster_who_was_seen_is_on_duty(office: Office) -> None:
    now = office.now
    office.was_seen("ana", now - 599)
    office.was_seen("luis", now - 601)
    assert (duty(office, now), opens(office, now)) == (["ana"], None)
    works(office, "luis", 0, 0, 1)
    assert "ana" not in duty(office, now)


@pytest.mark.parametrize("level", [None, 1, 2])
def test_out_of_hours_the_wait_is_told_by_when_somebody_comes(office: Office, level: int | None) -> None:
    works(office, "ana", 0, 9 * 60, 17 * 60, "UTC")
    with office.database.read() as c:
        wait = queue.expected_wait(c, at("2026-03-01 20:00"), level)
    assert wait == queue.Wait(False, 0, None, at("2026-03-02 09:00"))
