"""What the assistant says, all of it: complete, readable, sourced, with nothing that must not be shown."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
import textstat
import yaml

from bot.knowledge import LANGUAGES, Answer, Knowledge, Language, load
from bot.knowledge.load import ANSWERED_BY_ACTIONS
from bot.knowledge.phone import grouped
from bot.knowledge.render import Consulates, Renderer
from bot.outcome import SayConsulate, SayTopic
from bot.settings import ROOT
from bot.taxonomy import levels

KNOWLEDGE = load(ROOT / "data")
CONSULATES = Consulates.load(ROOT / "data" / "consulates.yml")
EXCEPTIONS = set(yaml.safe_load((ROOT / "tests" / "knowledge" / "readability_exceptions.yml").read_text("utf-8")) or [])
"""Messages that were read aloud and kept although the formula finds them hard."""


def answers(knowledge: Knowledge = KNOWLEDGE) -> Iterator[tuple[str, Answer]]:
    for topic in knowledge.topics.values():
        yield topic.intent, topic
        yield from ((f"{topic.intent}/{f.id}", f) for f in topic.facets)


def renderer(language: Language) -> Renderer:
    return Renderer(KNOWLEDGE, CONSULATES, language, lambda action: action)


def test_every_topic_has_its_file_and_level() -> None:
    assert {name: topic.level for name, topic in KNOWLEDGE.topics.items()} == {
        name: level for name, level in levels().items() if name not in ANSWERED_BY_ACTIONS
    }


def test_there_are_as_many_facets_as_people_have_questions() -> None:
    assert sum(len(topic.facets) for topic in KNOWLEDGE.topics.values()) >= 120


@pytest.mark.parametrize("ref", [ref for ref, _ in answers()])
def test_every_answer_is_rendered_in_both_languages_within_the_limits(ref: str) -> None:
    topic, _, facet = ref.partition("/")
    for language in LANGUAGES:
        say = renderer(language)
        for part in ("answer", "more"):
            messages = list(say.topic(SayTopic(topic, facet or None, part)))
            assert messages
            for message in messages:
                assert 1 <= len(message.text.splitlines()) <= 4
                assert len(message.text) <= 300
                assert "{" not in message.text
                assert all(0 < len(b["short"]) <= 20 and b["title"] for b in message.buttons)
                assert len({b["payload"] for b in message.buttons}) == len(message.buttons) <= 10
            if topic not in ("human_handoff", "goodbye"):
                assert messages[-1].buttons[-1]["action"] == "human"


@pytest.mark.parametrize("topic", [t for t, level in levels().items() if level == 1])
def test_danger_answers_name_ciam_first(topic: str) -> None:
    for language in LANGUAGES:
        first = next(iter(renderer(language).topic(SayTopic(topic))))
        assert "520-623-7874" in first.text


@pytest.mark.parametrize("ref", [ref for ref, _ in answers()])
def test_a_facet_is_reached_by_a_button(ref: str) -> None:
    topic, _, facet = ref.partition("/")
    if not facet:
        return
    actions = {f"topic:{b}" for _, a in answers() for b in a.buttons}
    say = renderer("es")
    seen: set[str] = set()
    page = SayTopic(topic, None, "more")
    for _ in range(20):
        buttons = [b["action"] for m in say.topic(page) for b in m.buttons]
        seen |= set(buttons)
        following = [b for b in buttons if b.startswith("menu:")]
        if not following:
            break
        page = SayTopic(topic, None, "menu", page=int(following[0].rsplit(":", 1)[1]))
    assert f"topic:{ref}" in seen | actions


FORBIDDEN = {
    "es": r"\b(ilegal(es)?|tranquil[oa]|no se preocupe|le garantizamos|garantizado|no lo pueden deportar|escóndase|(?<!no )mienta)\b|[!¡]",
    "en": r"\b(illegals?|don't worry|calm down|we guarantee|guaranteed|they cannot deport|hide from|lie to)\b|!",
}


@pytest.mark.parametrize(("ref", "answer"), list(answers()))
def test_nothing_is_promised_and_nobody_is_blamed(ref: str, answer: Answer) -> None:
    for language in LANGUAGES:
        for message in answer.messages:
            assert re.search(FORBIDDEN[language], message.in_language(language), re.IGNORECASE) is None


def sentences(text: str) -> list[str]:
    plain = re.sub(r"\{[^}]*\}|https?://\S+|[\w.]+\.(?:mx|gov|org|com)\S*", "", text)
    return [s.strip() for s in re.split(r"[.:;?\n]+", plain) if len(s.split()) > 1]


def key(ref: str, number: int, language: str) -> str:
    return f"{ref}#{number + 1}.{language}"


def hard_messages() -> list[str]:
    found = []
    for ref, answer in answers():
        for number, message in enumerate(answer.messages):
            spanish = ". ".join(sentences(message.es))
            if len(spanish.split()) >= 8 and textstat.fernandez_huerta(spanish) < 70:
                found.append(key(ref, number, "es"))
            english = sentences(message.en)
            if english and sum(len(s.split()) for s in english) / len(english) > 11:
                found.append(key(ref, number, "en"))
    return found


def test_what_is_said_can_be_read_with_little_school() -> None:
    textstat.set_lang("es")
    assert sorted(set(hard_messages()) - EXCEPTIONS) == []


def test_spanish_is_plain_on_the_whole() -> None:
    textstat.set_lang("es")
    scores = [textstat.fernandez_huerta(". ".join(sentences(m.es))) for _, a in answers() for m in a.messages if len(m.es.split()) >= 8]

    assert sum(scores) / len(scores) >= 85


def everything_shown() -> str:
    texts = []
    for language in LANGUAGES:
        say = renderer(language)
        for ref, _ in answers():
            topic, _, facet = ref.partition("/")
            for part in ("answer", "more"):
                texts += [m.text for m in say.topic(SayTopic(topic, facet or None, part))]
        texts += [KNOWLEDGE.phrase(k, language) for k in KNOWLEDGE.phrases]
        for post in CONSULATES:
            for confidence in ("high", "low"):
                resolution = {"status": "found", "consulate": {"id": post}, "candidates": [], "confidence": confidence}
                texts += [m.text for m in say.consulate(SayConsulate(resolution, ""))]
    return "\n".join(texts)


def test_no_number_is_shown_that_must_not_be() -> None:
    shown = everything_shown()
    hidden = [h for h in KNOWLEDGE.hotlines.values() if h.use != "give" or h.confidence == "low"]
    public = {grouped(n) for h in KNOWLEDGE.hotlines.values() if h not in hidden for n in (h.phone, h.whatsapp) if n}
    public |= {grouped(n) for c in CONSULATES.values() for n in (c.known("phone"), c.known("protection_phone")) if n}
    for line in hidden:
        for number in (line.phone, line.whatsapp):
            assert number is None or grouped(number) in public or grouped(number) not in shown, line.id


@pytest.mark.parametrize("post", sorted(CONSULATES))
def test_a_consulates_card_shows_only_what_is_known(post: str) -> None:
    consulate = CONSULATES[post]
    for language in LANGUAGES:
        resolution = {"status": "found", "consulate": {"id": post}, "candidates": [], "confidence": "high"}
        card = list(renderer(language).consulate(SayConsulate(resolution, "")))
        text = "\n".join(m.text for m in card)
        assert consulate.name(language) in text
        for field in ("address", "hours"):
            value = getattr(consulate, field)
            if value and getattr(consulate.confidence, field) == "low":
                assert value not in text
        for field in ("phone", "protection_phone"):
            value = getattr(consulate, field)
            known = value and getattr(consulate.confidence, field) != "low"
            if value:
                assert (grouped(value) in text) == bool(known) or grouped(value) == grouped("+15206237874")
        if consulate.known("protection_phone") is None:
            assert "520-623-7874" in text
        if consulate.uncertain():
            assert KNOWLEDGE.phrase("confirm", language) in text
        assert "2026" in text
        assert all(len(m.text.splitlines()) <= 4 for m in card)


def test_consulates_and_lines_have_numbers_in_e164() -> None:
    numbers = [n for c in CONSULATES.values() for n in (c.phone, c.protection_phone) if n]
    numbers += [n for h in KNOWLEDGE.hotlines.values() for n in (h.phone, h.whatsapp) if n]

    assert all(re.fullmatch(r"\+[1-9]\d{7,14}", n) for n in numbers)
