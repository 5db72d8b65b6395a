"""The intents and their levels: Rasa's intent names, what each is, and how urgent (data/taxonomy.yml)."""

from __future__ import annotations

from functools import cache

import yaml

from bot.settings import ROOT

MAIN = "(main)"
"""Stands in the place of a facet where the topic's own answer is asked for."""


@cache
def levels() -> dict[str, int]:
    """Level of each intent: 1 danger now, 2 a case, 3 information, 0 conversation."""
    raw = yaml.load((ROOT / "data" / "taxonomy.yml").read_text("utf-8"), Loader=yaml.CSafeLoader)
    return {name: intent["level"] for name, intent in raw["intents"].items()}
