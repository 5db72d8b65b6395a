"""Blind indexes: an exact name or telephone is found among sealed ones by its keyed hash."""

from __future__ import annotations

import re
import unicodedata

import phonenumbers

from bot.store.crypto import Keys


def name(keys: Keys, given: str | None) -> bytes | None:
    """The hash of a name, whatever its accents, case and spaces; None where there is none."""
    plain = "".join(c for c in unicodedata.normalize("NFKD", given or "") if not unicodedata.combining(c))
    folded = " ".join(re.findall(r"\w+", plain.casefold()))
    return keys.hash(folded, "case:name") if folded else None


def phone(keys: Keys, given: str | None) -> bytes | None:
    """The hash of a telephone number, however it is written; None where it is none."""
    number = e164(given or "")
    return keys.hash(number, "case:phone") if number else None


def e164(given: str) -> str | None:
    """The number as +15206237874, read as one of the United States where it names no country; None where it is none."""
    try:
        number = phonenumbers.parse(given, "US")
    except phonenumbers.NumberParseException:
        return None
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164) if phonenumbers.is_possible_number(number) else None
