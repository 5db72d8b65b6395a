"""Words that always work: recognised by web at once, before any understanding (data/commands.yml)."""

from __future__ import annotations

import re
from functools import cache

import yaml

from bot.language import bare
from bot.settings import ROOT

_MARKS = re.compile(r"[^\w/ ]+")
_SPACE = re.compile(r"\s+")
LONGEST = 60
"""Characters of a command at the most."""


@cache
def _commands() -> dict[str, str]:
    raw: dict[str, list[str]] = yaml.load((ROOT / "data" / "commands.yml").read_text("utf-8"), Loader=yaml.CSafeLoader)
    return {_read(words): action for action, spoken in raw.items() for words in spoken}


def _read(text: str) -> str:
    return _SPACE.sub(" ", _MARKS.sub(" ", bare(text))).strip()


_YES = re.compile(
    r"^(s[ií]+|sip|sim[oó]n|yes+|yep|yeah|yup|claro|claro que s[ií]|confirmo|acepto|adelante|h[aá]zlo|do it|sure)\b"
    r"(?![^?]*\b(pero|but|no|not|despu[eé]s|later)\b)[^?]{0,30}$|^(b[oó]rra|erase|delete)\w*\b[^?]{0,30}$",
    re.IGNORECASE,
)


def is_yes(text: str) -> bool:
    """A clear yes to erasing, which cannot be undone: "maybe", "ok?" and questions are none."""
    return bool(_YES.search(text.strip()))


CASE_NUMBER = re.compile(r"\b([A-HJ-NP-RT-Y]{4})[- ]?(\d{4})\b", re.IGNORECASE)
CODE = re.compile(r"\b([A-HJ-NP-RT-Y346789]{4})[- ]([A-HJ-NP-RT-Y346789]{4})\b", re.IGNORECASE)


def case_in(text: str) -> tuple[str, str | None] | None:
    """A case's number and, where it stands beside it, its code."""
    number = CASE_NUMBER.search(text)
    if number is None:
        return None
    rest = text[: number.start()] + " " + text[number.end() :]
    code = CODE.search(rest)
    return f"{number[1].upper()}-{number[2]}", code.group().upper() if code else None


def recognise(text: str) -> str | None:
    """The action that a message means by itself ("stop:", "erase:", "human:", "language:en"), or None."""
    action = _commands().get(_read(text)) if len(text) <= LONGEST else None
    if action is None and len(text) <= LONGEST and case_in(text):
        return "case:"
    return None if action is None else action if ":" in action else f"{action}:"
