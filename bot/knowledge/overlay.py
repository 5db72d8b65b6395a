"""What officers have withdrawn or corrected, laid over the content of the files. A withdrawn part says where to ask, never the old text."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

from pydantic import ValidationError

from bot.knowledge.load import Knowledge, faults_of_topic
from bot.knowledge.render import Consulate, Consulates
from bot.knowledge.schema import Answer, Hotline, Text, Topic

Kind = Literal["facet", "hotline", "consulate"]
KINDS: tuple[Kind, ...] = ("facet", "hotline", "consulate")

OFFICE_FIELDS = ("address", "phone", "protection_phone", "website", "hours")
LINE_FIELDS = ("phone", "short_code", "whatsapp", "url")
LAST_RESORT = ("us_911", "ciam")
"""Lines that are where to ask: they can be corrected, never only withdrawn."""


@dataclass(frozen=True)
class Change:
    """One withdrawal.

    Attributes:
        ref: `topic` or `topic/facet`; a line's id; `post/field`.
        correction: what stands in its place: `{"es", "en"}`, some of `LINE_FIELDS`, or `{"value"}`; None: nothing does.
    """

    kind: Kind
    ref: str
    correction: Mapping[str, Any] | None = None


def overlaid(knowledge: Knowledge, consulates: Consulates, changes: Iterable[Change]) -> tuple[Knowledge, Consulates]:
    """The content with all changes. One whose place is gone from the files changes nothing; a correction that does not fit withdraws."""
    posts = Consulates(consulates)
    for change in changes:
        if change.kind == "facet":
            knowledge = _with_answer(knowledge, change)
        elif change.kind == "hotline":
            knowledge = _with_line(knowledge, change)
        else:
            _set_field(posts, change)
    return knowledge, posts


def _with_answer(knowledge: Knowledge, change: Change) -> Knowledge:
    topic_id, _, facet_id = change.ref.partition("/")
    topic, old = knowledge.topics.get(topic_id), knowledge.answer(change.ref)
    if topic is None or old is None:
        return knowledge
    text = _text(change.correction) or knowledge.phrases["withdrawn"]
    new = old.model_copy(update={"messages": [text], "confirm": False})
    return replace(knowledge, topics=knowledge.topics | {topic_id: _with(topic, facet_id, new)})


def _with(topic: Topic, facet_id: str, new: Answer) -> Topic:
    if not facet_id:
        assert isinstance(new, Topic)
        return new
    return topic.model_copy(update={"facets": [new if facet.id == facet_id else facet for facet in topic.facets]})


def _text(correction: Mapping[str, Any] | None) -> Text | None:
    try:
        return Text.model_validate(correction) if correction is not None else None
    except ValidationError:
        return None


def _with_line(knowledge: Knowledge, change: Change) -> Knowledge:
    line = knowledge.hotlines.get(change.ref)
    if line is None:
        return knowledge
    corrected = _line(line, change.correction) if change.correction else None
    if corrected is not None:
        return replace(knowledge, hotlines=knowledge.hotlines | {line.id: corrected}, withdrawn=knowledge.withdrawn - {line.id})
    return knowledge if line.id in LAST_RESORT else replace(knowledge, withdrawn=knowledge.withdrawn | {line.id})


def _line(line: Hotline, correction: Mapping[str, Any]) -> Hotline | None:
    if not correction.keys() <= set(LINE_FIELDS):
        return None
    try:
        return Hotline.model_validate(line.model_dump(by_alias=True) | dict(correction))
    except ValidationError:
        return None


def _set_field(posts: Consulates, change: Change) -> None:
    post_id, _, name = change.ref.partition("/")
    post = posts.get(post_id)
    if post is None or name not in OFFICE_FIELDS:
        return
    value = change.correction.get("value") if change.correction else None
    posts[post_id] = _post(post, name, value if isinstance(value, str) and value else None)


def _post(post: Consulate, name: str, value: str | None) -> Consulate:
    level = "high" if value else "low"
    update: dict[str, Any] = {name: value, "confidence": post.confidence.model_copy(update={name: level})}
    if name == "address":  # the map would still lead to the old one
        update |= {"lat": None, "lon": None}
    return post.model_copy(update=update)


# --- is it a change that may be made? ------------------------------------------------------------------------------------------


def exists(knowledge: Knowledge, consulates: Consulates, kind: str, ref: str) -> bool:
    """Whether the content has such a part."""
    if kind == "facet":
        return knowledge.answer(ref) is not None
    if kind == "hotline":
        return ref in knowledge.hotlines
    post, _, name = ref.partition("/")
    return kind == "consulate" and post in consulates and name in OFFICE_FIELDS


def faults(knowledge: Knowledge, consulates: Consulates, change: Change) -> list[str]:
    """What the check of the content says of a change; a sentence each, as for authors."""
    if not exists(knowledge, consulates, change.kind, change.ref):
        return [f"{change.ref} is not in the content"]
    if change.correction is None:
        return [f"{change.ref} can only be corrected"] if change.kind == "hotline" and change.ref in LAST_RESORT else []
    if change.kind == "facet" and _text(change.correction) is None:
        return ["a correction needs both languages"]
    if change.kind == "hotline" and _line(knowledge.hotlines[change.ref], change.correction) is None:
        return ["a number is written +15206237874, an address of a site begins with https://"]
    if change.kind == "consulate":
        return _faults_of_field(change)
    after, _ = overlaid(knowledge, consulates, [change])
    touched = [after.topics[change.ref.partition("/")[0]]] if change.kind == "facet" else after.topics.values()
    return [fault for topic in touched for fault in faults_of_topic(topic, after)]


def _faults_of_field(change: Change) -> list[str]:
    name, value = change.ref.partition("/")[2], change.correction.get("value") if change.correction else None
    if not isinstance(value, str) or not value.strip() or len(value) > 120 or not value.isprintable():
        return ["a line of at most 120 characters"]
    if name in ("phone", "protection_phone") and not re.fullmatch(r"\+[1-9]\d{6,14}", value):
        return ["a number is written +15206237874"]
    if name == "website" and not re.fullmatch(r"https://\S+", value):
        return ["an address of a site begins with https://"]
    return []
