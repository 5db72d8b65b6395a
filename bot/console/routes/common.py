"""What the routes of the desk share: the case as this officer may see it, refusals as fragments, and the pages' common values."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Annotated, Any, TypeVar

from fastapi import Depends, Request
from fastapi.responses import HTMLResponse, Response
from sqlalchemy import Connection

from bot.cases import queue
from bot.cases.queue import CaseDetail, Scope
from bot.cases.steps import Refused, Taken
from bot.console import audit, views
from bot.console.live import Live
from bot.console.pages import render
from bot.console.replies import Replies
from bot.console.security import Officer, signed_in
from bot.console.texts import say
from bot.knowledge.live import Content
from bot.knowledge.schema import Language
from bot.web.service import Service

T = TypeVar("T")

STATUS = {
    "gone": 410,
    "taken": 409,
    "stale": 409,
    "not_yours": 403,
    "wrong_state": 409,
    "empty": 422,
    "too_long": 413,
    "empty_field": 422,
    "elsewhere": 403,
}
"""Why something is refused -> the status that says so to programs."""


class Problem(Exception):
    """A request that is refused; shown as a fragment where the page has a place for it, else as a page.

    Attributes:
        code: key of the sentence ("problem_<code>").
        values: what the sentence needs.
    """

    def __init__(self, code: str, status: int | None = None, **values: str) -> None:
        super().__init__(code)
        self.code, self.status, self.values = code, status or STATUS.get(code, 400), values


@dataclass(frozen=True)
class Desk:
    """One request of one officer."""

    request: Request
    its: Service
    officer: Officer

    @property
    def content(self) -> Content:
        return self.its.live.current

    @property
    def scope(self) -> Scope:
        return self.officer.scope

    @property
    def supervising(self) -> bool:
        return self.officer.role in ("supervisor", "administrator")

    @property
    def wants_fragment(self) -> bool:
        return "hx-request" in self.request.headers

    def case(self, c: Connection, case_id: str) -> CaseDetail:
        """The case, where it is within this officer's scope.

        Raises:
            Problem: it is not, or the person erased it.
        """
        found = queue.one(c, self.its.keys, case_id, self.scope)
        if found is None:
            raise Problem("gone" if queue.one(c, self.its.keys, case_id) is None else "elsewhere")
        return found

    def names(self, c: Connection) -> dict[str, str]:
        return views.names(c, self.its.keys)

    async def does(self, wish: Callable[[Connection], T], action: str, subject: str, detail: str = "") -> T:
        """Write, and note in the same transaction that this officer did it.

        Raises:
            Problem: the desk refused the step.
        """

        def noted(c: Connection) -> T:
            result = wish(c)
            audit.record(c, self.officer.id, action, subject, detail, time.time())
            return result

        try:
            return await self.its.writer.write(noted)
        except Taken as taken:
            with self.its.database.read() as c:
                who = self.names(c).get(taken.officer, "?")
            raise Problem("taken", who=who) from None
        except Refused as refused:
            raise Problem(refused.code) from None

    def page(self, template: str, status: int = 200, **values: Any) -> HTMLResponse:
        return render(
            self.request, self.officer, template, status, span=partial(span, language=self.officer.language), content=self.content, **values
        )


LARGEST = 2_000_000
"""Bytes of a request at the most: a text of a megabyte still gets its clear answer."""


async def at_desk(request: Request) -> Desk:
    """The dependency of every route of the desk: a signed-in officer, and a request of a bearable size."""
    length = request.headers.get("content-length", "0")
    if not length.isdigit() or int(length) > LARGEST:
        raise Problem("too_long")
    return Desk(request, request.app.state.service, await signed_in(request))


AtDesk = Annotated[Desk, Depends(at_desk)]


def span(minutes: float | None, language: Language) -> str:
    """A time as people say it: "4 min", "2.5 h", "3 días"."""
    if minutes is None:
        return "–"
    if minutes < 90:
        return say("span_minutes", language, n=f"{minutes:.0f}" if minutes >= 10 else f"{minutes:g}")
    if minutes < 2880:
        return say("span_hours", language, n=f"{minutes / 60:.1f}".rstrip("0").rstrip("."))
    return say("span_days", language, n=f"{minutes / 1440:.1f}".rstrip("0").rstrip("."))


def live(request: Request) -> Live:
    """The one look at the cases that all streams share."""
    state = request.app.state
    if not hasattr(state, "desk_live"):
        state.desk_live = Live(state.service)
    found: Live = state.desk_live
    return found


def replies(desk: Desk) -> Replies:
    """The prepared replies, read again where the content that their numbers come from changed."""
    state = desk.request.app.state
    known: tuple[Content, Replies] | None = getattr(state, "desk_replies", None)
    if known is None or known[0] is not desk.content:
        known = (desk.content, Replies.load(desk.its.settings.content_dir / "replies.yml", desk.content.knowledge))
        state.desk_replies = known
    return known[1]


def refusal(request: Request, officer: Officer | None, problem: Problem) -> Response:
    """The answer to a refused request. On the page it goes to the place for problems, so that nothing typed is replaced."""
    fragment = "hx-request" in request.headers
    answer = render(request, officer, "problem.html" if fragment else "problem_page.html", problem.status, problem=problem)
    if fragment:
        answer.headers["HX-Retarget"] = "#problem"
        answer.headers["HX-Reswap"] = "innerHTML"
        answer.headers["HX-Push-Url"] = "false"
    return answer
