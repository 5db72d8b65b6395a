"""The questions for an officer, with the real understanding: started, interrupted, corrected, left, sent."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import pytest
import yaml

from bot.intake import CONFIRM, GENERAL
from bot.settings import ROOT
from bot.taxonomy import levels
from tests.engine.conversing import Talk, engine, live

FORMS = sorted(live().current.intake.forms)
LEAVES = {"cancel", "delete_data", "human_handoff"}
"""Topics that do more to an open form than interrupt it; they have tests of their own."""


@pytest.fixture
def talk(tmp_path: Path) -> Talk:
    return Talk(tmp_path)


def test_what_was_said_before_is_not_asked_again(talk: Talk) -> None:
    talk.says("detuvieron a mi hermano Juan Pérez en Phoenix ayer")
    talk.presses("Pasarlo a un oficial")

    assert talk.asked == "authority"
    assert "puede saltar" in talk.heard


def test_a_whole_form_makes_a_case_that_an_officer_can_act_on(talk: Talk) -> None:
    talk.says("detuvieron a mi hermano Juan Pérez en Phoenix ayer")
    talk.presses("Pasarlo a un oficial")
    talk.says("fue la policia")
    talk.presses("No")
    talk.says("520 555 0134 después de las 5")
    assert talk.asked == CONFIRM
    assert "Persona: Juan Pérez" in talk.heard
    assert "Lugar: Phoenix" in talk.heard
    assert not any(turn.cases for turn in talk.turns)
    done = talk.presses("Enviar al oficial")

    (case,) = done.cases
    assert (case.topic, case.level, case.consulate, case.incomplete) == ("detention_report", 1, "phoenix", False)
    assert (case.name, case.phone) == ("Juan Pérez", "+15205550134")
    assert case.summary == "detuvieron a mi hermano Juan Pérez en Phoenix ayer"
    assert talk.asked is None
    assert "520-623-7874" in talk.heard


def test_a_question_in_the_middle_is_answered_and_the_form_goes_on(talk: Talk) -> None:
    talk.says("agarraron a mi esposo")
    talk.presses("Pasarlo a un oficial")
    asked = talk.asked
    turn = talk.says("¿y qué derechos tiene un detenido?")

    assert turn.topic == "rights_detained"
    assert talk.asked == asked
    assert "¿Cómo se llama la persona?" in talk.heard
    assert turn.state["slots"]["intake"]["answers"].get(asked) is None


def test_a_correction_changes_the_answer_it_is_about(talk: Talk) -> None:
    talk.says("detuvieron a mi hermano Juan Pérez en Phoenix ayer")
    talk.presses("Pasarlo a un oficial")
    asked = talk.asked
    turn = talk.says("no, me equivoqué, es San Antonio")

    assert turn.state["slots"]["intake"]["answers"]["place"] == "San Antonio"
    assert "San Antonio" in talk.heard
    assert talk.asked == asked


def test_at_the_end_a_correction_in_words_is_taken_and_shown(talk: Talk) -> None:
    talk.says("mi patron no me paga")
    talk.presses("Pasarlo a un oficial")
    for _ in range(5):
        talk.presses("Saltar")
    talk.says("602 555 0155")
    assert talk.asked == CONFIRM
    talk.presses("Corregir")
    talk.says("el lugar es Denver")

    assert "Lugar: Denver" in talk.heard
    assert talk.asked == CONFIRM


def test_cancelling_sends_nothing(talk: Talk) -> None:
    talk.says("me asaltaron en la calle")
    talk.presses("Pasarlo a un oficial")
    turn = talk.says("cancelar")

    assert (talk.asked, turn.form_open) == (None, False)
    assert not any(t.cases for t in talk.turns)
    talk.says("me asaltaron en la calle")
    talk.presses("Pasarlo a un oficial")
    assert talk.turns[-1].state["slots"]["intake"]["answers"] == {}


def test_asking_for_a_person_opens_the_case_at_once_and_the_questions_add_to_it(talk: Talk) -> None:
    talk.says("agarraron a mi esposo Pedro Ruiz")
    first = talk.presses("Hablar con alguien")
    (case,) = first.cases
    assert (case.incomplete, case.topic, case.level) == (True, "detention_report", 1)
    assert talk.asked == "place"
    talk.says("Yakima, Washington")
    for _ in range(4):
        talk.presses("Saltar")
    done = talk.presses("Enviar al oficial")

    (whole,) = done.cases
    assert whole.incomplete is False
    assert whole.intake is not None
    assert whole.intake["place"].startswith("Yakima")


def test_a_person_asked_for_in_the_middle_is_called_and_the_form_goes_on(talk: Talk) -> None:
    talk.says("no encuentro a mi hermano, se perdió cruzando")
    talk.presses("Pasarlo a un oficial")
    talk.says("Luis Ramos")
    turn = talk.says("quiero hablar con una persona")

    assert turn.cases[0].incomplete
    assert turn.cases[0].intake == {"person_name": "Luis Ramos"}
    assert talk.asked is not None


def test_the_language_changes_in_the_middle(talk: Talk) -> None:
    talk.says("mi patron no me paga")
    talk.presses("Pasarlo a un oficial")
    turn = talk.says("english please")

    assert turn.spoken == "en"
    assert talk.asked == "owed"
    assert "What are you owed" in talk.heard


def test_erasing_is_asked_before_the_form_goes_on(talk: Talk) -> None:
    talk.says("mi patron no me paga")
    talk.presses("Pasarlo a un oficial")
    talk.says("borra mis datos")
    assert "¿Qué le deben" not in talk.heard
    talk.says("no")
    assert "¿Qué le deben" in talk.heard
    talk.says("borra mis datos")

    assert talk.says("sí").erase


def test_danger_in_the_middle_comes_first(talk: Talk) -> None:
    talk.says("mi patron no me paga")
    talk.presses("Pasarlo a un oficial")
    turn = talk.says("la migra está tocando la puerta ahorita")

    assert (turn.topic, turn.level) == ("encounter_now", 1)
    assert talk.asked == "owed"


def test_who_cannot_write_safely_hears_911(talk: Talk) -> None:
    talk.says("mi esposo me pega")
    talk.presses("Pasarlo a un oficial")
    assert talk.asked == "safe"
    talk.presses("No")

    assert "911" in talk.heard


@cache
def _sentences() -> dict[str, str]:
    """For each topic a training sentence that is surely understood, and asks or tells something."""
    found = {}
    for intent in levels():
        path = ROOT / "data" / "nlu" / "es" / f"{intent}.yml"
        examples = [line.strip()[2:] for line in yaml.safe_load(path.read_text("utf-8"))["nlu"][0]["examples"].splitlines()]
        for text in examples:
            meaning = engine().understand(text)
            if meaning.sure and meaning.intent == intent and len(text.split()) >= (1 if levels()[intent] == 0 else 4):
                found[intent] = text
                break
    return found


@pytest.mark.parametrize("form", FORMS)
def test_whatever_is_said_in_the_middle_the_form_goes_on(form: str, tmp_path: Path) -> None:
    """Every form with every topic: what answers is taken, anything else is answered, and the question stands again."""
    for intent, text in _sentences().items():
        if intent in LEAVES:
            continue
        folder = tmp_path / intent
        folder.mkdir()
        talk = Talk(folder)
        if form == GENERAL:
            talk.says("hola")
            talk.presses("Hablar con alguien")
        else:
            talk.turns.clear()
            talk.says(_sentences()[form])
            talk.presses("Pasarlo a un oficial")
        before = talk.asked
        turn = talk.says(text)

        took = turn.state["slots"]["intake"]["answers"].get(str(before)) is not None
        assert turn.state["loop"] == "intake_form", (form, intent, text)
        assert took or turn.topic == intent or turn.topic is None, (form, intent, text)
        assert took == (talk.asked != before), (form, intent, text)
        assert talk.turns[-1].answers, (form, intent, text)
