"""What a name may mean, letter for letter: towns, states, countries, regions, counties, at home and abroad."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from bot.places.gazetteer import Gazetteer, State
from bot.places.model import Place
from bot.places.readings import Reading
from bot.places.text import words

# Other names of cities count only where a proper name leads to no town larger than this ("Tokio", Texas).
LITTLE = 5_000
# An everyday word is a place from this many people on: at home, in Mexico, elsewhere.
WORD_HOME, WORD_MEXICO, WORD_ABROAD = 500, 10_000, 150_000
TERRITORIES = ("PR", "VI", "GU", "MP", "AS")

# A state: country and code, ("US", "TX").
Where = tuple[str, str]


class Lookup:
    """Looks up names in a gazetteer; decides nothing.

    Args:
        data: the gazetteer.
    """

    def __init__(self, data: Gazetteer) -> None:
        self.data = data
        self._lead = {tuple(phrase.split()) for phrase in data.words["lead"]}
        self._tail = {tuple(phrase.split()) for phrase in data.words["tail"]}
        self._join = set(data.words["join"])

    def readings(self, whole: str) -> list[Reading]:
        """All that a key may mean without further words."""
        data = self.data
        if whole in data.alias_regions:
            label, units = data.alias_regions[whole]
            first, people = data.units[units[0]], sum(data.units[u].people for u in units)
            place = Place(label, "region", first.state, first.country, lat=first.lat, lon=first.lon, people=people)
            return [Reading(place, tuple(units), people)]
        if whole in data.alias_towns:
            return [self.town(data.alias_towns[whole])]
        found = [self.town(i) for i in data.names.get(whole)]
        states = [data.states[where] for where in data.state_names.get(whole, ())]
        if not states:
            states = [s for s in map(data.states.__getitem__, data.state_short.get(whole, ())) if s.code.lower() == whole]
        others = [self.town(i) for i in data.also.get(whole)]
        if states or any(r.people >= LITTLE for r in found):
            # Nobody in Durango calls it Victoria de Durango: other names of Mexican cities always count.
            others = [r for r in others if r.place.country == "MX" and r.people >= 50_000]
        elif any(r.units for r in found):
            others = [r for r in others if not r.units]
        found += others
        for state in states:
            if state.units or not any(r.place.country == "MX" and r.people > 50_000 for r in found):
                found.append(of_state(state))
        if whole in data.countries:
            found += self._country(whole)
        if not found:
            found = [self.county(i) for i in data.counties.get(whole, ())]
        return found

    def known(self, whole: str) -> bool:
        """Whether a key means anything at all: whether it has `readings`."""
        data = self.data
        return (
            whole in data.names
            or whole in data.also
            or whole in data.alias_towns
            or whole in data.alias_regions
            or whole in data.state_names
            or whole in data.state_short
            or whole in data.countries
            or whole in data.counties
        )

    def town(self, i: int) -> Reading:
        """The town with that number."""
        unit = self.data.town_unit[i]
        return Reading(self.data.town(i), (unit,) if unit >= 0 else (), self.data.town_people[i], i in self.data.town_part)

    def county(self, i: int) -> Reading:
        """The county with that number."""
        return Reading(self.data.county_place(i), (i,), self.data.units[i].people)

    def _country(self, whole: str) -> list[Reading]:
        iso, people = self.data.countries[whole]
        units = tuple(i for i, unit in enumerate(self.data.units) if unit.country == iso and unit.state not in TERRITORIES)
        return [Reading(Place(self.data.country_name[iso], "country", country=iso, people=people), units, people)]

    def in_states(self, town: list[str], where: list[Where]) -> list[Reading]:
        """Readings of a town's words within states that share a name or code ("BC" is also Baja California).

        A Mexican state needs no known town: it decides.
        """
        for country, code in where:
            for form in (town, self.inner(town), *self.forms(town)):
                if found := self.in_state("".join(form), country, code):
                    return found
        if where and all(country == "MX" for country, _ in where):
            return [of_state(self.data.states[where[0]])]
        return []

    def in_state(self, whole: str, country: str, code: str) -> list[Reading]:
        """Readings of a key within one state: town, alias, other name, the state itself, region, county."""
        data = self.data

        def here(ids: Iterable[int]) -> list[Reading]:
            return [self.town(i) for i in ids if data.town_state[i] == code and data.town_country[i] == country]

        if found := here(data.names.get(whole)):
            return found
        if whole in data.alias_towns and (found := here([data.alias_towns[whole]])):
            return found
        if found := here(data.also.get(whole)):
            return found
        if found := here(data.names.get(whole + "city")):
            return found
        if (country, code) in data.state_names.get(whole, ()):
            return [of_state(data.states[country, code])]
        if whole in data.alias_regions and all(data.units[u].state == code for u in data.alias_regions[whole][1]):
            return self.readings(whole)
        return [self.county(i) for i in data.counties.get(whole, ()) if data.units[i].state == code]

    def is_state(self, name: list[str]) -> bool:
        """Whether those words are a state's name, code or abbreviation."""
        return bool(self.states_called("".join(name)))

    def known_state(self, whole: str) -> bool:
        """Whether some state has that name, code or abbreviation."""
        return whole in self.data.state_names or whole in self.data.state_short

    def states_called(self, whole: str) -> list[Where]:
        """The states with that name, code or abbreviation."""
        return [*self.data.state_names.get(whole, ()), *self.data.state_short.get(whole, ())]

    def inner(self, rest: list[str]) -> list[str]:
        """Without the words that join a town and its state ("Austin, estado de Texas")."""
        while len(rest) > 1 and rest[-1] in self._join:
            rest = rest[:-1]
        while len(rest) > 1 and rest[0] in ("de", "in", "en", "del", "estado"):
            rest = rest[1:]
        return rest

    def spelt_so(self, name: list[str], readings: list[Reading]) -> bool:
        """Whether the words themselves are the name, not only their letters: "Newton IA" is not Newtonia."""
        whole = "".join(name)
        if len(name) == 1 or whole in self.data.alias_towns or whole in self.data.alias_regions or whole in self.data.state_names:
            return True
        return any(words(reading.place.name) == name for reading in readings)

    def only_a_word(self, name: list[str], readings: list[Reading]) -> bool:
        """Whether the name is an everyday word that some little place also bears (Hola, Kenya; Nada, Texas)."""
        if not all(word in self.data.common for word in name):
            return False
        return all(r.people < (WORD_HOME if r.units else WORD_MEXICO if r.place.country == "MX" else WORD_ABROAD) for r in readings)

    def forms(self, name: list[str]) -> Iterator[list[str]]:
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


def of_state(state: State) -> Reading:
    """A whole state as a reading."""
    place = Place(state.name, "state", state.code, state.country, people=state.people)
    return Reading(place, tuple(state.units), state.people)
