"""Passwords and codes, without pages."""

from __future__ import annotations

import asyncio
import importlib

import pyotp
import pytest
from argon2 import PasswordHasher

from bot.console import passwords


@pytest.mark.parametrize(
    ("password", "fault"),
    [
        ("corta", "password_short"),
        ("x" * 300, "password_long"),
        ("aaaaaaaaaaaaaa", "password_common"),
        ("passwordpassword", "password_common"),
        ("Contraseña2026!", "password_common"),
        ("mexicomexicomexico", "password_common"),
        ("Qwertyuiop12345", "password_common"),
        ("AnaRuiz123456", "password_own"),
        ("ana.ruiz@example.org", "password_own"),
        ("sombrilla tortuga 7 canela", None),
        ("ñandú ágil entre nubes", None),
        ("xK9$vLq2#mPw8&", None),
        ("la abuela de Ana pinta barcos", None),
    ],
)
def test_new_passwords_are_held_against_length_and_what_people_choose(password: str, fault: str | None) -> None:
    assert passwords.weakness(password, "Ana Ruiz", "ana.ruiz@example.org") == fault


def test_a_password_is_stored_as_argon2id_and_found_again() -> None:
    async def go() -> tuple[str, bool, bool, bool]:
        stored = await passwords.hashed("sombrilla tortuga 7 canela")
        right = await passwords.fits("sombrilla tortuga 7 canela", stored)
        return stored, right, await passwords.fits("sombrilla tortuga 7 canelb", stored), await passwords.fits("x", None)

    stored, right, wrong, nobody = asyncio.run(go())

    assert stored.startswith("$argon2id$")
    assert (right, wrong, nobody) == (True, False, False)


def test_letters_spelt_differently_by_keyboards_are_the_same() -> None:
    async def go() -> bool:
        return await passwords.fits("contrasen\u0303a de mi perro", await passwords.hashed("contrase\u00f1a de mi perro"))

    assert asyncio.run(go())


def test_the_parameters_are_owasp_s() -> None:
    hasher = importlib.reload(passwords)._hasher

    assert (hasher.memory_cost, hasher.time_cost, hasher.parallelism) >= (47_104, 1, 1)
    assert passwords.outdated(PasswordHasher(time_cost=1, memory_cost=8, parallelism=1).hash("x"))


def test_a_code_is_good_one_step_around() -> None:
    secret, now = passwords.new_secret(), 1_700_000_000.0
    this = int(now // 30)
    codes = {offset: pyotp.TOTP(secret).generate_otp(this + offset) for offset in (-2, -1, 0, 1, 2)}

    assert [passwords.step_of(secret, codes[offset], now) for offset in (-2, -1, 0, 1, 2)] == [None, this - 1, this, this + 1, None]
    assert passwords.step_of(secret, f" {codes[0][:3]} {codes[0][3:]} ", now) == this


@pytest.mark.parametrize("code", ["", "12345", "1234567", "abcdef", "١٢٣٤٥٦", "12345\n6x"])
def test_what_is_no_code_is_refused(code: str) -> None:
    assert passwords.step_of(passwords.new_secret(), code) is None
