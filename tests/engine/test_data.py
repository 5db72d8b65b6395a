"""The training sentences: enough, balanced, apart from each other and from the evaluation."""

from __future__ import annotations

from collections import Counter, defaultdict

import pytest
import yaml
from rapidfuzz import fuzz, process

from bot.safety import normalise
from bot.settings import ROOT
from bot.taxonomy import levels
from tests.eval.evaluate import read

NEAR = 95.0
"""Similarity (rapidfuzz ratio of plain texts) from which two sentences count as the same with other spelling."""
AT_LEAST = {"es": 150, "en": 100, "mix": 40}
"""Sentences of each intent of levels 1 to 3."""


def plain(text: str) -> str:
    """What makes two sentences the same; signs alone (emoji) are compared as they are."""
    return normalise(text) or text


def examples(language: str) -> dict[str, list[str]]:
    found: dict[str, list[str]] = defaultdict(list)
    for path in sorted((ROOT / "data" / "nlu" / language).glob("*.yml")):
        for block in yaml.safe_load(path.read_text("utf-8"))["nlu"]:
            found[block["intent"]] += [line.strip().removeprefix("- ") for line in block["examples"].splitlines() if line.strip()]
    return found


SENTENCES = {language: examples(language) for language in AT_LEAST}
ALL = [(intent, text) for intents in SENTENCES.values() for intent, texts in intents.items() for text in texts]
FACET_QUESTIONS = [
    (topic["intent"], question)
    for path in sorted((ROOT / "data" / "knowledge").glob("*.yml"))
    for topic in [yaml.safe_load(path.read_text("utf-8"))]
    for part in (topic, *(topic.get("facets") or []))
    for questions in part.get("questions", {}).values()
    for question in questions
]


@pytest.mark.parametrize("intent", [i for i, level in levels().items() if level])
def test_there_are_enough_sentences_in_each_language(intent: str) -> None:
    counts = {language: len(SENTENCES[language][intent]) for language in AT_LEAST}

    assert all(counts[language] >= least for language, least in AT_LEAST.items()), counts


def test_there_is_enough_that_is_none_of_our_topics() -> None:
    assert sum(intent == "out_of_scope" for intent, _ in ALL) >= 400


def test_every_intent_has_sentences_and_every_file_its_intent() -> None:
    for language in AT_LEAST:
        assert set(SENTENCES[language]) == set(levels())
        for path in (ROOT / "data" / "nlu" / language).glob("*.yml"):
            assert {b["intent"] for b in yaml.safe_load(path.read_text("utf-8"))["nlu"]} == {path.stem}


def test_no_sentence_belongs_to_two_intents() -> None:
    owners: dict[str, set[str]] = defaultdict(set)
    for intent, text in [*ALL, *FACET_QUESTIONS]:
        owners[plain(text)].add(intent)

    assert {text: intents for text, intents in owners.items() if len(intents) > 1} == {}


def test_no_sentence_stands_twice() -> None:
    counts = Counter((intent, plain(text)) for intent, text in ALL)

    assert [key for key, count in counts.items() if count > 1] == []


def test_few_sentences_are_nearly_the_same() -> None:
    for intent in levels():
        mine = [plain(text) for i, text in ALL if i == intent]
        long = [text for text in mine if len(text) > 20]
        similar = process.cdist(long, long, scorer=fuzz.ratio, score_cutoff=NEAR)
        near = sum(int((row > 0).sum() > 1) for row in similar)
        assert near <= 0.01 * len(mine) + 1, intent


@pytest.mark.parametrize("name", ["dev", "test"])
def test_no_evaluation_sentence_is_in_training(name: str) -> None:
    trained = {plain(text) for _, text in [*ALL, *FACET_QUESTIONS]}
    long = sorted(text for text in trained if len(text) > 20)
    held_out = [plain(s.text) for s in read(name) if len(plain(s.text)) > 20]

    assert [text for text in held_out if text in trained] == []
    closest = process.cdist(held_out, long, scorer=fuzz.ratio, score_cutoff=NEAR, workers=2)
    assert [text for text, row in zip(held_out, closest, strict=True) if (row > 0).any()] == []


def test_no_facet_sentence_of_the_evaluation_is_a_training_question() -> None:
    trained = {plain(text) for _, text in [*ALL, *FACET_QUESTIONS]}
    asked = yaml.safe_load((ROOT / "tests" / "eval" / "facets.yml").read_text("utf-8"))
    held_out = [plain(str(t)) for entry in asked if "after" not in entry for part in ("es", "en", "mix") for t in entry.get(part, [])]

    assert [text for text in held_out if text in trained] == []
