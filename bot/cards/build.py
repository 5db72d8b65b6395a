"""Build the rights card in both languages: `python -m bot.cards.build`. The same inputs give the same bytes.

The picture is bot/cards/card.svg, filled and drawn by resvg with the fonts beside it (never the machine's), in a handful of
colours: a person pays for each byte. The print-out is a letter-size page of cards to cut and fold, the person's side beside the agent's.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import io
import sys
from pathlib import Path

import resvg_py
from fpdf import FPDF
from jinja2 import Environment
from PIL import Image, ImageColor

from bot.cards import FOLDER, picture, print_out
from bot.cards.layout import BLACK, FONTS, GREEN, HEIGHT, WHITE, WIDTH, WINE, lay_out
from bot.knowledge.load import ContentError, Knowledge, load
from bot.knowledge.schema import LANGUAGES, Language
from bot.settings import ROOT, Settings

SHADES = 3
"""Of a letter's edge, from its colour to its ground's: with more the picture grows by a quarter and looks the same on a telephone."""
TEMPLATE = Path(__file__).parent / "card.svg"
MILLIMETRES = (85.6, 54.0)
"""One side of a card: a bank card's size, to fit a wallet."""
ROWS = 4
"""Cards of a page."""
POINTS, LINE = 9.0, 4.0
"""Size of the printed letters, and the height of their lines in millimetres."""


def svg(knowledge: Knowledge, language: Language) -> str:
    """The card as a drawing."""
    laid = lay_out(knowledge, language)
    template = Environment(autoescape=True).from_string(TEMPLATE.read_text("utf-8"))
    return template.render(width=WIDTH, height=HEIGHT, boxes=laid.boxes, lines=laid.lines)


def png(knowledge: Knowledge, language: Language) -> bytes:
    """The card as a picture."""
    drawn = resvg_py.svg_to_bytes(
        svg_string=svg(knowledge, language), skip_system_fonts=True, font_files=[str(path) for path in FONTS.values()]
    )
    few = Image.open(io.BytesIO(bytes(drawn))).convert("RGB").quantize(palette=_palette(), dither=Image.Dither.NONE)
    out = io.BytesIO()
    few.save(out, "PNG", optimize=True, bits=4)
    return out.getvalue()


def _palette() -> Image.Image:
    """The card's colours, and the shades between each and white."""
    white = ImageColor.getrgb(WHITE)
    colours = [
        tuple(round(one + (other - one) * step / (SHADES - 1)) for one, other in zip(ImageColor.getrgb(colour), white, strict=True))
        for colour in (GREEN, WINE, BLACK)
        for step in range(SHADES)
    ]
    palette = Image.new("P", (1, 1))
    palette.putpalette([part for colour in dict.fromkeys(colours) for part in colour])
    return palette


def pdf(knowledge: Knowledge, language: Language) -> bytes:
    """The card to print: `ROWS` of it, with lines to cut along and a line to fold on."""
    sheet = FPDF(format="letter", unit="mm")
    sheet.set_creation_date(dt.datetime.combine(knowledge.card.checked, dt.time(), dt.UTC))
    sheet.set_title(knowledge.card.title.in_language(language))
    sheet.set_lang(language)
    sheet.set_auto_page_break(False)
    try:
        for bold, path in FONTS.items():
            sheet.add_font("Roboto", "B" if bold else "", str(path))
        _fill(sheet, knowledge, language)
        return bytes(sheet.output())
    finally:
        for font in sheet.fonts.values():
            font.close()  # type: ignore[union-attr]


def _fill(sheet: FPDF, knowledge: Knowledge, language: Language) -> None:
    """The page: cards, and the lines about them."""
    sheet.add_page()
    width, height = MILLIMETRES
    left, top = (sheet.w - 2 * width) / 2, (sheet.h - ROWS * height) / 2
    for row in range(ROWS):
        _card(sheet, knowledge, language, left, top + row * height)
    sheet.set_draw_color(120)
    sheet.set_dash_pattern(dash=2, gap=1.5)
    for row in range(ROWS + 1):
        sheet.line(left - 5, top + row * height, left + 2 * width + 5, top + row * height)
    for x in (left, left + 2 * width):
        sheet.line(x, top - 5, x, top + ROWS * height + 5)
    sheet.set_dash_pattern(dash=0.5, gap=1.5)
    sheet.line(left + width, top, left + width, top + ROWS * height)


def _card(sheet: FPDF, knowledge: Knowledge, language: Language, x: float, y: float) -> None:
    card, (holder, officer) = knowledge.card, knowledge.card_words(language)
    _side(sheet, x, y, card.you.in_language(language), [*holder, card.note.in_language(language)])
    _side(sheet, x + MILLIMETRES[0], y, card.show.in_language(language), officer)


def _side(sheet: FPDF, x: float, y: float, heading: str, texts: list[str]) -> None:
    """One side of one card.

    Raises:
        ContentError: the words do not fit.
    """
    width, height = MILLIMETRES
    sheet.set_xy(x + 4, y + 4)
    sheet.set_font("Roboto", "B", POINTS + 1)
    sheet.multi_cell(width - 8, LINE + 0.5, heading, align="L")
    for text in texts:
        sheet.set_xy(x + 4, sheet.get_y() + 1)
        sheet.set_font("Roboto", "", POINTS)
        sheet.multi_cell(width - 8, LINE, text, align="L")
    if sheet.get_y() > y + height - 3:
        raise ContentError([f"card.yml: the side {heading!r} does not fit on the print-out"])


def inputs(data: Path) -> str:
    """A fingerprint of all that the cards are made of."""
    here = Path(__file__).parent
    files = [*sorted(here.glob("*.py")), TEMPLATE, *FONTS.values(), data / "card.yml", data / "hotlines.yml", ROOT / "requirements.txt"]
    found = hashlib.sha256()
    for path in files:
        found.update(path.name.encode() + b"\0" + path.read_bytes())
    return found.hexdigest()


def main() -> None:
    stamp, data = FOLDER / "sha256", Settings().content_dir
    wanted = inputs(data)
    built = all(path.exists() for language in LANGUAGES for path in (picture(language), print_out(language)))
    if built and stamp.exists() and stamp.read_text("ascii") == wanted:
        return
    print("rights card: drawing …", file=sys.stderr, flush=True)
    FOLDER.mkdir(parents=True, exist_ok=True)
    try:
        knowledge = load(data)
        for language in LANGUAGES:
            for path, content in ((picture(language), png(knowledge, language)), (print_out(language), pdf(knowledge, language))):
                fresh = path.with_suffix(f"{path.suffix}.new")
                fresh.write_bytes(content)
                fresh.replace(path)
    except ContentError as error:
        raise SystemExit(f"the content does not pass its check:\n{error}") from None
    stamp.write_text(wanted, "ascii")


if __name__ == "__main__":
    main()
