"""The sentence encoder: its vectors are those that the model was measured with, and everything works without it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from bot.engine import rasa_light
from bot.engine.train import ENCODER_MISSING, MODEL
from bot.safety import Safety
from bot.settings import MODELS, ROOT
from bot.web import health

rasa_light.install()

from bot.engine.agent import Engine  # noqa: E402 (Rasa's stand-ins come first)
from bot.engine.nlu import classifier, encoder  # noqa: E402
from bot.engine.nlu.classifier import TextClassifier  # noqa: E402

STORED: dict[str, list[float]] = json.loads((Path(__file__).parent / "vectors.json").read_text("utf-8"))
"""Ten sentences, and every sixteenth number of their vectors."""
STEP = 16

TEXTS = ["quiero un pasaporte", "saco mi pasaporte", "passport please", "la migra esta en la puerta", "ice at the door", "tocan la puerta"]
LABELS = ["documents"] * 3 + ["encounter_now"] * 3


@pytest.fixture
def without_encoder(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(encoder, "_encoder", lambda: None)
    encoder.vector.cache_clear()
    yield
    encoder.vector.cache_clear()


@pytest.mark.parametrize("text", sorted(STORED))
def test_a_vector_is_the_stored_one(text: str) -> None:
    encoder.vector.cache_clear()
    vector = encoder.vector(text)

    assert vector.shape == (512,)
    assert float(np.linalg.norm(vector)) == pytest.approx(1.0, abs=1e-3)
    assert vector[::STEP].tolist() == pytest.approx(STORED[text], abs=2e-3)


def test_sentences_together_have_the_vectors_that_they_have_alone() -> None:
    together = encoder.encode(sorted(STORED))

    assert np.abs(together - np.stack([encoder.vector(text) for text in sorted(STORED)])).max() < 1e-4


def test_one_meaning_in_two_languages_is_nearer_than_another_in_one() -> None:
    same = encoder.vector("mi hermano esta detenido") @ encoder.vector("my brother is detained")
    other = encoder.vector("mi hermano esta detenido") @ encoder.vector("mi hermano quiere un pasaporte")

    assert same > other


@pytest.mark.usefixtures("without_encoder")
def test_a_classifier_learns_and_reads_without_the_encoder() -> None:
    learnt = TextClassifier().fit(TEXTS, LABELS, TEXTS)
    probabilities, nearness = learnt.opinion("mi pasaporte")

    assert learnt.classes[int(probabilities.argmax())] == "documents"
    assert probabilities.sum() == pytest.approx(1.0)
    assert nearness == 1.0


def test_what_was_learnt_with_the_encoder_reads_without_it(monkeypatch: pytest.MonkeyPatch) -> None:
    learnt = TextClassifier().fit(TEXTS, LABELS, TEXTS)
    monkeypatch.setattr(encoder, "_encoder", lambda: None)

    assert learnt.classes[int(learnt.opinion("ice esta en la puerta").probabilities.argmax())] == "encounter_now"


def test_grams_weigh_as_scikit_learn_does() -> None:
    grams = classifier.Grams("char_wb", 1)
    rows = grams.fit(TEXTS)
    numbers, weights = grams.read(TEXTS[3])
    expected = rows[3]

    order = np.argsort(numbers)
    assert numbers[order].tolist() == sorted(expected.indices.tolist())
    assert weights[order] == pytest.approx(expected.toarray()[0][sorted(expected.indices)], abs=1e-5)


def test_it_is_told_that_the_encoder_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    live = SimpleNamespace(current=SimpleNamespace(refused=False))
    service: Any = SimpleNamespace(live=live, senders=[], troubles={})
    monkeypatch.setattr(health, "find_spec", lambda name: None)

    assert ENCODER_MISSING in health._degraded(service)


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # pykwalify, which Rasa reads the domain with
@pytest.mark.usefixtures("without_encoder")
def test_the_engine_understands_without_the_encoder() -> None:
    engine = Engine.load(MODELS / MODEL, Safety.load(ROOT / "data" / "safety.yml"))

    assert engine.understand("detuvieron a mi hermano hace rato").intent == "detention_report"
    passport = engine.understand("cuanto cuesta el pasaporte")
    assert (passport.intent, passport.facet) == ("documents", "passport_cost")
    assert engine.understand("blorp fnord").nearest == []
