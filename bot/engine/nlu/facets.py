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
from bot.taxonomy import levels

VECTOR_SHARE = 0.6
"""Facets of a topic differ in meaning more than in words: the vectors weigh more here."""
FOLLOW_UP_WORDS = 9
"""Words of a bare follow-up at the most."""
SHARE_OF_OTHERS = 8
"""One of so many short training sentences is an example of what is no follow-up."""
NONE = "none"
MAIN = "(main)"
"""The class of sentences that the topic's own answer is for."""
MAIN_EXAMPLES = 20
NEAR_A_FACET = 0.5
"""Cosine from which a sentence of the topic may belong to a facet; it then teaches nothing of the main answer."""


@dataclass
class _Learnt:
    by_topic: dict[str, TextClassifier]
    refs: list[str]
    """The facet ("topic/facet") of each row of `vectors`."""
    vectors: np.ndarray | None
    aspects: TextClassifier


@DefaultV1Recipe.register(DefaultV1Recipe.ComponentType.ENTITY_EXTRACTOR, is_trainable=True)
class FacetClassifier(StoredComponent):
    """Sets `facet`, `aspect` and `nearest`."""

    learnt: _Learnt

    @staticmethod
    def get_default_config() -> dict[str, float]:
        """Thresholds, chosen on the development set (`make eval`)."""
        return {"facet_score": 0.09, "facet_score_danger": 0.25, "aspect": 0.3, "nearest": 0.6}

    def learn(self, training_data: TrainingData) -> _Learnt:
        examples = training_data.intent_examples
        marked = [(e.get(CORRECTED), e.get("intent"), e.get(FACET), e.get(MISSPELT)) for e in examples if e.get(FACET)]
        by_topic = {}
        for topic in sorted({m[1] for m in marked}):
            questions = [(read, facet, misspelt) for read, of, facet, misspelt in marked if of == topic]
            general = [(e.get(CORRECTED), MAIN, e.get(MISSPELT)) for e in examples if e.get("intent") == topic and not e.get(FACET)]
            by_topic[topic] = _of_one_topic(questions, general)
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
            message.set("facet", self._facet(text, message.get("intent")["name"]), add_to_output=True)
            message.set("aspect", self._aspect(text), add_to_output=True)
            message.set("nearest", [] if message.get("sure") else self._nearest(text), add_to_output=True)
        return messages

    def _facet(self, text: str, topic: str) -> str | None:
        known = self.learnt.by_topic.get(topic)
        if known is None or not text:
            return None
        opinion = known.opinion(text)
        best = int(np.argmax(opinion.probabilities))
        score = float(opinion.probabilities[best]) * opinion.nearness
        enough = self.config["facet_score_danger" if levels()[topic] == 1 else "facet_score"]
        return known.classes[best] if known.classes[best] != MAIN and score >= enough else None

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


def _of_one_topic(questions: list[tuple[str, str, str]], general: list[tuple[str, str, str]]) -> TextClassifier:
    """A topic's facets, and what is none of them: the topic's own sentences that come near no facet's questions get the main answer."""
    if encoder.available():
        nearness = (encoder.encode([g[0] for g in general]) @ encoder.encode([q[0] for q in questions]).T).max(axis=1)
        general = [g for g, near in zip(general, nearness, strict=True) if near < NEAR_A_FACET]
    few = general[:: max(1, len(general) // MAIN_EXAMPLES)][:MAIN_EXAMPLES]
    return TextClassifier(VECTOR_SHARE).fit(*zip(*questions, *few, strict=True))


def _aspect_questions() -> list[tuple[str, str]]:
    raw = yaml.load((ROOT / "data" / "followups.yml").read_text("utf-8"), Loader=yaml.CSafeLoader)
    return [(str(question), aspect) for aspect, questions in raw.items() for question in questions]
