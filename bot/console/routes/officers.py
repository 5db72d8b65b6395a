"""Administrators: who has an account, what it may do and see, invitations, lost second factors, leaving."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Form, Request, Response
from fastapi.responses import RedirectResponse
from sqlalchemy import Connection

from bot.cases import desk
from bot.cases.notices import Notices
from bot.cases.queue import one
from bot.console import accounts, audit, security
from bot.console.accounts import ROLES, AccountError, Officer, Role
from bot.console.pages import render
from bot.console.security import BASE, Refused, require, service

router = APIRouter(prefix="/officers", include_in_schema=False)

Administrator = Annotated[Officer, Depends(require("administrator"))]
Words = Annotated[str, Form(max_length=1000)]
TEAM = 32
"""Characters of a team's name."""


def _link(request: Request, token: str) -> str:
    its = service(request)
    root = its.settings.public_url or f"{request.url.scheme}://{request.url.netloc}"
    return f"{root.rstrip('/')}{BASE}/signup/{token}"


def _page(request: Request, officer: Officer, status: int = 200, **values: Any) -> Response:
    its = service(request)
    with its.database.read() as c:
        found = accounts.everyone(c, its.keys)
    posts = sorted(its.live.current.consulates.values(), key=lambda post: post.city)
    known = {"officers": found, "posts": posts, "roles": ROLES, "link": "", "for_whom": "", "wrong": "", "now": time.time()}
    return render(request, officer, "officers.html", status, **known | values)


@router.get("")
async def officers(request: Request, officer: Administrator) -> Response:
    return _page(request, officer)


async def _rights(request: Request) -> tuple[Role, list[str] | None, str | None]:
    """What the form says about role, consulates (None: all) and team.

    Raises:
        Refused: it says something that there is not.
    """
    form, posts = await request.form(), service(request).live.current.consulates
    role = form.get("role")
    chosen = [str(value) for value in form.getlist("consulate")]
    team = str(form.get("team", "")).strip()
    if role not in ROLES or any(post not in posts for post in chosen) or len(team) > TEAM or not team.isprintable():
        raise Refused(422, "form")
    return next(r for r in ROLES if r == role), None if form.get("all") == "on" else chosen, team or None


@router.post("/invite")
async def invite(request: Request, officer: Administrator, email: Words = "", language: Words = "es") -> Response:
    """A new account that waits for its owner; its link is shown once, to be sent by hand."""
    security.fresh(request)
    role, consulates, team = await _rights(request)
    its, now = service(request), time.time()

    def add(c: Connection) -> str:
        invited, token = accounts.invite(c, its.keys, email, role, consulates, team, "en" if language == "en" else "es", now)
        audit.record(c, officer.id, "officer_invited", invited, role, now)
        return token

    try:
        token = await its.writer.write(add)
    except AccountError as error:
        return _page(request, officer, 422, wrong=error.key)
    return _page(request, officer, link=_link(request, token), for_whom=email.strip().lower())


def _found(request: Request, officer_id: str) -> Officer:
    its = service(request)
    with its.database.read() as c:
        found = next((o for o in accounts.everyone(c, its.keys) if o.id == officer_id), None)
    if found is None:
        raise Refused(404, "gone")
    return found


def _one(request: Request, officer: Officer, officer_id: str, status: int = 200, **values: Any) -> Response:
    found = _found(request, officer_id)
    posts = sorted(service(request).live.current.consulates.values(), key=lambda post: post.city)
    known = {"found": found, "posts": posts, "roles": ROLES, "link": "", "wrong": ""}
    return render(request, officer, "officer.html", status, **known | values)


@router.get("/{officer_id}")
async def officer_page(request: Request, officer: Administrator, officer_id: str) -> Response:
    return _one(request, officer, officer_id)


async def _act(request: Request, officer: Officer, action: str, subject: str, detail: str | None, wish: Callable[[Connection], Any]) -> Any:
    """Write, and note in the same transaction who did it."""

    def noted(c: Connection) -> Any:
        result = wish(c)
        audit.record(c, officer.id, action, subject, detail, time.time())
        return result

    return await service(request).writer.write(noted)


@router.post("/{officer_id}/rights")
async def change_rights(request: Request, officer: Administrator, officer_id: str) -> Response:
    """Another role, other consulates, another team; from the next request on."""
    security.fresh(request)
    role, consulates, team = await _rights(request)
    keys, found = service(request).keys, _found(request, officer_id)

    def change(c: Connection) -> None:
        if role != "administrator":
            accounts.keep_an_administrator(c, found.id)
        accounts.change(c, keys, found.id, role=role, consulates=consulates, team=team)

    try:
        await _act(request, officer, "officer_changed", found.id, f"{role}, {'*' if consulates is None else len(consulates)}", change)
    except AccountError as error:
        return _one(request, officer, officer_id, 409, wrong=error.key)
    return RedirectResponse(f"{BASE}/officers/{found.id}?done=saved", 303)


@router.post("/{officer_id}/link")
async def new_link(request: Request, officer: Administrator, officer_id: str, factor: Words = "") -> Response:
    """A new sign-up link; with `factor` the second factor is set up anew as well. The old password and sessions end at once."""
    security.fresh(request)
    keys, found, now = service(request).keys, _found(request, officer_id), time.time()
    if found.disabled or found.id == officer.id:
        raise Refused(409, "form")
    action = "factor_reset" if factor == "new" else "officer_reinvited"
    token = await _act(request, officer, action, found.id, None, lambda c: accounts.reinvite(c, keys, found.id, now, factor == "new"))
    return _one(request, officer, officer_id, link=_link(request, token))


@router.post("/{officer_id}/disable")
async def disable(request: Request, officer: Administrator, officer_id: str) -> Response:
    """The account ends at once; the cases that it holds go back into the queue."""
    security.fresh(request)
    found, now = _found(request, officer_id), time.time()
    try:
        held = await _act(request, officer, "officer_disabled", found.id, None, lambda c: accounts.disable(c, found.id, now))
    except AccountError as error:
        return _one(request, officer, officer_id, 409, wrong=error.key)
    for case_id in held:
        await _give_back(request, officer, case_id, now)
    return RedirectResponse(f"{BASE}/officers/{found.id}?done=disabled", 303)


async def _give_back(request: Request, officer: Officer, case_id: str, now: float) -> None:
    its = service(request)
    with its.database.read() as c:
        found = one(c, its.keys, case_id, officer.scope)
    if found is None:
        return
    notice = Notices(its.live.current, its.keys, found.conversation, found.number, found.spoken).given_back()
    try:
        await its.writer.write(lambda c: desk.give_back(c, its.keys, case_id, officer.id, now, notice, supervising=True))
    except desk.Refused:
        return  # it was given back, resolved or erased meanwhile


@router.post("/{officer_id}/enable")
async def enable(request: Request, officer: Administrator, officer_id: str) -> Response:
    """The account may sign in again; without a password it needs a new link."""
    security.fresh(request)
    found = _found(request, officer_id)
    await _act(request, officer, "officer_enabled", found.id, None, lambda c: accounts.enable(c, found.id))
    return RedirectResponse(f"{BASE}/officers/{found.id}?done=saved", 303)
