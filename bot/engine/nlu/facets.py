"""Graph component: which part of its topic a message is about, what a bare follow-up asks, and what comes nearest in meaning."""

from __future__ import annotations

from dataclasses import dataclass

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
from bot.settings import ROOT


@dataclass
class _Learnt:
    by_topic: dict[str, TextClassifier]
    refs: list[str]
    """The facet ("topic/facet") of each row of `vectors`."""
    vectors: np.ndarray | None
    aspects: TextClassifier
    aspect_words: frozenset[str]


@DefaultV1Recipe.register(DefaultV1Recipe.ComponentType.ENTITY_EXTRACTOR, is_trainable=True)
class FacetClassifier(StoredComponent):
    """Sets `facet`, `aspect` and `nearest`."""

    learnt: _Learnt

    @staticmethod
    def get_default_config() -> dict[str, float]:
        """Thresholds, chosen on the development set (`make eval`)."""
        return {"facet_score": 0.12, "aspect": 0.35, "nearest": 0.6}

    def learn(self, training_data: TrainingData) -> _Learnt:
        marked = [(e.get(CORRECTED), e.get("intent"), e.get(FACET), e.get(MISSPELT)) for e in training_data.intent_examples if e.get(FACET)]
        by_topic = {}
        for topic in sorted({m[1] for m in marked}):
            read, _, facets, misspelt = zip(*(m for m in marked if m[1] == topic), strict=True)
            if len(set(facets)) > 1:
                by_topic[topic] = TextClassifier().fit(read, facets, misspelt)
        vectors = encoder.encode([m[0] for m in marked]) if encoder.available() else None
        questions, asked = zip(*_aspect_questions(), strict=True)
        bare = [plain(question) for question in questions]
        aspects = TextClassifier().fit(bare, asked, [plain(misspell(question)) for question in questions])
        words = frozenset(word for question in bare for word in question.split())
        return _Learnt(by_topic, [f"{m[1]}/{m[2]}" for m in marked], vectors, aspects, words)

    def process(self, messages: list[Message]) -> list[Message]:
        for message in messages:
            text = message.get(CORRECTED) or ""
            message.set("facet", self._facet(text, message.get("intent")["name"]), add_to_output=True)
            message.set("aspect", self._aspect(text), add_to_output=True)
            message.set("nearest", [] if message.get("sure") else self._nearest(text), add_to_output=True)
        return messages

    def _facet(self, text: str, topic: str) -> str | None:
        known = self.learnt.by_topic.get(topic)
        if known is None or not text:
            return None
        probabilities = known.probabilities(text)
        best = int(np.argmax(probabilities))
        score = float(probabilities[best]) * known.nearness(text)
        return known.classes[best] if score >= self.config["facet_score"] else None

    def _aspect(self, text: str) -> str | None:
        """What a bare follow-up asks: every word of it is one of such questions' words."""
        words = text.split()
        if not words or any(word not in self.learnt.aspect_words for word in words):
            return None
        probabilities = self.learnt.aspects.probabilities(text)
        best = int(np.argmax(probabilities))
        name = self.learnt.aspects.classes[best]
        return name if name != "none" and probabilities[best] >= self.config["aspect"] else None

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
