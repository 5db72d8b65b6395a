"""What officers' browsers are told while it happens. One look at the cases serves all streams; each compares it with what it told last.

A browser that was away is told everything as new: it reads its page again. The stream's id is the number of the last line in the cases'
histories, so that a notice that was missed is given once the line is up again.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, func, select

from bot.cases.queue import Scope
from bot.cases.states import OPEN
from bot.store.schema import case, case_event, conversation, delivery
from bot.web.service import Service

log = logging.getLogger("orienta.console")

LOOK_AGAIN = 2.0
"""Seconds after which everything is looked at, news or none: presence ends without news."""
BREATHER = 0.15
"""Seconds between two looks: many commits in a row are one piece of news to a person."""
HEARTBEAT = 15.0
MISSED = 3600.0
"""Seconds: a notice that is older than this is none any more."""
NOTICED = ("opened", "reopened", "escalated", "transferred", "given_back")
"""Kinds of history lines that officers are told of."""


@dataclass(frozen=True)
class Look:
    """One case, as far as a change of it is news."""

    id: str
    number: str
    level: int
    state: str
    version: int
    last_seq: int
    consulate: str | None
    officer_id: str | None
    offered_to: str | None
    waiting_since: float | None

    def seen_by(self, scope: Scope) -> bool:
        """The same rule as `Scope.where`, in memory."""
        mine = scope.officer_id in (self.officer_id, self.offered_to)
        return scope.consulates is None or self.consulate is None or self.consulate in scope.consulates or mine


@dataclass(frozen=True)
class Notice:
    """Something that an officer is told: neutral words only, for others may look at the screen."""

    event: int
    kind: str
    case_id: str
    number: str
    level: int


@dataclass(frozen=True)
class Picture:
    """All open cases at one moment.

    Attributes:
        newest: number of the last history line.
        alarms: cases in danger that wait and whose notice nobody has acknowledged.
    """

    cases: Mapping[str, Look]
    newest: int
    alarms: frozenset[str]


def look(c: Connection) -> Picture:
    """The open cases as they are."""
    rows = c.execute(
        select(
            case.c.id,
            case.c.number,
            case.c.level,
            case.c.state,
            case.c.version,
            conversation.c.last_seq,
            case.c.consulate,
            case.c.officer_id,
            case.c.offered_to,
            case.c.waiting_since,
        )
        .join(conversation, conversation.c.id == case.c.conversation_id)
        .where(case.c.state.in_(OPEN))
    )
    cases = {row.id: Look(**row._asdict()) for row in rows}
    newest = c.execute(select(func.max(case_event.c.id))).scalar() or 0
    urgent = [found.id for found in cases.values() if found.level == 1 and found.state == "waiting"]
    return Picture(cases, newest, frozenset(_unheard(c, urgent)))


def _unheard(c: Connection, urgent: list[str]) -> set[str]:
    """Of these cases, those of which nobody has acknowledged the newest notice."""
    rows = c.execute(
        select(case_event.c.case_id, case_event.c.kind, func.max(case_event.c.id).label("last"))
        .where(case_event.c.case_id.in_(urgent), case_event.c.kind.in_((*NOTICED, "level", "acknowledged")))
        .group_by(case_event.c.case_id, case_event.c.kind)
    )
    told: dict[str, int] = {}
    heard: dict[str, int] = {}
    for row in rows:
        side = heard if row.kind == "acknowledged" else told
        side[row.case_id] = max(side.get(row.case_id, 0), row.last)
    return {case_id for case_id in urgent if told.get(case_id, 0) >= heard.get(case_id, 0)}


def notices(c: Connection, scope: Scope, after: int, now: float) -> list[Notice]:
    """What happened behind a history line that this officer has to hear of, in order."""
    rows = c.execute(
        select(case_event.c.id, case_event.c.kind, case.c.id.label("case_id"), case.c.number, case.c.level, case.c.offered_to, case.c.state)
        .join(case, case.c.id == case_event.c.case_id)
        .where(
            case_event.c.id > after,
            case_event.c.at > now - MISSED,
            case_event.c.kind.in_(NOTICED),
            case_event.c.officer_id.is_distinct_from(scope.officer_id),
            scope.where(),
        )
        .order_by(case_event.c.id)
        .limit(50)
    )
    found = []
    for row in rows:
        if row.kind == "transferred" and row.state == "assigned":
            if row.offered_to != scope.officer_id:
                continue
            found.append(Notice(row.id, "offered", row.case_id, row.number, row.level))
        elif row.state == "waiting":
            found.append(Notice(row.id, "escalated" if row.kind == "escalated" else "waiting", row.case_id, row.number, row.level))
    return found


def deliveries(c: Connection, conversation_ids: list[str]) -> int:
    """A number that changes with each state of these conversations' deliveries."""
    rows = c.execute(
        select(delivery.c.id, delivery.c.state, delivery.c.doubtful).where(delivery.c.conversation_id.in_(conversation_ids))
    ).all()
    return hash(tuple(sorted(map(tuple, rows))))


