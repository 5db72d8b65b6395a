"""Graph component: which part of its topic a message is about, what a bare follow-up asks, and what comes nearest in meaning."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import yaml
from rasa.engine.recipes.default_recipe import DefaultV1Recipe
from rasa.shared.nlu.training_data.message import Message
from rasa.shared.nlu.training_data.training_data import TrainingData

from bot.engine.importer import FACET
from bot.engine.nlu import encoder
from bot.engine.nlu.classifier import TextClassifier
from bot.engine.nlu.component import CORRECTED, MISSPELT, StoredComponent
from bot.engine.nlu.text import misspell, plain
from bot.engine.nlu.topics import PART
from bot.settings import ROOT
from bot.taxonomy import MAIN, levels

VECTOR_SHARE = 0.6
"""Facets of a topic differ in meaning more than in words: the vectors weigh more here."""
FOLLOW_UP_WORDS = 9
"""Words of a bare follow-up at the most."""
SHARE_OF_OTHERS = 8
"""One of so many short training sentences is an example of what is no follow-up."""
NONE = "none"
CANDIDATES = 4
"""Topics that a facet may speak for, at most."""
LEAST_CONFIDENCE = 0.02
"""A topic that is less sure than this is no candidate."""
WITHOUT_FACETS = 0.4
"""What counts as the facet's probability for a topic that has none."""


@dataclass
class _Learnt:
    by_topic: dict[str, TextClassifier]
    refs: list[str]
    """The facet ("topic/facet") of each row of `vectors`."""
    vectors: np.ndarray | None
    aspects: TextClassifier


@DefaultV1Recipe.register(DefaultV1Recipe.ComponentType.ENTITY_EXTRACTOR, is_trainable=True)
class FacetClassifier(StoredComponent):
    """Sets `facet`, `aspect` and `nearest`, and `intent` anew where another topic's facet fits better than the first topic."""

    learnt: _Learnt

    @staticmethod
    def get_default_config() -> dict[str, float]:
        """Thresholds, chosen on the development set (`make eval`)."""
        return {"facet_score": 0.05, "facet_score_danger": 0.06, "aspect": 0.3, "nearest": 0.6}

    def learn(self, training_data: TrainingData) -> _Learnt:
        examples = training_data.intent_examples
        marked = [(e.get(CORRECTED), e.get("intent"), e.get(FACET), e.get(MISSPELT)) for e in examples if e.get(FACET)]
        by_topic = {}
        for topic in sorted({m[1] for m in marked}):
            questions = [(read, facet, misspelt) for read, of, facet, misspelt in marked if of == topic]
            if len({facet for _, facet, _ in questions}) > 1:
                by_topic[topic] = TextClassifier(VECTOR_SHARE).fit(*zip(*questions, strict=True))
        marked = [m for m in marked if m[2] != MAIN]
        vectors = encoder.encode([m[0] for m in marked]) if encoder.available() else None
        bare = [(plain(question), aspect, plain(misspell(question))) for question, aspect in _aspect_questions()]
        # whatever names its own subject is no follow-up, however short
        short = [e for e in training_data.intent_examples if not e.get(FACET) and len(e.get(CORRECTED).split()) <= FOLLOW_UP_WORDS]
        bare += [(e.get(CORRECTED), NONE, e.get(MISSPELT)) for e in short[::SHARE_OF_OTHERS]]
        aspects = TextClassifier(VECTOR_SHARE).fit(*zip(*bare, strict=True))
        return _Learnt(by_topic, [f"{m[1]}/{m[2]}" for m in marked], vectors, aspects)

    def process(self, messages: list[Message]) -> list[Message]:
        for message in messages:
            text = message.get(CORRECTED) or ""
            message.set("facet", self._facet(message.get(PART) or text, message), add_to_output=True)
            message.set("aspect", self._aspect(text), add_to_output=True)
            message.set("nearest", [] if message.get("sure") else self._nearest(text), add_to_output=True)
        return messages

    def _facet(self, text: str, message: Message) -> str | None:
        """The facet of the topic, which is chosen with it: what a topic has no answer to is not likely asked of it."""
        ranking: list[dict[str, Any]] = message.get("intent_ranking")
        rivals = [] if message.get("also") else [i for i in ranking[1:CANDIDATES] if i["confidence"] >= LEAST_CONFIDENCE]
        best, facet, joint = ranking[0], None, -1.0
        for intent in (ranking[0], *rivals):
            found, probability = self._within(text, intent["name"])
            if intent["confidence"] * probability > joint:
                best, facet, joint = intent, found, intent["confidence"] * probability
        if best is not ranking[0]:
            first = {"name": best["name"], "confidence": ranking[0]["confidence"]}
            others = [i for i in ranking if i is not best]
            others[0] = {"name": others[0]["name"], "confidence": best["confidence"]}
            message.set("intent", first, add_to_output=True)
            message.set("intent_ranking", [first, *others], add_to_output=True)
        return facet

    def _within(self, text: str, topic: str) -> tuple[str | None, float]:
        """The likeliest facet of a topic, None for its own answer, with its probability there."""
        known = self.learnt.by_topic.get(topic)
        if known is None or not text:
            return None, WITHOUT_FACETS
        probabilities, nearness = known.opinion(text)
        best = int(np.argmax(probabilities))
        name, probability = known.classes[best], float(probabilities[best])
        enough = self.config["facet_score_danger" if levels()[topic] == 1 else "facet_score"]
        return name if name != MAIN and probability * nearness >= enough else None, probability

    def _aspect(self, text: str) -> str | None:
        """What a bare follow-up asks; None for a message that names its own subject."""
        if not text or len(text.split()) > FOLLOW_UP_WORDS:
            return None
        probabilities = self.learnt.aspects.opinion(text).probabilities
        best = int(np.argmax(probabilities))
        name = self.learnt.aspects.classes[best]
        return name if name != NONE and probabilities[best] >= self.config["aspect"] else None

    def _nearest(self, text: str) -> list[str]:
        """The facets whose questions come nearest in meaning; empty without the encoder."""
        if self.learnt.vectors is None or not encoder.available():
            return []
        found: dict[str, float] = {}
        for row in np.argsort(-(cosines := self.learnt.vectors @ encoder.vector(text)))[:50]:
            found.setdefault(self.learnt.refs[row], float(cosines[row]))
        return [ref for ref, cosine in list(found.items())[:3] if cosine >= self.config["nearest"]]


def _aspect_questions() -> list[tuple[str, str]]:
    raw = yaml.load((ROOT / "data" / "followups.yml").read_text("utf-8"), Loader=yaml.CSafeLoader)
    return [(str(question), aspect) for aspect, questions in raw.items() for question in questions]
