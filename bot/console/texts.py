"""The console's own words: data/console.yml and data/console_accounts.yml, both languages side by side."""

from __future__ import annotations

from functools import cache

import yaml

from bot.knowledge.schema import Language, Text
from bot.settings import ROOT

FILES = ("console.yml", "console_accounts.yml")


@cache
def texts() -> dict[str, Text]:
    """Every text by key; read once, for the words belong to the pages of this version.

    Raises:
        ValueError: a key stands in both files.
    """
    found: dict[str, Text] = {}
    for name in FILES:
        raw = yaml.load((ROOT / "data" / name).read_text("utf-8"), Loader=yaml.CSafeLoader)
        if twice := found.keys() & raw.keys():
            raise ValueError(f"{name}: {', '.join(sorted(twice))} stand elsewhere too")
        found |= {key: Text.model_validate(text) for key, text in raw.items()}
    return found


def say(key: str, language: Language, **values: object) -> str:
    """One text; `values` fill what is written `<name>`.

    Raises:
        KeyError: there is no such text.
    """
    text = texts()[key].in_language(language)
    for name, given in values.items():
        text = text.replace(f"<{name}>", str(given))
    return text
