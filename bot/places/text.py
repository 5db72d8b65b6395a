"""How names are compared: folded, spelt in full words, without spaces, and by the ear of a Spanish speaker."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

from rapidfuzz.distance import OSA

# Written short and long alike; both sides of every comparison pass here. "st" is never a state's code, "mt" is (see `words`).
SHORT_FORMS = {
    "st": "saint", "ste": "sainte", "sta": "santa", "sto": "santo", "sn": "san", "ft": "fort", "cd": "ciudad", "pto": "puerto",
    "hts": "heights", "spgs": "springs", "spg": "spring", "twp": "township", "vlg": "village", "bch": "beach", "jct": "junction",
    "cnty": "county", "cty": "county", "mtn": "mountain",
}  # fmt: skip
_LONG_WHEN_FIRST = {"mt": "mount", "n": "north", "s": "south", "e": "east", "w": "west", "pt": "port", "no": "north", "so": "south"}
_INITIALS = re.compile(r"\b(?:[a-z]{1,2}\.\s?){1,}[a-z]{1,2}\.?(?![a-z])")


@lru_cache(maxsize=20_000)
def fold(text: str) -> str:
    """Lower case, without accents and apostrophes, initials joined ("D.C." -> "dc"), all else than letters and digits a space.

    Args:
        text: anything that a person typed.

    Returns:
        Words of a-z and 0-9 with single spaces between them; "" when nothing is left.
    """
    plain = unicodedata.normalize("NFKD", text.replace("ß", "ss").replace("ø", "o").replace("ł", "l")).lower()
    plain = "".join(c for c in plain if not unicodedata.combining(c))
    plain = re.sub(r"['’‘`´ʻʼ]", "", plain)
    plain = _INITIALS.sub(lambda m: m.group().replace(".", "").replace(" ", "") if m.group().count(".") > 1 else m.group(), plain)
    return " ".join(re.findall(r"[a-z0-9]+", plain.replace("&", " and ")))


def words(text: str) -> list[str]:
    """The folded words of a name, abbreviations written out ("St." -> "saint", leading "Mt" -> "mount")."""
    return written_out(fold(text).split())


def written_out(folded: list[str]) -> list[str]:
    """What `words` makes of words that are folded already."""
    found = list(folded)
    if len(found) > 1 and len(found[1]) > 2:
        found[0] = _LONG_WHEN_FIRST.get(found[0], found[0])
    return [SHORT_FORMS.get(word, word) for word in found] if len(found) > 1 else found


def key(text: str) -> str:
    """The form under which names are looked up: `words` without the spaces, so that "Orlan do" and "Orlando" are one."""
    return "".join(words(text))


_SOUNDS = [
    (re.compile(pattern), sound)
    for pattern, sound in (
        (r"(?<=[aeiou])x", "ks"), (r"^ll", "y"), (r"(?<=[^aeiouyl])le$", "al"), (r"ph", "f"),
        (r"sch|sh|tch|ch", "x"), (r"gh(?=t|$)", ""), (r"gh", "g"), (r"th", "t"),
        (r"ck|qu(?=[aeiou])|q", "k"),
        (r"[gh]u(?=[aeoi])", "u"), (r"c(?=[eiy])|z", "s"), (r"c", "k"), (r"v", "b"), (r"m(?=[bp])", "n"),
        (r"ng(?=[^aeiouy]|$)", "n"), (r"g(?=[eiy])|j|h", ""), (r"^kn", "n"), (r"^ps", "s"), (r"^e?s(?=[bcdfgkmnpqrt])", "s"),
        (r"(?<=[^aeiouy])e$", ""), (r"(?<=[bdfgklmnpstx])es$", "s"), (r"[aeiouyw]+", "a"), (r"(.)\1+", r"\1"),
    )
]  # fmt: skip


def ear(name: str) -> str:
    """What a Spanish ear keeps of a name: consonants by their sound, every run of vowels as "a".

    "Houston", "Jiuston" and "Huston" are all "astan"; "Washington" and "Guachinton" both "axantan". English writes its vowels at random,
    Spanish writes what it hears, so only the place of the vowels counts; h, j and soft g come and go, b and v, c, s and z are one.

    Args:
        name: folded words.

    Returns:
        A short key; "" for a name without letters.
    """
    sounds = []
    for word in name.split():
        for pattern, sound in _SOUNDS:
            word = pattern.sub(sound, word)
        sounds.append(word)
    return re.sub(r"(.)\1+", r"\1", "".join(sounds))


def likeness(name: str, name_ear: str, other: str, other_ear: str) -> float:
    """How alike two keys are, 0 to 1: half by letters, half by ear (both as edits, a swap of neighbours counting one)."""
    return 0.5 * OSA.normalized_similarity(name, other) + 0.5 * OSA.normalized_similarity(name_ear, other_ear)
