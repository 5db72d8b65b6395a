"""What stands before every page: who asks, whether they may, and whether it is really their own browser's page that asks.

`signed_in` is the dependency of every route behind the sign-in. For what changes something it also holds the request against the
session's CSRF token (header `X-CSRF`, or field `csrf` of a form) and against the page's origin.
"""

from __future__ import annotations

import base64
import hmac
import ipaddress
import json
import secrets
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import urlsplit

from fastapi import Request, Response

from bot.console import sessions
from bot.console.accounts import Officer, Role
from bot.console.sessions import TOUCH, Session
from bot.knowledge.schema import Language
from bot.store.crypto import SealError
from bot.web.limits import Limiter
from bot.web.service import Service

__all__ = ["Officer", "Refused", "SignInNeeded", "fresh", "may", "require", "signed_in", "watching"]

BASE = "/console"
CSRF_HEADER, CSRF_FIELD = "x-csrf", "csrf"
UNSAFE = ("POST", "PUT", "PATCH", "DELETE")
FRESH_MINUTES = 10.0
"""How old the last proof of who one is may be, for acts that want a fresh one."""
TICKET = 600.0
"""Seconds that a step between two pages before the sign-in is kept."""


class SignInNeeded(Exception):
    """Nobody is signed in, or the session has ended."""


class ConfirmNeeded(Exception):
    """The act wants a fresh proof of who asks."""


class Refused(Exception):
    """A request that is refused; `key` names the sentence that says why ("refused_<key>")."""

    def __init__(self, status: int, key: str) -> None:
        super().__init__(key)
        self.status, self.key = status, key


def service(request: Request) -> Service:
    found: Service = request.app.state.service
    return found


# --- where the request comes from ----------------------------------------------------------------------------------------------


def is_https(request: Request) -> bool:
    return request.url.scheme == "https" or (service(request).settings.public_url or "").startswith("https:")


def is_loopback(host: str | None) -> bool:
    try:
        return host in ("localhost", "testserver") or ipaddress.ip_address(host or "").is_loopback
    except ValueError:
        return False


def check_transport(request: Request) -> None:
    """Passwords go over https, or not over a network at all.

    Raises:
        Refused: plain http from elsewhere.
    """
    here = is_loopback(request.url.hostname) or is_loopback(request.client.host if request.client else None)
    if not here and not is_https(request):
        raise Refused(403, "insecure")


def check_origin(request: Request) -> None:
    """A page of another site cannot send us forms.

    Raises:
        Refused: it tried.
    """
    if request.method not in UNSAFE:
        return
    origin, site = request.headers.get("origin"), request.headers.get("sec-fetch-site")
    public = urlsplit(service(request).settings.public_url or "").netloc
    own = {request.headers.get("host", ""), public} - {""}
    if (origin is not None and urlsplit(origin).netloc not in own) or site not in (None, "same-origin", "none"):
        raise Refused(403, "origin")


async def _check_csrf(request: Request, session: Session) -> None:
    given = request.headers.get(CSRF_HEADER)
    if given is None and request.headers.get("content-type", "").startswith(("application/x-www-form-urlencoded", "multipart/form-data")):
        value = (await request.form()).get(CSRF_FIELD)
        given = value if isinstance(value, str) else None
    if given is None or not hmac.compare_digest(given.encode(), session.csrf.encode()):
        raise Refused(403, "csrf")


# --- cookies -------------------------------------------------------------------------------------------------------------------


def cookie_name(request: Request) -> str:
    """Browsers accept a name with `__Host-` only with Secure, for our host alone, from the root."""
    return "__Host-orienta" if is_https(request) else "orienta_console"


def set_session(request: Request, response: Response, token: str) -> None:
    response.set_cookie(cookie_name(request), token, path="/", httponly=True, samesite="lax", secure=is_https(request))


def drop_session(request: Request, response: Response) -> None:
    response.delete_cookie(cookie_name(request), path="/", httponly=True, samesite="lax", secure=is_https(request))


def token_of(request: Request) -> str | None:
    return request.cookies.get(cookie_name(request))


def _ticket_name(request: Request, kind: str) -> str:
    return f"{'__Host-' if is_https(request) else ''}orienta_{kind}"


def give_ticket(request: Request, response: Response, kind: str, **values: Any) -> None:
    """What the next page before the sign-in needs to know: sealed, in a cookie, for some minutes, to be used up once."""
    sealed = service(request).keys.seal({**values, "at": time.time(), "once": secrets.token_hex(8)}, f"ticket:{kind}")
    value = base64.urlsafe_b64encode(sealed).decode()
    name = _ticket_name(request, kind)
    response.set_cookie(name, value, max_age=int(TICKET), path="/", httponly=True, samesite="lax", secure=is_https(request))


