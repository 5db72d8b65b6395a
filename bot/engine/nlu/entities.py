"""Graph component: places, authorities, languages and relations, from gazetteers; the text is read as it was written."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from functools import cache
from typing import Any

import spacy
import yaml
from rasa.engine.recipes.default_recipe import DefaultV1Recipe
from rasa.nlu.extractors.extractor import EntityExtractorMixin
from rasa.shared.nlu.training_data.message import Message
from rasa.shared.nlu.training_data.training_data import TrainingData
from spacy.matcher import PhraseMatcher
from spacy.util import filter_spans

from bot.engine.nlu.component import StoredComponent
from bot.places import Places
from bot.settings import ROOT

NAME_WORDS = 4
"""Words of a place's name alone, at the most."""
READ_AT_MOST = 1_000
"""Characters in which entities are looked for."""


class Gazetteers:
    """Finds the phrases of data/gazetteers.yml with spaCy's tokeniser and phrase matcher (a blank pipeline, no model)."""

    def __init__(self) -> None:
        self._nlp = spacy.blank("es")
        self._matcher = PhraseMatcher(self._nlp.vocab, attr="LOWER")
        self._values: dict[str, tuple[str, str]] = {}
        raw: dict[str, dict[str, list[str]]] = yaml.load((ROOT / "data" / "gazetteers.yml").read_text("utf-8"), Loader=yaml.CSafeLoader)
        for entity, values in raw.items():
            for value, phrases in values.items():
                key = f"{entity}:{value}"
                self._values[key] = (entity, value)
                self._matcher.add(key, [self._nlp.make_doc(without_accents(phrase)) for phrase in phrases])

    def find(self, text: str) -> Iterator[dict[str, Any]]:
        """Entities of a text, the longest where several overlap; `start` and `end` count its characters."""
        doc = self._nlp.make_doc(without_accents(text))
        for span in filter_spans(self._matcher(doc, as_spans=True)):
            entity, value = self._values[span.label_]
            yield {"entity": entity, "value": value, "start": span.start_char, "end": span.end_char}


def without_accents(text: str) -> str:
    """The text without accents and in small letters, each character at its place."""
    return "".join(
        unicodedata.normalize("NFKD", c)[0] if unicodedata.combining(unicodedata.normalize("NFKD", c)[-1]) else c for c in text.lower()
    )


@cache
def _gazetteers() -> Gazetteers:
    return Gazetteers()


@cache
def _places() -> Places:
    return Places.load()


@DefaultV1Recipe.register(DefaultV1Recipe.ComponentType.ENTITY_EXTRACTOR, is_trainable=False)
class EntityFinder(StoredComponent, EntityExtractorMixin):
    """Adds to `entities`."""

    @classmethod
    def load(cls, *args: Any, **kwargs: Any) -> EntityFinder:
        """There is nothing learnt to load."""
        return cls.create(*args, **kwargs)

    def learn(self, training_data: TrainingData) -> None:
        """Nothing: gazetteers and places are data."""

    def process(self, messages: list[Message]) -> list[Message]:
        for message in messages:
            text = (message.get("text") or "")[:READ_AT_MOST]
            found = [*_gazetteers().find(text), *_place(text)]
            message.set("entities", sorted(found, key=lambda e: e["start"]), add_to_output=True)
        return messages


def _place(text: str) -> Iterator[dict[str, Any]]:
    found = _places().find_in(text)
    if found is not None:
        yield {"entity": "place", "value": text[found.start : found.end], "start": found.start, "end": found.end}
    elif len(text.split()) <= NAME_WORDS and text.strip():
        whole = _places().resolve(text)  # a name alone, which in a sentence might be a word or a person
        unknown_there = whole.place is not None and whole.place.kind == "country" and not whole.place.people  # "quiero regresar a mexico"
        if whole.exact and not unknown_there and whole.status in ("outside", "ambiguous", "found"):
            yield {"entity": "place", "value": text, "start": 0, "end": len(text)}