class Live:
    """The one look that all streams share. It looks only while somebody listens."""

    def __init__(self, its: Service) -> None:
        self._its = its
        self._news = asyncio.Event()
        self._listeners: set[asyncio.Event] = set()
        self._picture = Picture({}, 0, frozenset())
        self._task: asyncio.Task[None] | None = None

    def stir(self) -> None:
        """Something that is in no database changed (presence): look now."""
        self._news.set()

    @contextlib.asynccontextmanager
    async def listening(self) -> AsyncIterator[asyncio.Event]:
        """An event that is set after each look."""
        if not self._listeners:
            self._its.listeners.append(self._news)
            self._look()
            self._task = asyncio.create_task(self._watch())
        turn = asyncio.Event()
        self._listeners.add(turn)
        try:
            yield turn
        finally:
            self._listeners.discard(turn)
            if not self._listeners and self._task is not None:
                self._task.cancel()
                self._its.listeners.remove(self._news)

    async def _watch(self) -> None:
        while True:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._news.wait(), LOOK_AGAIN)
            self._news.clear()
            try:
                self._look()
            except Exception as error:  # a database that is away for a moment ends no stream
                log.error("the look at the cases failed: %s", type(error).__name__)
            await asyncio.sleep(BREATHER)

    def _look(self) -> None:
        with self._its.database.read() as c:
            self._picture = look(c)
        for turn in self._listeners:
            turn.set()

    @property
    def picture(self) -> Picture:
        return self._picture


class Teller:
    """What one stream has told its browser, and what is news to it.

    Args:
        after: the history line that the browser knows; None: it has just read its page.
    """

    def __init__(self, its: Service, scope: Scope, picture: Picture, after: int | None) -> None:
        self._its, self._scope = its, scope
        self._told: dict[str, Look] = {}
        self._views: dict[str, tuple[Any, ...]] = {}
        self._alarms: frozenset[str] = frozenset()
        self._after = picture.newest if after is None else min(after, picture.newest)

    def first(self, picture: Picture) -> dict[str, Any]:
        """What a browser is told when it connects: read everything again."""
        return {**(self.news(picture) or self._message(picture, [], [])), "all": True}

    def news(self, picture: Picture) -> dict[str, Any] | None:
        """What is new to this officer since the last call; None where nothing is."""
        mine = {case_id: found for case_id, found in picture.cases.items() if found.seen_by(self._scope)}
        changed = [case_id for case_id in mine.keys() | self._told.keys() if mine.get(case_id) != self._told.get(case_id)]
        wrote = [case_id for case_id in changed if self._wrote(mine.get(case_id))]
        changed += self._viewed(picture, changed)
        alarms = frozenset(picture.alarms & mine.keys())
        if not changed and alarms == self._alarms and picture.newest == self._after:
            return None
        self._told, self._alarms = mine, alarms
        return self._message(picture, changed, wrote)

    def _wrote(self, found: Look | None) -> bool:
        """Whether the person wrote in a case that this officer has."""
        before = self._told.get(found.id) if found else None
        if found is None or before is None or found.officer_id != self._scope.officer_id:
            return False
        return found.last_seq > before.last_seq and found.waiting_since is not None

    def _viewed(self, picture: Picture, known: list[str]) -> list[str]:
        """Cases on this officer's screens of which something changed that stands in no case: deliveries, who else looks."""
        presence = self._its.presence
        viewed = presence.viewed_by(self._scope.officer_id)
        self._views = {case_id: view for case_id, view in self._views.items() if case_id in viewed}
        changed = []
        with self._its.database.read() as c:
            for case_id in viewed:
                row = c.execute(
                    select(case.c.version, case.c.conversation_id, conversation.c.last_seq)
                    .join(conversation, conversation.c.id == case.c.conversation_id)
                    .where(case.c.id == case_id)
                ).first()
                view = (tuple(row), deliveries(c, [row.conversation_id]), tuple(presence.of(case_id))) if row else (None,)
                if self._views.get(case_id) != view and case_id not in known:
                    changed.append(case_id)
                self._views[case_id] = view
        return changed

    def _message(self, picture: Picture, changed: list[str], wrote: list[str]) -> dict[str, Any]:
        with self._its.database.read() as c:
            heard = notices(c, self._scope, self._after, time.time())
        self._after = picture.newest
        return {
            "id": picture.newest,
            "cases": changed,
            "wrote": [{"id": case_id, "number": picture.cases[case_id].number, "level": picture.cases[case_id].level} for case_id in wrote],
            "notices": [{"kind": n.kind, "id": n.case_id, "number": n.number, "level": n.level} for n in heard],
            "alarms": [{"id": n.id, "number": n.number, "level": n.level} for n in map(picture.cases.__getitem__, sorted(self._alarms))],
        }