def ticket(request: Request, kind: str) -> dict[str, Any] | None:
    """The ticket of this kind that the browser holds; None where there is none, or it is too old or used up."""
    value = request.cookies.get(_ticket_name(request, kind), "")
    try:
        found: dict[str, Any] = service(request).keys.open(base64.urlsafe_b64decode(value), f"ticket:{kind}")
    except (SealError, ValueError):
        return None
    return found if time.time() - found["at"] < TICKET and found["once"] not in shared(request).used else None


def use_up(request: Request, response: Response, kind: str) -> None:
    """The ticket has done its work and opens nothing again."""
    found, used = ticket(request, kind), shared(request).used
    if found is not None:
        now = time.time()
        for once in [once for once, at in used.items() if now - at > TICKET]:
            del used[once]
        used[found["once"]] = now
    response.delete_cookie(_ticket_name(request, kind), path="/", httponly=True, samesite="lax", secure=is_https(request))


@dataclass
class Shared:
    """What the console keeps in memory of web.

    Attributes:
        tries: sign-ins of an address.
        used: tickets that are used up, and when.
    """

    tries: Limiter = field(default_factory=lambda: Limiter(30, 0.5))
    used: dict[str, float] = field(default_factory=dict)


def shared(request: Request) -> Shared:
    state = request.app.state
    if not hasattr(state, "console"):
        state.console = Shared()
    found: Shared = state.console
    return found


# --- dependencies of routes ----------------------------------------------------------------------------------------------------


async def watching(request: Request) -> Officer:
    """The officer whose session it is. For what pages ask by themselves (streams): it does not keep a session alive.

    Raises:
        SignInNeeded: there is none, or it has ended.
        Refused: the request does not come from our own page.
    """
    its, token = service(request), token_of(request)
    found = None
    if token:
        with its.database.read() as c:
            found = sessions.find(c, its.keys, token, time.time())
    if found is None:
        raise SignInNeeded
    officer, session = found
    request.state.officer, request.state.session = officer, session
    check_origin(request)
    if request.method in UNSAFE:
        await _check_csrf(request, session)
    return officer


async def signed_in(request: Request) -> Officer:
    """The officer who asks; their session goes on. Raises as `watching`."""
    officer = await watching(request)
    its, token, now = service(request), token_of(request) or "", time.time()
    if now - request.state.session.seen_at > TOUCH:
        await its.writer.write(lambda c: sessions.touch(c, its.keys, token, now))
        request.state.session = replace(request.state.session, seen_at=now)
    return officer


def may(officer: Officer, role: Role) -> None:
    """Hold an officer against a role.

    Raises:
        Refused: the role is above theirs.
    """
    if not officer.may(role):
        raise Refused(403, "role")


def require(role: Role) -> Callable[[Request], Awaitable[Officer]]:
    """A dependency: an officer of this role or one above it."""

    async def checked(request: Request) -> Officer:
        officer = await signed_in(request)
        may(officer, role)
        return officer

    return checked


def fresh(request: Request, minutes: float = FRESH_MINUTES) -> None:
    """For acts that a borrowed browser must not do: the officer has proved who they are within so many minutes. After `signed_in`.

    Raises:
        ConfirmNeeded: they have to do so now.
    """
    if time.time() - request.state.session.confirmed_at > minutes * 60:
        raise ConfirmNeeded


# --- small things that every page needs ----------------------------------------------------------------------------------------


def language_of(request: Request, officer: Officer | None = None) -> Language:
    """The officer's language; before the sign-in the one chosen there, else the browser's."""
    if officer is not None:
        return officer.language
    chosen = request.cookies.get("orienta_language") or request.headers.get("accept-language", "es").lower()[:2]
    return "en" if chosen == "en" else "es"


def safe_next(given: str | None) -> str:
    """A page of ours to go on to, and nothing else."""
    text = given or ""
    ours = text.startswith(f"{BASE}/") and not text.startswith(f"{BASE}/sign") and "//" not in text.split("?")[0] and "\\" not in text
    return text if ours and text.isprintable() and " " not in text and len(text) < 400 else f"{BASE}/"


def here(request: Request) -> str:
    """The page that the officer looks at, to come back to."""
    current = urlsplit(request.headers.get("hx-current-url") or request.headers.get("referer") or "")
    if request.method in UNSAFE or "hx-request" in request.headers:
        return safe_next(current.path + (f"?{current.query}" if current.query else ""))
    return safe_next(request.url.path + (f"?{request.url.query}" if request.url.query else ""))


def wants_json(request: Request) -> bool:
    return "application/json" in request.headers.get("accept", "") and "text/html" not in request.headers.get("accept", "")


def wants_fragment(request: Request) -> bool:
    return "hx-request" in request.headers


def problem(status: int, code: str, message: str) -> Response:
    """A refusal as programs read it."""
    return Response(json.dumps({"error": {"code": code, "message": message}}, ensure_ascii=False), status, media_type="application/json")
