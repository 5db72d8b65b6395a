"""Taking up an invitation: name and password, then the second factor, then the recovery codes, shown once.

Nothing is stored before the second factor is confirmed; until then all of it is in a sealed ticket that the browser holds.
"""

from __future__ import annotations

import time
from typing import Annotated, Any

import segno
from fastapi import APIRouter, Form, Request, Response
from fastapi.responses import RedirectResponse
from sqlalchemy import Connection, Row

from bot.console import accounts, audit, passwords, security
from bot.console.accounts import EMAIL, AccountError, NewAccount
from bot.console.pages import render
from bot.console.routes.auth import begin_session, spend_try
from bot.console.security import BASE, service
from bot.web.limits import TooFast

router = APIRouter(include_in_schema=False)

Words = Annotated[str, Form(max_length=1000)]
NAME = 80
"""Characters of an officer's name."""


def _invited(request: Request, token: str) -> Row[Any] | None:
    its = service(request)
    with its.database.read() as c:
        return accounts.invited(c, its.keys, token, time.time())


def _dead_link(request: Request) -> Response:
    return render(request, None, "signup_dead.html", 404)


def _page(
    request: Request, row: Row[Any], token: str, wrong: str = "", name: str | None = None, email: str = "", status: int = 200
) -> Response:
    its = service(request)
    known = accounts.opened(its.keys, row)
    given = name if name is not None else (known.name if known.name != known.email and known.name != "?" else "")
    first = accounts.is_first(row, its.keys)
    values = {"token": token, "first": first, "name": given, "email": email or known.email, "wrong": wrong, "role": row.role}
    return render(request, None, "signup.html", status, **values)


@router.get("/signup/factor")
async def factor_page(request: Request) -> Response:
    held = security.ticket(request, "enrol")
    return RedirectResponse(f"{BASE}/signin", 303) if held is None else _factor_page(request, held)


@router.get("/signup/{token}")
async def sign_up_page(request: Request, token: str) -> Response:
    security.check_transport(request)
    row = _invited(request, token)
    return _dead_link(request) if row is None else _page(request, row, token)


@router.post("/signup/{token}")
async def sign_up(request: Request, token: str, name: Words = "", email: Words = "", password: Words = "") -> Response:
    """Name and password; then on to the second factor."""
    if token == "factor":
        return await factor(request)
    security.check_transport(request)
    security.check_origin(request)
    row = _invited(request, token)
    if row is None:
        return _dead_link(request)
    its = service(request)
    first = accounts.is_first(row, its.keys)
    address = email.strip().lower() if first else accounts.opened(its.keys, row).email
    wrong = _fault(name, address, password)
    if wrong:
        return _page(request, row, token, wrong, name, email, 422)
    secret = None if row.totp is not None else passwords.new_secret()
    held = {"officer": row.id, "token": token, "name": name.strip(), "email": address, "secret": secret, "how": "invitation"}
    response = RedirectResponse(f"{BASE}/signup/factor", 303)
    security.give_ticket(request, response, "enrol", **held, password=await passwords.hashed(password))
    return response


def _fault(name: str, email: str, password: str) -> str | None:
    if not name.strip() or len(name.strip()) > NAME or not name.isprintable():
        return "name_wrong"
    if not EMAIL.fullmatch(email):
        return "email_wrong"
    return passwords.weakness(password, name, email)


def _factor_page(request: Request, held: dict[str, Any], wrong: str = "", status: int = 200) -> Response:
    secret = held["secret"]
    address = passwords.address_for_app(secret, held["email"]) if secret else ""
    picture = segno.make(address, error="m", micro=False).svg_data_uri(scale=4, border=4) if secret else ""
    spelled = " ".join(secret[n : n + 4] for n in range(0, len(secret), 4)) if secret else ""
    return render(request, None, "factor.html", status, picture=picture, spelled=spelled, address=address, wrong=wrong)


async def factor(request: Request) -> Response:
    """The code that shows that the authenticator is set up; only now the account stands."""
    security.check_origin(request)
    held = security.ticket(request, "enrol")
    if held is None:
        return RedirectResponse(f"{BASE}/signin", 303)
    try:
        spend_try(request)
    except TooFast:
        return _factor_page(request, held, "signin_too_fast", 429)
    its, now = service(request), time.time()
    with its.database.read() as c:
        row = accounts.row_of(c, held["officer"])
    secret = held["secret"] or (accounts.secret_of(its.keys, row) if row is not None else None)
    code = str((await request.form()).get("code", ""))
    step = passwords.step_of(secret, code, now) if secret else None
    if step is None:
        return _factor_page(request, held, "code_refused", 401)
    recovery = passwords.new_recovery_codes() if held["secret"] else None
    chosen = NewAccount(held["name"], held["email"], held["password"], held["secret"], step, recovery)

    def take_up(c: Connection) -> None:
        if held["token"] is not None:
            accounts.take_up(c, its.keys, held["token"], chosen, now)
        else:  # known by the provider's word, which stands in for the link
            found = accounts.row_of(c, held["officer"])
            if found is None or found.disabled_at is not None or found.totp is not None:
                raise AccountError("link_dead")
            accounts.complete(c, its.keys, found, chosen)
        audit.record(c, held["officer"], "account_taken_up", held["officer"], held["how"], now)

    try:
        await its.writer.write(take_up)
    except AccountError as error:
        return _dead_link(request) if error.key == "link_dead" else _factor_page(request, held, error.key, 409)
    response: Response = RedirectResponse(f"{BASE}/", 303)
    if recovery is not None:
        response = render(request, None, "recovery.html", codes=recovery)
    await begin_session(request, response, held["officer"], held["how"])
    security.use_up(request, response, "enrol")
    return response
