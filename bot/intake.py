"""The questions for an officer: data/intake.yml, and how an answer is recognised in a person's words.

An answer is recognised in the message that is an answer, and in what was said before the question
("detuvieron a mi hermano Juan en Phoenix ayer": who, where and when are not asked again).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal, Self

import phonenumbers
import yaml
from pydantic import BaseModel, ConfigDict, Field

from bot.knowledge.load import ContentError
from bot.knowledge.schema import SHORT, Language, Text
from bot.language import bare, is_name
from bot.outcome import OpenCase
from bot.taxonomy import levels

Kind = Literal["text", "name", "place", "when", "phone", "authority", "language", "choice"]
GENERAL = "general"
"""The form of a person who asks for an officer without having named a topic."""
SKIPPED = ""
"""What a question that was skipped holds."""
CONFIRM = "confirm"
"""The last question: is it right?"""
MOST = 6
"""Questions of a form at the most."""
VALUE = 500
"""Characters of an answer that the form keeps; the conversation keeps them all."""
NAME_WORDS = 5

_WORD = re.compile(r"[^\W\d_]+(?:['’-][^\W\d_]+)*")
_JOINS = {"de", "del", "la", "las", "los", "y"}
_NO_NAMES = {"no", "si", "yes", "nose", "nada", "nadie", "none", "nobody"}


class Question(BaseModel):
    """One question.

    Attributes:
        kind: what an answer looks like; `text` takes anything.
        label: its name in the summary and on the officer's screen.
        choices: answers that stand as buttons; others may be written all the same.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)
    kind: Kind
    label: Text
    ask: Text
    choices: list[Text] = Field(default=[], max_length=3)


class Words(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)
    when: list[str]
    named: list[str]
    correction: list[str]
    skip: list[str]


class Intake(BaseModel):
    """All of data/intake.yml.

    Attributes:
        forms: topic -> ids of its questions, in order.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)
    questions: dict[str, Question]
    forms: dict[str, list[str]]
    words: Words

    def faults(self, topics: set[str]) -> Iterator[str]:
        """What does not fit, in sentences."""
        for topic, asked in self.forms.items():
            if topic not in topics and topic != GENERAL:
                yield f"intake.yml: {topic} is no topic"
            if not 1 <= len(asked) <= MOST:
                yield f"intake.yml: {topic} asks {len(asked)} questions; at most {MOST}"
            too_long = (q for q in asked for c in self._choices(q) if len(c) > SHORT)
            yield from (f"intake.yml: a choice of {q} is longer than {SHORT} characters" for q in too_long)
            yield from (f"intake.yml: {topic} asks {q}, which is no question" for q in asked if q not in self.questions)

    def _choices(self, question: str) -> list[str]:
        known = self.questions.get(question)
        return [words for choice in known.choices for words in (choice.es, choice.en)] if known else []

    def form_for(self, topic: str | None) -> str:
        """The form of a topic, or the general one."""
        return topic if topic in self.forms else GENERAL

    def next_question(self, form: str, answers: dict[str, str]) -> str:
        """The first question without an answer; `CONFIRM` where there is none left."""
        return next((q for q in self.forms[form] if q not in answers), CONFIRM)

    @classmethod
    def load(cls, path: Path, topics: set[str]) -> Self:
        """Read and check data/intake.yml.

        Raises:
            ContentError: it does not fit.
        """
        try:
            intake = cls.model_validate(yaml.load(path.read_text("utf-8"), Loader=yaml.CSafeLoader))
        except (OSError, yaml.YAMLError, ValueError) as error:
            raise ContentError([f"{path.name}: {error}"]) from error
        if faults := list(intake.faults(topics)):
            raise ContentError(faults)
        return intake

    # --- recognising -----------------------------------------------------------------------------------------------------

    def found_in(self, form: str, text: str, entities: list[dict[str, Any]]) -> dict[str, str]:
        """Answers to the form's questions that a text gives by the way; nothing that needs a guess."""
        found: dict[str, str] = {}
        for id_ in self.forms[form]:
            kind = self.questions[id_].kind
            if kind not in ("text", "choice") and (value := self.value(kind, text, entities)):
                found.setdefault(id_, value)
        return found

    def value(self, kind: Kind, text: str, entities: list[dict[str, Any]]) -> str | None:
        """What of a text is an answer of this kind, or None."""
        if kind in ("place", "authority", "language"):
            return next((str(e["value"]) for e in entities if e["entity"] == kind), None)
        if kind == "when":
            return self._when(text)
        if kind == "phone":
            return phone_in(text)
        if kind == "name":
            return self.name_in(text, entities)
        return None

    def _when(self, text: str) -> str | None:
        found = re.search(rf"\b(?:{'|'.join(self.words.when)})\b", text, re.IGNORECASE)
        return found.group().strip() if found else None

    def name_in(self, text: str, entities: list[dict[str, Any]]) -> str | None:
        """A person's name behind a word that announces one ("se llama", "mi hermano")."""
        cues = [m.end() for cue in self.words.named for m in re.finditer(rf"\b{re.escape(cue)}\b", text, re.IGNORECASE)]
        cues += [e["end"] for e in entities if e["entity"] == "relation"]
        starts = [e["start"] for e in entities if e["entity"] == "place"]
        for end in sorted(cues):
            if name := _name_at(text, end, starts):
                return name
        return None

    def is_skip(self, text: str) -> bool:
        return bare(text).strip(" .!¡") in {bare(word) for word in self.words.skip}

    def is_correction(self, text: str) -> bool:
        read = bare(text)
        return any(re.search(rf"\b{re.escape(bare(word))}\b", read) for word in self.words.correction)

    def case(self, progress: Progress, summary: str, *, incomplete: bool) -> OpenCase:
        """The case that a form's answers make."""
        answers = progress.answers
        topic = progress.form if progress.form in levels() else None

        def given(kind: Kind) -> str | None:
            return next((answers[q] for q in self.forms[progress.form] if self.questions[q].kind == kind and answers.get(q)), None)

        name, contact = given("name"), given("phone")
        return OpenCase(
            topic=topic,
            level=levels()[topic] if topic else 2,
            summary=summary,
            intake={q: a for q, a in answers.items() if a != SKIPPED},
            incomplete=incomplete,
            consulate=progress.consulate,
            interpreter=given("language"),
            name=leading_name(name) if name else None,
            phone=phone_in(contact or ""),
            callback=contact,
        )

    # --- telling ---------------------------------------------------------------------------------------------------------

    def summary(self, form: str, answers: dict[str, str], language: Language) -> list[str]:
        """Lines "label: answer" of what was answered."""
        return [
            f"{self.questions[q].label.in_language(language)}: {answers[q]}" for q in self.forms[form] if answers.get(q, SKIPPED) != SKIPPED
        ]


