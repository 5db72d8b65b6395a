"""The console's words: in both languages, all used, none missing; and its colours can be read."""

from __future__ import annotations

import re

import pytest

from bot.console.pages import FOLDER, STATIC
from bot.console.texts import say, texts

SOURCES = [*FOLDER.rglob("*.html"), *FOLDER.rglob("*.py"), *STATIC.glob("*.js")]
BEGUN = re.compile(r"""["']([a-z_]+_)["'] ?~""")
"""`"role_" ~ value` in a template."""
FILLED = re.compile(r"""f["']([a-z_]+_)\{""")
"""`f"refused_{key}"` in code."""


def _named() -> tuple[set[str], set[str]]:
    """Keys that stand in the sources, and beginnings of keys that are put together there."""
    whole = "\n".join(path.read_text("utf-8") for path in SOURCES if "vendor" not in path.parts)
    return set(re.findall(r"""["']([a-z][a-z0-9_]*)["']""", whole)), set(BEGUN.findall(whole)) | set(FILLED.findall(whole))


def test_every_text_is_used() -> None:
    named, begun = _named()

    assert [key for key in texts() if key not in named and not any(key.startswith(start) for start in begun)] == []


def test_every_text_that_a_template_names_exists() -> None:
    for path in FOLDER.rglob("*.html"):
        source = path.read_text("utf-8")
        for key in re.findall(r"""\bt\(["']([a-z0-9_]+)["']\s*[,)]""", source):
            assert key in texts(), f"{path.name}: {key}"


def test_texts_ask_for_the_same_values_in_both_languages() -> None:
    for key, text in texts().items():
        assert sorted(re.findall(r"<[a-z]+>", text.es)) == sorted(re.findall(r"<[a-z]+>", text.en)), key


def test_a_text_is_filled() -> None:
    assert say("on_duty_now", "es", count=3) == "De turno ahora: 3."
    with pytest.raises(KeyError):
        say("no_such_text", "es")


# --- colours -------------------------------------------------------------------------------------------------------------------

PAIRS = [
    *(("text", ground) for ground in ("bg", "surface")),
    *(("muted", ground) for ground in ("bg", "surface")),
    *(("brand", ground) for ground in ("bg", "surface")),
    ("accent", "surface"),
    ("on-brand", "brand"),
    ("danger", "surface"),
    ("ok", "surface"),
    ("warn", "surface"),
    *((name, f"{name}-bg") for name in ("danger", "warn", "ok", "info", "officer")),
]


def _tokens() -> list[dict[str, str]]:
    css = (STATIC / "console.css").read_text("utf-8")
    light, dark = re.findall(r":root \{(.*?)\}", css, re.DOTALL)[:2]
    found = [dict(re.findall(r"--([a-z-]+): (#[0-9a-f]{3,6});", block)) for block in (light, dark)]
    return [found[0], found[0] | found[1]]


def _luminance(colour: str) -> float:
    digits = colour[1:] if len(colour) == 7 else "".join(2 * digit for digit in colour[1:])
    parts = [int(digits[n : n + 2], 16) / 255 for n in (0, 2, 4)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _contrast(one: str, other: str) -> float:
    low, high = sorted((_luminance(one), _luminance(other)))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("tokens", _tokens(), ids=["light", "dark"])
def test_colours_can_be_read(tokens: dict[str, str]) -> None:
    for text, ground in PAIRS:
        assert _contrast(tokens[text], tokens[ground]) >= 4.5, (text, ground)
    for mark in ("line", "focus"):
        assert _contrast(tokens[mark], tokens["surface"]) >= 3, mark
