"""Readings of a name that is written in words: exact ones first, then misspelt ones."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from math import log10

from rapidfuzz import process
from rapidfuzz.distance import OSA

from bot.places.gazetteer import Gazetteer, Pool, State
from bot.places.geometry import distance_km
from bot.places.model import UNKNOWN, Place, Resolution
from bot.places.readings import Reading, decide
from bot.places.text import ear, fold, key, likeness, words

# Likeness (0 to 1) from which a misspelt name is believed: alone; with its state; of a state; good enough to stop looking.
ALIKE_ALONE, ALIKE_IN_STATE, ALIKE_STATE, ALIKE_SURELY = 0.79, 0.68, 0.78, 0.87
# Of a state beside a town of its own that is written right ("Orlando Frolida").
ALIKE_STATE_BESIDE = 0.68
# Short words are alike by chance: what each letter under six adds to the limit.
PER_MISSING_LETTER = 0.03
# What ten times more people add to the likeness when names compete.
PRIOR = 0.015
# What a name of a million people may be less alike than one of a hundred thousand.
KNOWN_WELL = 0.03
# A village of this size at most is not meant when the name is nearly that of a city a hundred times as large ("Huston", Idaho).
VILLAGE, CITY = 1_000, 100_000
# Other names of cities count only where a proper name leads to no town larger than this ("Tokio", Texas).
LITTLE = 5_000
# An everyday word is a place from this many people on: at home, in Mexico, elsewhere.
WORD_HOME, WORD_MEXICO, WORD_ABROAD = 500, 10_000, 200_000
# "Pilsen Chicago": a quarter lies within this distance of its city.
QUARTER_KM = 60.0

LOCAL_WORD = {"parroquia": "parish", "condado": "", "condados": "", "counties": "county"}

Where = tuple[str, str]


class Names:
    """Looks names up in a gazetteer."""

    def __init__(self, data: Gazetteer) -> None:
        self.data = data
        self._lead = {tuple(phrase.split()) for phrase in data.words["lead"]}
        self._tail = {tuple(phrase.split()) for phrase in data.words["tail"]}
        self._not_places = set(data.words["not_places"])
        self._join = set(data.words["join"])
        self._county = set(data.words["county"])
        self._wordlike = set(data.words["wordlike"])

    def resolve(self, text: str) -> Resolution:
        """The answer for a name in words, see `Places.resolve`."""
        if fold(text) in self._not_places:
            return UNKNOWN
        capital = {fold(word) for word in text.replace(",", " ").split() if word.isupper()}
        forms = list(self._forms(words(text)))
        for form in forms:
            answer = self.exact(form, capital)
            if answer is not None and not (form is not forms[0] and _little_abroad(answer)):
                return self._or_the_city_meant(form, answer)
        return self._misspelt(text, forms)

    # ---- exact

    def exact(self, name: list[str], capital: set[str] | None = None) -> Resolution | None:
        """The answer for a name written as it is, None when nothing is called so.

        Args:
            name: its words, from `text.words`.
            capital: folded words that were written in capitals; None counts all as such.
        """
        whole = "".join(name)
        if len(name) == 1 and whole in self._wordlike and capital is not None and whole not in capital:
            return None
        readings = self.readings(whole)
        if readings and self._spelt_so(name, readings):
            return UNKNOWN if self._only_a_word(name, readings) else decide(self.data, readings)
        for rest, where in self._state_splits(name, capital):
            if beside := self._in_states(rest, where):
                return decide(self.data, beside)
        if self._county & set(name) and (answer := self._county_of(name)) is not None:
            return answer
        if readings and not self._only_a_word(name, readings):
            return decide(self.data, readings)
        return self._of_country(name)

    def _spelt_so(self, name: list[str], readings: list[Reading]) -> bool:
        """Whether the words themselves are the name, not only their letters: "Newton IA" is not Newtonia."""
        whole = "".join(name)
        if len(name) == 1 or whole in self.data.alias_towns or whole in self.data.alias_regions or whole in self.data.state_names:
            return True
        return any(words(reading.place.name) == name for reading in readings)

    def _only_a_word(self, name: list[str], readings: list[Reading]) -> bool:
        """Whether the name is an everyday word that some little place also bears (Hola, Kenya; Nada, Texas)."""
        if not all(word in self.data.common for word in name):
            return False
        return all(r.people < (WORD_HOME if r.units else WORD_MEXICO if r.place.country == "MX" else WORD_ABROAD) for r in readings)

    def readings(self, whole: str) -> list[Reading]:
        """All that a key may mean without further words."""
        data = self.data
        if whole in data.alias_regions:
            label, units = data.alias_regions[whole]
            first, people = data.units[units[0]], sum(data.units[u].people for u in units)
            place = Place(label, "region", first.state, first.country, lat=first.lat, lon=first.lon, people=people)
            return [Reading(place, tuple(units), people)]
        if whole in data.alias_towns:
            return [self._town(data.alias_towns[whole])]
        found = [self._town(i) for i in data.names.get(whole)]
        states = [data.states[where] for where in data.state_names.get(whole, ())]
        if not states:
            states = [s for s in map(data.states.__getitem__, data.state_short.get(whole, ())) if s.code.lower() == whole]
        if not states and all(r.people < LITTLE for r in found):
            found += [self._town(i) for i in data.also.get(whole)]
        else:
            # Nobody in Durango calls it Victoria de Durango: other names of Mexican cities always count.
            found += [r for r in map(self._town, data.also.get(whole)) if r.place.country == "MX" and r.people >= 50_000]
        for state in states:
            if state.units or not any(r.place.country == "MX" and r.people > 50_000 for r in found):
                found.append(_of_state(state))
        if whole in data.countries:
            found += self._country(whole)
        if not found:
            found = [self._county_reading(i) for i in data.counties.get(whole, ())]
        return found

    def _town(self, i: int) -> Reading:
        unit = self.data.town_unit[i]
        return Reading(self.data.town(i), (unit,) if unit >= 0 else (), self.data.town_people[i], i in self.data.town_part)

    def _county_reading(self, i: int) -> Reading:
        return Reading(self.data.county_place(i), (i,), self.data.units[i].people)

    def _country(self, whole: str) -> list[Reading]:
        iso, people = self.data.countries[whole]
        units = tuple(i for i, unit in enumerate(self.data.units) if unit.country == iso and unit.state not in ("PR", "VI", "GU", "MP", "AS"))
        return [Reading(Place(iso, "country", country=iso, people=people), units, people)]

    def _state_splits(self, name: list[str], capital: set[str] | None) -> Iterator[tuple[list[str], list[Where]]]:
        """A town's words and the states named behind or before it, longest state name first."""
        for length in range(min(5, len(name) - 1), 0, -1):
            last, first = name[-length:], name[:length]
            if where := self._states_called("".join(last)):
                yield name[:-length], where
            if (where := self._states_called("".join(first))) and not (
                length == 1 and first[0] in self._wordlike and capital is not None and first[0] not in capital
            ):
                yield name[length:], where

    def is_state(self, name: list[str]) -> bool:
        """Whether those words are a state's name, code or abbreviation."""
        return bool(self._states_called("".join(name)))

    def in_states(self, town: list[str], state: str) -> list[Reading]:
        """Readings of a town's words within the states that bear a key: exact names, nothing before or behind them dropped."""
        return next((found for where in self._states_called(state) if (found := self._in_state("".join(town), *where))), [])

    def _states_called(self, whole: str) -> list[Where]:
        return [*self.data.state_names.get(whole, ()), *self.data.state_short.get(whole, ())]

    def _inner(self, rest: list[str]) -> list[str]:
        """Without the words that join a town and its state ("Austin, estado de Texas")."""
        while len(rest) > 1 and rest[-1] in self._join:
            rest = rest[:-1]
        while len(rest) > 1 and rest[0] in ("de", "in", "en", "del", "estado"):
            rest = rest[1:]
        return rest

    def _in_states(self, rest: list[str], where: Iterable[Where]) -> list[Reading]:
        """Readings of a town within states that share a name or code ("BC" is also Baja California)."""
        for country, code in where:
            for form in (rest, self._inner(rest), *self._forms(rest)):
                if found := self._in_state("".join(form), country, code):
                    return found
        mexican = [w for w in where if w[0] == "MX"]
        if mexican and len(mexican) == len(list(where)):
            return [_of_state(self.data.states[mexican[0]])]
        return []

    def _in_state(self, whole: str, country: str, code: str) -> list[Reading]:
        data = self.data

        def here(ids: Iterable[int]) -> list[Reading]:
            return [self._town(i) for i in ids if data.town_state[i] == code and data.town_country[i] == country]

        if found := here(data.names.get(whole)):
            return found
        if whole in data.alias_towns and (found := here([data.alias_towns[whole]])):
            return found
        if found := here(data.also.get(whole)):
            return found
        if found := here(data.names.get(whole + "city")):
            return found
        if (country, code) in data.state_names.get(whole, ()):
            return [_of_state(data.states[country, code])]
        if whole in data.alias_regions and all(data.units[u].state == code for u in data.alias_regions[whole][1]):
            return self.readings(whole)
        return [self._county_reading(i) for i in data.counties.get(whole, ()) if data.units[i].state == code]

    def _of_country(self, name: list[str]) -> Resolution | None:
        """A place with its country behind it, or before it if that country has such a place."""
        for length in range(min(4, len(name) - 1), 0, -1):
            for part, rest in ((name[-length:], name[:-length]), (name[:length], name[length:])):
                whole = "".join(part)
                iso = self.data.countries.get(whole, ("",))[0]
                if not iso or whole in self.data.state_names:
                    continue
                if iso in ("US", "CA"):
                    return self._within(iso, rest) or self._within(iso, self._inner(rest))
                readings = [r for r in self.readings("".join(self._inner(rest))) if r.place.country == iso]
                if readings or part == name[-length:]:
                    return Resolution("outside", place=readings[0].place if readings else Place(iso, "country", country=iso))
        return None

    def _within(self, iso: str, rest: list[str]) -> Resolution | None:
        """A place within one of the two countries."""
        if readings := [r for r in self.readings("".join(rest)) if r.place.country == iso]:
            return decide(self.data, readings)
        answer = self.exact(rest)
        return answer if answer and answer.place and answer.place.country == iso else None

    # ---- counties

    def _county_of(self, name: list[str]) -> Resolution | None:
        """"condado de Cook", "Cook County, IL", "Naperville, DuPage County, Illinois"."""
        at = next(i for i, word in enumerate(name) if word in self._county)
        after, before = name[at + 1 :], name[:at]
        spanish = name[at] in ("condado", "condados", "parroquia", "municipio") or (len(after) > 1 and after[0] in ("of", "de"))
        while len(after) > 1 and after[0] in ("of", "de", "del"):
            after = after[1:]
        if spanish and after:
            tries = [(after[:n], after[n:]) for n in range(len(after), 0, -1)]
            tries.sort(key=lambda t: not self.is_state(self._inner(t[1])) if t[1] else True)
        else:
            tries = [(before[n:], after) for n in range(len(before))]
        for county, behind in tries:
            states = self._states_called("".join(self._inner(behind))) if behind else []
            if behind and not states:
                continue
            units = self._counties("".join(county), states, name[at])
            if units:
                return decide(self.data, [self._county_reading(i) for i in units])
            if (answer := self._county_alias(county, states)) is not None:
                return answer
        return self._county_alike(tries)

    def _counties(self, whole: str, states: list[Where], word: str = "") -> list[int]:
        """Counties of a name; "parish" and "county" tell Louisiana from the rest where both are."""
        found = [self.data.units[i] for i in self.data.counties.get(whole, ())]
        found = [u for u in found if not states or (u.country, u.state) in states]
        called = [u for u in found if u.name.lower().endswith(LOCAL_WORD.get(word, word))]
        return [self.data.unit_number[u.id] for u in called or found]

    def _county_alias(self, county: list[str], states: list[Where]) -> Resolution | None:
        """Counties under another name: "condado de Brooklyn", "Dade County", "Essex County, Ontario"."""
        whole = "".join(county)
        for name in (whole + "county", "condadode" + whole, *(whole + "county" + key(self.data.states[w].name) for w in states)):
            if name in self.data.alias_regions:
                return decide(self.data, self.readings(name))
        if whole in self.data.alias_towns:
            reading = self._town(self.data.alias_towns[whole])
            return decide(self.data, [reading])
        if states and states[0][0] == "CA":
            readings = self._in_state(whole, *states[0]) or [_of_state(self.data.states[states[0]])]
            return decide(self.data, readings)
        return None

    def _county_alike(self, tries: list[tuple[list[str], list[str]]]) -> Resolution | None:
        for county, behind in tries:
            states = self._states_called("".join(self._inner(behind))) if behind else []
            if behind and not states:
                continue
            names = {
                name: max(self.data.units[i].people for i in ids)
                for name, ids in self.data.counties.items()
                if self._counties(name, states)
            }
            pool = Pool(list(names), [ear(name) for name in names], list(names.values()))
            best = self._most_alike(county, pool, ALIKE_IN_STATE if states else ALIKE_ALONE)
            if best:
                return decide(self.data, [self._county_reading(i) for i in self._counties(best[1], states)], exact=False)
        return None

    # ---- misspelt

    def _misspelt(self, text: str, forms: list[list[str]]) -> Resolution:
        name = forms[-1]
        if not name:
            return UNKNOWN
        tries = list(self._misspelt_in_state(name))
        if best := max(tries, key=lambda t: t[0], default=None):
            return best[1]
        candidates = [form for form in (forms[0], name) if not all(word in self.data.common for word in form)]
        alone = max(filter(None, (self._most_alike(form, self.data.guesses, ALIKE_ALONE) for form in candidates)), default=None)
        if alone and alone[0] >= ALIKE_SURELY:
            return decide(self.data, self.readings(alone[1]), exact=False)
        if (answer := self._quarter(text, name)) is not None:
            return answer
        if alone:
            return decide(self.data, self.readings(alone[1]), exact=False)
        return self._state_only(name)

    def _misspelt_in_state(self, name: list[str]) -> Iterator[tuple[float, Resolution]]:
        """Town and state of which one or both are misspelt, each with its likeness."""
        for rest, state, alike in self._likely_states(name):
            if not rest:
                continue
            readings = self._in_state("".join(rest), state.country, state.code)
            if not readings and alike < ALIKE_STATE:
                continue
            if readings:
                yield alike, decide(self.data, readings, exact=False)
                continue
            for start in range(len(rest)):
                # "4512 Oak Street Houston TX": what stands before the town is dropped word by word.
                part = rest[start:]
                if start and (readings := self._in_state("".join(part), state.country, state.code)):
                    yield alike * 0.9, decide(self.data, readings, exact=False)
                    break
                best = self._most_alike(part, self.data.pool_of(state.country, state.code), ALIKE_IN_STATE)
                if best and (not start or best[0] > ALIKE_SURELY):
                    readings = self._in_state(best[1], state.country, state.code)
                    yield alike * best[0] * (1 - 0.05 * start), decide(self.data, readings, exact=False)
                    break

    def _likely_states(self, name: list[str]) -> Iterator[tuple[list[str], State, float]]:
        """States named at an end of the name, as they are or misspelt."""
        home = [where for where in self.data.states if where[0] != "MX"]
        for length in range(min(4, len(name) - 1), 0, -1):
            for part, rest in ((name[-length:], name[:-length]), (name[:length], name[length:])):
                whole = "".join(part)
                called = [w for w in self._states_called(whole) if w in home]
                if called and (len(whole) > 2 or part == name[-length:]):
                    yield self._inner(rest), self.data.states[called[0]], 1.0
                elif len(whole) >= 4 and not called:
                    best = self._most_alike(part, self._state_pool, ALIKE_STATE_BESIDE)
                    if best:
                        where = self.data.state_names[best[1]][0]
                        yield self._inner(rest), self.data.states[where], min(best[0], 0.98)

    @property
    def _state_pool(self) -> Pool:
        if self._states is None:
            names = {n: 1 for n, where in self.data.state_names.items() if where[0][0] != "MX" and len(n) > 3}
            self._states = Pool(list(names), [ear(n) for n in names], list(names.values()))
        return self._states

    _states: Pool | None = None

    def _state_only(self, name: list[str]) -> Resolution:
        """The state alone when the town beside it is not known: a named state decides."""
        for length in range(min(4, len(name) - 1), 0, -1):
            for part in (name[-length:], name[:length]):
                whole = "".join(part)
                where = [w for w in self.data.state_names.get(whole, ()) if w[0] != "MX"]
                if not where and part == name[-length:]:
                    where = [w for w in self.data.state_short.get(whole, ()) if w[0] != "MX" and w[1].lower() == whole]
                if where:
                    return decide(self.data, [_of_state(self.data.states[where[0]])], exact=False)
        return UNKNOWN

    def _most_alike(self, name: list[str], pool: Pool, least: float) -> tuple[float, str] | None:
        """The likeness and the key of the name in the pool that is meant, None when none is alike enough."""
        whole, heard = "".join(name), ear(" ".join(name))
        if len(whole) < 3 or whole.isdigit():
            return None
        least += PER_MISSING_LETTER * max(0, 6 - len(whole))
        by_letters = process.extract(whole, pool.keys, scorer=OSA.normalized_similarity, score_cutoff=0.45, limit=40)
        by_ear = process.extract(heard, pool.ears, scorer=OSA.normalized_similarity, score_cutoff=0.6, limit=60)
        best: tuple[float, float, str] | None = None
        for row in {row for _, _, row in by_letters} | {row for _, _, row in by_ear}:
            alike = likeness(whole, heard, pool.keys[row], pool.ears[row])
            if alike >= least - min(KNOWN_WELL, max(0.0, KNOWN_WELL * log10(max(pool.people[row], 1) / CITY))):
                rank = alike + PRIOR * log10(pool.people[row] + 100)
                best = max(best, (rank, alike, pool.keys[row])) if best else (rank, alike, pool.keys[row])
        return (best[1], best[2]) if best else None

    def _or_the_city_meant(self, name: list[str], answer: Resolution) -> Resolution:
        """A village nobody knows gives way to the city whose name sounds the same ("Huston" without a state)."""
        if answer.place is None or answer.place.kind != "city" or answer.place.people > VILLAGE or answer.status == "outside":
            return answer
        if any(self._states_called("".join(name[-n:])) for n in range(1, len(name))):
            return answer
        best = self._most_alike(name, self.data.guesses, ALIKE_SURELY)
        readings = self.readings(best[1]) if best else []
        if max((r.people for r in readings), default=0) >= max(CITY, 100 * answer.place.people):
            return decide(self.data, readings, exact=False)
        return answer

    def _quarter(self, text: str, name: list[str]) -> Resolution | None:
        """"Pilsen, Chicago": a city behind the name of one of its parts, which GeoNames or the post office may know."""
        parts = [words(part) for part in text.split(",") if words(part)]
        splits = [(parts[-2], parts[-1])] if len(parts) > 1 else []
        splits += [(name[:-n], name[-n:]) for n in range(min(4, len(name) - 1), 0, -1)]
        for part, last in splits:
            readings = [r for r in self.readings("".join(last)) if r.place.kind in ("city", "county")]
            if not readings or (max(r.people for r in readings) < CITY // 2 and len(parts) < 2):
                continue
            city = max(readings, key=lambda r: r.people)
            if self.is_state(last):
                continue
            if not city.units:
                if len(parts) > 1 or city.place.country == "MX":
                    return Resolution("outside", place=city.place)
                continue
            inside = [r for r in self._in_state("".join(part), city.place.country, city.place.state) if _close(r.place, city.place)]
            answer = decide(self.data, inside or readings)
            return replace(answer, exact=bool(inside))
        return None

    # ---- forms

    def _forms(self, name: list[str]) -> Iterator[list[str]]:
        """The name as it is, then without what people say before and after a place."""
        yield name
        seen = [name]
        while len(name) > 1:
            shorter = next((name[n:] for n in range(min(6, len(name) - 1), 0, -1) if tuple(name[:n]) in self._lead), None)
            if shorter is None:
                shorter = next((name[:-n] for n in range(min(3, len(name) - 1), 0, -1) if tuple(name[-n:]) in self._tail), None)
            if shorter is None or shorter in seen:
                return
            name = shorter
            seen.append(name)
            yield name


def _little_abroad(answer: Resolution) -> bool:
    """A foreign town that only fits when words are dropped ("Dali" for "dali city") must be a big one."""
    place = answer.place
    return answer.status == "outside" and place is not None and place.kind == "city" and place.country != "MX" and place.people < 1_000_000


def _of_state(state: State) -> Reading:
    place = Place(state.name, "state", state.code, state.country, people=state.people)
    return Reading(place, tuple(state.units), state.people)


def _close(place: Place, other: Place) -> bool:
    if place.lat is None or place.lon is None or other.lat is None or other.lon is None:
        return False
    return distance_km(place.lat, place.lon, other.lat, other.lon) < QUARTER_KM
