"""Counties by name: "condado de Cook", "Cook County, IL", "Naperville, DuPage County, Illinois"."""

from __future__ import annotations

from bot.places.gazetteer import Pool
from bot.places.lookup import Lookup, Where, of_state
from bot.places.misspelt import ALIKE_ALONE, ALIKE_IN_STATE, most_alike
from bot.places.model import Resolution
from bot.places.readings import decide
from bot.places.text import ear, key

# What the word for a county is called in the counties' names: Spanish has "parroquia" for Louisiana, "condado" for all.
LOCAL_WORD = {"parroquia": "parish", "condado": "", "condados": "", "counties": "county"}
# The words of a county and those behind it.
Try = tuple[list[str], list[str]]


class Counties:
    """Finds counties in a gazetteer."""

    def __init__(self, look: Lookup) -> None:
        self._look, self._data = look, look.data
        self._words = set(look.data.words["county"])
        self._pools: dict[tuple[Where, ...], Pool] = {}

    def named(self, name: list[str]) -> bool:
        """Whether one of the words is "county" or the like."""
        return bool(self._words & set(name))

    def resolve(self, name: list[str]) -> Resolution | None:
        """The answer for words of which one is "county" or the like, None when there is no such county."""
        at = next(i for i, word in enumerate(name) if word in self._words)
        after, before = name[at + 1 :], name[:at]
        spanish = name[at] in ("condado", "condados", "parroquia", "municipio") or (len(after) > 1 and after[0] in ("of", "de"))
        while len(after) > 1 and after[0] in ("of", "de", "del"):
            after = after[1:]
        if spanish and after:
            tries = [(after[:n], after[n:]) for n in range(len(after), 0, -1)]
            tries.sort(key=lambda t: not self._look.is_state(self._look.inner(t[1])) if t[1] else True)
        else:
            tries = [(before[n:], after) for n in range(len(before))]
        for county, behind in tries:
            states = self._look.states_called("".join(self._look.inner(behind))) if behind else []
            if behind and not states:
                continue
            units = self._called("".join(county), states, name[at])
            if units:
                return decide(self._data, [self._look.county(i) for i in units])
            if (answer := self._by_alias(county, states)) is not None:
                return answer
        return self._alike(tries)

    def _called(self, whole: str, states: list[Where], word: str = "") -> list[int]:
        """Counties of a name; "parish" and "county" tell Louisiana from the rest where both are."""
        found = [self._data.units[i] for i in self._data.counties.get(whole, ())]
        found = [u for u in found if not states or (u.country, u.state) in states]
        called = [u for u in found if u.name.lower().endswith(LOCAL_WORD.get(word, word))]
        return [self._data.unit_number[u.id] for u in called or found]

    def _by_alias(self, county: list[str], states: list[Where]) -> Resolution | None:
        """Counties under another name: "condado de Brooklyn", "Dade County", "Essex County, Ontario"."""
        whole = "".join(county)
        for name in (whole + "county", "condadode" + whole, *(whole + "county" + key(self._data.states[w].name) for w in states)):
            if name in self._data.alias_regions:
                return decide(self._data, self._look.readings(name))
        if whole in self._data.alias_towns:
            reading = self._look.town(self._data.alias_towns[whole])
            return decide(self._data, [reading])
        if states and states[0][0] == "CA":
            readings = self._look.in_state(whole, *states[0]) or [of_state(self._data.states[states[0]])]
            return decide(self._data, readings)
        return None

    def _alike(self, tries: list[Try]) -> Resolution | None:
        for county, behind in tries:
            states = self._look.states_called("".join(self._look.inner(behind))) if behind else []
            if behind and not states:
                continue
            best = most_alike(county, self._pool(tuple(states)), ALIKE_IN_STATE if states else ALIKE_ALONE)
            if best:
                return decide(self._data, [self._look.county(i) for i in self._called(best[1], states)], exact=False)
        return None

    def _pool(self, states: tuple[Where, ...]) -> Pool:
        """The names of all counties, or of those of some states; made once, it takes a hundred times what a look into it does."""
        if states not in self._pools:
            names = {
                name: max(self._data.units[i].people for i in ids)
                for name, ids in self._data.counties.items()
                if self._called(name, list(states))
            }
            self._pools[states] = Pool(list(names), [ear(name) for name in names], list(names.values()))
        return self._pools[states]
