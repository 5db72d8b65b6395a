"""One case: its page, what an officer opens in it, its files, the palette of replies."""

from __future__ import annotations

import asyncio
import time
from dataclasses import replace
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Body, Request
from fastapi.responses import HTMLResponse, JSONResponse, Response
from pydantic import BaseModel, ConfigDict, Field

from bot.cases import desk as steps_of_desk
from bot.cases import queue
from bot.cases.queue import CaseDetail
from bot.cases.states import HELD, OUTCOMES
from bot.cases.steps import Refused
from bot.cleaning import Broken, WrongKind, clean_apart, kind_of
from bot.console import audit, views
from bot.console.routes.common import AtDesk, Desk, Problem, live, replies
from bot.console.routes.queue import filters_of, listed
from bot.knowledge.phone import grouped
from bot.knowledge.schema import Answer, Language
from bot.sender import SendFailed
from bot.store import files
from bot.store.files import Found
from bot.store.schema import officer

router = APIRouter()

LONGEST = 4_000
"""Characters of a reply; the composer counts them down."""


def work(desk: Desk, found: CaseDetail) -> dict[str, Any]:
    """Values of the conversation's and the person's panes."""
    now, keys, language = time.time(), desk.its.keys, desk.officer.language
    with desk.its.database.read() as c:
        named = desk.names(c)
        lines = views.lines(c, keys, found, desk.content, language, named)
        others = [row for row in queue.of_conversation(c, keys, found.conversation) if row.id != found.id]
        drafts = steps_of_desk.load_drafts(c, keys, found.id, desk.officer.id)
        events = queue.history(c, keys, found.id)
        known = views.contact(c, keys, found)
        teams = views.teams(c)
        colleagues = [row.id for row in c.execute(officer.select().where(officer.c.disabled_at.is_(None)))]
    post = desk.content.consulates.get(found.consulate or "")
    mine = found.officer_id == desk.officer.id
    present = [p for p in desk.its.presence.of(found.id) if p.officer_id != desk.officer.id]
    return {
        "case": found,
        "topic": views.topic_title(desk.content, found.topic, language),
        "timer": views.timer(found, now),
        "lines": lines,
        "others": views.queue_rows(others, desk.content, language, named, desk.officer.id, now),
        "events": events,
        "drafts": drafts,
        "facts": views.intake_facts(found, desk.content.intake, language),
        "contact": known,
        "post": post,
        "phone": (post.known("protection_phone") or post.known("phone")) if post else None,
        "grouped": grouped,
        "window": views.window(found, now),
        "holder": named.get(found.officer_id or "", ""),
        "offered_to": named.get(found.offered_to or "", ""),
        "mine": mine and found.state in HELD,
        "offered": found.offered_to == desk.officer.id,
        "held": found.state in HELD,
        "supervising": desk.supervising,
        "present": [(views.first_name(named.get(p.officer_id, "?")), p.typing) for p in present],
        "colleagues": sorted(
            ((named[i], i) for i in colleagues if i != desk.officer.id and i in named), key=lambda pair: pair[0].casefold()
        ),
        "teams": teams,
        "outcomes": OUTCOMES,
        "longest": LONGEST,
        "named": named,
        "iso": views.iso,
    }


@router.get("/cases/{case_id}", include_in_schema=False)
async def case_page(request: Request, case_id: str, desk: AtDesk) -> HTMLResponse:
    """A case, which is a view of a person's data and is recorded; as a fragment where the page stands already."""
    with desk.its.database.read() as c:
        found = desk.case(c, case_id)
    await desk.its.writer.write(lambda c: audit.record(c, desk.officer.id, "case_viewed", found.number, "", time.time()))
    if desk.wants_fragment:
        return desk.page("work.html", **work(desk, found))
    return desk.page("desk.html", selected=case_id, **listed(desk, filters_of(request.query_params)), **work(desk, found))


@router.get("/cases/{case_id}/again", include_in_schema=False)
async def case_again(case_id: str, desk: AtDesk) -> HTMLResponse:
    """The same panes once more, after a change: no new view, and not recorded as one."""
    with desk.its.database.read() as c:
        found = desk.case(c, case_id)
    return desk.page("work.html", **work(desk, found))


@router.post("/cases/{case_id}/open/{key}", include_in_schema=False)
async def open_field(case_id: str, key: str, desk: AtDesk) -> HTMLResponse:
    """What stands behind a masked field; who opened it is recorded."""
    with desk.its.database.read() as c:
        found = desk.case(c, case_id)
        value = views.private_value(c, desk.its.keys, found, key)
    if value is None:
        raise Problem("gone")
    await desk.its.writer.write(lambda c: audit.record(c, desk.officer.id, "field_opened", found.number, key[:40], time.time()))
    return desk.page("opened.html", value=value)


async def _fetched(desk: Desk, found: Found) -> Found:
    """A file that only the channel has, fetched now that an officer opens it, cleaned and kept.

    Raises:
        Problem: it is not to be had now, or nothing that may be opened.
    """
    with desk.its.database.read() as c:
        channel = queue.of_conversation(c, desk.its.keys, found.conversation)[0].channel
    try:
        data = await asyncio.wait_for(desk.its.fetch(channel, found.remote or {}), desk.its.settings.channel_seconds)
        kind = found.kind
        if kind_of(data) is not None:  # pictures and documents are written anew; a recording or a card is only ever saved or played
            clean = await clean_apart(data)
            kind, data = clean.kind, clean.data
    except (LookupError, SendFailed, ValueError, TimeoutError, WrongKind, Broken):
        raise Problem("file_elsewhere", 404) from None
    new = await asyncio.to_thread(files.seal, desk.its.keys, kind, data, found.id)
    await desk.its.writer.write(lambda c: files.keep(c, new))
    return replace(found, kind=kind, size=len(data), data=data)


