"""Finds places inside sentences, and keeps ordinary words and people's names from being taken for places."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import NamedTuple

from bot.places import codes
from bot.places.gazetteer import Gazetteer
from bot.places.model import Found, Resolution
from bot.places.names import Names
from bot.places.readings import Reading, decide
from bot.places.text import SHORT_FORMS, fold, key, written_out

# The most words that a place takes ("Prince Edward Island", "Truth or Consequences, New Mexico").
LONGEST_NAME = 6
# From how many people on a town is known well enough to be meant without a word such as "en" before it.
WELL_KNOWN, WELL_KNOWN_MEXICO, WELL_KNOWN_ABROAD = 60_000, 100_000, 1_000_000
# The smallest town that is meant behind a cue: any name; a name that is an everyday word, by its case.
KNOWN, WORD_CAPITAL, WORD_SMALL = 300, 1_000, 5_000
_TOKEN = re.compile(r"(?:[A-Za-z]\.){2,}|[^\W_]+(?:['’-][^\W_]+)*")
_POINT = re.compile(r"[-+−]?\d{1,2}\.\d{2,}\s*,\s*[-+−]?\d{1,3}\.\d{2,}")
NONE, WEAK, MEDIUM, STRONG = range(4)


class Token(NamedTuple):
    """A word of the sentence: folded, its span, whether a sentence ends before it, whether it is written in capitals."""

    folded: str
    start: int
    end: int
    breaks: bool
    capital: bool
    upper: bool


class Claim(NamedTuple):
    """Words `first` to `last` (exclusive) are a place, for a reason of some strength; `full` with its state, county or code."""

    first: int
    last: int
    cue: int
    full: bool
    resolution: Resolution


class Spotter:
    """Finds places in sentences.

    Args:
        data: the gazetteer.
        names: looks names up.
        resolve: resolves a text that is a place.
    """

    def __init__(self, data: Gazetteer, names: Names, resolve: Callable[[str], Resolution]) -> None:
        self._data, self._names, self._resolve = data, names, resolve
        said = data.words
        self._cues: dict[tuple[str, ...], int] = {}
        for strength, phrases in ((WEAK, said["cues_weak"]), (MEDIUM, said["cues_medium"]), (STRONG, said["cues_strong"])):
            self._cues |= {tuple(phrase.split()): strength for phrase in phrases}
        self._origin = {tuple(phrase.split()) for phrase in said["cues_origin"]}
        self._person = {tuple(phrase.split()) for phrase in said["cues_person"]}
        self._words_too = {key(word) for word in said["words_too"]}
        self._never = {key(word) for word in said["never"]}
        self._people_too = {key(word) for word in said["people_too"]}
        self._wordlike = set(said["wordlike"])
        self._county = set(said["county"])
        self._county_short = self._county | {short for short, long in SHORT_FORMS.items() if long in self._county}

    def find_in(self, sentence: str) -> Found | None:
        """See `Places.find_in`."""
        tokens, claims = self._claims(sentence)

        def rank(claim: Claim) -> tuple[bool, bool, int, bool, int]:
            place = claim.resolution.place
            is_city = bool(place and place.kind not in ("state", "country", "region"))
            return claim.resolution.status != "outside", claim.full, claim.cue, is_city, -claim.first

        best = max(claims, key=rank, default=None)
        return _found(sentence, tokens, best) if best else None

    def find_all(self, sentence: str) -> list[Found]:
        """See `Places.find_all`."""
        tokens, claims = self._claims(sentence)
        return [_found(sentence, tokens, claim) for claim in claims]

    def _claims(self, sentence: str) -> tuple[list[Token], list[Claim]]:
        tokens = list(_tokens(sentence))
        claims: list[Claim] = []
        at = 0
        while at < len(tokens):
            claim = self._figures_at(sentence, tokens, at, claims) or self._name_at(sentence, tokens, at)
            if claim is None:
                at += 1
                continue
            claims = _joined(sentence, tokens, claims, claim, self._resolve)
            at = claim.last
        return tokens, claims

    # ---- figures

    def _figures_at(self, sentence: str, tokens: list[Token], at: int, claims: list[Claim]) -> Claim | None:
        token = tokens[at]
        sign = token.start - 1 if token.start and sentence[token.start - 1] in "-+−" else token.start
        for pattern in (_POINT, codes.POSTAL, codes.ZIP):
            match = pattern.match(sentence, token.start) or pattern.match(sentence, sign)
            if not match or (pattern is codes.ZIP and not self._is_zip(sentence, tokens, at, claims)):
                continue
            resolution = self._resolve(match.group())
            if resolution.status == "unknown":
                continue
            last = next((i for i in range(at, len(tokens)) if tokens[i].start >= match.end()), len(tokens))
            return Claim(at, last, STRONG, True, resolution)
        return None

    def _is_zip(self, sentence: str, tokens: list[Token], at: int, claims: list[Claim]) -> bool:
        """Whether five figures are a ZIP code: behind a cue, a word for it or a place, or nearly alone; not behind "$" or "caso"."""
        before = [t.folded for t in tokens[max(0, at - 3) : at]]
        if any(word in self._data.words["zip_cues"] for word in before):
            return True
        around = before + [t.folded for t in tokens[at + 1 : at + 2]]
        if any(word in self._data.words["not_zip"] for word in around) or sentence[: tokens[at].start].rstrip()[-1:] in ("$", "#"):
            return False
        behind_place = bool(claims) and claims[-1].last == at
        return behind_place or self._cue_before(tokens, at) != NONE or before[-1:] == ["del"] or len(tokens) <= 2

    # ---- names

    def _name_at(self, sentence: str, tokens: list[Token], at: int) -> Claim | None:
        cue = self._cue_before(tokens, at)
        longest = 1
        while longest < LONGEST_NAME and at + longest < len(tokens) and not tokens[at + longest].breaks:
            longest += 1
        for length in range(longest, 0, -1):
            part = tokens[at : at + length]
            claim = self._with_state(part, at, cue) or self._alone(tokens, at, length, cue)
            if claim:
                return claim
        return self._misspelt(sentence, tokens, at, longest, cue)

    def _cue_before(self, tokens: list[Token], at: int) -> int:
        if at and tokens[at].breaks:
            return NONE
        for length in range(min(5, at), 0, -1):
            cue = self._cues.get(tuple(t.folded for t in tokens[at - length : at]))
            if cue is not None:
                return cue
        if at > 1 and tokens[at - 1].folded in ("el", "la", "los", "the", "todo"):
            return self._cue_before(tokens, at - 1)
        return NONE

    def _behind(self, tokens: list[Token], at: int, phrases: set[tuple[str, ...]]) -> bool:
        return any(tuple(t.folded for t in tokens[at - n : at]) in phrases for n in range(1, min(4, at) + 1))

    def _with_state(self, part: list[Token], at: int, cue: int) -> Claim | None:
        """A town beside its state, or a county."""
        if len(part) < 2:
            return None
        if any(t.folded in self._county_short for t in part):
            name = written_out([t.folded for t in part])
            if self._is_county(name) and (answer := self._names.exact(name)) and answer.place and answer.place.kind == "county":
                return Claim(at, at + len(part), max(cue, MEDIUM), True, answer)
        for split in range(1, min(5, len(part))):
            town, state = part[:-split], part[-split:]
            readings = self._town_and_state(town, state, cue)
            if readings is None and not (split == 1 and len(state) == 1 and len(part[0].folded) == 2):
                readings = self._town_and_state(part[split:], part[:split], cue)
            if readings:
                return Claim(at, at + len(part), max(cue, MEDIUM), True, decide(self._data, readings))
        return None

    def _is_county(self, name: list[str]) -> bool:
        """Whether the words are "condado de X" or "X County", with or without a state, and no more."""
        if name[0] in self._county:
            return True
        at = next((i for i, word in enumerate(name) if word in self._county), 0)
        behind = name[at + 1 :]
        return at > 0 and "".join(name[:at]) in self._data.counties and (not behind or self._names.look.is_state(behind))

    def _town_and_state(self, town: list[Token], state: list[Token], cue: int) -> list[Reading] | None:
        name = "".join([t.folded for t in state])
        if not self._names.look.known_state(name):
            return None
        if len(state) == 1 and name in self._wordlike and not state[0].upper:
            return None
        if self._cues.get((town[0].folded,)) is not None or town[0].folded in self._wordlike or town[-1].folded in ("de", "en", "in", "of"):
            town = town[:-1] if town[-1].folded in ("de", "en", "in", "of") and len(town) > 1 else []
        if not town or self._cues.get((town[0].folded,)) is not None:
            return None
        readings = self._in_states(key(" ".join(t.folded for t in town)), name)
        readings = [r for r in readings if r.place.kind in ("city", "county")]
        everyday = len(town) == 1 and town[0].folded in self._data.common and not town[0].capital and len(name) <= 4
        if everyday and cue < MEDIUM and (town[0].folded in self._words_too or max((r.people for r in readings), default=0) < WELL_KNOWN):
            return None
        return readings or None

    def _in_states(self, town: str, state: str) -> list[Reading]:
        """Readings of a town within the states called so: nothing before or behind its name is dropped here."""
        look = self._names.look
        return next((found for where in look.states_called(state) if (found := look.in_state(town, *where))), [])

    def _alone(self, tokens: list[Token], at: int, length: int, cue: int) -> Claim | None:
        part = tokens[at : at + length]
        if self._cues.get((part[0].folded,)) is not None and length > 1 and not part[0].capital:
            return None
        whole = "".join(written_out([t.folded for t in part]))
        if not self._names.look.known(whole):  # most words are no place: asked first, it saves making lists
            return None
        readings = self._names.look.readings(whole)
        if not readings or readings[0].place.kind == "county" or (len(whole) <= 3 and not self._short_ok(whole, part, cue)):
            return None
        if length > 1 and not self._names.look.spelt_so(written_out([t.folded for t in part]), readings):
            return None
        answer = decide(self._data, readings)
        if answer.place is None or not self._believed(tokens, at, length, cue, whole, readings, answer):
            return None
        return Claim(at, at + length, cue, False, answer)

    def _short_ok(self, whole: str, part: list[Token], cue: int) -> bool:
        if whole in ("nyc", "dfw", "slc", "rgv"):
            return True
        return part[0].upper and cue >= (WEAK if whole not in self._wordlike or whole == "la" else MEDIUM)

    def _believed(
        self, tokens: list[Token], at: int, length: int, cue: int, whole: str, readings: list[Reading], answer: Resolution
    ) -> bool:
        """Whether a name without its state is a place here, by how well known it is, what stands before it and how it is written."""
        part = tokens[at : at + length]
        place = answer.place
        assert place is not None
        people = max(r.people for r in readings if r.units or answer.status == "outside")
        capital = all(t.capital for t in part if t.folded not in ("de", "del", "la", "las", "los", "el", "of", "y"))
        if answer.status == "outside":
            if place.kind == "country" or self._behind(tokens, at, self._origin):
                return cue == STRONG and not self._behind(tokens, at, self._origin)
            return cue >= MEDIUM and people >= (WELL_KNOWN_MEXICO if place.country == "MX" else WELL_KNOWN_ABROAD)
        if whole in self._never and not (capital and cue == STRONG):
            return False
        everyday = whole in self._words_too or (people < WELL_KNOWN and all(t.folded in self._data.common for t in part))
        person = whole in self._people_too
        if (person or cue < MEDIUM) and self._is_person(tokens, at, length, person):
            return False
        if place.kind == "country":
            return cue == STRONG and place.country == "CA"
        if place.kind == "state" and capital and length == len(tokens):
            return True
        if everyday:
            if cue == STRONG:
                return people >= (WORD_CAPITAL if capital else WORD_SMALL)
            return cue == MEDIUM and capital and people >= WORD_SMALL
        if person:
            return (
                cue >= MEDIUM or (length == len(tokens) and people >= WELL_KNOWN * 10) or (cue == WEAK and capital and people >= WELL_KNOWN)
            )
        if place.kind in ("state", "region") or people >= WELL_KNOWN or whole in self._data.alias_towns:
            return True
        return people >= KNOWN and (cue >= MEDIUM or (cue == WEAK and capital))

    def _is_person(self, tokens: list[Token], at: int, length: int, person: bool) -> bool:
        """Whether the words are somebody's name: behind "me llamo", or beside another capitalised word."""
        if self._behind(tokens, at, self._person):
            return True
        if not person:
            return any(self._behind(tokens, at - 1, self._person) and tokens[at - 1].capital for _ in (0,) if at)
        before, after = tokens[at - 1 : at] if at else [], tokens[at + length : at + length + 1]
        if before and before[0].capital and not tokens[at].breaks and self._cue_before(tokens, at) == NONE and at > 1:
            return True
        return bool(after and after[0].capital and not after[0].breaks and after[0].folded not in self._data.common)

    # ---- misspelt

    def _misspelt(self, sentence: str, tokens: list[Token], at: int, longest: int, cue: int) -> Claim | None:
        """A name that is only alike, believed behind a strong cue or before its state."""
        if tokens[at].folded in self._data.common or len(tokens[at].folded) < 3 or tokens[at].folded.isdigit():
            return self._after_article(sentence, tokens, at, longest, cue)
        for length in range(min(longest, 4), 0, -1):
            part = tokens[at : at + length]
            states = [n for n in range(1, min(4, length)) if self._names.look.is_state([t.folded for t in part[-n:]])]
            own = part[: -states[-1]] if states else part
            if any(t.folded in self._data.common for t in own) or (not states and (cue < STRONG or length > 3)):
                continue
            text = sentence[part[0].start : part[-1].end]
            answer = self._resolve(text)
            if answer.status in ("found", "ambiguous") and answer.place and (not states or answer.place.kind == "city"):
                return Claim(at, at + length, cue, bool(states), answer)
        return None

    def _after_article(self, sentence: str, tokens: list[Token], at: int, longest: int, cue: int) -> Claim | None:
        """A misspelt name that begins with an everyday word: "los anyeles", "san bernaldino", "las begas"."""
        if (
            cue < STRONG
            or longest < 2
            or tokens[at].folded not in ("los", "las", "la", "el", "san", "santa", "saint", "fort", "new", "nueva", "nuevo")
        ):
            return None
        if tokens[at + 1].folded in self._data.common:
            return None
        answer = self._resolve(sentence[tokens[at].start : tokens[at + 1].end])
        return Claim(at, at + 2, cue, False, answer) if answer.status in ("found", "ambiguous") else None


