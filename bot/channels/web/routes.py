"""The chat API of the contract: sessions, messages, long poll, server-sent events, exit, erasure."""

from __future__ import annotations

import asyncio
import datetime as dt
import json
import secrets
import time
from collections.abc import AsyncIterator
from typing import Any

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse, StreamingResponse
from sqlalchemy import RowMapping

from bot.channels.web.body import BadBody, NewMessage, NewSession, TooLarge, read
from bot.conversation import UnknownButton, receive
from bot.knowledge.schema import Language
from bot.store import inbox
from bot.store.inbox import Session, UnknownFile
from bot.web.limits import TooFast
from bot.web.service import Service

router = APIRouter(prefix="/api/chat", tags=["chat"])

HEARTBEAT = 15.0
"""Seconds after which the stream says something, so that both ends know that the line is up."""
TYPING_AFTER = 0.4
"""Seconds of thinking before the person sees dots."""
OFFICER_LOOK = 1.0
"""Seconds between two looks at whether an officer still types: nothing tells when they stop."""
LONGEST_WAIT = 30.0


def service(request: Request) -> Service:
    found: Service = request.app.state.service
    return found


def address(request: Request) -> str:
    return request.client.host if request.client else "?"


class Refused(Exception):
    """A request that is answered with a status, a code for programs and a sentence for people."""

    def __init__(self, status: int, code: str, language: Language | None = None, headers: dict[str, str] | None = None) -> None:
        super().__init__(code)
        self.status, self.code, self.language, self.headers = status, code, language, headers


def refusal(request: Request, refused: Refused) -> JSONResponse:
    """The answer to a refused request: the sentence in the session's language, else in the browser's."""
    language = refused.language or ("en" if request.headers.get("accept-language", "es").lower().startswith("en") else "es")
    sentence = service(request).live.current.knowledge.phrase(f"error_{refused.code}", language)
    return JSONResponse({"error": {"code": refused.code, "message": sentence}}, refused.status, headers=refused.headers)


def session_of(request: Request) -> Session:
    """The conversation that the request's token opens.

    Raises:
        Refused: it opens none.
    """
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not token:
        raise Refused(401, "no_session", headers={"WWW-Authenticate": "Bearer"})
    its = service(request)
    with its.database.read() as c:
        session = inbox.find_session(c, its.keys, token.strip())
    if session is None:
        raise Refused(401, "no_session", headers={"WWW-Authenticate": "Bearer"})
    return session


def _cursor(given: str | None, language: Language) -> int:
    if not given:
        return 0
    if not given.isascii() or not given.isdigit() or len(given) > 15:
        raise Refused(422, "bad_request", language)
    return int(given)


@router.post("/sessions", status_code=201, openapi_extra={"requestBody": NewSession.openapi()})
async def new_session(request: Request) -> JSONResponse:
    """Start a conversation: 201 `{"token", "conversation"}`."""
    its = service(request)
    try:
        its.limits.session(address(request))
    except TooFast as limit:
        raise Refused(429, "too_fast", headers={"Retry-After": str(limit.retry_after)}) from None
    given = await _read(request, NewSession, None)
    token = secrets.token_urlsafe(32)
    conversation = await its.writer.write(
        lambda c: inbox.open_session(c, its.keys, token, given.language or "es", time.time(), decided=given.language is not None)
    )
    return JSONResponse({"token": token, "conversation": conversation}, 201)


@router.post("/messages", status_code=202, openapi_extra={"requestBody": NewMessage.openapi()})
async def new_message(request: Request) -> JSONResponse:
    """A message of text, position or a pressed button: 202 once it is safe on disk."""
    its = service(request)
    session = session_of(request)
    try:
        its.limits.message(address(request), session.conversation)
    except TooFast as limit:
        raise Refused(429, "too_fast", session.language, {"Retry-After": str(limit.retry_after)}) from None
    raw = (await _read(request, NewMessage, session.language)).as_raw()
    safety = its.live.current.safety
    try:
        kept = await its.writer.write(lambda c: receive(c, its.keys, safety, session.conversation, session.language, raw, time.time()))
    except UnknownButton:
        raise Refused(422, "unknown_button", session.language) from None
    except UnknownFile:
        raise Refused(422, "unknown_file", session.language) from None
    if not kept:
        raise Refused(401, "no_session", session.language)
    its.received.labels("web").inc()
    return JSONResponse({"id": raw.id}, 202)


async def _read(request: Request, model: type[Any], language: Language | None) -> Any:
    try:
        return model.of(await read(request))
    except TooLarge:
        raise Refused(413, "too_long", language, {"Connection": "close"}) from None
    except BadBody as bad:
        raise Refused(bad.status, bad.code, language) from None


