"""The queue, the search in it, and the stream that keeps both live."""

from __future__ import annotations

import asyncio
import contextlib
import json
import time
from collections.abc import AsyncIterator
from typing import Annotated, Any

from fastapi import APIRouter, Form, Request
from fastapi.responses import HTMLResponse, JSONResponse, StreamingResponse
from sqlalchemy import update

from bot.cases import queue, steps
from bot.cases.queue import Filters
from bot.console import audit, views
from bot.console.live import HEARTBEAT, Live, Teller
from bot.console.routes.common import AtDesk, Desk, live
from bot.console.security import SignInNeeded, watching
from bot.store.schema import officer

router = APIRouter()

SEEN_SECONDS = 15.0
"""Between two notes that an officer is here; the roster and the return of forgotten cases read it."""
STATES = ("waiting", "assigned", "with_person", "for_person", "resolved", "closed")
ROWS = 100


def filters_of(values: Any) -> Filters:
    """Filters as the form of the queue sends them; what is unknown counts as not asked for."""
    level, state = values.get("level", ""), values.get("state", "")
    return Filters(
        states=(state,) if state in STATES else None,
        mine=values.get("who") == "mine",
        unassigned=values.get("who") == "unassigned",
        consulate=values.get("consulate") or None,
        topic=values.get("topic") or None,
        level=int(level) if level in ("1", "2", "3") else None,
        language=values.get("language") if values.get("language") in ("es", "en") else None,
        interpreter=values.get("interpreter") == "1",
        channel=values.get("channel") if values.get("channel") in ("web", "whatsapp", "telegram") else None,
        limit=ROWS,
    )


def listed(desk: Desk, asked: Filters, text: str = "") -> dict[str, Any]:
    """Values of the queue's template."""
    now = time.time()
    with desk.its.database.read() as c:
        keys = desk.its.keys
        done = bool({"resolved", "closed"} & set(asked.states or ()))
        found = queue.search(c, keys, desk.scope, text, asked) if text or done else queue.waiting_list(c, keys, desk.scope, asked)
        named = desk.names(c)
    rows = views.queue_rows(found, desk.content, desk.officer.language, named, desk.officer.id, now)
    posts = sorted(desk.content.consulates.values(), key=lambda post: post.city)
    own = desk.scope.consulates
    return {
        "rows": rows,
        "asked": asked,
        "searched": bool(text),
        "waiting": sum(row.case.state == "waiting" for row in rows),
        "posts": [post for post in posts if own is None or post.id in own],
        "topics": sorted((t.intent, t.title.in_language(desk.officer.language)) for t in desk.content.knowledge.topics.values() if t.level),
    }


@router.get("/", include_in_schema=False)
async def desk_page(request: Request, desk: AtDesk) -> HTMLResponse:
    """The whole desk, with no case open."""
    return desk.page("desk.html", selected=None, **listed(desk, filters_of(request.query_params)))


@router.get("/queue", include_in_schema=False)
async def queue_list(request: Request, desk: AtDesk) -> HTMLResponse:
    """The list alone, as the page asks for it at every change."""
    return desk.page("queue_list.html", selected=request.query_params.get("selected"), **listed(desk, filters_of(request.query_params)))


@router.post("/search", include_in_schema=False)
async def search(request: Request, desk: AtDesk, text: Annotated[str, Form()] = "") -> HTMLResponse:
    """Cases by number, exact name or telephone. A POST: what is looked for belongs into no address and no log."""
    values = await request.form()
    await desk.its.writer.write(lambda c: audit.record(c, desk.officer.id, "search", "", "", time.time()))
    return desk.page("queue_list.html", selected=values.get("selected"), **listed(desk, filters_of(values), text.strip()[:200]))


# --- the stream ----------------------------------------------------------------------------------------------------------------


@router.get("/live", include_in_schema=False)
async def stream(request: Request, desk: AtDesk) -> StreamingResponse:
    """Server-sent events: what changed in the cases that this officer may see. `Last-Event-ID` brings the notices that were missed."""
    given = request.headers.get("last-event-id") or request.query_params.get("after", "")
    after = int(given) if given.isascii() and given.isdigit() and len(given) < 15 else None
    headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
    return StreamingResponse(_events(request, desk, live(request), after), media_type="text/event-stream", headers=headers)


async def _events(request: Request, desk: Desk, hub: Live, after: int | None) -> AsyncIterator[str]:
    def event(told: dict[str, Any]) -> str:
        return f"id: {told['id']}\ndata: {json.dumps(told, ensure_ascii=False)}\n\n"

    async with hub.listening() as turn:
        teller = Teller(desk.its, desk.scope, hub.picture, after)
        yield event(teller.first(hub.picture))
        said = seen = time.monotonic()
        await _is_here(desk)
        while True:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(turn.wait(), HEARTBEAT)
            turn.clear()
            now = time.monotonic()
            if now - seen >= SEEN_SECONDS:
                seen = now
                if not await _still_signed_in(request):
                    yield "event: ended\ndata: {}\n\n"
                    return
                await _is_here(desk)
            if told := teller.news(hub.picture):
                said = now
                yield event(told)
            elif now - said >= HEARTBEAT:
                said = now
                yield ": \n\n"


async def _is_here(desk: Desk) -> None:
    values = update(officer).where(officer.c.id == desk.officer.id).values(seen_at=time.time())
    await desk.its.writer.write(lambda c: c.execute(values))


async def _still_signed_in(request: Request) -> bool:
    """A stream ends with its session: disabled officers hear nothing more."""
    try:
        await watching(request)
    except SignInNeeded:
        return False
    return True


@router.get("/api/alerts", tags=["console"])
async def alerts(desk: AtDesk) -> JSONResponse:
    """Cases in danger that have waited too long and that nobody has: `{"alerts": [{"id", "number", "level", "minutes"}]}`."""
    now = time.time()
    with desk.its.database.read() as c:
        late = queue.alerts(c, desk.its.keys, desk.scope)
    told = [{"id": r.id, "number": r.number, "level": r.level, "minutes": int((now - (r.waiting_since or now)) // 60)} for r in late]
    return JSONResponse({"alerts": told}, headers={"Cache-Control": "no-store"})


@router.post("/api/cases/{case_id}/acknowledge", status_code=204, tags=["console"])
async def acknowledge(case_id: str, desk: AtDesk) -> HTMLResponse:
    """The tone for a case in danger ends for everybody; the case waits on."""
    with desk.its.database.read() as c:
        found = desk.case(c, case_id)
    await desk.does(
        lambda c: steps.record(c, desk.its.keys, case_id, "acknowledged", time.time(), desk.officer.id), "acknowledge", found.number
    )
    return HTMLResponse(status_code=204)
