"""Which of the two languages a text is in: small code that web and workers share (no model, some megabytes)."""

from __future__ import annotations

import gzip
import json
import re
import unicodedata
from dataclasses import dataclass
from functools import cache

import yaml

from bot.knowledge.schema import Language
from bot.settings import MODELS, ROOT

TABLE = "language.json.gz"
"""In models/, made by bot/language/build.py."""

_WORD = re.compile(r"[^\W\d_]+(?:'[^\W\d_]+)?", re.UNICODE)
_SPANISH_SIGNS = re.compile(r"[ñ¿¡áéíóú]", re.IGNORECASE)
_LISTED = 2.0
"""Weight of a word that data/language.yml names for one language, in powers of ten of frequency."""


FRAME, FRAME_WORDS = 3.0, 3
"""In mixed text the language that a sentence begins in mostly carries it: its first words weigh this much."""


@dataclass(frozen=True)
class Detection:
    """A text's language.

    Attributes:
        words: words that can tell a language: neither names nor places nor numbers.
        margin: how clearly, in powers of ten a word on average; 0 where nothing tells.
    """

    language: Language
    words: int
    margin: float

    @property
    def sure(self) -> bool:
        return self.margin >= 0.2


def bare(word: str) -> str:
    """A word in small letters without accents ("Detención" -> "detencion")."""
    return "".join(c for c in unicodedata.normalize("NFKD", word.casefold()) if not unicodedata.combining(c))


@dataclass(frozen=True)
class _Table:
    words: dict[str, float]
    letters: dict[str, float]
    silent: frozenset[str]
    """Names, places and words that both languages write alike."""
    names: frozenset[str]


@cache
def _table() -> _Table:
    raw = json.loads(gzip.decompress((MODELS / TABLE).read_bytes()))
    listed = yaml.load((ROOT / "data" / "language.yml").read_text("utf-8"), Loader=yaml.CSafeLoader)
    words: dict[str, float] = raw["words"]
    # YAML reads some of the words as booleans (no, y): they are named with their own sign by frequency anyway
    words.update({bare(w): _LISTED for w in listed["es"] if isinstance(w, str)})
    words.update({bare(w): -_LISTED for w in listed["en"] if isinstance(w, str)})
    silent = {bare(w) for key in ("neither", "names", "places") for w in listed[key] if isinstance(w, str)}
    return _Table(words, raw["letters"], frozenset(silent), frozenset(bare(w) for w in listed["names"]))


def is_name(word: str) -> bool:
    """Whether a word, in small letters without accents, is a frequent name of a person."""
    return word in _table().names


def detect(text: str, before: Language = "es") -> Detection:
    """The language of a text.

    Args:
        text: what was written.
        before: the language so far; kept where the text does not tell.
    """
    table = _table()
    words = [w for w in map(bare, _WORD.findall(text[:4_000])) if w not in table.silent]
    score = sum(_score(table, word) * (FRAME if place < FRAME_WORDS else 1.0) for place, word in enumerate(words))
    if not any(_score(table, word) for word in words) and _SPANISH_SIGNS.search(text):
        score += 1.0
    language: Language = before if score == 0 else "es" if score > 0 else "en"
    return Detection(language, len(words), abs(score) / max(1, len(words)))


def _score(table: _Table, word: str) -> float:
    """Powers of ten by which a word is likelier in Spanish than in English."""
    known = table.words.get(word)
    if known is not None:
        return known
    if "'" in word:  # contractions are English
        return -_LISTED
    padded = f" {word} "
    groups = [table.letters.get(padded[at : at + 3], 0.0) for at in range(len(word))]
    return max(-1.0, min(1.0, sum(groups) / 2))


_NAMED: dict[Language, re.Pattern[str]] = {
    "es": re.compile(r"\b(espa(?:n|ñ|ni)ol|espanish|castellano|spanish)\b", re.IGNORECASE),
    "en": re.compile(r"\b(ingl[eé]s|english|inglish)\b", re.IGNORECASE),
}
_NOT = re.compile(r"\b(no|not|don'?t|cannot|can'?t|nada de|sin|poco|little)\b[^.,;]*$", re.IGNORECASE)


def named_language(text: str) -> Language | None:
    """The language that a request names: "speak English please" -> en; with a negation before it the other one."""
    found: list[tuple[int, Language, bool]] = []
    for language, pattern in _NAMED.items():
        if match := pattern.search(text):
            found.append((match.start(), language, bool(_NOT.search(text[: match.start()]))))
    wanted = [language for _, language, negated in sorted(found) if not negated]
    if wanted:
        return wanted[0]
    if found:
        return "en" if found[0][1] == "es" else "es"
    return None
