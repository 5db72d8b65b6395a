"""Texts as the classifiers read them: small letters, no accents, no repeated letters, phone spelling written out."""

from __future__ import annotations

import random
import re
from functools import cache

import yaml

from bot.safety import normalise
from bot.settings import ROOT

WORD = re.compile(r"\w+", re.UNICODE)


@cache
def _spellings() -> dict[str, str]:
    """Phone spelling and slang -> the word meant (data/nlu/spelling.yml)."""
    raw = yaml.load((ROOT / "data" / "spelling.yml").read_text("utf-8"), Loader=yaml.CSafeLoader)
    return {normalise(str(short)): normalise(meant) for meant, shorts in raw.items() for short in shorts}


def plain(text: str) -> str:
    """The text in small letters without accents, each word of phone spelling replaced by the word meant."""
    spellings = _spellings()
    return " ".join(spellings.get(word, word) for word in normalise(text).split())


_KEYBOARD = {
    "q": "wa", "w": "qes", "e": "wrd", "r": "etf", "t": "ryg", "y": "tuh", "u": "yij", "i": "uok", "o": "ipl", "p": "ol",
    "a": "qsz", "s": "awdx", "d": "sefc", "f": "drgv", "g": "fthb", "h": "gyjn", "j": "hukm", "k": "jil", "l": "kop",
    "z": "asx", "x": "zsdc", "c": "xdfv", "v": "cfgb", "b": "vghn", "n": "bhjm", "m": "njk",
}  # fmt: skip
_BY_EAR = (
    ("v", "b"),
    ("b", "v"),
    ("z", "s"),
    ("c", "s"),
    ("s", "c"),
    ("ll", "y"),
    ("y", "ll"),
    ("h", ""),
    ("qu", "k"),
    ("g", "j"),
    ("gu", "w"),
    ("j", "g"),
)


def misspell(text: str, edits: int = 2) -> str:
    """The text as a hurried thumb or a Spanish ear may write it; always the same for the same text."""
    rng = random.Random(text)
    words = text.split()
    shorts = _shorts()
    for number, word in enumerate(words):
        if word in shorts and rng.random() < 0.4:
            words[number] = rng.choice(shorts[word])
    for _ in range(edits if len(words) > 3 else 1):
        number = rng.randrange(len(words)) if words else 0
        if words and len(words[number]) > 3:
            words[number] = _slip(words[number], rng)
    return " ".join(words)


@cache
def _shorts() -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for short, meant in _spellings().items():
        found.setdefault(meant, []).append(short)
    return found


def _slip(word: str, rng: random.Random) -> str:
    at = rng.randrange(len(word) - 1)
    kind = rng.randrange(5)
    if kind == 0:
        return word[:at] + word[at + 1] + word[at] + word[at + 2 :]
    if kind == 1:
        return word[:at] + word[at + 1 :]
    if kind == 2:
        return word[:at] + word[at] + word[at:]
    if kind == 3:
        near = _KEYBOARD.get(word[at])
        return word[:at] + rng.choice(near) + word[at + 1 :] if near else word
    heard = [(a, b) for a, b in _BY_EAR if a in word]
    return word.replace(*rng.choice(heard), 1) if heard else word
