"""Build the table by which a word tells its language: `python -m bot.language.build`.

For each frequent word the logarithm of how much more frequent it is in Spanish than in English, from wordfreq's large lists
(CC-BY-SA 4.0, see NOTICE); for words that neither list has, the same by groups of three letters.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import math
import sys
from collections import defaultdict
from pathlib import Path

from wordfreq import get_frequency_dict

from bot.language import TABLE, bare
from bot.settings import MODELS, ROOT

FREQUENT = 1e-6
"""A word that is rarer than this in both languages is left to its letters."""
FLOOR = 1e-8
TELLING = 0.3
"""Words that tell less than this (a factor of two) are left out."""


def build(path: Path) -> None:
    """Write the table."""
    es, en = _without_accents("es"), _without_accents("en")
    words = {
        word: round(_log_ratio(es.get(word, FLOOR), en.get(word, FLOOR)), 2)
        for word in es.keys() | en.keys()
        if word.isalpha() and max(es.get(word, 0), en.get(word, 0)) >= FREQUENT
    }
    table = {"words": {w: s for w, s in words.items() if abs(s) >= TELLING}, "letters": _letters(es, en)}
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_suffix(".new")
    temporary.write_bytes(gzip.compress(json.dumps(table, ensure_ascii=False, sort_keys=True).encode(), 9, mtime=0))
    temporary.replace(path)


def _without_accents(language: str) -> dict[str, float]:
    found: dict[str, float] = defaultdict(float)
    for word, frequency in get_frequency_dict(language, "large").items():
        found[bare(word)] += frequency
    return found


def _log_ratio(es: float, en: float) -> float:
    return max(-3.0, min(3.0, math.log10(es / en)))


def _letters(es: dict[str, float], en: dict[str, float]) -> dict[str, float]:
    """Per group of three letters (with word boundaries), counted once a word: rare words are what it is for."""
    counts: list[dict[str, float]] = []
    for words in (es, en):
        found: dict[str, float] = defaultdict(float)
        for word, frequency in words.items():
            if word.isalpha():
                weight = math.sqrt(frequency)
                for at in range(len(word)):
                    found[f" {word} "[at : at + 3]] += weight
        total = sum(found.values())
        counts.append({k: v / total for k, v in found.items()})
    groups = {g for c in counts for g, share in c.items() if share >= 1e-5}
    return {g: round(_log_ratio(counts[0].get(g, 1e-7), counts[1].get(g, 1e-7)), 2) for g in groups}


def main() -> None:
    path, stamp = MODELS / TABLE, MODELS / f"{TABLE}.sha256"
    inputs = hashlib.sha256(Path(__file__).read_bytes() + (ROOT / "requirements.txt").read_bytes()).hexdigest()
    if path.exists() and stamp.exists() and stamp.read_text("ascii") == inputs:
        return
    print("language table: building …", file=sys.stderr, flush=True)
    build(path)
    stamp.write_text(inputs, "ascii")


if __name__ == "__main__":
    main()
