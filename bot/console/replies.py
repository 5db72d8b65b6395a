"""Replies that officers can choose: data/replies.yml, checked like the assistant's own sentences and filled from the case."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Self

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from bot.knowledge.load import ContentError, Knowledge, faults_of_text
from bot.knowledge.schema import LANGUAGES, Language, Text

FIELD = re.compile(r"<([a-z_]+)>")
EMPTY = re.compile(r"⟦[^⟧\n]{0,60}⟧")
"""A field that the case does not tell, as it stands in the text box until the officer has filled it in."""


class Prepared(BaseModel):
    """One prepared reply.

    Attributes:
        topic: an intent, or None: it fits every case.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)
    id: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")]
    topic: str | None
    title: Text
    text: Text


class _File(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)
    fields: dict[str, Text]
    replies: list[Prepared]


@dataclass(frozen=True)
class Choice:
    """A prepared reply as the palette shows it: what would be sent, and the same in the officer's own language."""

    id: str
    topic: str | None
    title: str
    text: str
    beside: str
    complete: bool


class Replies:
    """All prepared replies."""

    def __init__(self, replies: list[Prepared], fields: Mapping[str, Text], knowledge: Knowledge) -> None:
        self.all, self.fields, self._knowledge = replies, fields, knowledge

    @classmethod
    def load(cls, path: Path, knowledge: Knowledge) -> Self:
        """Read and check data/replies.yml against the content that its numbers come from.

        Raises:
            ContentError: it does not fit.
        """
        try:
            raw = _File.model_validate(yaml.load(path.read_text("utf-8"), Loader=yaml.CSafeLoader))
        except (OSError, yaml.YAMLError) as error:
            raise ContentError([f"{path.name}: cannot be read: {error}"]) from error
        except ValidationError as error:
            raise ContentError([f"{path.name}: {'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors()]) from error
        if faults := list(_faults(path.name, raw, knowledge)):
            raise ContentError(faults)
        return cls(raw.replies, raw.fields, knowledge)

    def choices(self, topic: str | None, spoken: Language, own: Language, known: Mapping[str, str]) -> list[Choice]:
        """Those of a case: of its topic first, then those of every case, then the rest.

        Args:
            spoken: the language that the person is spoken to in.
            own: the officer's.
            known: what the case tells, by field.
        """
        order = sorted(self.all, key=lambda r: 0 if r.topic == topic else 1 if r.topic is None else 2)
        return [self._choice(prepared, spoken, own, known) for prepared in order]

    def _choice(self, prepared: Prepared, spoken: Language, own: Language, known: Mapping[str, str]) -> Choice:
        text = self.fill(prepared, spoken, known)
        beside = self.fill(prepared, own, known) if own != spoken else ""
        return Choice(prepared.id, prepared.topic, prepared.title.in_language(own), text, beside, EMPTY.search(text) is None)

    def fill(self, prepared: Prepared, language: Language, known: Mapping[str, str]) -> str:
        """The text with numbers and fields; a field that is not known stands as ⟦its label⟧."""

        def value(match: re.Match[str]) -> str:
            return known.get(match[1]) or f"⟦{self.fields[match[1]].in_language(language)}⟧"

        return FIELD.sub(value, self._knowledge.fill(prepared.text.in_language(language), language))


def _faults(name: str, raw: _File, knowledge: Knowledge) -> Iterator[str]:
    seen: set[str] = set()
    for prepared in raw.replies:
        here = f"{name}: {prepared.id}"
        if prepared.id in seen:
            yield f"{here} stands twice"
        seen.add(prepared.id)
        if prepared.topic is not None and prepared.topic not in knowledge.topics:
            yield f"{here}: {prepared.topic} is no topic"
        asked = {language: set(FIELD.findall(prepared.text.in_language(language))) for language in LANGUAGES}
        if asked["es"] != asked["en"]:
            yield f"{here}: its fields differ between the languages"
        yield from (f"{here}: <{field}> is no field" for field in sorted(asked["es"] - raw.fields.keys()))
        yield from faults_of_text(here, prepared.text, knowledge)
