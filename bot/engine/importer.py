"""Rasa's training data: the files of data/nlu, and the questions of every facet in data/knowledge."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml
from rasa.shared.importers.rasa import RasaFileImporter
from rasa.shared.nlu.training_data.message import Message
from rasa.shared.nlu.training_data.training_data import TrainingData

from bot.taxonomy import MAIN

KNOWLEDGE = Path("data/knowledge")
FACET = "facet"
"""Attribute of a training example that names the facet ("passport") within its intent."""


class KnowledgeImporter(RasaFileImporter):
    """Reads what Rasa's own importer reads, and adds each facet's questions as examples of its topic's intent."""

    def get_nlu_data(self, language: str | None = "en") -> TrainingData:
        data = super().get_nlu_data(language)
        return data.merge(TrainingData(training_examples=facet_examples(KNOWLEDGE)))


def facet_examples(folder: Path) -> list[Message]:
    """The questions of all facets, marked with their facet, and those of the topics themselves, marked as such."""
    examples = []
    for path in sorted(folder.glob("*.yml")):
        topic: dict[str, Any] = yaml.load(path.read_text("utf-8"), Loader=yaml.CSafeLoader)
        facets = topic.get("facets") or []
        for part in ({"id": MAIN, "questions": topic.get("questions", {})}, *facets) if facets else ():
            for questions in part["questions"].values():
                for question in questions:
                    example = Message.build(text=question, intent=topic["intent"])
                    example.set(FACET, part["id"])
                    examples.append(example)
    return examples
