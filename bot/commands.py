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


def recognise(text: str) -> str | None:
    """The action that a message means by itself ("stop:", "erase:", "human:", "language:en"), or None."""
    action = _commands().get(_read(text)) if len(text) <= LONGEST else None
    return None if action is None else action if ":" in action else f"{action}:"
