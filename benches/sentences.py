"""The training sentences of the comparison: the same ones for every side, written as each side reads them."""

from __future__ import annotations

import random
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import yaml

from bot.settings import ROOT
from bot.taxonomy import MAIN

FEWEST = 4
"""Of each intent's sentences and of each topic's questions, however small the share: n-grams seen once are not learnt from."""

T = TypeVar("T")
ByIntent = dict[str, list[str]]


@dataclass(frozen=True)
class Sentences:
    """What is trained on: the sentences of data/nlu by intent, the questions of data/knowledge by intent and facet."""

    plain: ByIntent
    facets: dict[str, ByIntent]

    @classmethod
    def read(cls, share: float) -> Sentences:
        """A share of each intent's sentences and of each topic's questions; always the same ones for the same share."""
        plain = {intent: _some(texts, share, intent) for intent, texts in _plain().items()}
        facets: dict[str, ByIntent] = {}
        for intent, of in _facets().items():
            by_facet = facets.setdefault(intent, defaultdict(list))
            for facet, text in _some([(facet, text) for facet, texts in of.items() for text in texts], share, f"{intent} facets"):
                by_facet[facet].append(text)
        return cls(plain, facets)

    def __len__(self) -> int:
        return sum(map(len, self.merged().values()))

    def merged(self) -> ByIntent:
        """All sentences by intent: a facet's question is an example of its topic."""
        merged: ByIntent = defaultdict(list)
        merged.update({intent: list(texts) for intent, texts in self.plain.items()})
        for intent, of in self.facets.items():
            for texts in of.values():
                merged[intent] += texts
        return merged

    def write_ours(self, folder: Path) -> None:
        """As `bot.engine.importer` reads them: sentences and facets apart."""
        _write_nlu(folder, self.plain)
        knowledge = folder / "data" / "knowledge"
        knowledge.mkdir()
        for intent, of in self.facets.items():
            facets = [{"id": facet, "questions": {"all": texts}} for facet, texts in of.items() if facet != MAIN]
            topic = {"intent": intent, "questions": {"all": of.get(MAIN, [])}, "facets": facets}
            (knowledge / f"{intent}.yml").write_text(yaml.safe_dump(topic, allow_unicode=True), "utf-8")

    def write_stock(self, folder: Path) -> None:
        """As a plain Rasa NLU file, without a word of facets."""
        _write_nlu(folder, self.merged())


def _plain() -> ByIntent:
    found: ByIntent = defaultdict(list)
    for path in sorted((ROOT / "data" / "nlu").rglob("*.yml")):
        for block in yaml.load(path.read_text("utf-8"), Loader=yaml.CSafeLoader)["nlu"]:
            found[block["intent"]] += [line[2:] for line in block["examples"].splitlines() if line.startswith("- ")]
    return found


def _facets() -> dict[str, ByIntent]:
    found: dict[str, ByIntent] = {}
    for path in sorted((ROOT / "data" / "knowledge").glob("*.yml")):
        topic = yaml.load(path.read_text("utf-8"), Loader=yaml.CSafeLoader)
        if facets := topic.get("facets"):
            found[topic["intent"]] = {
                part["id"]: [" ".join(str(q).split()) for of in part["questions"].values() for q in of]
                for part in ({"id": MAIN, "questions": topic.get("questions", {})}, *facets)
            }
    return found


def _some(things: list[T], share: float, seed: str) -> list[T]:
    count = min(len(things), max(FEWEST, round(share * len(things))))
    return [things[i] for i in sorted(random.Random(f"bench {seed}").sample(range(len(things)), count))]


def _write_nlu(folder: Path, sentences: ByIntent) -> None:
    lines = ['version: "3.1"', "nlu:"]
    for intent, texts in sentences.items():
        lines += [f"- intent: {intent}", "  examples: |", *(f"    - {text}" for text in texts)]
    data = folder / "data"
    data.mkdir(parents=True)
    (data / "nlu.yml").write_text("\n".join(lines) + "\n", "utf-8")