INLINE = ("image/jpeg", "image/png", "image/webp")
"""Kinds that a browser shows; the others are saved."""


@router.get("/files/{file_id}", include_in_schema=False)
async def file(file_id: str, desk: AtDesk) -> Response:
    """A file that a person sent, decrypted; who opened it is recorded."""
    with desk.its.database.read() as c:
        found = queue.file(c, desk.its.keys, desk.scope, file_id)
        number = next((r.number for r in queue.of_conversation(c, desk.its.keys, found.conversation)), "") if found else ""
    if found is None:
        raise Problem("gone")
    if found.data is None:
        found = await _fetched(desk, found)
    await desk.its.writer.write(lambda c: audit.record(c, desk.officer.id, "file_opened", number, file_id, time.time()))
    shown = "inline" if found.kind in INLINE or found.kind.startswith("audio/") else "attachment"
    ending = {"image/jpeg": "jpg", "image/png": "png", "image/webp": "webp", "application/pdf": "pdf"}.get(found.kind, "bin")
    headers = {
        "Content-Disposition": f'{shown}; filename="{number}-{file_id[:6]}.{ending}"',
        "Content-Security-Policy": "sandbox; default-src 'none'",
        "Cache-Control": "no-store",
    }
    return Response(found.data, media_type=found.kind, headers=headers)


# --- the palette ---------------------------------------------------------------------------------------------------------------


@router.get("/cases/{case_id}/palette", include_in_schema=False)
async def palette(case_id: str, desk: AtDesk) -> HTMLResponse:
    """Prepared replies and the assistant's answers, filled for this case; the page filters them while one types."""
    with desk.its.database.read() as c:
        found = desk.case(c, case_id)
    spoken: Language = "en" if found.spoken == "en" else "es"
    known = views.fields(found, desk.content, spoken, desk.officer.name)
    choices = replies(desk).choices(found.topic, spoken, desk.officer.language, known)
    titles = {c.topic: views.topic_title(desk.content, c.topic, desk.officer.language) for c in choices if c.topic}
    return desk.page("palette.html", case=found, choices=choices, titles=titles, answers=_answers(desk, found, spoken), spoken=spoken)


def _answers(desk: Desk, found: CaseDetail, spoken: Language) -> list[dict[str, str]]:
    """What the assistant would say: of the case's topic first, then the main answer of every other."""
    knowledge, own = desk.content.knowledge, desk.officer.language
    topic = knowledge.topics.get(found.topic or "")
    mine: list[Answer] = [topic, *topic.facets] if topic else []
    mine += [t for t in knowledge.topics.values() if t.level and t is not topic]
    return [
        {
            "title": answer.title.in_language(own),
            "text": "\n".join(knowledge.fill(message.in_language(spoken), spoken) for message in answer.messages[:1]),
            "beside": knowledge.fill(answer.messages[0].in_language(own), own) if own != spoken else "",
        }
        for answer in mine
    ]


# --- what the composer tells by itself -------------------------------------------------------------------------------------------


class NewDraft(BaseModel):
    """What is being typed; an empty text drops the draft."""

    model_config = ConfigDict(extra="forbid")
    kind: Literal["reply", "note"]
    text: str = Field(max_length=20_000)


@router.put("/api/cases/{case_id}/draft", tags=["console"])
async def draft(case_id: str, desk: AtDesk, given: Annotated[NewDraft, Body()]) -> JSONResponse:
    """Keep what is being typed: `{"saved": true}`. 410: the person erased the conversation; 413: too long, nothing was kept."""
    with desk.its.database.read() as c:
        desk.case(c, case_id)
    try:
        await desk.its.writer.write(
            lambda c: steps_of_desk.save_draft(c, desk.its.keys, case_id, desk.officer.id, given.kind, given.text, time.time())
        )
    except Refused as refused:
        raise Problem(refused.code) from None
    return JSONResponse({"saved": True})


class Sign(BaseModel):
    """What an officer's browser has on its screen."""

    model_config = ConfigDict(extra="forbid")
    typing: Literal["reply", "note"] | None = None
    left: bool = False


@router.post("/api/cases/{case_id}/presence", tags=["console"])
async def presence(request: Request, case_id: str, desk: AtDesk, given: Annotated[Sign, Body()]) -> JSONResponse:
    """Tell that the case is on the screen and whether one types; every 10 s. Who else is there: `{"present": [{"name", "typing"}]}`."""
    with desk.its.database.read() as c:
        found = desk.case(c, case_id)
        named = desk.names(c)
    here = desk.its.presence
    if given.left:
        here.leave(case_id, desk.officer.id)
        changed = True
    else:
        typing = given.typing if found.officer_id == desk.officer.id or given.typing == "note" else None
        changed = here.sign(case_id, found.conversation, desk.officer.id, typing)
        if typing == "reply":
            desk.its.wake(found.conversation)
    if changed:
        live(request).stir()
    others = [p for p in here.of(case_id) if p.officer_id != desk.officer.id]
    return JSONResponse({"present": [{"name": views.first_name(named.get(p.officer_id, "?")), "typing": p.typing} for p in others]})
