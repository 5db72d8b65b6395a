"""Supervisors: withdrawing and correcting what the assistant says, at once."""

from __future__ import annotations

import asyncio
import datetime as dt
import time
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Form, Request, Response
from fastapi.responses import RedirectResponse
from sqlalchemy import Connection

from bot.cases import withdrawals
from bot.console import accounts, audit
from bot.console.accounts import Officer
from bot.console.pages import render
from bot.console.security import BASE, Refused, require, service
from bot.knowledge.live import Content
from bot.knowledge.overlay import KINDS, LAST_RESORT, LINE_FIELDS, OFFICE_FIELDS, Change, Kind, exists, faults
from bot.knowledge.patch import patch
from bot.knowledge.schema import LANGUAGES, Language

router = APIRouter(prefix="/content", include_in_schema=False)

Supervisor = Annotated[Officer, Depends(require("supervisor"))]
Words = Annotated[str, Form(max_length=2000)]
FOUND = 60
"""Parts that a search shows at the most."""


@dataclass(frozen=True)
class Part:
    """A part of the content that can be withdrawn.

    Attributes:
        says: what it says now, by the files: lines to read.
    """

    kind: Kind
    ref: str
    title: str
    says: list[tuple[Language | None, str]]

    @property
    def key(self) -> str:
        return f"{self.kind}:{self.ref}"


def _parts(content: Content, language: Language) -> Iterator[Part]:
    """Every part of the content as the files have it."""
    for topic in content.knowledge.topics.values():
        for ref, answer in ((topic.intent, topic), *((f"{topic.intent}/{facet.id}", facet) for facet in topic.facets)):
            says: list[tuple[Language | None, str]] = [(spoken, m.in_language(spoken)) for m in answer.messages for spoken in LANGUAGES]
            yield Part("facet", ref, answer.title.in_language(language), says)
    for line in content.knowledge.hotlines.values():
        fields = [(None, f"{name}: {getattr(line, name)}") for name in LINE_FIELDS if getattr(line, name)]
        yield Part("hotline", line.id, line.name_es if language == "es" else line.name_en, [*fields])
    for post in content.consulates.values():
        for name in OFFICE_FIELDS:
            if value := getattr(post, name):
                yield Part("consulate", f"{post.id}/{name}", f"{post.name(language)}: {name}", [(None, str(value))])


def _folded(text: str) -> str:
    return "".join(sign for sign in unicodedata.normalize("NFKD", text.casefold()) if not unicodedata.combining(sign))


def _search(content: Content, language: Language, text: str) -> list[Part]:
    words = _folded(text).split()
    if not words:
        return []
    found = []
    for part in _parts(content, language):
        held = _folded(" ".join([part.ref.replace("_", " "), part.ref, part.title, *(said for _, said in part.says)]))
        if all(word in held for word in words):
            found.append(part)
    return found


def _part(request: Request, officer: Officer, kind: str, ref: str) -> Part:
    """The part that is named.

    Raises:
        Refused: there is none, or it is the office of another's consulate.
    """
    content = service(request).live.base
    if not exists(content.knowledge, content.consulates, kind, ref):
        raise Refused(404, "gone")
    if kind == "consulate" and officer.consulates is not None and ref.partition("/")[0] not in officer.consulates:
        raise Refused(403, "role")
    found = next((part for part in _parts(content, officer.language) if part.kind == kind and part.ref == ref), None)
    title = ref.replace("/", ": ")
    return found or Part(next(k for k in KINDS if k == kind), ref, title, [])


@router.get("")
async def content_page(request: Request, officer: Supervisor, q: str = "") -> Response:
    """What is withdrawn now, and the search for what is to be."""
    its = service(request)
    with its.database.read() as c:
        standing, lifted = withdrawals.standing(c), withdrawals.lifted(c)
        names = {o.id: o.name for o in accounts.everyone(c, its.keys)}
    found = _search(its.live.base, officer.language, q[:100])
    content = its.live.base
    values: dict[str, Any] = {
        "standing": standing,
        "lifted": lifted,
        "names": names,
        "q": q[:100],
        "found": found[:FOUND],
        "count": len(found),
        "warnings": content.knowledge.warnings,
        "refused": its.live.current.refused,
    }
    return render(request, officer, "content.html", **values)


