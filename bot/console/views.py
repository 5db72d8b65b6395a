"""What officers see, made ready for the templates: rows of the queue, the conversation with its history, the person's side."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection, RowMapping, select

from bot.cases import queue
from bot.cases.queue import CaseDetail, CaseRow, Event
from bot.cases.states import HELD
from bot.intake import Intake
from bot.knowledge.live import Content
from bot.knowledge.phone import grouped
from bot.knowledge.schema import Language
from bot.store import inbox
from bot.store.crypto import Keys, SealError
from bot.store.deliveries import WINDOW_MARGIN
from bot.store.identities import identity_of
from bot.store.schema import case, delivery, officer

_HOUR = 3600.0
SOON_AND_LATE: Mapping[int, tuple[float, float]] = {
    1: (120.0, 300.0),
    2: (_HOUR / 2, _HOUR),
    3: (4 * _HOUR, 8 * _HOUR),
    0: (4 * _HOUR, 8 * _HOUR),
}
"""Level -> seconds without a word from us after which a case is due soon, and overdue."""
SHOWN = 300
"""Messages of a conversation that the page holds; the oldest are left out."""
WINDOW = 86_400.0
"""WhatsApp lets us write freely for this long after the person's last message."""
PRIVATE_KINDS = ("name", "phone")
"""Kinds of intake answers that stay masked until somebody opens them."""


def names(c: Connection, keys: Keys) -> dict[str, str]:
    """Every officer's name, by id."""
    return {
        row.id: str(keys.open(row.profile, f"officer:{row.id}").get("name") or "?")
        for row in c.execute(select(officer.c.id, officer.c.profile))
    }


def first_name(name: str) -> str:
    return next(iter(name.split()), "?")


