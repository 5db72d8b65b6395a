"""From a name in words to an answer: exact first, then misspelt."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from bot.places.counties import Counties
from bot.places.gazetteer import Gazetteer
from bot.places.geometry import distance_km
from bot.places.lookup import Lookup, Where
from bot.places.misspelt import ALIKE_SURELY, CITY, Misspelt
from bot.places.model import UNKNOWN, Place, Resolution
from bot.places.readings import decide
from bot.places.text import fold, words

# "Pilsen, Chicago": a quarter lies within this distance of its city.
QUARTER_KM = 60.0
# The least people of a town abroad that only fits when words of the name are dropped.
BIG_ABROAD = 1_000_000


class Names:
    """Resolves names in words.

    Args:
        data: the gazetteer.
    """

    def __init__(self, data: Gazetteer) -> None:
        self.data = data
        self.look = Lookup(data)
        self._counties = Counties(self.look)
        self._guess = Misspelt(self.look)
        self._wordlike = set(data.words["wordlike"])
        self._not_places = set(data.words["not_places"])

    def resolve(self, text: str) -> Resolution:
        """The answer for a name in words, see `Places.resolve`."""
        if fold(text) in self._not_places and not (len(text) == 2 and text.isupper()):
            return UNKNOWN
        capital = {fold(word) for word in text.replace(",", " ").split() if word.isupper()}
        name = words(text)
        if not name:
            return UNKNOWN
        forms = list(self.look.forms(name))
        for form in forms:
            answer = self.exact(form, capital)
            if answer is not None and not (form is not forms[0] and _little_abroad(answer)):
                return self._guess.or_the_city_meant(form, answer)
        return self._misspelt(text, forms)

    def exact(self, name: list[str], capital: set[str] | None = None) -> Resolution | None:
        """The answer for a name written as it is, None when nothing is called so.

        Args:
            name: its words, from `text.words`.
            capital: folded words that were written in capitals; None counts all as such.
        """
        whole = "".join(name)
        if len(name) == 1 and whole in self._wordlike and capital is not None and whole not in capital:
            return None
        readings = self.look.readings(whole)
        if readings and self.look.spelt_so(name, readings):
            return UNKNOWN if self.look.only_a_word(name, readings) else decide(self.data, readings)
        if self._counties.named(name[:1]) and (answer := self._counties.resolve(name)) is not None:
            return answer
        if (answer := self._in_home_country(name)) is not None:
            return answer
        for rest, where in self._state_splits(name, capital):
            if beside := self.look.in_states(rest, where):
                return decide(self.data, beside)
        if self._counties.named(name) and (answer := self._counties.resolve(name)) is not None:
            return answer
        if readings and not self.look.only_a_word(name, readings):
            return decide(self.data, readings)
        return self._of_country(name)

    def _state_splits(self, name: list[str], capital: set[str] | None) -> Iterator[tuple[list[str], list[Where]]]:
        """A town's words and the states named behind or before it, longest state name first."""
        for length in range(min(5, len(name) - 1), 0, -1):
            last, first = name[-length:], name[:length]
            if where := self.look.states_called("".join(last)):
                yield name[:-length], where
            if (where := self.look.states_called("".join(first))) and not (
                length == 1 and first[0] in self._wordlike and capital is not None and first[0] not in capital
            ):
                yield name[length:], where

    def _in_home_country(self, name: list[str]) -> Resolution | None:
        """A place with "USA" or "Canada" behind it."""
        for length in range(min(4, len(name) - 1), 0, -1):
            iso = self.data.countries.get("".join(name[-length:]), ("",))[0]
            if iso in ("US", "CA"):
                return self._within(iso, name[:-length])
        return None

    def _of_country(self, name: list[str]) -> Resolution | None:
        """A place with its country behind it, or before it if that country has such a place."""
        if name[-1] == "ca" and len(name) > 1:
            return self._within("CA", name[:-1])
        for length in range(min(4, len(name) - 1), 0, -1):
            for part, rest in ((name[-length:], name[:-length]), (name[:length], name[length:])):
                whole = "".join(part)
                iso = self.data.countries.get(whole, ("",))[0]
                if not iso:
                    continue
                if iso in ("US", "CA"):
                    return self._within(iso, self.look.inner(rest))
                readings = [r for r in self.look.readings("".join(self.look.inner(rest))) if r.place.country == iso]
                if readings or (part == name[-length:] and whole not in self.data.state_names):
                    country = Place(self.data.country_name[iso], "country", country=iso)
                    return Resolution("outside", place=readings[0].place if readings else country)
        return None

    def _within(self, iso: str, rest: list[str]) -> Resolution | None:
        """A place within one of the two countries."""
        for form in self.look.forms(rest):
            if readings := [r for r in self.look.readings("".join(form)) if r.place.country == iso]:
                return decide(self.data, readings)
        answer = self.exact(rest)
        return answer if answer and answer.place and answer.place.country == iso else None

    def _misspelt(self, text: str, forms: list[list[str]]) -> Resolution:
        """Town and state alike, the name alike, a quarter of a city, the state alone: the first that holds."""
        name = forms[-1]
        if best := max(self._guess.in_state(name), key=lambda guess: guess[0], default=None):
            return best[1]
        alone = self._guess.alone([forms[0], name])
        surely = alone is not None and alone[0] >= ALIKE_SURELY
        if not surely and (answer := self._quarter(text, name)) is not None:
            return answer
        if alone:
            return decide(self.data, self.look.readings(alone[1]), exact=False)
        return self._guess.state_only(name)

    def _quarter(self, text: str, name: list[str]) -> Resolution | None:
        """A city behind the name of one of its parts ("Pilsen, Chicago"), which GeoNames or the post office may know."""
        parts = [words(part) for part in text.split(",") if words(part)]
        splits = [(parts[-2], parts[-1])] if len(parts) > 1 else []
        splits += [(name[:-n], name[-n:]) for n in range(min(4, len(name) - 1), 0, -1)]
        for part, last in splits:
            readings = [r for r in self.look.readings("".join(last)) if r.place.kind in ("city", "county")]
            if not readings or (max(r.people for r in readings) < CITY // 2 and len(parts) < 2):
                continue
            city = max(readings, key=lambda r: r.people)
            if self.look.is_state(last):
                continue
            if not city.units:
                if len(parts) > 1 or city.place.country == "MX":
                    return Resolution("outside", place=city.place)
                continue
            inside = [r for r in self.look.in_state("".join(part), city.place.country, city.place.state) if _close(r.place, city.place)]
            answer = decide(self.data, inside or readings)
            return replace(answer, exact=bool(inside))
        return None


def _little_abroad(answer: Resolution) -> bool:
    """A foreign town that only fits when words are dropped ("Dali" for "dali city") must be a big one."""
    place = answer.place
    return answer.status == "outside" and place is not None and place.kind == "city" and place.country != "MX" and place.people < BIG_ABROAD


def _close(place: Place, other: Place) -> bool:
    if place.lat is None or place.lon is None or other.lat is None or other.lon is None:
        return False
    return distance_km(place.lat, place.lon, other.lat, other.lon) < QUARTER_KM