def _name_at(text: str, start: int, places: list[int]) -> str | None:
    """The run of names that begins here: capitalised words, or names that everybody knows."""
    taken: list[re.Match[str]] = []
    for word in _WORD.finditer(text, start):
        between = text[taken[-1].end() if taken else start : word.start()]
        if between.strip() or len(taken) >= NAME_WORDS or word.start() in places:
            break
        read = bare(word.group())
        named = (word.group()[0].isupper() and not text.isupper() and read not in _NO_NAMES) or is_name(read)
        if not named and not (taken and read in _JOINS):
            break
        taken.append(word)
    while taken and bare(taken[-1].group()) in _JOINS:
        taken.pop()
    return text[taken[0].start() : taken[-1].end()] if taken else None


def leading_name(answer: str) -> str | None:
    """The name in the answer to the question for one: its words up to a number or a mark."""
    head = re.split(r"[\d,;(\n]|\bnaci", answer, maxsplit=1)[0]
    words = [w.group() for w in _WORD.finditer(head)]
    return " ".join(words[:NAME_WORDS]) if words else None


def phone_in(text: str) -> str | None:
    """The first telephone number of a text, in E.164; without a country it is one of the United States and Canada."""
    for match in phonenumbers.PhoneNumberMatcher(text, "US", leniency=phonenumbers.Leniency.POSSIBLE):
        return phonenumbers.format_number(match.number, phonenumbers.PhoneNumberFormat.E164)
    return None


@dataclass(frozen=True)
class Progress:
    """A form in progress, as the slot `intake` keeps it.

    Attributes:
        began: the message that started it; it answers no question.
        last: the question answered last: what a correction without a kind of its own is about.
        consulate: the post that serves the place named; found by the worker, which knows places.
    """

    form: str
    began: str
    answers: dict[str, str]
    last: str | None = None
    consulate: str | None = None

    def as_slot(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def of(cls, slot: dict[str, Any] | None) -> Progress | None:
        return cls(**slot) if slot else None
