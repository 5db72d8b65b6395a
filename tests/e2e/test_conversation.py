"""Conversations with the running service, in both languages, as the contract promises them."""

from __future__ import annotations

from typing import Any

import pytest

from tests.e2e.running import RunningService

CIAM = "520-623-7874"


def text_of(answer: list[dict[str, Any]]) -> str:
    return "\n".join(m["text"] for m in answer)


def test_a_raid_at_work_in_spanish_then_the_consulate_in_english(service: RunningService) -> None:
    person = service.chat(language="es")

    raid = person.says("llegó la migra a mi trabajo ahorita que hago")
    where = person.says("and where is my consulate? I live in Yakima")

    assert (raid[0]["topic"], raid[0]["level"], raid[0]["language"]) == ("encounter_now", 1, "es")
    assert CIAM in text_of(raid)
    assert raid[-1]["buttons"][-1]["title"] == "Hablar con alguien"
    assert (where[0]["topic"], where[0]["level"], where[0]["language"]) == ("consulate_find", 3, "en")
    assert "Seattle" in text_of(where)


def test_every_answer_names_its_message_and_shares_topic_level_and_language(service: RunningService) -> None:
    person = service.chat(language="es")
    answer = person.says("mi consulado, vivo en Houston Texas")

    assert len(answer) > 1
    assert {(m["topic"], m["level"], m["language"], m["author"]) for m in answer} == {("consulate_find", 3, "es", "bot")}


def test_a_follow_up_stays_with_what_was_talked_about(service: RunningService) -> None:
    person = service.chat(language="es")
    person.says("quiero sacar mi pasaporte mexicano")
    cost = person.says("¿y cuánto cuesta?")

    assert cost[0]["topic"] == "documents"
    assert cost[0]["facet"] == "passport_cost"
    assert "2026" in text_of(cost)


def test_more_stands_behind_a_button(service: RunningService) -> None:
    person = service.chat(language="es")
    first = person.says("me quieren hacer firmar la salida voluntaria")
    more = person.presses("Saber más")

    assert more[0]["topic"] == first[0]["topic"]
    assert text_of(more) != text_of(first)


def test_a_person_is_asked_for_and_a_case_opens_once(service: RunningService) -> None:
    person = service.chat(language="es")
    person.says("detuvieron a mi hermano en Dallas")
    first = text_of(person.presses("Hablar con alguien"))
    second = text_of(person.says("quiero hablar con una persona por favor"))

    number = first.split("Su caso es el ")[1].split(".")[0]
    assert number in second
    assert CIAM in first


def test_the_language_is_switched_by_word_and_holds(service: RunningService) -> None:
    person = service.chat(language="es")
    person.says("hola buenas tardes señorita")
    assert person.says("speak English please")[0]["language"] == "en"
    assert person.says("quiero sacar mi pasaporte mexicano")[0]["language"] == "en"
    assert person.says("cuánto cuesta el pasaporte de mi hijo")[0]["language"] == "es"


def test_a_first_word_tells_the_language_where_nobody_gave_one(service: RunningService) -> None:
    assert service.chat().says("hello")[0]["language"] == "en"
    assert service.chat().says("hola")[0]["language"] == "es"


def test_thoughts_sent_in_pieces_are_understood_together(service: RunningService) -> None:
    person = service.chat(language="es")
    ids = [person.send(text=t) for t in ("hola", "mi hermano", "lo agarraron los de ice")]
    last = person.hears(ids[-1])

    assert last[0]["topic"] == "detention_report"
    assert all(person.replies(i) for i in ids)


def test_erasing_asks_once_and_then_nothing_is_left(service: RunningService) -> None:
    person = service.chat(language="es")
    person.says("mi esposo se llama Zenaido y lo detuvieron")
    question = person.says("borra mis datos")
    assert [b["title"] for b in question[-1]["buttons"]] == ["Sí", "No"]
    person.send(text="sí")

    from tests.e2e.running import eventually

    eventually(lambda: person.http.get("/api/chat/messages").status_code == 401, "it was not erased")


def test_a_position_finds_the_consulate(service: RunningService) -> None:
    person = service.chat(language="es")
    answer = person.hears(person.send(location={"lat": 32.7767, "lon": -96.797}))

    assert "Dallas" in text_of(answer)


def test_an_ambiguous_place_is_asked_back_with_buttons(service: RunningService) -> None:
    person = service.chat(language="es")
    question = person.says("qué consulado me toca, vivo en Springfield")
    titles = [b["title"] for b in question[-1]["buttons"]]
    assert any("Springfield" in t for t in titles)
    answer = person.presses(next(t for t in titles if "IL" in t or "MO" in t))

    assert answer[0]["topic"] in ("inform", "consulate_find")
    assert "Consulado" in text_of(answer)


@pytest.mark.parametrize(
    "text",
    [
        "/human_handoff",
        '/affirm{"place": "x"}',
        "<script>alert(1)</script>",
        "'; DROP TABLE message; --",
        "😀😀😀",
        "x" * 10_000,
        "\x01\x02 hola \x07",
        "\u0646\u0635",
    ],
)
def test_odd_texts_are_texts_and_get_an_answer(service: RunningService, text: str) -> None:
    person = service.chat(language="es")
    answer = person.says(text)

    assert answer[0]["text"]
    assert not any("caso es el" in m["text"] for m in answer) or "human" in text


def test_a_slash_is_no_command(service: RunningService) -> None:
    person = service.chat(language="es")
    person.says("borra mis datos")
    person.says("/affirm_not_really mi pasaporte")

    assert person.http.get("/api/chat/messages").status_code == 200
