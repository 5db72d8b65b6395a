"""The checker of the content refuses what must not be served."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from bot.knowledge import ContentError, load

GOOD: dict[str, Any] = {
    "intent": "documents",
    "level": 3,
    "title": {"es": "Papeles", "en": "Papers"},
    "short": {"es": "Papeles", "en": "Papers"},
    "checked": dt.date(2026, 11, 24),
    "reviewer": "desk",
    "sources": ["https://example.org"],
    "messages": [{"es": "Llame a CIAM:\n{ciam}", "en": "Call CIAM:\n{ciam}"}],
    "facets": [
        {
            "id": "passport",
            "title": {"es": "Pasaporte", "en": "Passport"},
            "short": {"es": "Pasaporte", "en": "Passport"},
            "questions": {"es": [f"pasaporte {n}" for n in range(6)], "en": [f"passport {n}" for n in range(5)]},
            "messages": [{"es": "Saque cita.", "en": "Book."}],
        }
    ],
}
LINES = [
    {
        "id": name,
        "name_es": name,
        "name_en": name,
        "phone": phone,
        **dict.fromkeys(("short_code", "text_line", "whatsapp", "url", "hours")),
        **{"alt_phones": [], "languages": "es", "serves": ["US"], "who": "anyone", "for": [], "volatile": False, "notes": ""},
        **{"confidence": confidence, "use": use, "sources": ["x"], "checked": dt.date(2026, 11, 24)},
    }
    for name, phone, confidence, use in (
        ("ciam", "+15206237874", "high", "give"),
        ("us_911", "+15550000911", "high", "give"),
        ("unsure", "+15550001111", "low", "check_first"),
        ("tip_line", "+15550002222", "high", "do_not_give"),
    )
]
CARD = yaml.safe_load((Path(__file__).parents[2] / "data" / "card.yml").read_text("utf-8")) | {"topics": []}


def folder(tmp_path: Path, topic: dict[str, Any]) -> Path:
    (tmp_path / "knowledge").mkdir(exist_ok=True)
    (tmp_path / "knowledge" / "documents.yml").write_text(yaml.safe_dump(topic, allow_unicode=True))
    (tmp_path / "hotlines.yml").write_text(yaml.safe_dump(LINES))
    (tmp_path / "card.yml").write_text(yaml.safe_dump(CARD, allow_unicode=True))
    (tmp_path / "phrases.yml").write_text(yaml.safe_dump({"confirm": {"es": "Confirme.", "en": "Check."}}))
    return tmp_path


def test_a_good_file_is_served(tmp_path: Path) -> None:
    knowledge = load(folder(tmp_path, GOOD), today=dt.date(2026, 12, 1))

    assert knowledge.fill(knowledge.topics["documents"].messages[0].es, "es") == "Llame a CIAM:\n+1 520-623-7874"
    assert knowledge.warnings == []


def change(**fields: Any) -> Callable[[dict[str, Any]], dict[str, Any]]:
    return lambda topic: {**topic, **fields}


def facet(**fields: Any) -> Callable[[dict[str, Any]], dict[str, Any]]:
    return lambda topic: {**topic, "facets": [{**topic["facets"][0], **fields}]}


def text(es: str) -> Callable[[dict[str, Any]], dict[str, Any]]:
    return change(messages=[{"es": es, "en": "Call."}])


@pytest.mark.parametrize(
    ("spoil", "fault"),
    [
        (change(messages=[{"es": "Solo español."}]), "en"),
        (change(messages=[{"es": "Hola.", "en": ""}]), "en"),
        (change(intent="health"), "file's name"),
        (change(level=4), "level"),
        (change(sources=[]), "no source"),
        (change(unknown=1), "unknown"),
        (change(checked="soon"), "checked"),
        (change(short={"es": "x" * 21, "en": "x"}), "short over 20"),
        (change(title={"es": "x" * 41, "en": "x"}), "title over 40"),
        (change(buttons=["documents/visa"]), "button documents/visa is unknown"),
        (change(level=1, messages=[{"es": "Corra.", "en": "Run."}]), "names {ciam}"),
        (text("{nobody}"), "not in hotlines.yml"),
        (text("{unsure}"), "must not be shown"),
        (text("{tip_line}"), "must not be shown"),
        (text("{ciam.url}"), "no site"),
        (text("Llame al 520-623-7874."), "written out"),
        (text("Llame al +15206237874."), "written out"),
        (text("{ciam"), "brace"),
        (text("a\nb\nc\nd\ne"), "5 lines"),
        (text("palabra " * 9 + "\n" + "palabra " * 9), "a line of"),
        (lambda t: change(confirm=True)(text("a\nb\nc\nd")(t)), "4 lines, 3 at the most"),
        (facet(questions={"es": ["uno"], "en": ["one"]}), "at least 6 Spanish"),
        (facet(id="No Id"), "id"),
        (lambda t: {**t, "facets": [*t["facets"], *t["facets"]]}, "stands twice"),
        (lambda t: {**t, "facets": [*t["facets"], {**t["facets"][0], "id": "other", "subject": "passport"}]}, "two facets of subject"),
    ],
)
def test_a_bad_file_is_refused_with_its_fault(tmp_path: Path, spoil: Callable[[dict[str, Any]], dict[str, Any]], fault: str) -> None:
    with pytest.raises(ContentError, match=fault.replace("{", r"\{").replace("}", r"\}")):
        load(folder(tmp_path, spoil(GOOD)))


def test_a_stale_check_date_is_warned_about(tmp_path: Path) -> None:
    knowledge = load(folder(tmp_path, GOOD), today=dt.date(2027, 6, 1))

    assert any("documents" in w for w in knowledge.warnings)
    assert any("ciam" in w for w in knowledge.warnings)


@pytest.mark.parametrize("content", ["intent: [", "- a", "", "\x00"])
def test_a_file_that_is_no_topic_is_refused(tmp_path: Path, content: str) -> None:
    path = folder(tmp_path, GOOD) / "knowledge" / "documents.yml"
    path.write_text(content)

    with pytest.raises(ContentError, match=r"documents\.yml"):
        load(tmp_path)
