"""A message in the light of what was said before: follow-ups, and thoughts sent in pieces."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from bot.engine.understanding import Understanding
from bot.knowledge import Topic
from bot.knowledge.live import content
from bot.taxonomy import levels

RECENT_SECONDS = 90.0
"""How long a piece of a thought waits for the next one."""
PIECES = 3
SHORT = 6
"""Words of a message that may be a piece of a thought."""


def in_context(understand: Callable[[str], Understanding], text: str, state: dict[str, Any], now: float) -> Understanding:
    """Understand a message by itself, then as a follow-up to the last topic, then together with the pieces before it."""
    alone = _bare_place(understand(text))
    if follow := _follow_up(alone, state["slots"]):
        return follow
    return _with_pieces(understand, _same_question(alone, state["slots"]), state, now)


def _bare_place(meaning: Understanding) -> Understanding:
    """A place and nothing else, or little else where no topic is sure ("vivo en Springfield"), answers the question where."""
    place = meaning.place()
    alone = place is not None and len(place) >= 0.9 * len(meaning.text.strip())
    if alone or (place and not meaning.sure and len(meaning.text.split()) <= SHORT):
        return replace(meaning, intent="inform", sure=True, level=_level(meaning, "inform"), facet=None, aspect=None)
    return meaning


def _follow_up(meaning: Understanding, slots: dict[str, Any]) -> Understanding | None:
    """A bare question ("¿Y cuánto cuesta?"): the facet of the last subject that answers this aspect."""
    topic_id, facet_id = slots.get("topic"), slots.get("facet")
    topic = content().knowledge.topics.get(topic_id) if topic_id else None
    if meaning.aspect is None or topic is None:
        return None
    subject = _subject(topic, facet_id)
    fitting = [f for f in topic.facets if f.aspect == meaning.aspect]
    chosen = next((f for f in fitting if f.about() == subject), None)
    if chosen is None and len(fitting) == 1 and subject in (None, topic.intent):
        chosen = fitting[0]
    if chosen is None:  # nothing is known of this aspect: what was said of the subject tells where to ask
        chosen = next((f for f in topic.facets if f.about() == subject and f.aspect is None), None)
    return replace(meaning, intent=topic.intent, facet=chosen.id if chosen else None, sure=True, level=_level(meaning, topic.intent))


def _subject(topic: Topic, facet_id: str | None) -> str | None:
    return next((f.about() for f in topic.facets if f.id == facet_id), None)


def _same_question(meaning: Understanding, slots: dict[str, Any]) -> Understanding:
    """Another subject named in a few words after a question ("¿y la matrícula?" after "¿cuánto cuesta el pasaporte?") is asked the same."""
    topic = content().knowledge.topics.get(meaning.intent)
    if topic is None or meaning.intent != slots.get("topic") or not meaning.facet or len(meaning.text.split()) > 4:
        return meaning
    aspect = next((f.aspect for f in topic.facets if f.id == slots.get("facet")), None)
    subject = _subject(topic, meaning.facet)
    asked = next((f for f in topic.facets if aspect and f.about() == subject and f.aspect == aspect), None)
    return replace(meaning, facet=asked.id) if asked else meaning


def _level(meaning: Understanding, topic: str) -> int:
    return 1 if meaning.danger and meaning.level == 1 else levels()[topic]


def _with_pieces(understand: Callable[[str], Understanding], alone: Understanding, state: dict[str, Any], now: float) -> Understanding:
    pieces = [p["text"] for p in state.get("recent", []) if now - p["at"] <= RECENT_SECONDS]
    settled = alone.sure and levels()[alone.intent] != 0
    if not pieces or settled or len(alone.text.split()) > SHORT:
        return alone
    joined = understand(" ".join([*pieces, alone.text]))
    if joined.sure and levels()[joined.intent] != 0 and (not alone.sure or alone.intent in ("inform", "greet", "out_of_scope")):
        return replace(joined, text=alone.text, entities=alone.entities)
    return alone


def remember_text(state: dict[str, Any], text: str, at: float, meaning: Understanding) -> list[dict[str, Any]]:
    """The pieces that the next message is read with: short ones that were no topic of their own."""
    if len(text.split()) > SHORT or (meaning.sure and levels()[meaning.intent] != 0):
        return []
    return [*state.get("recent", []), {"text": text, "at": at}][-PIECES:]
