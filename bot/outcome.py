"""What a turn can bring about, besides the dialogue's own state: things to say and effects.

Custom actions hand them to Rasa as JSON (`to_json`), the worker reads them back (`from_json`). Actions never touch the
database: the turn's final transaction applies the effects.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any, Literal

Part = Literal["answer", "more", "menu"]


@dataclass(frozen=True)
class SayTopic:
    """Say what data/knowledge holds: of a topic, or of one facet of it."""

    topic: str
    facet: str | None = None
    part: Part = "answer"
    also: str | None = None
    """Another topic that the message asked about; offered as a button."""
    page: int = 0
    """Of a menu that has more facets than buttons."""


@dataclass(frozen=True)
class SayPhrase:
    """Say one of the service's own sentences (data/phrases.yml), with buttons by their actions."""

    phrase: str
    values: dict[str, str] = field(default_factory=dict)
    buttons: list[str] = field(default_factory=list)
    topic: str | None = None


@dataclass(frozen=True)
class SayConsulate:
    """Say which consulate serves a place. `resolution` is what `make consulate` prints."""

    resolution: dict[str, Any]
    asked: str


@dataclass(frozen=True)
class OpenCase:
    """Open a case for an officer; where the conversation has an open one, it gets what is new.

    Attributes:
        intake: the form's answers by question.
        incomplete: the form was not finished.
        consulate: the post responsible.
        interpreter: the language that one is needed for.
        name: of the person concerned, for looking the case up.
        phone: where the person can be called back.
        callback: when, and whatever else they said with the number.
    """

    topic: str | None
    level: int
    summary: str
    intake: dict[str, str] | None = None
    incomplete: bool = False
    consulate: str | None = None
    interpreter: str | None = None
    name: str | None = None
    phone: str | None = None
    callback: str | None = None


@dataclass(frozen=True)
class AskIntake:
    """Ask the pending question of a form; the last one shows the answers and asks whether they are right."""

    form: str
    question: str
    answers: dict[str, str]


@dataclass(frozen=True)
class Rate:
    """How it went, in one tap."""

    score: int


@dataclass(frozen=True)
class SayCase:
    """How a case stands: the conversation's own, or the one of a number, which its code opens."""

    number: str | None = None
    code: str | None = None


@dataclass(frozen=True)
class GiveCode:
    """Give the person a code by which they find their case again."""

    code: str


@dataclass(frozen=True)
class StopNotices:
    """The person wants nothing that was not asked for."""


@dataclass(frozen=True)
class SwitchLanguage:
    """The person's own word on the language of the answers."""

    language: Literal["es", "en"]


@dataclass(frozen=True)
class Erase:
    """Delete the conversation everywhere."""


Outcome = SayTopic | SayPhrase | SayConsulate | OpenCase | AskIntake | SayCase | GiveCode | Rate | StopNotices | SwitchLanguage | Erase
_KINDS: dict[str, type[Outcome]] = {
    k.__name__: k
    for k in (SayTopic, SayPhrase, SayConsulate, OpenCase, AskIntake, SayCase, GiveCode, Rate, StopNotices, SwitchLanguage, Erase)
}


def to_json(outcome: Outcome) -> dict[str, Any]:
    return {"kind": type(outcome).__name__, **asdict(outcome)}


def from_json(raw: dict[str, Any]) -> Outcome:
    """The outcome that `to_json` wrote.

    Raises:
        KeyError, TypeError: the object is none of ours.
    """
    fields = dict(raw)
    return _KINDS[fields.pop("kind")](**fields)