@router.get("/part")
async def part_page(request: Request, officer: Supervisor, kind: str = "", ref: str = "") -> Response:
    return _part_page(request, officer, _part(request, officer, kind, ref))


def _part_page(request: Request, officer: Officer, part: Part, status: int = 200, **values: Any) -> Response:
    fields: tuple[str, ...] = {"facet": ("es", "en"), "hotline": LINE_FIELDS, "consulate": ("value",)}[part.kind]
    only_corrected = part.kind == "hotline" and part.ref in LAST_RESORT
    known = {"part": part, "fields": fields, "only_corrected": only_corrected, "given": {}, "reason": "", "wrong": "", "faults": []}
    return render(request, officer, "content_part.html", status, **known | values)


@router.post("/withdraw")
async def withdraw(request: Request, officer: Supervisor, kind: Words = "", ref: Words = "", reason: Words = "") -> Response:
    """Withdraw at once; a correction, where one is given, speaks once somebody else has confirmed it."""
    its, now, part = service(request), time.time(), _part(request, officer, kind, ref)
    form = await request.form()
    given = {name.removeprefix("new_"): str(value).replace("\r\n", "\n").strip() for name, value in form.items() if name.startswith("new_")}
    correction: Mapping[str, str] | None = {name: value for name, value in given.items() if value} or None
    base = its.live.base
    wrong = faults(base.knowledge, base.consulates, Change(part.kind, part.ref, correction))
    if wrong:
        return _part_page(request, officer, part, 422, given=given, reason=reason, wrong="correction_wrong", faults=wrong)

    def write(c: Connection) -> None:
        withdrawals.withdraw(c, part.kind, part.ref, correction, reason, officer.id, now)
        audit.record(c, officer.id, "content_withdrawn", part.key, "with a correction" if correction else None, now)

    try:
        await its.writer.write(write)
    except withdrawals.Refused as error:
        return _part_page(request, officer, part, 422, given=given, reason=reason, wrong=f"withdrawal_{error.code}")
    await asyncio.to_thread(its.live.refresh)
    return RedirectResponse(f"{BASE}/content?done=withdrawn", 303)


@router.post("/{withdrawal_id}/confirm")
async def confirm(request: Request, officer: Supervisor, withdrawal_id: int) -> Response:
    """A second person agrees; a correction speaks from now on."""
    return await _decide(request, officer, withdrawal_id, "content_confirmed", lambda c: withdrawals.confirm(c, withdrawal_id, officer.id))


@router.post("/{withdrawal_id}/lift")
async def lift(request: Request, officer: Supervisor, withdrawal_id: int) -> Response:
    """What the files say is said again."""
    now = time.time()
    return await _decide(request, officer, withdrawal_id, "content_lifted", lambda c: withdrawals.lift(c, withdrawal_id, now))


async def _decide(request: Request, officer: Officer, withdrawal_id: int, action: str, step: Any) -> Response:
    its, now = service(request), time.time()
    with its.database.read() as c:
        found = withdrawals.find(c, withdrawal_id)
    if found is None:
        raise Refused(404, "gone")
    of_others = found.kind == "consulate" and officer.consulates is not None and found.ref.partition("/")[0] not in officer.consulates
    if of_others:
        raise Refused(403, "role")

    def write(c: Connection) -> None:
        step(c)
        audit.record(c, officer.id, action, f"{found.kind}:{found.ref}", str(withdrawal_id), now)

    try:
        await its.writer.write(write)
    except withdrawals.Refused as error:
        raise Refused(409, f"withdrawal_{error.code}") from None
    await asyncio.to_thread(its.live.refresh)
    return RedirectResponse(f"{BASE}/content?done=saved", 303)


@router.get("/patch")
async def as_patch(request: Request, officer: Supervisor) -> Response:
    """Everything that stands, as a patch to the data files for `git apply`."""
    its = service(request)
    with its.database.read() as c:
        changes = [found.change for found in withdrawals.standing(c)]
    await its.writer.write(lambda c: audit.record(c, officer.id, "content_exported", None, None, time.time()))
    today = dt.datetime.now(dt.UTC).date()
    text = await asyncio.to_thread(patch, its.settings.content_dir, its.live.base.knowledge, changes, today)
    headers = {"Content-Disposition": f'attachment; filename="content-{today}.patch"'}
    return Response(text, media_type="text/x-diff; charset=utf-8", headers=headers)
