"""Graph component: reads the text as the classifiers want it."""

from __future__ import annotations

from rasa.engine.recipes.default_recipe import DefaultV1Recipe
from rasa.shared.nlu.training_data.message import Message
from rasa.shared.nlu.training_data.training_data import TrainingData

from bot.engine.nlu.component import CORRECTED, MISSPELT, StoredComponent
from bot.engine.nlu.corrector import Corrector
from bot.engine.nlu.text import misspell


@DefaultV1Recipe.register(DefaultV1Recipe.ComponentType.MESSAGE_FEATURIZER, is_trainable=True)
class SpellingCorrector(StoredComponent):
    """Sets `corrected`; the text itself stays as it was written."""

    learnt: Corrector

    def learn(self, training_data: TrainingData) -> Corrector:
        return Corrector.from_texts(e.get("text") for e in training_data.intent_examples)

    def process_training_data(self, training_data: TrainingData) -> TrainingData:
        """Read the examples as messages are read, and a misspelt copy of each, for the components behind this one."""
        self.process(training_data.training_examples)
        for example in training_data.intent_examples:
            example.set(MISSPELT, self.learnt.correct(misspell(example.get("text"))))
        return training_data

    def process(self, messages: list[Message]) -> list[Message]:
        for message in messages:
            if text := message.get("text"):
                message.set(CORRECTED, self.learnt.correct(text))
        return messages
