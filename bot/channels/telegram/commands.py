"""Commands of the menu and of deep links: each is an action that the service knows by another way too."""

from __future__ import annotations

import re

from bot.knowledge.load import Knowledge
from bot.knowledge.schema import Language

MENU = ("start", "ayuda", "help", "idioma", "humano", "borrar")
"""The commands in the order of the menu; `command_<name>` in data/phrases.yml describes each."""
_COMMAND = re.compile(r"/([a-z]{1,32})(?:@(\w+))?(?:\s+(\S.*))?", re.IGNORECASE | re.DOTALL)
_TOPICS = re.compile(r"[a-z_]+(?:-[a-z0-9_]+)?")
"""What a deep link may name: `topic` or `topic-facet` (a slash is not allowed there)."""


def action(text: str, language: Language, knowledge: Knowledge) -> str | None:
    """What a command means; None for any other text, and for a command with words after it: what is said there counts.

    Args:
        language: of the conversation; /idioma turns to the other one.
    """
    found = _COMMAND.fullmatch(text.strip())
    if found is None:
        return None
    name, rest = found[1].lower(), found[3]
    if name == "start":
        return _linked(rest, knowledge) or "topic:greet"
    if rest:
        return None
    meanings = {
        "ayuda": "topic:help",
        "help": "topic:help",
        "idioma": "language:en" if language == "es" else "language:es",
        "humano": "human:",
        "borrar": "erase:",
    }
    return meanings.get(name)


def _linked(payload: str | None, knowledge: Knowledge) -> str | None:
    """The topic that a deep link names, where there is such a topic."""
    if payload is None or not _TOPICS.fullmatch(payload):
        return None
    ref = payload.replace("-", "/", 1)
    return f"topic:{ref}" if knowledge.answer(ref) else None


def menu(knowledge: Knowledge, language: Language) -> list[tuple[str, str]]:
    """(command, what it does) for Telegram's menu."""
    return [(name, knowledge.phrase(f"command_{name}", language)) for name in MENU]
