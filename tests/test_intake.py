"""Answers recognised in a person's words, and the shape of data/intake.yml."""

from __future__ import annotations

from typing import Any

import pytest

from bot.intake import CONFIRM, Intake, leading_name, phone_in
from bot.knowledge.load import ContentError, load
from bot.settings import ROOT
from bot.taxonomy import levels

INTAKE = Intake.load(ROOT / "data" / "intake.yml", set(load(ROOT / "data").topics))
WITH_FORM = {
    "detention_report",
    "missing_person",
    "child_separation",
    "domestic_violence",
    "labor_rights",
    "crime_victim",
    "abuse_report",
    "death_repatriation",
    "repatriation",
    "legal_help",
    "interpreter",
}


def relation(text: str, word: str) -> list[dict[str, Any]]:
    start = text.index(word)
    return [{"entity": "relation", "value": word, "start": start, "end": start + len(word)}]


def test_every_topic_that_an_officer_takes_up_with_questions_has_its_form() -> None:
    assert set(INTAKE.forms) - {"general"} == WITH_FORM
    assert set(levels()) >= WITH_FORM


@pytest.mark.parametrize(
    ("text", "cue", "name"),
    [
        ("detuvieron a mi hermano Juan Pérez en Phoenix", "hermano", "Juan Pérez"),
        ("agarraron a mi esposo juan carlos lopez anoche", "esposo", "juan carlos lopez"),
        ("my brother Miguel de la Cruz was taken", "brother", "Miguel de la Cruz"),
        ("detuvieron a mi hermano ayer", "hermano", None),
        ("se llevaron a mi papá, No sé a dónde", "papá", None),
        ("MI HERMANO FUE DETENIDO", "HERMANO", None),
    ],
)
def test_a_name_behind_a_relation(text: str, cue: str, name: str | None) -> None:
    assert INTAKE.name_in(text, relation(text, cue)) == name


@pytest.mark.parametrize(
    ("text", "name"), [("se llama Ana María Ruiz, tiene 20", "Ana María Ruiz"), ("her name is Rosa", "Rosa"), ("no sé su nombre", None)]
)
def test_a_name_behind_a_word_that_announces_it(text: str, name: str | None) -> None:
    assert INTAKE.name_in(text, []) == name


@pytest.mark.parametrize(
    ("text", "when"),
    [
        ("lo agarraron ayer en la noche", "ayer en la noche"),
        ("it happened 3 days ago near the school", "3 days ago"),
        ("fue el lunes pasado", "el lunes pasado"),
        ("hace como dos semanas", "hace como dos semanas"),
        ("el 12 de marzo de 2026", "el 12 de marzo de 2026"),
        ("no me acuerdo", None),
    ],
)
def test_a_time(text: str, when: str | None) -> None:
    assert INTAKE.value("when", text, []) == when


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("márqueme al 520 555 0134 después de las 5", "+15205550134"),
        ("+52 55 5555 0134", "+525555550134"),
        ("(520) 555-0134", "+15205550134"),
        ("soy Ana, tengo 20 años", None),
    ],
)
def test_a_telephone_number(text: str, number: str | None) -> None:
    assert phone_in(text) == number


def test_the_name_of_an_answer_ends_before_the_birth_date() -> None:
    assert leading_name("Juan Pérez López, 3 de mayo de 1990") == "Juan Pérez López"
    assert leading_name("juan perez nacido en 1990") == "juan perez"
    assert leading_name("1990") is None


def test_questions_come_in_order_and_the_last_asks_whether_it_is_right() -> None:
    asked, answers = [], {"place": "Phoenix"}
    while (question := INTAKE.next_question("detention_report", answers)) != CONFIRM:
        asked.append(question)
        answers[question] = ""

    assert asked == ["person_name", "when", "authority", "urgent", "contact"]
    assert INTAKE.summary("detention_report", {**answers, "when": "ayer"}, "es") == ["Lugar: Phoenix", "Cuándo: ayer"]


@pytest.mark.parametrize("word", ["Saltar", "no sé", "no se.", "SKIP", "i don't know"])
def test_words_that_skip(word: str) -> None:
    assert INTAKE.is_skip(word)
    assert not INTAKE.is_skip("no sé dónde lo tienen")


def test_a_file_that_does_not_fit_is_refused(tmp_path: Any) -> None:
    good = (ROOT / "data" / "intake.yml").read_text("utf-8")
    path = tmp_path / "intake.yml"
    path.write_text(good.replace("interpreter: [needed_language,", "interpreter: [nobody_asks_this,"), "utf-8")
    with pytest.raises(ContentError, match="nobody_asks_this"):
        Intake.load(path, set(levels()))

    path.write_text(good.replace('es: "Un lugar seguro"', 'es: "Un lugar donde nadie me encuentre"'), "utf-8")
    with pytest.raises(ContentError, match="longer than 20"):
        Intake.load(path, set(levels()))
