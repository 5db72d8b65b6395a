"""Words that always work: recognised in any spelling, and never inside a longer message."""

from __future__ import annotations

import pytest

from bot.commands import recognise


@pytest.mark.parametrize(
    ("text", "action"),
    [
        ("ALTO", "stop:"),
        ("stop!!", "stop:"),
        ("Baja", "stop:"),
        ("Borra mis datos.", "erase:"),
        ("BORRAR MIS DATOS", "erase:"),
        ("delete my data", "erase:"),
        ("Quiero hablar con una persona", "human:"),
        ("¿Una persona?", "human:"),
        ("English", "language:en"),
        ("en español, por favor", "language:es"),
    ],
)
def test_a_command_by_itself(text: str, action: str) -> None:
    assert recognise(text) == action


@pytest.mark.parametrize(
    "text", ["", "?", "la baja de mi seguro", "stop sign ticket", "no quiero que borren mis datos", "mi esposa habla english", "a" * 500]
)
def test_a_command_inside_another_message_is_none(text: str) -> None:
    assert recognise(text) is None
