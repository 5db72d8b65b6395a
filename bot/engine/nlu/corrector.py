"""Spelling, for the classifiers only: a word that nobody knows becomes the likeliest known one.

Known are the words of the training sentences and the frequent words of both languages (wordfreq). What a person wrote is never
changed for places, names, numbers or for an officer.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Iterator

from bot.engine.nlu.text import WORD, plain
from bot.safety import normalise

FREQUENT = 2e-6
"""Words at least this frequent in Spanish or English are known and left alone."""
SHORTEST = 4
"""Letters of a word that is corrected at least; a shorter one has too many neighbours."""
LETTERS = "abcdefghijklmnopqrstuvwxyz"


class Corrector:
    """Corrects plain text word by word.

    Args:
        ours: words of the training sentences with their counts.
        known: frequent words of both languages with their frequency.
    """

    def __init__(self, ours: dict[str, int], known: dict[str, float]) -> None:
        self.ours, self.known = ours, known
        self._by_ear: dict[str, str] = {}
        for word, _ in sorted(ours.items(), key=lambda item: item[1]):  # the most frequent one last: it stays
            self._by_ear[by_ear(word)] = word
        self._memory: dict[str, str] = {}

    @classmethod
    def from_texts(cls, texts: Iterable[str]) -> Corrector:
        """Learn the words of training sentences; a word counts as ours where it stands twice or is a known word."""
        from wordfreq import get_frequency_dict  # half a second to import, and training alone needs it

        counts = Counter(word for text in texts for word in plain(text).split() if word.isalpha())
        known: dict[str, float] = {}
        for language in ("es", "en"):
            for word, frequency in get_frequency_dict(language, "large").items():
                if frequency >= FREQUENT and word.isalpha():
                    bare = normalise(word)
                    known[bare] = max(known.get(bare, 0.0), frequency)
        ours = {word: count for word, count in counts.items() if len(word) >= 3 and (count >= 3 or word in known)}
        return cls(ours, known)

    def correct(self, text: str) -> str:
        """Plain text with unknown words replaced."""
        return " ".join(self._word(word) for word in plain(text).split())

    def _word(self, word: str) -> str:
        if len(word) < SHORTEST or word in self.ours or word in self.known or not word.isalpha() or not WORD.fullmatch(word):
            return word
        if word not in self._memory:
            if len(self._memory) > 20_000:
                self._memory.clear()
            self._memory[word] = self._best(word) or word
        return self._memory[word]

    def _best(self, word: str) -> str | None:
        heard = self._by_ear.get(by_ear(word))
        if heard and abs(len(heard) - len(word)) <= 2:
            return heard
        near = [w for w in _one_edit(word) if w in self.ours or w in self.known]
        if not near and len(word) >= 8:
            near = [w2 for w1 in _one_edit(word) for w2 in _deletes_and_swaps(w1) if w2 in self.ours]
        return max(near, key=self._likely, default=None)

    def _likely(self, word: str) -> float:
        """Logarithm of how likely somebody means this word here; our own words count a hundredfold."""
        return max(math.log(self.known.get(word, 1e-7)), math.log(1e-4 * self.ours[word]) if word in self.ours else -99.0)


def by_ear(word: str) -> str:
    """A key that words share which sound alike to a Mexican ear: b/v, s/c/z, ll/y, silent h, k/qu/c, g/j."""
    word = word.replace("qu", "k").replace("ll", "y").replace("ch", "1").replace("h", "").replace("1", "ch").replace("rr", "r")
    word = word.replace("ce", "se").replace("ci", "si").replace("z", "s").replace("v", "b").replace("gue", "ge1").replace("gui", "gi1")
    word = word.replace("ge1", "*e").replace("gi1", "*i").replace("ge", "je").replace("gi", "ji").replace("*", "g")
    word = word.replace("c", "k").replace("kh", "ch").replace("w", "u").replace("x", "j").replace("ks", "s")
    return "".join(c for i, c in enumerate(word) if i == 0 or c != word[i - 1])


def _one_edit(word: str) -> Iterator[str]:
    splits = [(word[:i], word[i:]) for i in range(len(word) + 1)]
    yield from (a + b[1:] for a, b in splits if b)
    yield from (a + b[1] + b[0] + b[2:] for a, b in splits if len(b) > 1)
    yield from (a + c + b[1:] for a, b in splits if b for c in LETTERS)
    yield from (a + c + b for a, b in splits for c in LETTERS)


def _deletes_and_swaps(word: str) -> Iterator[str]:
    splits = [(word[:i], word[i:]) for i in range(len(word) + 1)]
    yield from (a + b[1:] for a, b in splits if b)
    yield from (a + b[1] + b[0] + b[2:] for a, b in splits if len(b) > 1)
