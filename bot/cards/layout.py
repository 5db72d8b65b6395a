"""Where each word of the card stands on its picture."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from PIL import ImageFont

from bot.knowledge.load import ContentError, Knowledge
from bot.knowledge.schema import Language

WIDTH, HEIGHT = 1080, 1350
"""Pixels of the picture: what messengers show without cutting."""
FONTS = {bold: Path(__file__).parent / "fonts" / f"Roboto-{'Bold' if bold else 'Regular'}.ttf" for bold in (False, True)}
SMALLEST = 44
"""Pixels of the smallest letter: readable at arm's length on a small telephone."""
TITLE, NUMBER, BODY = 76, 66, 49
MARGIN, PADDING, GAP = 56, 40, 26
LEADING = 1.22
GREEN, WINE, BLACK, WHITE = "#0b5345", "#611232", "#1b1f1e", "#ffffff"


@dataclass(frozen=True)
class Line:
    """One line of text; `y` is its baseline."""

    x: int
    y: int
    size: int
    text: str
    fill: str
    bold: bool


@dataclass(frozen=True)
class Box:
    """A coloured ground."""

    x: int
    y: int
    width: int
    height: int
    fill: str
    radius: int = 0


@dataclass
class Layout:
    """The card from top to bottom; `y` is where the next thing goes."""

    boxes: list[Box] = field(default_factory=list)
    lines: list[Line] = field(default_factory=list)
    y: int = 0

    def text(self, text: str, size: int, fill: str, bold: bool = False, x: int = MARGIN) -> None:
        """Set a text in as many lines as it takes."""
        for words in wrapped(text, size, bold, WIDTH - 2 * x):
            self.y += round(size * LEADING)
            self.lines.append(Line(x, self.y - round(size * 0.28), size, words, fill, bold))

    def ground(self, top: int, fill: str, x: int = 0, radius: int = 0) -> None:
        """Lay a colour under what was set since `top`."""
        self.boxes.append(Box(x, top, WIDTH - 2 * x, self.y - top, fill, radius))


def lay_out(knowledge: Knowledge, language: Language) -> Layout:
    """The whole card.

    Raises:
        ContentError: the words do not fit.
    """
    card = knowledge.card
    _, officer = knowledge.card_words(language)
    out = Layout(y=PADDING // 2)
    out.text(card.title.in_language(language), TITLE, WHITE, bold=True)
    out.y += PADDING // 2
    out.ground(0, GREEN)
    out.y += GAP // 2
    out.text(card.you.in_language(language), BODY, GREEN, bold=True)
    for line in card.holder:
        out.text(line.in_language(language), BODY, BLACK)
    out.y += GAP
    inside, top = MARGIN + PADDING // 2, out.y
    out.y += PADDING // 2
    out.text(card.show.in_language(language), BODY, WHITE, bold=True, x=inside)
    out.y += GAP // 4
    for line_text in officer:
        out.text(line_text, BODY, WHITE, x=inside)
        out.y += GAP // 3
    out.y += PADDING // 2
    out.ground(top, WINE, x=MARGIN // 2, radius=20)
    out.y += GAP // 2
    out.text(card.help.in_language(language), BODY, BLACK)
    out.text(knowledge.fill(card.number, language), NUMBER, GREEN, bold=True)
    out.y += GAP // 2
    out.text(card.note.in_language(language), SMALLEST, BLACK)
    if out.y > HEIGHT - GAP // 2:
        raise ContentError([f"card.yml: {language}: does not fit on the picture, {out.y - HEIGHT + GAP // 2} pixels too many"])
    return out


@cache
def _font(size: int, bold: bool) -> ImageFont.FreeTypeFont:
    return ImageFont.truetype(FONTS[bold], size, layout_engine=ImageFont.Layout.BASIC)


def wrapped(text: str, size: int, bold: bool, width: int) -> list[str]:
    """The text in lines that are no wider than `width` pixels."""
    lines = [""]
    for word in text.split():
        longer = f"{lines[-1]} {word}".strip()
        if lines[-1] and _font(size, bold).getlength(longer) > width:
            lines.append(word)
        else:
            lines[-1] = longer
    return lines
