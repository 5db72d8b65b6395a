"""Supervisors: who is on duty when. Shifts repeat every week, each in a zone of its own."""

from __future__ import annotations

import re
import time
from typing import Annotated, Any
from zoneinfo import available_timezones

from fastapi import APIRouter, Depends, Form, Request, Response
from fastapi.responses import RedirectResponse
from sqlalchemy import Connection, delete, insert, select

from bot.cases import roster as reading
from bot.console import accounts, audit
from bot.console.accounts import Officer
from bot.console.pages import render
from bot.console.security import BASE, Refused, require, service
from bot.store.schema import shift

router = APIRouter(prefix="/roster", include_in_schema=False)

Supervisor = Annotated[Officer, Depends(require("supervisor"))]
Words = Annotated[str, Form(max_length=100)]
HOME = "America/Mexico_City"
MOST = 42
"""Shifts of one officer."""


def _manages(officer: Officer, other: Officer) -> bool:
    """A supervisor keeps the roster of officers whose consulates are all their own; who sees all, everybody's."""
    return officer.consulates is None or (other.consulates is not None and other.consulates <= officer.consulates)


def _zones(request: Request) -> list[str]:
    return sorted({HOME, *(post.timezone for post in service(request).live.current.consulates.values())} & available_timezones())


@router.get("")
async def roster(request: Request, officer: Supervisor) -> Response:
    its, now = service(request), time.time()
    with its.database.read() as c:
        everyone = [o for o in accounts.everyone(c, its.keys) if not o.disabled and _manages(officer, o)]
        shifts = c.execute(select(shift).order_by(shift.c.weekday, shift.c.starts)).all()
        on_duty = set(reading.on_duty(c, now))
        opens = reading.opens_at(c, now)
    grid = {o.id: [[s for s in shifts if s.officer_id == o.id and s.weekday == day] for day in range(7)] for o in everyone}
    values: dict[str, Any] = {
        "officers": everyone,
        "grid": grid,
        "on_duty": on_duty,
        "opens": opens,
        "zones": _zones(request),
        "home": HOME,
    }
    return render(request, officer, "roster.html", **values, planned=bool(shifts))


def _minutes(text: str) -> int | None:
    match = re.fullmatch(r"([01]\d|2[0-3]):([0-5]\d)", text)
    return int(match[1]) * 60 + int(match[2]) if match else None


def _of(request: Request, officer: Officer, officer_id: str) -> Officer:
    its = service(request)
    with its.database.read() as c:
        found = next((o for o in accounts.everyone(c, its.keys) if o.id == officer_id), None)
    if found is None or found.disabled or not _manages(officer, found):
        raise Refused(404, "gone")
    return found


@router.post("/add")
async def add(request: Request, officer: Supervisor, who: Words = "", starts: Words = "", ends: Words = "", zone: Words = HOME) -> Response:
    """The same hours on each of the chosen days. An end at or before the start is on the next day."""
    found, begin, end = _of(request, officer, who), _minutes(starts), _minutes(ends)
    days = sorted({int(day) for day in (await request.form()).getlist("day") if isinstance(day, str) and day in list("0123456")})
    if begin is None or end is None or not days or zone not in _zones(request):
        raise Refused(422, "shift")

    def plan(c: Connection) -> bool:
        had = c.execute(select(shift).where(shift.c.officer_id == found.id)).all()
        known = {(s.weekday, s.starts, s.ends, s.zone) for s in had}
        new = [day for day in days if (day, begin, end, zone) not in known]
        if len(had) + len(new) > MOST:
            return False
        for day in new:
            c.execute(insert(shift).values(officer_id=found.id, weekday=day, starts=begin, ends=end, zone=zone))
        audit.record(c, officer.id, "shift_added", found.id, f"{','.join(map(str, new))} {starts}-{ends} {zone}", time.time())
        return True

    if not await service(request).writer.write(plan):
        raise Refused(422, "shift")
    return RedirectResponse(f"{BASE}/roster?done=saved", 303)


@router.post("/remove")
async def remove(request: Request, officer: Supervisor, shift_id: Annotated[int, Form()]) -> Response:
    its = service(request)
    with its.database.read() as c:
        row = c.execute(select(shift).where(shift.c.id == shift_id)).first()
    if row is None:
        return RedirectResponse(f"{BASE}/roster", 303)
    found = _of(request, officer, row.officer_id)

    def drop(c: Connection) -> None:
        c.execute(delete(shift).where(shift.c.id == shift_id))
        audit.record(c, officer.id, "shift_removed", found.id, str(row.weekday), time.time())

    await its.writer.write(drop)
    return RedirectResponse(f"{BASE}/roster?done=saved", 303)
