"""The console's own words: data/console.yml, both languages side by side."""

from __future__ import annotations

from functools import cache

import yaml

from bot.knowledge.schema import Language, Text
from bot.settings import ROOT

PATH = ROOT / "data" / "console.yml"


@cache
def texts() -> dict[str, Text]:
    """Every text by key; read once, for the words belong to the pages of this version."""
    return {key: Text.model_validate(raw) for key, raw in yaml.load(PATH.read_text("utf-8"), Loader=yaml.CSafeLoader).items()}


def say(key: str, language: Language, **values: object) -> str:
    """One text; `values` fill what is written `<name>`.

    Raises:
        KeyError: there is no such text.
    """
    text = texts()[key].in_language(language)
    for name, given in values.items():
        text = text.replace(f"<{name}>", str(given))
    return text
