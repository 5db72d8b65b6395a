"""The committed bundle: current, small, and free of what a strict policy refuses. No browser needed."""

from __future__ import annotations

import gzip
import hashlib
import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

WIDGET = Path(__file__).resolve().parents[2] / "widget"
BUNDLE = WIDGET / "dist" / "widget.js"
LIMIT, TARGET = 20_000, 15_000
"""Bytes of widget.js, gzip -9 (ux-brief § 3)."""
FIRST_LOAD = 35_000
"""Bytes of /chat's first load: page, style sheet, icon, widget."""


def packed(path: Path) -> int:
    return len(gzip.compress(path.read_bytes(), 9, mtime=0))


def test_bundle_was_built_from_these_sources() -> None:
    """By the fingerprint in its first line, which build.mjs computes in the same way."""
    names = sorted([*(f"src/{path.name}" for path in (WIDGET / "src").iterdir()), "strings.json", "build.mjs", "package.json"])
    fingerprint = hashlib.sha256()
    for name in names:
        fingerprint.update(name.encode() + b"\0" + (WIDGET / name).read_bytes() + b"\0")
    assert fingerprint.hexdigest()[:16] in BUNDLE.read_text("utf-8").splitlines()[0], "run: cd widget && npm install && npm run build"


def test_bundle_equals_a_fresh_build(tmp_path: Path) -> None:
    node, npm = shutil.which("node"), shutil.which("npm")
    if not node or not npm:
        pytest.skip("node is not here: the fingerprint has to do")
    for name in ("src", "strings.json", "build.mjs", "package.json", "tsconfig.json"):
        source = WIDGET / name
        (shutil.copytree if source.is_dir() else shutil.copy)(source, tmp_path / name)
    if (WIDGET / "node_modules").is_dir():
        (tmp_path / "node_modules").symlink_to(WIDGET / "node_modules")
    else:
        options = ["--no-package-lock", "--ignore-scripts", "--no-audit", "--no-fund", "--silent"]
        got = subprocess.run([npm, "install", *options], cwd=tmp_path, capture_output=True, text=True, timeout=200)
        if got.returncode:
            pytest.skip(f"esbuild cannot be installed here: {got.stderr[-200:]}")
    fresh = tmp_path / "fresh.js"
    subprocess.run([node, "build.mjs", str(fresh)], cwd=tmp_path, check=True, timeout=60)
    assert fresh.read_bytes() == BUNDLE.read_bytes()
    checked = subprocess.run([npm, "run", "--silent", "check"], cwd=tmp_path, capture_output=True, text=True, timeout=120)
    assert checked.returncode == 0, checked.stdout


def test_sizes() -> None:
    widget = packed(BUNDLE)
    first_load = widget + sum(packed(WIDGET / "pages" / name) for name in ("chat.html", "page.css", "icon.svg", "chat.js"))
    print(f"widget.js {widget} bytes (target {TARGET}, limit {LIMIT}); /chat first load {first_load} bytes (limit {FIRST_LOAD})")
    assert widget <= LIMIT
    assert first_load <= FIRST_LOAD


@pytest.mark.parametrize(
    "word",
    ["innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval(", "new Function", "createObjectURL", "<style", "EventSource"],
)
def test_bundle_has_nothing_that_a_strict_policy_refuses(word: str) -> None:
    assert word not in BUNDLE.read_text("utf-8")


def test_bundle_knows_no_other_address() -> None:
    addresses = set(re.findall(r"https?://[^/\"'`?\\\s]+", BUNDLE.read_text("utf-8")))
    # the exit page, and the two ways to a place: each opened by the person only; the last is a name, not an address
    assert addresses <= {"https://weather.gov", "https://maps.apple.com", "https://www.google.com", "http://www.w3.org"}


@pytest.mark.parametrize("name", ["index.html", "chat.html"])
def test_pages_have_nothing_inline(name: str) -> None:
    html = (WIDGET / "pages" / name).read_text("utf-8")
    assert not re.search(r"<style|\sstyle=|\son\w+=|<script(?![^>]*src=)", html)
    assert set(re.findall(r'(?:src|href)="(https?://[^"]+)"', html)) == {"https://weather.gov/"}


def shape(value: Any) -> Any:
    """The structure of a value without its words."""
    if isinstance(value, dict):
        return {key: shape(one) for key, one in value.items()}
    if isinstance(value, list):
        return [shape(one) for one in value] if value and isinstance(value[0], dict) else len(value)
    return "{n}" in value if isinstance(value, str) else value


def test_both_languages_say_the_same_things() -> None:
    strings = json.loads((WIDGET / "strings.json").read_text("utf-8"))
    assert set(strings) == {"es", "en"}
    assert shape(strings["es"]) == shape(strings["en"])


def test_button_titles_are_short_and_nothing_shouts() -> None:
    strings = json.loads((WIDGET / "strings.json").read_text("utf-8"))
    for language in strings.values():
        titles = [one["title"] for one in [*language["starters"], *language["topics"].values()]]
        assert [title for title in titles if len(title) > 20] == []
        assert "!" not in json.dumps(language)
    assert not re.search(r"\b(tú|tu|tus|puedes|escribe)\b", json.dumps(strings["es"], ensure_ascii=False))


def test_colours_reach_their_contrast() -> None:
    """The tokens of style.css in both schemes, by the formula of WCAG 2.2."""
    css = (WIDGET / "src" / "style.css").read_text("utf-8")
    light = dict(re.findall(r"--([\w-]+): var\(--orienta-[\w-]+, (#\w+)\)", css.split("[data-dark]")[0]))
    dark = dict(re.findall(r"--([\w-]+): var\(--orienta-[\w-]+, (#\w+)\)", css.split("[data-dark]")[1]))
    pairs = [
        *((text, ground, 4.5) for text in ("text", "muted", "link") for ground in ("bg", "surface")),
        *((text, ground, 4.5) for text, ground in [("on-brand", "brand"), ("on-exit", "exit"), ("officer", "officer-bg")]),
        *((name, f"{name}-bg", 4.5) for name in ("danger", "warn", "info")),
        ("danger", "bg", 4.5),
        *((line, ground, 3.0) for line in ("line", "focus", "accent") for ground in ("bg", "surface")),
    ]
    for scheme in (light, dark):
        assert [(a, b, ratio) for a, b, least in pairs if (ratio := contrast(scheme[a], scheme[b])) < least] == []


def contrast(one: str, other: str) -> float:
    bright, dim = sorted((luminance(one), luminance(other)), reverse=True)
    return (bright + 0.05) / (dim + 0.05)


def luminance(color: str) -> float:
    digits = color[1:] if len(color) == 7 else "".join(2 * c for c in color[1:])
    channels = [int(digits[at : at + 2], 16) / 255 for at in (0, 2, 4)]
    red, green, blue = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
