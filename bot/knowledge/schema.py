"""The shape of the content files: what may stand in data/knowledge, data/hotlines.yml and data/phrases.yml.

A file that does not fit is refused by `load` with a sentence that names the file and the field.
"""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

Language = Literal["es", "en"]
LANGUAGES: tuple[Language, ...] = ("es", "en")

LINES = 4
"""Lines of one message at the most, before the buttons (UX brief, section 5)."""
LINE = 70
"""Characters of a line at the most; about 60 is the aim."""
MESSAGE = 300
"""Characters of one message at the most, numbers filled in."""
SHORT = 20
"""Characters of a button's short form: WhatsApp's limit for reply buttons."""
TITLE = 40
"""Characters of a button's full title."""

Aspect = Literal["cost", "requirements", "duration", "hours", "phone", "where", "how", "who"]
"""What people ask of whatever was just talked about ("¿y cuánto cuesta?")."""


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Text(_Strict):
    """One sentence for people, in both languages."""

    es: Annotated[str, Field(min_length=1)]
    en: Annotated[str, Field(min_length=1)]

    def in_language(self, language: Language) -> str:
        return self.es if language == "es" else self.en


class Questions(_Strict):
    """How people ask for a facet: training examples, by language."""

    es: list[str] = []
    en: list[str] = []
    mix: list[str] = []


class Answer(_Strict):
    """What is said of a topic or of one part of it.

    Attributes:
        title: its name on a button, at most `TITLE` characters.
        short: the same in at most `SHORT` characters.
        messages: the first is the answer, the others stand behind "Saber más". `{id}` is a hotline's number,
            `{id.url}` its site, `{id.name}` its name, `{id.whatsapp}` and `{id.text}` its other lines.
        buttons: what is offered next: `topic` or `topic/facet`, the safest first; "Saber más" and the way to a person come by themselves.
        confirm: the facts may have changed; the sentence that says so is added to the first message.
        sources: where each statement comes from.
        checked: the day on which the sources were last read; the topic's own day where a facet has none.
        reviewer: who has to read it again.
    """

    title: Text
    short: Text
    messages: Annotated[list[Text], Field(min_length=1, max_length=4)]
    buttons: Annotated[list[str], Field(max_length=3)] = []
    confirm: bool = False
    sources: list[str] = []
    checked: dt.date | None = None
    reviewer: str | None = None


class Facet(Answer):
    """One part of a topic, with its own answer and the words that people use for it.

    Attributes:
        id: its name, unique in the topic; the API shows it as `facet`.
        subject: what it is about; a follow-up stays with the subject. Facets of one subject differ in `aspect`.
        aspect: the question it answers, or none where it is the subject's main answer.
    """

    id: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")]
    subject: str | None = None
    aspect: Aspect | None = None
    questions: Questions

    def about(self) -> str:
        return self.subject or self.id


class Topic(Answer):
    """All that is said of one intent: the file data/knowledge/<intent>.yml.

    Attributes:
        questions: how people ask for the topic as a whole, so that no facet takes its answer's place.
    """

    intent: str
    questions: Questions = Questions()
    level: Annotated[int, Field(ge=0, le=3)]
    checked: dt.date
    reviewer: str
    facets: list[Facet] = []


class Hotline(_Strict):
    """A telephone line or an official site. Fields as in data/hotlines.yml; numbers in E.164."""

    id: str
    name_es: str
    name_en: str
    phone: Annotated[str, Field(pattern=r"^\+[1-9]\d{6,14}$")] | None
    short_code: str | None
    alt_phones: list[str]
    text_line: str | None
    whatsapp: Annotated[str, Field(pattern=r"^\+[1-9]\d{6,14}$")] | None
    url: Annotated[str, Field(pattern=r"^https?://")] | None
    languages: str
    hours: str | None
    serves: list[str]
    who: str
    # `for` is a word of Python's
    topics: Annotated[list[str], Field(alias="for")]
    confidence: Literal["high", "medium", "low"]
    volatile: bool
    use: Literal["give", "check_first", "do_not_give"]
    sources: Annotated[list[str], Field(min_length=1)]
    checked: dt.date
    notes: str


class RightsCard(_Strict):
    """The card that a person shows at the door: the file data/card.yml.

    Attributes:
        title, short: its name on a button.
        topics: whose answers offer it.
        you, show: the headings of its two sides.
        holder: what the person reads.
        officer: what is for the agent; English on every card.
        help, number: a line that answers, as a placeholder.
        note: what it cannot do.
    """

    title: Text
    short: Text
    checked: dt.date
    reviewer: str
    sources: Annotated[list[str], Field(min_length=1)]
    topics: list[str]
    you: Text
    holder: Annotated[list[Text], Field(min_length=1, max_length=LINES)]
    show: Text
    officer: Annotated[list[str], Field(min_length=1, max_length=LINES)]
    help: Text
    number: Annotated[str, Field(pattern=r"^\{[a-z0-9_]+\}$")]
    note: Text
