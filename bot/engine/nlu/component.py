"""What our graph components share: how Rasa makes, stores and loads one whose state is a single Python object."""

from __future__ import annotations

from abc import abstractmethod
from typing import Any, Self

import joblib
from rasa.engine.graph import ExecutionContext, GraphComponent
from rasa.engine.storage.resource import Resource
from rasa.engine.storage.storage import ModelStorage
from rasa.shared.nlu.training_data.message import Message
from rasa.shared.nlu.training_data.training_data import TrainingData

CORRECTED = "corrected"
"""Attribute of a message: its text as the classifiers read it."""
MISSPELT = "misspelt"
"""Attribute of a training example: what is read of a misspelt copy of it."""


class StoredComponent(GraphComponent):
    """A graph component with one learnt object, `learnt`. Subclasses say how to `learn` and how to `process`."""

    def __init__(self, config: dict[str, Any], storage: ModelStorage, resource: Resource, learnt: Any = None) -> None:
        self.config, self.storage, self.resource, self.learnt = config, storage, resource, learnt

    @classmethod
    def create(cls, config: dict[str, Any], model_storage: ModelStorage, resource: Resource, execution_context: ExecutionContext) -> Self:
        """Called by Rasa before training."""
        return cls(config, model_storage, resource)

    @classmethod
    def load(
        cls,
        config: dict[str, Any],
        model_storage: ModelStorage,
        resource: Resource,
        execution_context: ExecutionContext,
        **_: Any,
    ) -> Self:
        """Called by Rasa when a trained model is loaded."""
        with model_storage.read_from(resource) as folder:
            return cls(config, model_storage, resource, joblib.load(folder / "learnt.joblib"))

    def train(self, training_data: TrainingData) -> Resource:
        """Learn, and store what was learnt."""
        self.learnt = self.learn(training_data)
        with self.storage.write_to(self.resource) as folder:
            joblib.dump(self.learnt, folder / "learnt.joblib")
        return self.resource

    def process_training_data(self, training_data: TrainingData) -> TrainingData:
        """Nothing to add to the training sentences, unless a subclass says so."""
        return training_data

    @abstractmethod
    def learn(self, training_data: TrainingData) -> Any:
        """What this component knows of the training data."""

    @abstractmethod
    def process(self, messages: list[Message]) -> list[Message]:
        """Add what this component sees to each message."""
