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
AND = re.compile(r"\b(?:y|and)\b")
"""Joins two questions where the parts are surely of two topics, each by itself."""
RIVAL = 0.2
"""The second topic's probability, as a share of the first's, from which a bare "and" is looked at."""
FEW_WORDS = 3
PART = "part"
"""Attribute of a message: the part of its corrected text that is about its intent."""


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
        also, part = None, text
        if split := self._also(text, ranking):
            also, of_other, part = split
            if URGENCY[levels()[also]] < URGENCY[levels()[ranking[0][0]]]:  # the urgent one first
                first, also, part = also, ranking[0][0], of_other
                ranking = [(first, ranking[0][1]), *(r for r in ranking if r[0] != first)]
        found = [{"name": name, "confidence": confidence} for name, confidence in self._scaled(ranking)]
        message.set("intent", found[0], add_to_output=True)
        message.set("intent_ranking", found[:10], add_to_output=True)
        message.set("sure", bool(text) and score >= self.config["sure"], add_to_output=True)
        message.set("score", score, add_to_output=True)
        message.set("also", also, add_to_output=True)
        message.set(PART, part)

    def _ranking(self, text: str) -> tuple[list[tuple[str, float]], float]:
        """The intents with their unscaled probability, best first, and how near the text is to the training sentences."""
        opinion = self.learnt.opinion(text)
        return [(self.learnt.classes[i], float(opinion.probabilities[i])) for i in np.argsort(-opinion.probabilities)], opinion.nearness

    def _scaled(self, ranking: list[tuple[str, float]]) -> list[tuple[str, float]]:
        """The ranking with the confidence that is shown: one temperature makes it as often right as it says."""
        powers = np.array([p for _, p in ranking]) ** (1 / self.config["temperature"])
        return [(name, float(share)) for (name, _), share in zip(ranking, powers / powers.sum(), strict=True)]

    def _also(self, text: str, ranking: list[tuple[str, float]]) -> tuple[str, str, str] | None:
        """A second topic, its part of the text and the rest, where the message asks two things and one part is surely of another topic."""
        first = ranking[0][0]
        if joint := ALSO.search(text):
            parts = text[: joint.start()], text[joint.end() :]
            for part, rest in (parts, parts[::-1]):
                other = self._sure_topic(part)
                if other not in (None, first):
                    return other, part, rest
        elif ranking[1][1] >= RIVAL * ranking[0][1]:
            for joint in AND.finditer(text):
                before, behind = text[: joint.start()], text[joint.end() :]
                one, two = self._sure_topic(before), self._sure_topic(behind)
                if one and two and one != two and first in (one, two):
                    return (two, behind, before) if first == one else (one, before, behind)
        return None

    def _sure_topic(self, part: str) -> str | None:
        """The topic of a part of a message, None where it is conversation or not sure."""
        if len(part.split()) < FEW_WORDS:
            return None
        ranking, nearness = self._ranking(part)
        name, probability = ranking[0]
        return name if levels()[name] != 0 and probability * nearness >= self.config["also_sure"] else None
