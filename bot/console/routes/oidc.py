"""The way to an OpenID Connect provider and back. Only e-mail addresses that an administrator has invited get in."""

from __future__ import annotations

import asyncio
import logging
import time
from urllib.parse import quote

from fastapi import APIRouter, Request, Response
from fastapi.responses import RedirectResponse
from sqlalchemy import Connection

from bot.console import accounts, audit, passwords, security
from bot.console.accounts import NewAccount
from bot.console.oidc import Flow, OidcError, Person, Provider
from bot.console.routes.auth import enter, spend_try
from bot.console.security import BASE, Refused, service
from bot.web.limits import TooFast

router = APIRouter(prefix="/oidc", include_in_schema=False)
log = logging.getLogger("orienta.console")


def _provider(request: Request) -> Provider:
    settings = service(request).settings
    if not settings.oidc_issuer or not settings.oidc_client_id:
        raise Refused(404, "gone")
    root = settings.public_url or f"{request.url.scheme}://{request.url.netloc}"
    return Provider(settings.oidc_issuer, settings.oidc_client_id, settings.oidc_client_secret, f"{root.rstrip('/')}{BASE}/oidc/back")


@router.get("/start")
async def start(request: Request) -> Response:
    """To the provider; `again` asks it for a fresh proof."""
    security.check_transport(request)
    provider, again = _provider(request), "again" in request.query_params
    try:
        address, flow = await asyncio.to_thread(provider.start, again)
    except OidcError as error:
        raise _refused(error) from None
    response = RedirectResponse(address, 303)
    going = security.safe_next(request.query_params.get("next"))
    security.give_ticket(request, response, "oidc", state=flow.state, nonce=flow.nonce, verifier=flow.verifier, going=going)
    return response


def _refused(error: OidcError) -> Refused:
    log.warning("sign-in by the provider failed: %s", error)
    return Refused(403, "oidc")


@router.get("/back")
async def back(request: Request, code: str = "", state: str = "") -> Response:
    """From the provider: who it is, whether they have an account, and whether our second factor follows."""
    provider, held = _provider(request), security.ticket(request, "oidc")
    if held is None or not code or not state:
        raise Refused(403, "oidc")
    try:
        spend_try(request)
        flow = Flow(held["state"], held["nonce"], held["verifier"])
        security.use_up(request, Response(), "oidc")  # before the call: the same way back is gone once
        person = await asyncio.to_thread(provider.finish, flow, code, state)
    except TooFast:
        raise Refused(429, "oidc") from None
    except OidcError as error:
        await _note_refusal(request, str(error))
        raise _refused(error) from None
    response = await _welcome(request, person, held["going"])
    security.use_up(request, response, "oidc")
    return response


async def _note_refusal(request: Request, why: str, officer_id: str | None = None) -> None:
    await service(request).writer.write(lambda c: accounts.refused(c, officer_id, f"provider: {why}", time.time()))


async def _welcome(request: Request, person: Person, going: str) -> Response:
    its, now = service(request), time.time()
    with its.database.read() as c:
        row = accounts.row_by_email(c, its.keys, person.email)
    if row is None or row.disabled_at is not None or (row.invite_hash is not None and row.invite_until < now):
        await _note_refusal(request, "no account", row.id if row is not None else None)
        raise Refused(403, "oidc_unknown")
    known = accounts.opened(its.keys, row)
    name = known.name if known.name != known.email else person.name or person.email
    if person.strong and its.settings.oidc_trust_mfa == "on":
        if row.invite_hash is not None:
            # the invitation is taken up without a password of ours: the provider is the only way in
            chosen = NewAccount(name, person.email, row.password, None, row.totp_step, None)

            def take_up(c: Connection) -> None:
                found = accounts.row_of(c, row.id)
                if found is not None and found.invite_hash is not None and found.totp is None:
                    accounts.complete(c, its.keys, found, chosen)
                    audit.record(c, row.id, "account_taken_up", row.id, "provider", now)

            await its.writer.write(take_up)
        return await enter(request, row.id, "provider", going, min(person.proved_at, now))
    if row.totp is not None:  # ours follows
        response = RedirectResponse(f"{BASE}/signin/code?next={quote(going)}", 303)
        security.give_ticket(request, response, "code", officer=row.id, how="provider")
        return response
    response = RedirectResponse(f"{BASE}/signup/factor", 303)
    held = {"officer": row.id, "token": None, "name": name, "email": person.email, "password": row.password, "how": "provider"}
    security.give_ticket(request, response, "enrol", **held, secret=passwords.new_secret())
    return response
