"""What a message means, as the trained pipeline reads it: one value, made in one place, used by `make parse` and the service."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from bot.knowledge.schema import Aspect, Language

URGENCY = {1: 0, 2: 1, 3: 2, 0: 3}
"""Levels by urgency: 1 is the most urgent, 0 (conversation) the least."""

UNSURE = "nlu_fallback"
"""Rasa's name for a message that no topic is sure of; our rules send it to a question with buttons."""


def more_urgent(one: int, other: int) -> int:
    """The more urgent of two levels."""
    return min(one, other, key=URGENCY.__getitem__)


@dataclass(frozen=True)
class Understanding:
    """One message as understood.

    Attributes:
        text: the text that was read.
        intent: the best intent of the taxonomy.
        confidence: calibrated, 0 to 1.
        score: unscaled confidence times nearness to the training sentences: low for what is none of our topics.
        sure: False where the answer should be a question with buttons.
        ranking: intents with confidence, best first.
        language: the text's language.
        real_words: words that tell the language: neither names nor places nor numbers.
        facet: the part of the topic that is meant, or None.
        aspect: set where the message is a bare follow-up ("¿y cuánto cuesta?").
        also: a second topic that the message asks about.
        nearest: facets nearest in meaning ("topic/facet"), for an unsure message.
        entities: as Rasa gives them: entity, value, start, end.
        level: the more urgent of the topic's level and the safety rules'.
        danger: the safety rule that fired, or None.
    """

    text: str
    intent: str
    confidence: float
    sure: bool
    language: Language
    level: int
    score: float = 1.0
    real_words: int = 0
    ranking: list[tuple[str, float]] = field(default_factory=list)
    facet: str | None = None
    aspect: Aspect | None = None
    also: str | None = None
    nearest: list[str] = field(default_factory=list)
    entities: list[dict[str, Any]] = field(default_factory=list)
    danger: str | None = None

    def place(self) -> str | None:
        """The place that the message names, or None."""
        return next((e["value"] for e in self.entities if e["entity"] == "place"), None)
