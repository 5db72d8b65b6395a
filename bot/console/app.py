"""The console's place in the web application: its routes, its files, its headers, and what becomes of refused requests."""

from __future__ import annotations

from urllib.parse import quote

from fastapi import APIRouter, FastAPI, Request, Response
from fastapi.responses import RedirectResponse
from starlette.datastructures import MutableHeaders
from starlette.exceptions import HTTPException
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from bot.console import security
from bot.console.pages import STATIC, render
from bot.console.routes import account, actions, auth, cases, content, factor, figures, log, officers, oidc, queue, roster
from bot.console.routes.common import Problem, refusal
from bot.console.security import BASE, ConfirmNeeded, Refused, SignInNeeded
from bot.console.texts import say

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; media-src 'self'; font-src 'self'; connect-src 'self'; "
    "form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
)
HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",  # with no-referrer a form would send `Origin: null`, and nobody could tell whose it is
    "Permissions-Policy": "camera=(), microphone=(), geolocation=(), payment=(), usb=()",
    "Cross-Origin-Resource-Policy": "same-origin",
}
HSTS = "max-age=31536000"
LARGEST = 1 << 20
"""Bytes of a request's body. Starlette's own limit of one field is the same, and its answer is not for people."""


class TooLarge(HTTPException):
    """A body goes over `LARGEST`. Of this class, for FastAPI makes a 400 of any other error while it reads a form."""

    def __init__(self) -> None:
        super().__init__(413)


class ConsoleHeaders:
    """Headers of every answer below /console/, and the limit on what is sent there."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or not (scope["path"] == BASE or scope["path"].startswith(f"{BASE}/")):
            await self.app(scope, receive, send)
            return
        taken = 0

        async def limited() -> Message:
            nonlocal taken
            message = await receive()
            taken += len(message.get("body", b""))
            if taken > LARGEST:
                raise TooLarge
            return message

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    if name != "Content-Security-Policy" or name not in headers:  # a file that somebody sent is held tighter
                        headers[name] = value
                headers.setdefault("Cache-Control", "no-store")
                if security.is_https(Request(scope)):
                    headers["Strict-Transport-Security"] = HSTS
            await send(message)

        await self.app(scope, limited, send_with_headers)


class KeptFiles(StaticFiles):
    """Files whose address changes with their content. A module that another one imports has a plain address: it is asked for again."""

    async def get_response(self, path: str, scope: Scope) -> Response:
        response = await super().get_response(path, scope)
        kept = response.status_code == 200 and scope.get("query_string")
        response.headers["Cache-Control"] = "public, max-age=31536000, immutable" if kept else "no-cache"
        return response


router = APIRouter(prefix=BASE)
for part in (queue, cases, actions, figures, auth, factor, oidc, account, officers, roster, log, content):
    router.include_router(part.router)


@router.get("", include_in_schema=False)
async def without_slash() -> Response:
    return RedirectResponse(f"{BASE}/", 308)


def mount(app: FastAPI) -> None:
    """Give the application its console."""
    app.add_middleware(ConsoleHeaders)
    app.mount(f"{BASE}/static", KeptFiles(directory=STATIC), name="console-static")
    app.include_router(router)
    app.add_exception_handler(SignInNeeded, _sign_in)
    app.add_exception_handler(ConfirmNeeded, _confirm)
    app.add_exception_handler(Refused, _refused)
    app.add_exception_handler(TooLarge, _too_large)
    app.add_exception_handler(Problem, _problem)


async def _sign_in(request: Request, error: Exception) -> Response:
    """To the sign-in and back again; what a page asks for by itself gets the way there in its place."""
    back = security.here(request)
    address = f"{BASE}/signin?next={quote(back)}"
    language = security.language_of(request)
    if security.wants_json(request) or (security.CSRF_HEADER in request.headers and not security.wants_fragment(request)):
        return security.problem(401, "signed_out", say("signed_out", language))
    if security.wants_fragment(request):
        return render(request, None, "fragments/signed_out.html", 401, address=address)
    return RedirectResponse(address, 303)


async def _confirm(request: Request, error: Exception) -> Response:
    address = f"{BASE}/confirm?next={quote(security.here(request))}"
    if request.method in security.UNSAFE or security.wants_fragment(request):
        return render(request, request.state.officer, "confirm_needed.html", 403, address=address)
    return RedirectResponse(address, 303)


async def _refused(request: Request, error: Exception) -> Response:
    assert isinstance(error, Refused)
    officer = getattr(request.state, "officer", None)
    sentence = say(f"refused_{error.key}", security.language_of(request, officer))
    if security.wants_json(request):
        return security.problem(error.status, error.key, sentence)
    template = "fragments/problem.html" if security.wants_fragment(request) else "refused.html"
    return render(request, officer, template, error.status, sentence=sentence)


async def _problem(request: Request, error: Exception) -> Response:
    assert isinstance(error, Problem)
    return refusal(request, getattr(request.state, "officer", None), error)


async def _too_large(request: Request, error: Exception) -> Response:
    return await _refused(request, Refused(413, "too_large"))