def _tokens(sentence: str) -> Iterator[Token]:
    end = 0
    for match in _TOKEN.finditer(sentence):
        text = match.group()
        breaks = bool(re.search(r"[.;:!?\n()¿¡]", sentence[end : match.start()])) and not re.fullmatch(
            r"\.? ?", sentence[end : match.start()]
        )
        breaks = breaks or bool(re.search(r"\.\s+$", sentence[end : match.start()]) and len(sentence[:end].split()[-1]) > 3)
        yield Token(fold(text).replace(" ", ""), match.start(), match.end(), breaks, text[0].isupper(), text.replace(".", "").isupper())
        end = match.end()


def _joined(sentence: str, tokens: list[Token], claims: list[Claim], claim: Claim, resolve: Callable[[str], Resolution]) -> list[Claim]:
    """Adds a claim; a name followed at once by its ZIP code, or by the state or city it lies in, becomes one place."""
    if claims and claims[-1].last == claim.first and not tokens[claim.first].breaks:
        before = claims[-1]
        together = resolve(sentence[tokens[before.first].start : tokens[claim.last - 1].end])
        if together.status == "found" and together.exact:
            return [*claims[:-1], Claim(before.first, claim.last, max(before.cue, claim.cue), True, together)]
    return [*claims, claim]


def _found(sentence: str, tokens: list[Token], claim: Claim) -> Found:
    start, end = tokens[claim.first].start, tokens[claim.last - 1].end
    if start and sentence[start - 1] in "-−" and claim.resolution.place and claim.resolution.place.kind == "point":
        start -= 1
    return Found(sentence[start:end], start, end, claim.resolution)
