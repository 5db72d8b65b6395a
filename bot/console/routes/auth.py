"""Signing in and out, the second step, the session's life, and the proof asked for anew before acts that want one."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import Annotated, Any
from urllib.parse import quote

from fastapi import APIRouter, Depends, Form, Request, Response
from fastapi.responses import JSONResponse, RedirectResponse
from sqlalchemy import Connection, Row

from bot.console import accounts, audit, passwords, security, sessions
from bot.console.accounts import Officer
from bot.console.pages import render
from bot.console.security import BASE, service, signed_in
from bot.web.limits import TooFast

router = APIRouter(include_in_schema=False)

Words = Annotated[str, Form(max_length=1000)]


def spend_try(request: Request) -> None:
    """One more try of this address.

    Raises:
        TooFast: there were too many.
    """
    address = request.client.host if request.client else "?"
    if service(request).settings.limits == "on" or not security.is_loopback(address):
        security.shared(request).tries.take(address)


async def enter(request: Request, officer_id: str, how: str, going: str, proved_at: float | None = None) -> Response:
    """Begin a session, under a new token whatever the browser held before, and go on to a page."""
    response = RedirectResponse(security.safe_next(going), 303)
    await begin_session(request, response, officer_id, how, proved_at)
    return response


async def begin_session(request: Request, response: Response, officer_id: str, how: str, proved_at: float | None = None) -> None:
    """Begin a session; `proved_at`: when the officer proved who they are, where that was not now."""
    its, now, before = service(request), time.time(), security.token_of(request)

    def begin(c: Connection) -> str:
        if before:
            sessions.end(c, its.keys, before)
        accounts.forgive(c, officer_id)
        audit.record(c, officer_id, "signin", officer_id, how, now)
        return sessions.begin(c, its.keys, officer_id, now, now if proved_at is None else proved_at)

    security.set_session(request, response, await its.writer.write(begin))


# --- e-mail and password -------------------------------------------------------------------------------------------------------


@router.get("/signin")
async def sign_in_page(request: Request) -> Response:
    security.check_transport(request)
    return _sign_in_page(request, request.query_params.get("next", ""))


def _sign_in_page(request: Request, going: str, wrong: str = "", email: str = "", status: int = 200) -> Response:
    settings = service(request).settings
    values = {
        "going": security.safe_next(going),
        "wrong": wrong,
        "email": email,
        "oidc": bool(settings.oidc_issuer),
        "demo": settings.demo == "on",
    }
    return render(request, None, "signin.html", status, **values)


@router.post("/signin")
async def sign_in(request: Request, email: Words = "", password: Words = "", going: Annotated[str, Form(alias="next")] = "") -> Response:
    """The first step. Every refusal says the same and takes the same time."""
    security.check_transport(request)
    security.check_origin(request)
    try:
        spend_try(request)
    except TooFast:
        return _sign_in_page(request, going, "signin_too_fast", email, 429)
    row = await check_password(request, email, password)
    if row is None:
        return _sign_in_page(request, going, "signin_refused", email, 401)
    its = service(request)
    if row.totp is None:
        if its.settings.demo == "on" and security.is_loopback(request.client.host if request.client else None):
            return await enter(request, row.id, "demo", going)
        return _sign_in_page(request, going, "signin_refused", email, 401)
    response = RedirectResponse(f"{BASE}/signin/code?next={quote(security.safe_next(going))}", 303)
    security.give_ticket(request, response, "code", officer=row.id, how="password")
    return response


async def check_password(request: Request, email: str, password: str) -> Row[Any] | None:
    """The account, where the password is right and it may be used now. One write, one hashing and one write, whoever asks."""
    its, now = service(request), time.time()
    with its.database.read() as c:
        row = accounts.row_by_email(c, its.keys, email)
    usable = row is not None and row.disabled_at is None and row.password is not None
    charged = await its.writer.write(lambda c: accounts.charge(c, row.id if usable and row is not None else "", now))
    right = await passwords.fits(password, row.password if charged and row is not None else None)
    if row is None or charged is None or not right:
        why = "locked" if usable and charged is None else "password"
        await its.writer.write(lambda c: accounts.refused(c, row.id if row is not None else None, why, now))
        return None
    fresh = await passwords.hashed(password) if passwords.outdated(row.password) else None

    def right_so_far(c: Connection) -> None:
        accounts.take_back(c, charged)
        if fresh is not None:
            accounts.change(c, its.keys, charged.officer_id, password=fresh)

    await its.writer.write(right_so_far)
    return row


# --- the second factor ---------------------------------------------------------------------------------------------------------


@router.get("/signin/code")
async def code_page(request: Request) -> Response:
    if security.ticket(request, "code") is None:
        return RedirectResponse(f"{BASE}/signin?next={quote(security.safe_next(request.query_params.get('next')))}", 303)
    return _code_page(request, request.query_params.get("next", ""))


def _code_page(request: Request, going: str, wrong: str = "", status: int = 200) -> Response:
    return render(request, None, "code.html", status, going=security.safe_next(going), wrong=wrong)


@router.post("/signin/code")
async def code(request: Request, code: Words = "", going: Annotated[str, Form(alias="next")] = "") -> Response:
    """The second step: a code of the authenticator, or a recovery code; each counts once."""
    security.check_origin(request)
    held = security.ticket(request, "code")
    if held is None:
        return RedirectResponse(f"{BASE}/signin?next={quote(security.safe_next(going))}", 303)
    try:
        spend_try(request)
    except TooFast:
        return _code_page(request, going, "signin_too_fast", 429)
    how = await check_code(request, held["officer"], code)
    if how is None:
        return _code_page(request, going, "code_refused", 401)
    response = await enter(request, held["officer"], f"{held['how']}+{how}", going)
    security.use_up(request, response, "code")
    return response


async def check_code(request: Request, officer_id: str, code: str) -> str | None:
    """Use up a code of an officer: "totp" or "recovery", which one it was; None where it is refused."""
    its, now = service(request), time.time()
    charged = await its.writer.write(lambda c: accounts.charge(c, officer_id, now))
    with its.database.read() as c:
        row = accounts.row_of(c, officer_id)
    secret = accounts.secret_of(its.keys, row) if row is not None and row.disabled_at is None else None
    step = passwords.step_of(secret, code, now) if secret else None

    def use(c: Connection) -> str | None:
        if charged is not None and secret is not None:
            if step is not None and accounts.use_step(c, officer_id, step):
                accounts.forgive(c, officer_id)
                return "totp"
            if step is None and accounts.use_recovery(c, its.keys, officer_id, code):
                accounts.forgive(c, officer_id)
                audit.record(c, officer_id, "recovery_code_used", officer_id, None, now)
                return "recovery"
        accounts.refused(c, officer_id, "locked" if charged is None else "code", now)
        return None

    return await its.writer.write(use)


# --- the session ---------------------------------------------------------------------------------------------------------------


@router.post("/signout")
async def sign_out(request: Request, officer: Annotated[Officer, Depends(signed_in)]) -> Response:
    its, token = service(request), security.token_of(request) or ""

    def out(c: Connection) -> None:
        sessions.end(c, its.keys, token)
        audit.record(c, officer.id, "signout", officer.id, None, time.time())

    await its.writer.write(out)
    response = RedirectResponse(f"{BASE}/signin?done=signed_out", 303)
    security.drop_session(request, response)
    response.headers["Clear-Site-Data"] = '"cache", "storage"'
    return response


def _left(request: Request) -> JSONResponse:
    session, now = request.state.session, time.time()
    return JSONResponse({"left": int(session.until - now), "ends": int(session.ends - now)})


@router.get("/session", include_in_schema=True, tags=["console"])
async def session_left(request: Request, officer: Annotated[Officer, Depends(security.watching)]) -> JSONResponse:
    """Seconds that the session goes on if nothing is asked (`left`), and at the most (`ends`). Asking does not extend it."""
    return _left(request)


@router.post("/session", include_in_schema=True, tags=["console"])
async def session_extend(request: Request, officer: Annotated[Officer, Depends(signed_in)]) -> JSONResponse:
    """Extend the session; answers as GET does."""
    its, token, now = service(request), security.token_of(request) or "", time.time()
    await its.writer.write(lambda c: sessions.touch(c, its.keys, token, now))
    request.state.session = replace(request.state.session, seen_at=now)
    return _left(request)


@router.post("/language")
async def choose_language(request: Request, language: Words = "es") -> Response:
    """Switch the language: the officer's own, or this browser's before the sign-in."""
    security.check_origin(request)
    response = RedirectResponse(_back(request), 303)
    chosen = "en" if language == "en" else "es"
    if security.token_of(request):
        officer = await signed_in(request)
        its = service(request)
        await its.writer.write(lambda c: accounts.change(c, its.keys, officer.id, language=chosen))
    response.set_cookie(
        "orienta_language", chosen, max_age=31_536_000, path=BASE, httponly=True, samesite="lax", secure=security.is_https(request)
    )
    return response


def _back(request: Request) -> str:
    """The page that the switch stood on: one of ours, the pages before the sign-in included."""
    from_page = (request.headers.get("referer") or "").partition(BASE)[2]
    ok = from_page.startswith("/sign") and from_page.isprintable() and " " not in from_page and "\\" not in from_page
    return f"{BASE}{from_page}" if ok and "/signup/factor" not in from_page else security.here(request)


# --- proof asked for anew ------------------------------------------------------------------------------------------------------


@router.get("/confirm")
async def confirm_page(request: Request, officer: Annotated[Officer, Depends(signed_in)]) -> Response:
    if not officer.factor and not officer.has_password:  # the provider knows both factors: it is asked again
        return RedirectResponse(f"{BASE}/oidc/start?again=1&next={quote(security.safe_next(request.query_params.get('next')))}", 303)
    return _confirm_page(request, officer, request.query_params.get("next", ""))


def _confirm_page(request: Request, officer: Officer, going: str, wrong: str = "", status: int = 200) -> Response:
    return render(request, officer, "confirm.html", status, going=security.safe_next(going), wrong=wrong)


@router.post("/confirm")
async def confirm(
    request: Request,
    officer: Annotated[Officer, Depends(signed_in)],
    code: Words = "",
    password: Words = "",
    going: Annotated[str, Form(alias="next")] = "",
) -> Response:
    """A code of the authenticator; in the demo, which has none, the password."""
    try:
        spend_try(request)
    except TooFast:
        return _confirm_page(request, officer, going, "signin_too_fast", 429)
    if officer.factor:
        right = await check_code(request, officer.id, code) is not None
    else:
        right = await check_password(request, officer.email, password) is not None
    if not right:
        return _confirm_page(request, officer, going, "code_refused" if officer.factor else "signin_refused", 401)
    its, token, now = service(request), security.token_of(request) or "", time.time()

    def confirmed(c: Connection) -> None:
        sessions.confirm(c, its.keys, token, now)
        audit.record(c, officer.id, "confirmed", officer.id, None, now)

    await its.writer.write(confirmed)
    return RedirectResponse(security.safe_next(going), 303)
