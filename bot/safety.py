"""The deterministic rules: they only ever make a message more urgent, and know what to say when nobody else can answer.

The rules and the sentences are data (data/safety.yml). They run in web the moment a message comes in, and again in the
understanding, so that `level` is the same wherever it is told.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from bot.knowledge.schema import Text

LAST = "other"
"""The kind whose sentence is said where no rule fires."""


@dataclass(frozen=True)
class Danger:
    """One kind of danger: the level it raises a message to, the words that tell it, the words that take it back."""

    kind: str
    level: int
    patterns: tuple[re.Pattern[str], ...]
    unless: tuple[re.Pattern[str], ...]
    first_aid: Text


class Safety:
    """All rules, the most urgent first."""

    def __init__(self, dangers: list[Danger]) -> None:
        self.dangers = dangers
        self._by_kind = {d.kind: d for d in dangers}

    @classmethod
    def load(cls, path: Path) -> Safety:
        raw: dict[str, Any] = yaml.load(path.read_text("utf-8"), Loader=yaml.CSafeLoader)
        return cls([_danger(kind, rule) for kind, rule in raw["dangers"].items()])

    def look(self, text: str) -> Danger | None:
        """The first rule that fires on a text, or None."""
        plain = normalise(text)
        for danger in self.dangers:
            if any(p.search(plain) for p in danger.patterns) and not any(u.search(plain) for u in danger.unless):
                return danger
        return None

    def first_aid(self, kind: str | None) -> Text:
        """What to do first, for a kind of danger; the general sentence for None."""
        return self._by_kind[kind or LAST].first_aid


def _danger(kind: str, rule: dict[str, Any]) -> Danger:
    compiled = {key: tuple(re.compile(p) for p in rule.get(key, [])) for key in ("patterns", "unless")}
    return Danger(kind, rule["level"], compiled["patterns"], compiled["unless"], Text.model_validate(rule["first_aid"]))


def normalise(text: str) -> str:
    """Small letters without accents, repeated letters and punctuation: what the rules' patterns are written for."""
    bare = "".join(c for c in unicodedata.normalize("NFKD", text.casefold()) if not unicodedata.combining(c))
    bare = re.sub(r"(.)\1{2,}", r"\1", bare)
    return re.sub(r"\s+", " ", re.sub(r"[^\w\s]", " ", bare)).strip()
