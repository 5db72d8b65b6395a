"""What officers do to a case: each is one step of bot/cases/desk.py with its audit entry, and answers with the case as it is then."""

from __future__ import annotations

import time
from typing import Annotated

from fastapi import APIRouter, Form
from fastapi.responses import RedirectResponse, Response
from sqlalchemy import Connection

from bot.cases import desk as steps
from bot.cases.desk import Target
from bot.cases.notices import Notices
from bot.cases.queue import CaseDetail
from bot.console.replies import EMPTY
from bot.console.routes.cases import work
from bot.console.routes.common import AtDesk, Desk, Problem
from bot.store.inbox import Outgoing

router = APIRouter(prefix="/cases/{case_id}")


def _case(desk: Desk, case_id: str) -> tuple[CaseDetail, Notices]:
    """The case and its notices, rendered for the person before anything is written."""
    with desk.its.database.read() as c:
        found = desk.case(c, case_id)
    return found, Notices(desk.content, desk.its.keys, found.conversation, found.number, found.spoken)


def _again(desk: Desk, case_id: str) -> Response:
    """The case after the step: as a fragment, or for a browser without scripts by the page."""
    if not desk.wants_fragment:
        return RedirectResponse(f"/console/cases/{case_id}", 303)
    with desk.its.database.read() as c:
        found = desk.case(c, case_id)
    return desk.page("work.html", **work(desk, found))


def _version(given: str) -> int | None:
    """The case's version as the officer saw it; a step on an older one is refused."""
    return int(given) if given.isascii() and given.isdigit() and len(given) < 10 else None


Version = Annotated[str, Form(max_length=12)]
Words = Annotated[str, Form()]


@router.post("/claim", include_in_schema=False)
async def claim(case_id: str, desk: AtDesk) -> Response:
    """Take a case from the queue. Of two officers one gets it; the other is told who."""
    found, notices = _case(desk, case_id)
    here = notices.officer_here(desk.officer.name)
    await desk.does(lambda c: steps.claim(c, desk.its.keys, case_id, desk.officer.id, time.time(), here), "case_claimed", found.number)
    return _again(desk, case_id)


@router.post("/release", include_in_schema=False)
async def release(case_id: str, desk: AtDesk, version: Version = "") -> Response:
    """Put a case back into the queue; the person gets one notice."""
    found, notices = _case(desk, case_id)
    await desk.does(
        lambda c: steps.give_back(
            c,
            desk.its.keys,
            case_id,
            desk.officer.id,
            time.time(),
            notices.given_back(),
            supervising=desk.supervising,
            version=_version(version),
        ),
        "case_released",
        found.number,
    )
    return _again(desk, case_id)


@router.post("/transfer", include_in_schema=False)
async def transfer(case_id: str, desk: AtDesk, to: Words = "", note: Words = "", version: Version = "") -> Response:
    """Offer a case to an officer ("officer:ID"), or put it into the queue of a team or a consulate. A note is required."""
    found, notices = _case(desk, case_id)
    kind, _, name = to.partition(":")
    if kind not in ("officer", "team", "consulate") or not name or (kind == "consulate" and name not in desk.content.consulates):
        raise Problem("no_target", 422)
    if not note.strip():
        raise Problem("note_needed", 422)
    target = Target(**{kind: name})
    await desk.does(
        lambda c: steps.transfer(
            c,
            desk.its.keys,
            case_id,
            desk.officer.id,
            target,
            note,
            time.time(),
            notices.given_back(),
            supervising=desk.supervising,
            version=_version(version),
        ),
        "case_transferred",
        found.number,
        to[:60],
    )
    return _again(desk, case_id) if kind == "officer" or desk.scope.consulates is None or name in desk.scope.consulates else _away(desk)


def _away(desk: Desk) -> Response:
    """The case went to a consulate that this officer does not see."""
    if not desk.wants_fragment:
        return RedirectResponse("/console/", 303)
    answer = desk.page("work_none.html", away=True)
    answer.headers["HX-Push-Url"] = "/console/"
    return answer


@router.post("/accept", include_in_schema=False)
async def accept(case_id: str, desk: AtDesk) -> Response:
    """Take a case that was offered."""
    found, notices = _case(desk, case_id)
    here = notices.officer_here(desk.officer.name)
    await desk.does(lambda c: steps.accept(c, desk.its.keys, case_id, desk.officer.id, time.time(), here), "case_accepted", found.number)
    return _again(desk, case_id)


@router.post("/decline", include_in_schema=False)
async def decline(case_id: str, desk: AtDesk) -> Response:
    """Refuse a case that was offered."""
    found, _ = _case(desk, case_id)
    await desk.does(lambda c: steps.decline(c, desk.its.keys, case_id, desk.officer.id, time.time()), "case_declined", found.number)
    return _again(desk, case_id)


@router.post("/reply", include_in_schema=False)
async def reply(case_id: str, desk: AtDesk, text: Words = "") -> Response:
    """A message to the person. A field of a prepared reply that is still empty is refused."""
    found, _ = _case(desk, case_id)
    if EMPTY.search(text):
        raise Problem("empty_field")
    await desk.does(lambda c: steps.reply(c, desk.its.keys, case_id, desk.officer.id, text, time.time()), "reply_sent", found.number)
    return _again(desk, case_id)


@router.post("/note", include_in_schema=False)
async def note(case_id: str, desk: AtDesk, text: Words = "") -> Response:
    """A note for officers; the person never sees it."""
    found, _ = _case(desk, case_id)
    await desk.does(lambda c: steps.note(c, desk.its.keys, case_id, desk.officer.id, text, time.time()), "note_written", found.number)
    return _again(desk, case_id)


@router.post("/resolve", include_in_schema=False)
async def resolve(case_id: str, desk: AtDesk, outcome: Words = "", note: Words = "", version: Version = "") -> Response:
    """The case is done: the assistant takes over, says so, and asks how it went."""
    found, notices = _case(desk, case_id)
    if not outcome:
        raise Problem("no_outcome", 422)
    closing: list[Outgoing] = [notices.resolved()]

    def wish(c: Connection) -> None:
        steps.resolve(
            c,
            desk.its.keys,
            case_id,
            desk.officer.id,
            outcome,
            note,
            time.time(),
            closing,
            supervising=desk.supervising,
            version=_version(version),
        )

    await desk.does(wish, "case_resolved", found.number, outcome[:40])
    return _again(desk, case_id)


@router.post("/close", include_in_schema=False)
async def close(case_id: str, desk: AtDesk, version: Version = "") -> Response:
    """Closed for good: a new message of the person opens it no more."""
    found, _ = _case(desk, case_id)
    await desk.does(
        lambda c: steps.close(c, desk.its.keys, case_id, desk.officer.id, time.time(), version=_version(version)),
        "case_closed",
        found.number,
    )
    return _again(desk, case_id)


@router.post("/reopen", include_in_schema=False)
async def reopen(case_id: str, desk: AtDesk, version: Version = "") -> Response:
    """A resolved or closed case is in the queue again."""
    found, _ = _case(desk, case_id)
    await desk.does(
        lambda c: steps.reopen(c, desk.its.keys, case_id, desk.officer.id, time.time(), version=_version(version)),
        "case_reopened",
        found.number,
    )
    return _again(desk, case_id)
