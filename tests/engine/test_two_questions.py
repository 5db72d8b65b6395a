"""Messages that ask two things: the urgent one first, the other offered; and messages that only sound like it."""

from __future__ import annotations

import pytest

from bot.engine.agent import Engine
from bot.engine.train import MODEL
from bot.safety import Safety
from bot.settings import MODELS, ROOT

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")  # pykwalify, which Rasa reads the domain with

TWO = [
    ("me robaron la cartera y también quiero saber del pasaporte", "crime_victim", "documents"),
    ("quiero saber del pasaporte y también me robaron la cartera", "crime_victim", "documents"),
    ("how much is a passport and my brother was detained this morning", "detention_report", "documents"),
    ("mi jefe no me pagó y donde queda el consulado de Dallas", "labor_rights", "consulate_find"),
    ("my boss didn't pay me and where is the consulate in dallas", "labor_rights", "consulate_find"),
    ("my husband hits me and i also need a lawyer", "domestic_violence", "legal_help"),
    ("necesito cita para pasaporte y ademas tengo corte la otra semana", "rights_court", "appointment"),
]
ONE = [
    ("mi papa y mi mama quieren su pasaporte", "documents"),
    ("tengo dos hijos y quiero hacer un plan familiar", "family_plan"),
    ("la migra llego al trabajo y se llevaron a mi hermano", "detention_report"),
]


@pytest.fixture(scope="module")
def engine() -> Engine:
    return Engine.load(MODELS / MODEL, Safety.load(ROOT / "data" / "safety.yml"))


@pytest.mark.parametrize(("text", "first", "other"), TWO)
def test_the_urgent_question_comes_first_and_the_other_is_offered(engine: Engine, text: str, first: str, other: str) -> None:
    meaning = engine.understand(text)

    assert (meaning.intent, meaning.also) == (first, other)


@pytest.mark.parametrize(("text", "only"), ONE)
def test_one_question_stays_one(engine: Engine, text: str, only: str) -> None:
    meaning = engine.understand(text)

    assert (meaning.intent, meaning.also) == (only, None)
