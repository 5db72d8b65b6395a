"""Graph component: which topic a message is about, how sure that is, and whether it is about two."""

from __future__ import annotations

import re

import numpy as np
from rasa.engine.recipes.default_recipe import DefaultV1Recipe
from rasa.nlu.classifiers.classifier import IntentClassifier
from rasa.shared.nlu.training_data.message import Message
from rasa.shared.nlu.training_data.training_data import TrainingData

from bot.engine.importer import FACET
from bot.engine.nlu.classifier import TextClassifier
from bot.engine.nlu.component import CORRECTED, MISSPELT, StoredComponent
from bot.engine.understanding import URGENCY
from bot.taxonomy import levels

ALSO = re.compile(
    r"\b(?:y tambien|tambien|y ademas|ademas|aparte|otra cosa|y otra pregunta|and also|also|another thing|and another question|besides"
    r"|y (?:quiero|quisiera|necesito|queria) saber|y (?:donde|cuanto|cuando|a que hora|que papeles)|and (?:how|where|what|when)\b)\b"
)
"""Words that join two questions; a back-story is not joined by them."""
FEW_WORDS = 3


@DefaultV1Recipe.register(DefaultV1Recipe.ComponentType.INTENT_CLASSIFIER, is_trainable=True)
class TopicClassifier(StoredComponent, IntentClassifier):
    """Sets `intent`, `intent_ranking`, `sure` and `also`."""

    learnt: TextClassifier

    @staticmethod
    def get_default_config() -> dict[str, float]:
        """Thresholds, chosen on the development set (`make eval`)."""
        return {"temperature": 0.42, "sure": 0.07, "also_sure": 0.15}

    def learn(self, training_data: TrainingData) -> TextClassifier:
        examples = [(e.get(CORRECTED), e.get("intent"), e.get(MISSPELT), e.get(FACET) is not None) for e in training_data.intent_examples]
        return TextClassifier().fit(*zip(*examples, strict=True))

    def process(self, messages: list[Message]) -> list[Message]:
        for message in messages:
            self._read(message)
        return messages

    def _read(self, message: Message) -> None:
        text = message.get(CORRECTED) or ""
        ranking, nearness = self._ranking(text)
        score = ranking[0][1] * nearness
        also = self._also(text, ranking)
        if also and URGENCY[levels()[also]] < URGENCY[levels()[ranking[0][0]]]:  # the urgent one first
            first, also = also, ranking[0][0]
            ranking = [(first, ranking[0][1]), *(r for r in ranking if r[0] != first)]
        found = [{"name": name, "confidence": confidence} for name, confidence in self._scaled(ranking)]
        message.set("intent", found[0], add_to_output=True)
        message.set("intent_ranking", found[:10], add_to_output=True)
        message.set("sure", bool(text) and score >= self.config["sure"], add_to_output=True)
        message.set("score", score, add_to_output=True)
        message.set("also", also, add_to_output=True)

    def _ranking(self, text: str) -> tuple[list[tuple[str, float]], float]:
        """The intents with their unscaled probability, best first, and how near the text is to the training sentences."""
        opinion = self.learnt.opinion(text)
        return [(self.learnt.classes[i], float(opinion.probabilities[i])) for i in np.argsort(-opinion.probabilities)], opinion.nearness

    def _scaled(self, ranking: list[tuple[str, float]]) -> list[tuple[str, float]]:
        """The ranking with the confidence that is shown: one temperature makes it as often right as it says."""
        powers = np.array([p for _, p in ranking]) ** (1 / self.config["temperature"])
        return [(name, float(share)) for (name, _), share in zip(ranking, powers / powers.sum(), strict=True)]

    def _also(self, text: str, ranking: list[tuple[str, float]]) -> str | None:
        """A second topic, where the message itself says that it asks two things and one part is surely another topic."""
        joint = ALSO.search(text)
        if joint is None:
            return None
        for part in (text[: joint.start()], text[joint.end() :]):
            if len(part.split()) < FEW_WORDS:
                continue
            (name, probability), *_ = (found := self._ranking(part))[0]
            if name != ranking[0][0] and levels()[name] != 0 and probability * found[1] >= self.config["also_sure"]:
                return name
        return None