def iso(at: float) -> str:
    return dt.datetime.fromtimestamp(at, dt.UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


@dataclass(frozen=True)
class Timer:
    """How long something waits: the text's parts, and when it becomes due.

    Attributes:
        state: "", "soon" or "late".
    """

    since: str
    minutes: int
    state: str
    soon: int
    late: int


def timer(row: CaseRow, now: float) -> Timer | None:
    """The wait of a case; None while nobody waits for us."""
    if row.waiting_since is None or row.state not in ("waiting", *HELD):
        return None
    soon, late = SOON_AND_LATE[row.level]
    waited = max(0.0, now - row.waiting_since)
    state = "late" if waited >= late else "soon" if waited >= soon else ""
    return Timer(iso(row.waiting_since), int(waited // 60), state, int(soon), int(late))


@dataclass(frozen=True)
class QueueRow:
    """One line of the queue."""

    case: CaseRow
    topic: str
    consulate: str
    who: str
    mine: bool
    offered: bool
    timer: Timer | None


def queue_rows(
    rows: Iterable[CaseRow], content: Content, language: Language, named: Mapping[str, str], officer_id: str, now: float
) -> list[QueueRow]:
    return [
        QueueRow(
            row,
            topic_title(content, row.topic, language),
            consulate_city(content, row.consulate),
            first_name(named.get(row.offered_to or row.officer_id or "", "")) if (row.offered_to or row.officer_id) else "",
            row.officer_id == officer_id,
            row.offered_to == officer_id,
            timer(row, now),
        )
        for row in rows
    ]


def topic_title(content: Content, topic: str | None, language: Language) -> str:
    found = content.knowledge.topics.get(topic or "human_handoff")
    return found.title.in_language(language) if found else str(topic)


def consulate_city(content: Content, consulate: str | None) -> str:
    found = content.consulates.get(consulate or "")
    return found.city if found else ""


# --- the conversation ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Delivery:
    """How far a message to the person came on its channel."""

    state: str
    error: str | None
    doubtful: bool


@dataclass(frozen=True)
class Line:
    """One line of the conversation: a message, or something that happened to the case.

    Attributes:
        kind: user, bot, agent, system; note; or event.
        text: what was written; of an event, its note.
        event: the history line's kind.
        detail: what an event's sentence needs.
    """

    key: str
    kind: str
    at: float
    text: str = ""
    who: str = ""
    language: str | None = None
    level: int | None = None
    topic: str = ""
    interim: bool = False
    buttons: Sequence[str] = ()
    location: Mapping[str, Any] | None = None
    files: Sequence[Mapping[str, Any]] = ()
    delivery: Delivery | None = None
    event: str = ""
    detail: Mapping[str, Any] = field(default_factory=dict)

    @property
    def iso(self) -> str:
        return iso(self.at)


QUIET = {"opened", "wrote", "replied", "intake", "note", "resume_code", "callback", "asked_again"}
"""History lines that the conversation itself shows, or that only the history has."""


def lines(c: Connection, keys: Keys, found: CaseDetail, content: Content, language: Language, named: Mapping[str, str]) -> list[Line]:
    """Messages, notes and what happened to the case, in the order of time."""
    here = found.conversation
    last = inbox.last_seq(c, [here]).get(here, 0)
    sent = {
        row.seq: Delivery(row.state, row.error, row.doubtful)
        for row in c.execute(select(delivery).where(delivery.c.conversation_id == here, delivery.c.kind == "message"))
    }
    rows = inbox.transcript(c, here, last - SHOWN, SHOWN)
    said = [_message(keys, row, sent.get(row["seq"]), content, language, named) for row in rows]
    begins = said[0].at if said else 0.0
    happened = [
        _happened(number, event, named)
        for number, event in enumerate(queue.history(c, keys, found.id))
        if (event.kind not in QUIET or event.kind == "note") and event.at >= min(begins, found.opened_at)
    ]
    return sorted([*said, *happened], key=lambda line: line.at)


def _message(keys: Keys, row: RowMapping, sent: Delivery | None, content: Content, language: Language, named: Mapping[str, str]) -> Line:
    body = keys.open(row["body"], f"message:{row['conversation_id']}")
    files = body.get("files") or ([body["file"]] if body.get("file") else [])
    return Line(
        key=f"m{row['seq']}",
        kind=row["author"],
        at=row["at"],
        text=body.get("text", ""),
        who=named.get(row["officer_id"] or "", ""),
        language=row["language"],
        level=row["level"],
        topic=topic_title(content, row["topic"], language) if row["topic"] else "",
        interim=bool(row["interim"]),
        buttons=[b["title"] for b in body.get("buttons", [])],
        location=body.get("location"),
        files=files,
        delivery=sent,
    )


def _happened(number: int, event: Event, named: Mapping[str, str]) -> Line:
    who = named.get(event.officer_id or "", "")
    if event.kind == "note":
        return Line(f"n{number}", "note", event.at, str(event.detail.get("text", "")), who)
    to = event.detail.get("to") or {}
    detail = {**event.detail, "to_name": named.get(to.get("officer", ""), "") or to.get("team", "") or to.get("consulate", "")}
    return Line(f"e{number}", "event", event.at, str(event.detail.get("note") or ""), who, event=event.kind, detail=detail)


# --- the person ----------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Fact:
    """One thing that is known of the person or the case.

    Attributes:
        private: masked until somebody opens it, which is recorded.
    """

    key: str
    label: str
    value: str
    private: bool = False


def intake_facts(found: CaseDetail, intake: Intake, language: Language) -> list[Fact]:
    """The answers of the form, in its order; what was skipped is left out."""
    facts = []
    for key, value in found.intake.items():
        question = intake.questions.get(key)
        label = question.label.in_language(language) if question else key.replace("_", " ")
        if str(value).strip():
            facts.append(Fact(f"intake.{key}", label, str(value), question is None or question.kind in PRIVATE_KINDS))
    return facts


def private_value(c: Connection, keys: Keys, found: CaseDetail, key: str) -> str | None:
    """The value behind a masked field; None where there is none."""
    kind, _, name = key.partition(".")
    if kind == "intake":
        value = found.intake.get(name)
        return str(value) if value else None
    if kind == "callback" and found.callback:
        return grouped(str(found.callback.get("number", "")))
    if kind == "profile":
        return contact(c, keys, found).get(name)
    return None


def contact(c: Connection, keys: Keys, found: CaseDetail) -> dict[str, str]:
    """What the channel tells of the person: {"name", "number"}, as far as it does."""
    try:
        profile = identity_of(c, keys, found.conversation)
    except SealError:
        return {}
    number = profile.get("phone") or profile.get("wa_id") or profile.get("number")
    known = {"name": profile.get("name"), "number": grouped(f"+{str(number).lstrip('+')}") if number else None}
    return {key: str(value) for key, value in known.items() if value}


@dataclass(frozen=True)
class Window:
    """Whether the channel lets us write now.

    Attributes:
        state: open, closing (within two hours), closed, stopped (the person said STOP) or unreachable.
        until: when an open one closes.
    """

    state: str
    until: str | None = None


def window(found: CaseDetail, now: float) -> Window:
    """What an officer has to know before typing."""
    if found.unreachable:
        return Window("unreachable")
    if found.stopped_at is not None:
        return Window("stopped")
    if found.channel != "whatsapp":
        return Window("open")
    ends = (found.inbound_at or 0.0) + WINDOW - WINDOW_MARGIN
    if ends <= now:
        return Window("closed")
    return Window("closing" if ends - now < 7200 else "open", iso(ends))


def fields(found: CaseDetail, content: Content, language: Language, officer_name: str) -> dict[str, str]:
    """What a case tells for prepared replies, by field."""
    post = content.consulates.get(found.consulate or "")
    phone = post.known("protection_phone") or post.known("phone") if post else None
    known = {
        "officer": first_name(officer_name),
        "number": found.number,
        "consulate": post.name(language) if post else "",
        "consulate_phone": grouped(phone) if phone else "",
        "person": found.intake.get("person_name", ""),
        "place": found.intake.get("place", ""),
    }
    return {key: str(value) for key, value in known.items() if value}


def teams(c: Connection) -> list[str]:
    """The teams that officers and cases name."""
    named = set(c.execute(select(officer.c.team).where(officer.c.team.is_not(None))).scalars())
    return sorted(named | set(c.execute(select(case.c.team).where(case.c.team.is_not(None))).scalars()))
