from __future__ import annotations

import base64
import json
import stat
from pathlib import Path

import pytest

from bot.store.crypto import Keys, KeysError, SealError


def test_what_was_sealed_opens_in_its_place_only(keys: Keys) -> None:
    sealed = keys.seal({"text": "me llamo Ana"}, "message:1")

    assert keys.open(sealed, "message:1") == {"text": "me llamo Ana"}
    assert b"Ana" not in sealed
    with pytest.raises(SealError):
        keys.open(sealed, "message:2")


def test_equal_values_are_sealed_differently(keys: Keys) -> None:
    assert keys.seal("a", "x") != keys.seal("a", "x")


@pytest.mark.parametrize("place", [0, 2, 8, -1])
def test_a_damaged_value_does_not_open(keys: Keys, place: int) -> None:
    sealed = bytearray(keys.seal("hola", "x"))
    sealed[place] ^= 1

    with pytest.raises(SealError):
        keys.open(bytes(sealed), "x")


def test_the_keys_file_is_made_once_and_for_this_user_only(tmp_path: Path) -> None:
    path = tmp_path / "somewhere" / "keys.json"
    first = Keys.from_file(path)
    again = Keys.from_file(path)

    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert again.open(first.seal("hola", "x"), "x") == "hola"


def test_a_keys_file_that_others_can_read_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "keys.json"
    Keys.from_file(path)
    path.chmod(0o644)

    with pytest.raises(KeysError):
        Keys.from_file(path)


def test_an_older_key_still_opens_what_it_sealed(tmp_path: Path) -> None:
    path = tmp_path / "keys.json"
    old = Keys.from_file(path)
    raw = json.loads(path.read_text())
    raw["sealing"]["aabbccdd"] = base64.b64encode(b"n" * 32).decode()
    raw["active"] = "aabbccdd"
    new = Keys.from_json(json.dumps(raw))

    assert new.open(old.seal("hola", "x"), "x") == "hola"
    with pytest.raises(SealError):
        old.open(new.seal("hola", "x"), "x")


SHORT_KEY = '{"active": "00000000", "sealing": {"00000000": "AA=="}, "hashing": "AA=="}'


@pytest.mark.parametrize("text", ["", "{}", '{"active": "a", "sealing": {}, "hashing": ""}', SHORT_KEY])
def test_keys_of_another_form_are_refused_without_being_quoted(text: str) -> None:
    with pytest.raises(KeysError) as error:
        Keys.from_json(text)

    assert "AA==" not in str(error.value)


def test_hashes_of_different_purposes_differ(keys: Keys) -> None:
    assert keys.hash("+15550001", "phone") == keys.hash("+15550001", "phone")
    assert keys.hash("+15550001", "phone") != keys.hash("+15550001", "telegram")
