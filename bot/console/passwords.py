"""Passwords and second factors: how they are kept, checked and refused."""

from __future__ import annotations

import asyncio
import re
import secrets
import time
import unicodedata
from concurrent.futures import ThreadPoolExecutor
from functools import cache

import pyotp
from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from bot.settings import ROOT

_hasher = PasswordHasher(time_cost=2, memory_cost=47_104, parallelism=1)
"""Argon2id with 46 MiB: OWASP's stronger recommendation, twice its time; some 0.15 s of a core."""
_threads = ThreadPoolExecutor(2, thread_name_prefix="argon2")
"""Two at a time: many sign-ins at once wait for each other instead of filling the memory."""

SHORTEST, LONGEST = 12, 256
"""Characters of a password. Longest: nobody makes us hash a megabyte."""
RECOVERY_CODES = 8
STEP = 30
"""Seconds that one code of the second factor stands for."""
ISSUER = "Orienta"


async def hashed(password: str) -> str:
    """The password as it is stored."""
    return await asyncio.get_running_loop().run_in_executor(_threads, hashed_here, password)


def hashed_here(password: str) -> str:
    """The same on this thread, for whoever has no event loop to keep free."""
    return _hasher.hash(_normal(password))


async def fits(password: str, stored: str | None) -> bool:
    """Whether it is the stored one. Without one it takes as long, so that nobody learns who has an account."""
    return await asyncio.get_running_loop().run_in_executor(_threads, _fits, _normal(password), stored)


def _fits(password: str, stored: str | None) -> bool:
    try:
        _hasher.verify(stored or _nobody(), password)
    except (VerificationError, InvalidHashError):
        return False
    return stored is not None


@cache
def _nobody() -> str:
    return _hasher.hash(secrets.token_hex())


def outdated(stored: str) -> bool:
    """Whether it was hashed under older parameters and has to be hashed anew."""
    return _hasher.check_needs_rehash(stored)


def _normal(password: str) -> str:
    """Keyboards spell the same letter differently (NFC, NFD)."""
    return unicodedata.normalize("NFKC", password)[: LONGEST * 2]


# --- which passwords are refused -----------------------------------------------------------------------------------------------


def weakness(password: str, name: str, email: str) -> str | None:
    """The key of the sentence that says why a new password is refused; None where it is good enough."""
    if len(password) < SHORTEST:
        return "password_short"
    if len(password) > LONGEST:
        return "password_long"
    letters = _letters(password)
    own = [part for part in re.split(r"[\W_]+", f"{name} {email}".lower()) if len(part) >= 3]
    rest = letters
    for part in sorted((_letters(p) for p in own), key=len, reverse=True):
        rest = rest.replace(part, "") if part else rest
    if rest != letters and len(rest) < SHORTEST // 2:
        return "password_own"
    if len(set(password.lower())) < 5 or letters in _common() or any(_is_run(letters, common) for common in _common()):
        return "password_common"
    return None


def _letters(text: str) -> str:
    """Without case, accents, signs and the digits that people put at the end."""
    plain = unicodedata.normalize("NFKD", text.lower())
    return re.sub(r"\d+$", "", re.sub(r"[^a-z0-9]", "", plain)) or re.sub(r"[^a-z0-9]", "", plain)


def _is_run(letters: str, common: str) -> bool:
    """The same common word over and over."""
    return len(common) >= 3 and len(letters) > len(common) and letters == (common * (len(letters) // len(common) + 1))[: len(letters)]


@cache
def _common() -> frozenset[str]:
    lines = (ROOT / "data" / "common_passwords.txt").read_text("utf-8").splitlines()
    return frozenset(_letters(line) for line in lines if line and not line.startswith("#"))


# --- the second factor ---------------------------------------------------------------------------------------------------------


def new_secret() -> str:
    """A new second factor, in base32 as authenticator apps take it."""
    return pyotp.random_base32()


def address_for_app(secret: str, email: str) -> str:
    """What the QR code holds."""
    return pyotp.TOTP(secret, interval=STEP).provisioning_uri(name=email, issuer_name=ISSUER)


def step_of(secret: str, code: str, now: float | None = None) -> int | None:
    """The step that a code belongs to: this one or one beside it (clocks differ); None where the code is wrong."""
    totp, this = pyotp.TOTP(secret, interval=STEP), int((time.time() if now is None else now) // STEP)
    digits = re.sub(r"\s", "", code)
    if not re.fullmatch(r"[0-9]{6}", digits):
        return None
    return next((step for step in (this, this - 1, this + 1) if secrets.compare_digest(totp.generate_otp(step), digits)), None)


def new_recovery_codes() -> list[str]:
    """Codes for the day the telephone is lost; each counts once. 50 bits each."""
    alphabet = "abcdefghjkmnpqrstuvwxyz23456789"
    return ["-".join("".join(secrets.choice(alphabet) for _ in range(5)) for _ in range(2)) for _ in range(RECOVERY_CODES)]


def recovery_form(code: str) -> str:
    """A recovery code as it is compared: people type it with and without dashes."""
    return re.sub(r"[^a-z0-9]", "", code.lower())
