"""Names that are only alike: misspelt, or written by ear."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from math import log10

from rapidfuzz import process
from rapidfuzz.distance import OSA

from bot.places.gazetteer import Pool, State
from bot.places.lookup import Lookup, of_state
from bot.places.model import UNKNOWN, Resolution
from bot.places.readings import decide
from bot.places.text import ear, likeness

# Likeness (0 to 1) from which a misspelt name is believed: alone; with its state; of a state; good enough to stop looking.
ALIKE_ALONE, ALIKE_IN_STATE, ALIKE_STATE, ALIKE_SURELY = 0.79, 0.68, 0.78, 0.87
# Of a state beside a town of its own that is written right ("Orlando Frolida").
ALIKE_STATE_BESIDE = 0.68
# Less alike by letters than this is not the same name, whatever the ear says.
FEWEST_LETTERS = 0.4
# Letters from which several everyday words may be a misspelt name.
LONG_ENOUGH = 8
# Short words are alike by chance: what each letter under six adds to the limit.
PER_MISSING_LETTER = 0.03
# What ten times more people add to the likeness when names compete.
PRIOR = 0.015
# What a name of a million people may be less alike than one of a hundred thousand.
KNOWN_WELL = 0.03
# A village of this size at most is not meant when the name is nearly that of a city a hundred times as large ("Huston", Idaho).
VILLAGE, CITY = 1_000, 100_000


def most_alike(name: list[str], pool: Pool, least: float) -> tuple[float, str] | None:
    """The likeness and the key of the name in the pool that is meant, None when none is alike enough."""
    whole, heard = "".join(name), ear(" ".join(name))
    if len(whole) < 3 or whole.isdigit():
        return None
    least += PER_MISSING_LETTER * max(0, 6 - len(whole))
    by_letters = process.extract(whole, pool.keys, scorer=OSA.normalized_similarity, score_cutoff=0.45, limit=40)
    by_ear = process.extract(heard, pool.ears, scorer=OSA.normalized_similarity, score_cutoff=0.6, limit=60)
    best: tuple[float, float, str] | None = None
    for row in {row for _, _, row in by_letters} | {row for _, _, row in by_ear}:
        if OSA.normalized_similarity(whole, pool.keys[row]) < FEWEST_LETTERS:
            continue
        alike = likeness(whole, heard, pool.keys[row], pool.ears[row])
        if alike >= least - min(KNOWN_WELL, max(0.0, KNOWN_WELL * log10(max(pool.people[row], 1) / CITY))):
            rank = alike + PRIOR * log10(pool.people[row] + 100)
            best = max(best, (rank, alike, pool.keys[row])) if best else (rank, alike, pool.keys[row])
    return (best[1], best[2]) if best else None


class Misspelt:
    """Guesses what a misspelt name means."""

    def __init__(self, look: Lookup) -> None:
        self._look, self._data = look, look.data

    def in_state(self, name: list[str]) -> Iterator[tuple[float, Resolution]]:
        """Town and state of which one or both are misspelt, each with its likeness."""
        for rest, state, alike in self._likely_states(name):
            if not rest:
                continue
            readings = self._look.in_state("".join(rest), state.country, state.code)
            if not readings and alike < ALIKE_STATE:
                continue
            if readings:
                yield alike, decide(self._data, readings, exact=False)
                continue
            for start in range(len(rest)):
                # "4512 Oak Street Houston TX": what stands before the town is dropped word by word.
                part = rest[start:]
                if start and (readings := self._look.in_state("".join(part), state.country, state.code)):
                    yield alike * 0.9, decide(self._data, readings, exact=False)
                    break
                best = most_alike(part, self._data.pool_of(state.country, state.code), ALIKE_IN_STATE)
                if best and (not start or best[0] > ALIKE_SURELY):
                    readings = self._look.in_state(best[1], state.country, state.code)
                    yield alike * best[0] * (1 - 0.05 * start), decide(self._data, readings, exact=False)
                    break

    def alone(self, forms: list[list[str]]) -> tuple[float, str] | None:
        """Likeness and key of the place that one of the forms of a name is alike.

        Everyday words are guessed at only when several together are very much like a name ("Los Angles").
        """
        guesses = []
        for form in forms:
            everyday = all(word in self._data.common for word in form)
            if everyday and (len(form) < 2 or len("".join(form)) < LONG_ENOUGH):
                continue
            guesses.append(most_alike(form, self._data.guesses, ALIKE_SURELY if everyday else ALIKE_ALONE))
        return max(filter(None, guesses), default=None)

    def _likely_states(self, name: list[str]) -> Iterator[tuple[list[str], State, float]]:
        """States named at an end of the name, as they are or misspelt."""
        home = [where for where in self._data.states if where[0] != "MX"]
        behind = any(w in home for n in range(1, len(name)) for w in self._look.states_called("".join(name[-n:])))
        for length in range(min(4, len(name) - 1), 0, -1):
            for part, rest in ((name[-length:], name[:-length]), (name[:length], name[length:])):
                if behind and part != name[-length:]:
                    continue
                whole = "".join(part)
                called = [w for w in self._look.states_called(whole) if w in home]
                if called and (len(whole) > 2 or part == name[-length:]):
                    yield self._look.inner(rest), self._data.states[called[0]], 1.0
                elif len(whole) >= 4 and not called:
                    best = most_alike(part, self._state_pool, ALIKE_STATE_BESIDE)
                    if best:
                        where = self._data.state_names[best[1]][0]
                        yield self._look.inner(rest), self._data.states[where], min(best[0], 0.98)

    def state_only(self, name: list[str]) -> Resolution:
        """The state alone when the town beside it is not known: a named state decides."""
        for length in range(min(4, len(name) - 1), 0, -1):
            for part in (name[-length:], name[:length]):
                whole = "".join(part)
                where = [w for w in self._data.state_names.get(whole, ()) if w[0] != "MX"]
                if not where and part == name[-length:]:
                    where = [w for w in self._data.state_short.get(whole, ()) if w[0] != "MX" and w[1].lower() == whole]
                if where:
                    return decide(self._data, [of_state(self._data.states[where[0]])], exact=False)
        return UNKNOWN

    def or_the_city_meant(self, name: list[str], answer: Resolution) -> Resolution:
        """A village nobody knows gives way to the city whose name sounds the same ("Huston" without a state)."""
        if answer.place is None or answer.place.kind != "city" or answer.place.people > VILLAGE or answer.status == "outside":
            return answer
        if any(self._look.states_called("".join(name[-n:])) for n in range(1, len(name))):
            return answer
        best = most_alike(name, self._data.guesses, ALIKE_SURELY)
        readings = self._look.readings(best[1]) if best else []
        if max((r.people for r in readings), default=0) >= max(CITY, 100 * answer.place.people):
            return decide(self._data, readings, exact=False)
        return answer

    @cached_property
    def _state_pool(self) -> Pool:
        names = [name for name, where in self._data.state_names.items() if where[0][0] != "MX" and len(name) > 3]
        return Pool(names, [ear(name) for name in names], [1] * len(names))
