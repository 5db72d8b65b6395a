from __future__ import annotations

import random

import pytest

from bot.channels.split import split, utf16


def words(text: str) -> list[str]:
    return text.split()


@pytest.mark.parametrize(
    ("text", "pieces"),
    [
        ("corto", ["corto"]),
        ("", [""]),
        ("uno dos tres.\n\ncuatro cinco seis", ["uno dos tres.", "cuatro cinco seis"]),
        ("uno dos tres\ncuatro cinco", ["uno dos tres", "cuatro cinco"]),
        ("Uno dos tres. Cuatro cinco", ["Uno dos tres.", "Cuatro cinco"]),
        ("uno dos tres cuatro cinco", ["uno dos tres cuatro", "cinco"]),
        ("x" * 25, ["x" * 20, "x" * 5]),
        ("Vea https://example.org/una/pagina", ["Vea", "https://example.org/", "una/pagina"]),  # longer than a message: no other way
    ],
)
def test_a_text_ends_where_it_hurts_least(text: str, pieces: list[str]) -> None:
    assert split(text, 20) == pieces


def test_a_number_and_a_link_stay_whole() -> None:
    text = "Llame ahora mismo al +1 520 623 7874 o mire en https://example.org/ayuda/es hoy mismo por favor"
    for limit in range(30, 60):
        pieces = split(text, limit)
        assert all(len(piece) <= limit for piece in pieces)
        assert any("+1 520 623 7874" in piece for piece in pieces), limit
        assert any("https://example.org/ayuda/es" in piece for piece in pieces), limit


def test_length_counts_as_telegram_counts() -> None:
    text = "😀" * 5000

    pieces = split(text, 4096, utf16)
    assert "".join(pieces) == text
    assert [utf16(piece) for piece in pieces] == [4096, 4096, 1808]


def test_nothing_is_lost_of_any_text() -> None:
    chance = random.Random(7)
    for _ in range(200):
        text = "".join(
            chance.choice(["a", "bcd", " ", " ", "\n", "\n\n", ". ", "😀", "+1 520-623-7874", "https://a.example/b", "…"])
            for _ in range(120)
        )
        limit = chance.randint(25, 90)
        pieces = split(text, limit, utf16)
        assert all(utf16(piece) <= limit for piece in pieces)
        assert "".join(words("".join(pieces))) == "".join(words(text))
