"""The worker's half of a message's path, with a stand-in engine: language, pieces, follow-ups, what is committed."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from bot import conversation
from bot.cases.lookup import Wait
from bot.engine.agent import Decision
from bot.engine.context import in_context, remember_text
from bot.engine.understanding import Understanding
from bot.knowledge.live import Content, LiveContent, serve
from bot.language import detect
from bot.outcome import Outcome, SayPhrase, SayTopic, SwitchLanguage, from_json, to_json
from bot.settings import ROOT
from bot.store.claims import Claim, Turn
from bot.store.crypto import Keys
from bot.store.inbox import Incoming
from bot.taxonomy import levels

LIVE = LiveContent(ROOT / "data", None)


@pytest.fixture(autouse=True)
def content() -> Content:
    serve(LIVE)
    return LIVE.current


def seen(text: str, intent: str, **more: Any) -> Understanding:
    found = detect(text)
    return Understanding(text, intent, 0.9, True, found.language, levels()[intent], real_words=found.words, **more)


class StandInEngine:
    """Understands what it is told to, and says what it is told to."""

    def __init__(self, meaning: Understanding, *outcomes: Outcome) -> None:
        self.meaning, self.outcomes = meaning, list(outcomes)

    def understand(self, text: str) -> Understanding:
        return self.meaning

    async def decide(self, *_: Any) -> Decision:
        return Decision(self.outcomes, {"slots": {}, "loop": None})


class NoCases:
    """Nobody has a case, and nobody waits."""

    def wait(self, level: int | None, consulate: str | None) -> Wait:
        return Wait(on_duty=True, ahead=0, minutes=None, opens_at=None)

    def own(self, conversation_id: str) -> None:
        return None

    def by_code(self, number: str, code: str) -> None:
        return None


def held(text: str, language: str = "es", pinned: bool = False, run: int = 0, human: bool = False, **message: Any) -> Claim:
    return Claim("c", "web", language, pinned, run, human, 1, 1, Incoming("m", text, "es", 0, **message), 1000.0, 0, None)  # type: ignore[arg-type]


def turn(claim: Claim, meaning: Understanding, keys: Keys, *outcomes: Outcome) -> Turn:
    engine = StandInEngine(meaning, *(outcomes or (SayTopic(meaning.intent),)))
    return asyncio.run(conversation.answer(claim, engine, LIVE.current, keys, NoCases()))


@pytest.mark.parametrize(
    ("text", "language", "pinned", "run", "expected"),
    [
        ("where is my consulate please", "es", False, 0, ("en", False, 0)),
        ("ok thanks", "es", False, 0, ("es", False, 0)),  # two words: as before
        ("85301", "es", False, 0, ("es", False, 0)),
        ("where is my consulate please", "es", True, 0, ("es", True, 1)),  # switched by word: the first one does not count
        ("where is my consulate please", "es", True, 1, ("en", False, 0)),
        ("dónde está mi consulado por favor", "es", True, 1, ("es", True, 0)),
        ("hello", "es", False, -1, ("en", False, 0)),  # nobody gave a language: one word is enough
    ],
)
def test_the_language_of_the_answer(keys: Keys, text: str, language: str, pinned: bool, run: int, expected: tuple[str, bool, int]) -> None:
    done = turn(held(text, language, pinned, run), seen(text, "consulate_find"), keys)

    assert (done.spoken, done.language_pinned, done.language_run) == expected


def test_a_switch_by_word_is_pinned_and_answered_in_the_new_language(keys: Keys) -> None:
    done = turn(held("english"), seen("english", "language_switch"), keys, SwitchLanguage("en"), SayTopic("language_switch"))

    assert (done.spoken, done.language_pinned) == ("en", True)
    assert done.answers[0].text == LIVE.current.knowledge.topics["language_switch"].messages[0].en.strip()


def test_a_danger_that_the_topic_does_not_speak_of_is_answered_first(keys: Keys) -> None:
    text = "quiero un pasaporte y mi esposo me quiere matar"
    done = turn(
        held(text),
        seen(text, "documents", danger="life").__class__(**{**seen(text, "documents").__dict__, "danger": "life", "level": 1}),
        keys,
    )

    assert done.level == 1
    assert "911" in done.answers[0].text
    assert done.topic == "documents"


def test_while_a_human_has_the_conversation_nothing_is_said(keys: Keys) -> None:
    done = turn(held("me duele el pecho", human=True), seen("me duele el pecho", "emergency_danger"), keys)

    assert (done.answers, done.level, done.topic) == ([], 1, "emergency_danger")


def test_a_question_back_names_no_topic(keys: Keys) -> None:
    unsure = Understanding("eso", "documents", 0.2, False, "es", 3)
    done = turn(held("eso"), unsure, keys, SayPhrase("which", buttons=["topic:documents", "human"]))

    assert done.topic is None
    assert [b["action"] for b in done.answers[0].buttons] == ["topic:documents", "human"]


def test_a_pressed_button_means_what_it_was_offered_for(keys: Keys) -> None:
    claim = held("Pasaporte", action="topic:documents/passport")
    done = turn(claim, seen("nothing of the kind", "greet"), keys, SayTopic("documents", "passport"))

    assert (done.topic, done.facet) == ("documents", "passport")


def test_buttons_of_two_conversations_have_different_payloads(keys: Keys) -> None:
    from bot.knowledge.render import payload_for

    assert payload_for(keys, "a")("human") == payload_for(keys, "a")("human") != payload_for(keys, "b")("human")


@pytest.mark.parametrize(
    "outcome", [SayTopic("documents", "passport", "more"), SayPhrase("which", {"a": "b"}, ["human"]), SwitchLanguage("en")]
)
def test_an_outcome_survives_its_way_through_rasa(outcome: Outcome) -> None:
    assert from_json(to_json(outcome)) == outcome


def test_a_follow_up_takes_the_facet_of_the_last_subject() -> None:
    state = {"slots": {"topic": "documents", "facet": "passport"}, "loop": None}
    found = in_context(lambda t: seen(t, "out_of_scope", aspect="cost"), "y cuanto cuesta", state, 0.0)

    assert (found.intent, found.facet, found.level) == ("documents", "passport_cost", 3)


def test_a_follow_up_without_a_topic_stays_what_it_is() -> None:
    found = in_context(lambda t: seen(t, "out_of_scope", aspect="cost"), "y cuanto cuesta", {"slots": {}, "loop": None}, 0.0)

    assert found.intent == "out_of_scope"


def understand_pieces(text: str) -> Understanding:
    return seen(text, "detention_report" if "hermano" in text and "agarraron" in text else "inform")


def test_pieces_of_a_thought_are_read_together_for_a_while() -> None:
    state: dict[str, Any] = {"slots": {}, "loop": None, "recent": []}
    for at, piece in enumerate(["hola", "mi hermano"]):
        state["recent"] = remember_text(state, piece, at, understand_pieces(piece))

    assert in_context(understand_pieces, "lo agarraron", state, 10.0).intent == "detention_report"
    assert in_context(understand_pieces, "lo agarraron", state, 1000.0).intent == "inform"


def test_what_was_understood_by_itself_is_no_piece() -> None:
    state: dict[str, Any] = {"recent": []}

    assert remember_text(state, "mi pasaporte", 1.0, seen("mi pasaporte", "documents")) == []


@pytest.mark.parametrize(
    ("raw", "kept"),
    [("a\x00b", "a\ufffdb"), ("a\ud800b", "a\ufffdb"), ("\x1b[31mrojo", "[31mrojo"), ("  dos\nlíneas ", "dos\nlíneas"), ("\x01\x02", "")],
)
def test_texts_are_cleaned_of_what_nobody_can_carry(raw: str, kept: str) -> None:
    assert conversation.clean(raw) == kept


def test_the_card_is_shown_whatever_is_being_asked(keys: Keys) -> None:
    said = turn(held("Tarjeta de derechos", action="card:"), seen("x", "greet"), keys)
    assert said.topic == "rights_home"
    (image,) = [out.image for out in said.answers if out.image]
    assert image["url"].endswith("/static/card-es.png")


def test_what_was_heard_is_said_back_but_in_danger(keys: Keys) -> None:
    voice = {"id": "f", "kind": "audio/ogg", "size": 100}
    said = turn(held("necesito un pasaporte " * 10, file=voice), seen("necesito un pasaporte", "documents"), keys)
    assert said.answers[0].text.startswith("Escuché: necesito un pasaporte")
    assert said.answers[0].text.endswith("…")
    assert len(said.answers) > 1
    danger = seen("hay agentes en mi puerta", "encounter_now")
    assert "Escuché" not in turn(held("hay agentes en mi puerta", file=voice), danger, keys).answers[0].text


def test_a_picture_without_words_is_answered_and_is_no_piece_of_what_comes_next(keys: Keys) -> None:
    picture = {"id": "f", "kind": "image/jpeg", "size": 100}
    said = turn(held("", file=picture), seen("x", "greet"), keys, SayPhrase("file_received", buttons=["human"]))
    assert [out.text.splitlines()[0] for out in said.answers] == ["Recibí su foto o documento."]
    assert (said.topic, said.level, said.state["recent"]) == (None, 0, [])


def test_a_file_without_words_leaves_no_piece_of_a_sentence(keys: Keys) -> None:
    voice = {"id": "f", "kind": "audio/ogg", "size": 100}
    said = turn(held("", file=voice), seen("x", "greet"), keys, SayPhrase("voice_unread", buttons=["human"]))
    assert said.answers[0].text.startswith("No puedo escuchar")
    assert said.state["recent"] == []
