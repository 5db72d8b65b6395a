"""What docs/channels.md quotes is what the doctor says."""

from __future__ import annotations

import re

from bot.settings import ROOT


def test_quoted_findings_are_the_doctors() -> None:
    text = (ROOT / "docs" / "channels.md").read_text("utf-8")
    table = text.split("## What the doctor says")[1]
    said = re.findall(r"^\| (?!it says|---)(.+?) \|", table, re.MULTILINE)
    code = "".join(path.read_text("utf-8") for path in (ROOT / "bot" / "doctor").glob("*.py"))
    # the variable parts: who cannot be reached, and the template's name
    known = [*re.findall(r'"([^"\n]*)"', code), "The service at PUBLIC_URL cannot be reached", "Template answer_waiting"]
    assert len(said) >= 15
    assert [quote for quote in said if not any(quote in sentence for sentence in known)] == []
