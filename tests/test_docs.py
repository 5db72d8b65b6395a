"""The documents are true: settings, commands and named files exist."""

from __future__ import annotations

import re

import pytest

from bot.settings import ROOT, Settings


def test_every_setting_stands_in_the_documents() -> None:
    table = (ROOT / "docs" / "settings.md").read_text("utf-8")
    documented = set(re.findall(r"^\| `([A-Z_]+)` \|", table, re.MULTILINE))

    assert documented == {name.upper() for name in Settings.model_fields}


def test_every_command_of_the_readme_is_a_target() -> None:
    targets = set(re.findall(r"^([a-z][a-z-]*):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE))
    named = set(re.findall(r"(?:`|^|\| )make ([a-z-]+)", (ROOT / "README.md").read_text("utf-8"), re.MULTILINE))

    assert named <= targets
    assert {"run", "test"} <= named


@pytest.mark.parametrize("document", sorted(p.relative_to(ROOT).as_posix() for p in [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")]))
def test_every_file_that_a_document_names_exists(document: str) -> None:
    text = (ROOT / document).read_text("utf-8")
    named = re.findall(r"`((?:bot|actions|data|tests|docs|widget)/[\w./-]+)`", text)
    linked = re.findall(r"\]\(((?!https?:|#|mailto:)[^)#]+)", text)

    missing = [n for n in named if not (ROOT / n).exists()]
    missing += [link for link in linked if not ((ROOT / document).parent / link).exists()]
    assert missing == []