@router.get("/messages")
async def messages(request: Request, after: str | None = None, wait: str | None = None) -> JSONResponse:
    """The transcript behind a cursor; waits up to `wait` seconds for news."""
    its = service(request)
    session = session_of(request)
    cursor = _cursor(after, session.language)
    patience = _seconds(wait, session.language)
    until = time.monotonic() + patience
    with its.waker(session.conversation) as news:
        while True:
            news.clear()
            found = _read_after(its, session, cursor)
            left = until - time.monotonic()
            if found or left <= 0 or await request.is_disconnected():
                break
            try:
                await asyncio.wait_for(news.wait(), left)
            except TimeoutError:
                continue
            session_of(request)  # erased meanwhile: 401
    last = found[-1]["seq"] if found else cursor
    return JSONResponse({"messages": [_as_json(its, row) for row in found], "cursor": str(last)}, headers={"Cache-Control": "no-store"})


def _seconds(wait: str | None, language: Language) -> float:
    try:
        seconds = float(wait or 0)
    except ValueError:
        raise Refused(422, "bad_request", language) from None
    if not 0 <= seconds <= LONGEST_WAIT:
        raise Refused(422, "bad_request", language)
    return seconds


def _read_after(its: Service, session: Session, cursor: int) -> list[RowMapping]:
    with its.database.read() as c:
        return list(inbox.transcript(c, session.conversation, cursor))


def _as_json(its: Service, row: RowMapping) -> dict[str, Any]:
    """One message as the contract shows it."""
    body = its.keys.open(row["body"], f"message:{row['conversation_id']}")
    shown: dict[str, Any] = {"id": row["id"], "author": row["author"], "text": body["text"]}
    if body.get("buttons"):  # the short titles are for channels with little room
        shown["buttons"] = [{"title": b["title"], "payload": b["payload"]} for b in body["buttons"]]
    for key in ("location", "image", "file"):
        if body.get(key):
            shown[key] = body[key]
    if row["author"] != "user":
        shown |= {key: row[key] for key in ("topic", "facet", "level", "language", "in_reply_to") if row[key] is not None}
        if row["interim"]:
            shown["interim"] = True
    shown["at"] = dt.datetime.fromtimestamp(row["at"], dt.UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return shown


@router.get("/stream")
async def stream(request: Request) -> StreamingResponse:
    """The same messages as server-sent events."""
    session = session_of(request)
    cursor = _cursor(request.headers.get("last-event-id") or request.query_params.get("after"), session.language)
    headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
    return StreamingResponse(_events(service(request), request, session, cursor), media_type="text/event-stream", headers=headers)


async def _events(its: Service, request: Request, session: Session, cursor: int) -> AsyncIterator[str]:
    yield ": hola\n\n"
    typing, said = False, time.monotonic()
    thinking_since: float | None = None
    with its.waker(session.conversation) as news:
        while True:
            news.clear()
            for row in _read_after(its, session, cursor):
                cursor = row["seq"]
                yield f"id: {cursor}\ndata: {json.dumps(_as_json(its, row), ensure_ascii=False)}\n\n"
                said = time.monotonic()
            with its.database.read() as c:
                thinking = inbox.is_thinking(c, session.conversation)
                gone = session.conversation not in inbox.last_seq(c, [session.conversation])
            if gone:
                return
            now = time.monotonic()
            thinking_since = (thinking_since or now) if thinking else None
            officer = its.presence.writes_to(session.conversation)
            dots = officer or (thinking_since is not None and now - thinking_since >= TYPING_AFTER)
            if dots != typing:
                typing, said = dots, now
                yield f"event: typing\ndata: {json.dumps({'on': dots})}\n\n"
            if now - said >= HEARTBEAT:
                said = now
                yield ": \n\n"
            pause = TYPING_AFTER if thinking and not typing else OFFICER_LOOK if officer else HEARTBEAT
            try:
                await asyncio.wait_for(news.wait(), pause)
            except TimeoutError:
                continue
            finally:
                if not _still_valid(request):
                    return  # noqa: B012 (the stream of an ended session ends, whatever woke it)


def _still_valid(request: Request) -> bool:
    try:
        session_of(request)
    except Refused:
        return False
    return True


@router.post("/exit", status_code=204)
async def leave(request: Request) -> Response:
    """Quick exit: the token ends, the conversation and an open case stay."""
    its, session = service(request), session_of(request)
    await its.writer.write(lambda c: inbox.end_session(c, session.conversation))
    return Response(status_code=204)


@router.delete("/session", status_code=204)
async def erase(request: Request) -> Response:
    """Erase the conversation everywhere."""
    its, session = service(request), session_of(request)
    await its.writer.write(lambda c: inbox.erase(c, its.keys, session.conversation, time.time()))
    await asyncio.to_thread(its.database.forget_traces)
    return Response(status_code=204, headers={"Clear-Site-Data": '"cache", "storage"'})
