"""The rights card: what it says, how big it is, and that the same words make the same bytes."""

from __future__ import annotations

import dataclasses
import io
import re
import shutil
from pathlib import Path

import pytest
from PIL import Image

from bot.cards import build, layout
from bot.knowledge.load import ContentError, load
from bot.knowledge.render import Consulates, Renderer
from bot.knowledge.schema import LANGUAGES, Language, Text
from bot.outcome import SayTopic
from bot.settings import ROOT

KNOWLEDGE = load(ROOT / "data")
CAPTION = 1024
"""Characters of a picture's caption on WhatsApp and Telegram."""


def renderer(language: Language) -> Renderer:
    return Renderer(KNOWLEDGE, Consulates.load(ROOT / "data" / "consulates.yml"), language, lambda action: action)


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_picture_is_small_readable_and_the_same_each_time(language: Language) -> None:
    content = build.png(KNOWLEDGE, language)
    assert content == build.png(KNOWLEDGE, language)
    assert len(content) <= 60_000
    with Image.open(io.BytesIO(content)) as picture:
        assert picture.size == (1080, 1350)
        assert picture.mode == "P"
        assert len(picture.getcolors() or []) <= 16
    laid = layout.lay_out(KNOWLEDGE, language)
    assert min(line.size for line in laid.lines) >= 44
    for line in laid.lines:
        assert line.x + layout._font(line.size, line.bold).getlength(line.text) <= layout.WIDTH - layout.MARGIN // 2, line.text


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_word_is_drawn_and_in_the_fonts(language: Language) -> None:
    holder, officer = KNOWLEDGE.card_words(language)
    drawn = " ".join(line.text for line in layout.lay_out(KNOWLEDGE, language).lines)
    for text in [*KNOWLEDGE.card.holder, KNOWLEDGE.card.note, KNOWLEDGE.card.you, KNOWLEDGE.card.show]:
        assert text.in_language(language) in drawn
    assert all(text in drawn for text in officer)
    assert "+1 520-623-7874" in drawn
    assert "+1 520-623-7874" in holder[-1]
    from fontTools.ttLib import TTFont  # type: ignore[import-untyped]

    for path in layout.FONTS.values():
        with TTFont(path) as font:
            assert {c for c in drawn if ord(c) not in font.getBestCmap()} == set()


def test_nothing_of_the_words_is_markup() -> None:
    card = KNOWLEDGE.card.model_copy(update={"note": Text(es="<b> & «c»", en="x")})
    drawing = build.svg(dataclasses.replace(KNOWLEDGE, card=card), "es")
    assert "&lt;b&gt; &amp; «c»" in drawing
    assert "http" not in re.sub(r'xmlns="[^"]+"', "", drawing)


def test_words_that_do_not_fit_are_refused() -> None:
    long = KNOWLEDGE.card.model_copy(update={"officer": ["I do not consent to this, and I say so at length. " * 5] * 4})
    with pytest.raises(ContentError, match="does not fit"):
        build.png(dataclasses.replace(KNOWLEDGE, card=long), "en")
    with pytest.raises(ContentError, match="does not fit"):
        build.pdf(dataclasses.replace(KNOWLEDGE, card=long), "en")


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_print_out_has_several_cards_on_one_page(language: Language) -> None:
    from pikepdf import Pdf

    content = build.pdf(KNOWLEDGE, language)
    assert content == build.pdf(KNOWLEDGE, language)
    with Pdf.open(io.BytesIO(content)) as sheet:
        (page,) = sheet.pages
        assert [round(float(n)) for n in page.mediabox] == [0, 0, 612, 792]
        assert page.Contents.read_bytes().count(b" d\n") >= 2  # dashes: to cut, to fold
        assert sheet.Root.Lang == language


def test_it_is_built_once_and_anew_when_its_words_change(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data, cards = tmp_path / "data", tmp_path / "cards"
    shutil.copytree(ROOT / "data", data, ignore=shutil.ignore_patterns("nlu", "places"))
    monkeypatch.setenv("CONTENT_DIR", str(data))
    monkeypatch.setattr(build, "FOLDER", cards)
    monkeypatch.setattr(build, "picture", lambda language: cards / f"card-{language}.png")
    monkeypatch.setattr(build, "print_out", lambda language: cards / f"card-{language}.pdf")
    build.main()
    first = {path.name: path.stat().st_mtime_ns for path in cards.iterdir()}
    assert set(first) == {"card-es.png", "card-en.png", "card-es.pdf", "card-en.pdf", "sha256"}
    build.main()
    assert {path.name: path.stat().st_mtime_ns for path in cards.iterdir()} == first
    before = (cards / "card-en.png").read_bytes()
    card = data / "card.yml"
    card.write_text(card.read_text("utf-8").replace("Sign nothing.", "Sign no paper."), "utf-8")
    build.main()
    assert (cards / "card-en.png").read_bytes() != before


def test_a_card_with_a_number_written_out_is_refused(tmp_path: Path) -> None:
    data = tmp_path / "data"
    shutil.copytree(ROOT / "data", data, ignore=shutil.ignore_patterns("nlu", "places"))
    card = data / "card.yml"
    card.write_text(card.read_text("utf-8").replace("I am using my right", "Call +15206237874. I am using my right"), "utf-8")
    with pytest.raises(ContentError, match=r"card\.yml: officer: .*a telephone number written out"):
        load(data)


@pytest.mark.parametrize("language", LANGUAGES)
def test_answers_on_rights_offer_it(language: Language) -> None:
    for topic in KNOWLEDGE.card.topics:
        (answer, *_) = renderer(language).topic(SayTopic(topic))
        (button,) = [b for b in answer.buttons if b["action"] == "card:"]
        assert button["title"] == KNOWLEDGE.card.title.in_language(language)
        assert len(button["short"]) <= 20


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_picture_comes_with_all_its_words(language: Language) -> None:
    shown, read = renderer(language).card("https://orienta.example.org")
    assert shown.image is not None
    assert shown.image["url"] == f"https://orienta.example.org/static/card-{language}.png"
    holder, officer = KNOWLEDGE.card_words(language)
    assert all(words in shown.image["alt"] for words in [*holder, *officer])
    assert len(shown.image["alt"]) <= CAPTION
    assert shown.text.splitlines() == holder
    assert read.text.splitlines()[:-1] == officer
    assert f"https://orienta.example.org/static/card-{language}.pdf" in read.text
