"""An officer's own account: how the console behaves, sessions, password, recovery codes."""

from __future__ import annotations

import time
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Form, Request, Response
from fastapi.responses import RedirectResponse
from sqlalchemy import Connection

from bot.console import accounts, audit, passwords, security, sessions
from bot.console.accounts import Officer
from bot.console.pages import render
from bot.console.routes.factor import NAME
from bot.console.security import BASE, service, signed_in

router = APIRouter(prefix="/account", include_in_schema=False)

SignedIn = Annotated[Officer, Depends(signed_in)]
Words = Annotated[str, Form(max_length=1000)]
SWITCHES = ("keys", "sound", "notices")
"""Settings that are on or off; on where nothing was chosen."""


def _done(what: str) -> Response:
    return RedirectResponse(f"{BASE}/account?done={what}", 303)


def _page(request: Request, officer: Officer, wrong: str = "", status: int = 200) -> Response:
    its = service(request)
    with its.database.read() as c:
        row = accounts.row_of(c, officer.id)
        found = sessions.of_officer(c, officer.id, time.time())
    left = accounts.recovery_left(its.keys, row) if row is not None else 0
    values = {"sessions": found, "this": request.state.session.id, "switches": SWITCHES, "recovery_left": left, "wrong": wrong}
    return render(request, officer, "account.html", status, **values)


@router.get("")
async def account(request: Request, officer: SignedIn) -> Response:
    return _page(request, officer)


@router.post("/settings")
async def change_settings(request: Request, officer: SignedIn, name: Words = "") -> Response:
    """Name, and what is switched on."""
    if not name.strip() or len(name.strip()) > NAME or not name.isprintable():
        return _page(request, officer, "name_wrong", 422)
    its, form = service(request), await request.form()
    chosen: dict[str, Any] = {switch: form.get(switch) == "on" for switch in SWITCHES}

    def change(c: Connection) -> None:
        accounts.change_settings(c, its.keys, officer.id, chosen)
        accounts.rename(c, its.keys, officer.id, name)

    await its.writer.write(change)
    return _done("saved")


@router.post("/password")
async def change_password(request: Request, officer: SignedIn, old: Words = "", new: Words = "") -> Response:
    """A new password; all other sessions end."""
    security.fresh(request)
    its, now = service(request), time.time()
    with its.database.read() as c:
        row = accounts.row_of(c, officer.id)
    charged = await its.writer.write(lambda c: accounts.charge(c, officer.id, now))
    if row is None or charged is None or not await passwords.fits(old, row.password):
        return _page(request, officer, "password_old_wrong", 401)
    await its.writer.write(lambda c: accounts.take_back(c, charged))
    if weak := passwords.weakness(new, officer.name, officer.email):
        return _page(request, officer, weak, 422)
    stored, token = await passwords.hashed(new), security.token_of(request)

    def change(c: Connection) -> None:
        accounts.change(c, its.keys, officer.id, password=stored)
        sessions.end_others(c, its.keys, officer.id, token)
        audit.record(c, officer.id, "password_changed", officer.id, None, now)

    await its.writer.write(change)
    return _done("password")


@router.post("/recovery")
async def new_recovery(request: Request, officer: SignedIn) -> Response:
    """New recovery codes, shown once; the old ones end."""
    security.fresh(request)
    its, codes = service(request), passwords.new_recovery_codes()

    def renew(c: Connection) -> None:
        accounts.new_recovery(c, its.keys, officer.id, codes)
        audit.record(c, officer.id, "recovery_renewed", officer.id, None, time.time())

    await its.writer.write(renew)
    return render(request, officer, "recovery.html", codes=codes)


@router.post("/sessions/end")
async def end_session(request: Request, officer: SignedIn, session: Words = "") -> Response:
    """End one of the officer's own sessions, or all but this one."""
    its, token, now = service(request), security.token_of(request), time.time()

    def end(c: Connection) -> None:
        if session == "others":
            sessions.end_others(c, its.keys, officer.id, token)
        else:
            sessions.end_one(c, officer.id, session)
        audit.record(c, officer.id, "session_ended", officer.id, None, now)

    await its.writer.write(end)
    return _done("session_ended")
