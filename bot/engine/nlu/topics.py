"""Graph component: which topic a message is about, how sure that is, and whether it is about two."""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np
from rasa.engine.recipes.default_recipe import DefaultV1Recipe
from rasa.nlu.classifiers.classifier import IntentClassifier
from rasa.shared.nlu.training_data.message import Message
from rasa.shared.nlu.training_data.training_data import TrainingData

from bot.engine.nlu import encoder
from bot.engine.nlu.component import CORRECTED, StoredComponent
from bot.engine.nlu.corrector import Corrector
from bot.engine.nlu.linear import TextClassifier
from bot.engine.understanding import URGENCY
from bot.taxonomy import levels

OUT = "out_of_scope"
ALSO = re.compile(
    r"\b(?:y tambien|tambien|tmb|y ademas|ademas|aparte|otra cosa|y otra pregunta|and also|also|another thing|and another question|besides)\b"
)
"""Words that join two questions; a back-story is not joined by them."""
FEW_WORDS = 3


@dataclass
class _Learnt:
    corrector: Corrector
    topics: TextClassifier
    near: np.ndarray | None
    """Vectors of the training sentences in scope, shape (n, 512), half precision; None without the encoder."""


@DefaultV1Recipe.register(DefaultV1Recipe.ComponentType.INTENT_CLASSIFIER, is_trainable=True)
class TopicClassifier(StoredComponent, IntentClassifier):
    """Sets `intent`, `intent_ranking`, `sure` and `also`."""

    learnt: _Learnt

    @staticmethod
    def get_default_config() -> dict[str, float]:
        """Thresholds, chosen on the development set (`make eval`)."""
        return {"temperature": 1.0, "sure": 0.28, "also_sure": 0.6}

    def learn(self, training_data: TrainingData) -> _Learnt:
        examples = training_data.intent_examples
        corrector = Corrector.from_texts(e.get("text") for e in examples)
        texts, labels = [e.get("text") for e in examples], [e.get("intent") for e in examples]
        topics = TextClassifier().fit(texts, labels, corrector.correct)
        near = None
        if encoder.available():
            inside = [corrector.correct(t) for t, label in zip(texts, labels, strict=True) if label != OUT]
            near = encoder.encode(inside).astype(np.float16)
        return _Learnt(corrector, topics, near)

    def process(self, messages: list[Message]) -> list[Message]:
        for message in messages:
            self._read(message)
        return messages

    def process_training_data(self, training_data: TrainingData) -> TrainingData:
        return training_data

    def _read(self, message: Message) -> None:
        text = message.get(CORRECTED) or ""
        ranking = self._ranking(text)
        score = ranking[0][1] * self._nearness(text)
        also = self._also(text, ranking)
        if also and URGENCY[levels()[also]] < URGENCY[levels()[ranking[0][0]]]:  # the urgent one first
            first, also = also, ranking[0][0]
            ranking = [(first, ranking[0][1]), *(r for r in ranking if r[0] != first)]
        found = [{"name": name, "confidence": float(p)} for name, p in ranking]
        message.set("intent", found[0], add_to_output=True)
        message.set("intent_ranking", found[:10], add_to_output=True)
        message.set("sure", bool(text) and score >= self.config["sure"], add_to_output=True)
        message.set("score", float(score), add_to_output=True)
        message.set("also", also, add_to_output=True)

    def _ranking(self, text: str) -> list[tuple[str, float]]:
        known = self.learnt.topics
        probabilities = known.probabilities([text])[0] ** (1 / self.config["temperature"])
        probabilities /= probabilities.sum()
        order = np.argsort(-probabilities)
        return [(known.classes[i], float(probabilities[i])) for i in order]

    def _nearness(self, text: str) -> float:
        """How near the text is to anything that we were taught, 0 to 1; 1 without the encoder."""
        if self.learnt.near is None or not encoder.available():
            return 1.0
        return float(np.clip((self.learnt.near @ encoder.vector(text).astype(np.float16)).max(), 0.0, 1.0))

    def _also(self, text: str, ranking: list[tuple[str, float]]) -> str | None:
        """A second topic, where the message itself says that it asks two things and one part is surely another topic."""
        joint = ALSO.search(text)
        if joint is None:
            return None
        for part in (text[: joint.start()], text[joint.end() :]):
            if len(part.split()) < FEW_WORDS:
                continue
            name, probability = self._ranking(part)[0]
            if name != ranking[0][0] and levels()[name] != 0 and probability * self._nearness(part) >= self.config["also_sure"]:
                return name
        return None
