"""The rights card, to show to an agent at the door: words from data/card.yml, as a picture and to print (bot/cards/build.py)."""

from __future__ import annotations

from pathlib import Path

from bot.knowledge.schema import Language
from bot.settings import MODELS

FOLDER = MODELS / "cards"
"""Where the built files are; shared by all data folders, ignored by git."""


def picture(language: Language) -> Path:
    return FOLDER / f"card-{language}.png"


def print_out(language: Language) -> Path:
    return FOLDER / f"card-{language}.pdf"
