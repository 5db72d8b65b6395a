"""A stored message as Telegram calls. Content cannot break the markup: everything that is inserted is escaped."""

from __future__ import annotations

import html
import re
from collections.abc import Callable
from typing import Any

from telegram import (
    InlineKeyboardButton,
    InlineKeyboardMarkup,
    KeyboardButton,
    LinkPreviewOptions,
    ReplyKeyboardMarkup,
    ReplyKeyboardRemove,
)
from telegram.constants import MessageLimit

from bot.channels.split import split, utf16
from bot.sender import Call, Rendered

TEXT: int = MessageLimit.MAX_TEXT_LENGTH
CAPTION: int = MessageLimit.CAPTION_LENGTH
CASE_NUMBER = re.compile(r"\b[A-Z]{4}-\d{4}\b")
FIRST_LINE = 80
"""Characters of a first line that is set in bold: what to do, at a glance."""
NO_PREVIEW = LinkPreviewOptions(is_disabled=True)

Say = Callable[[str], str]
"""One of the service's own sentences, in the language of the message."""


def calls(message: Rendered, say: Say) -> list[Call]:
    """The calls that a message takes: text in as many pieces as needed, then the place; the keyboard stands under the last text."""
    guarded: dict[str, Any] = {"protect_content": True} if _is_confidential(message) else {}
    keyboard = _keyboard(message.buttons)
    made = []
    pieces = split(message.text, TEXT, utf16) if message.text else []
    if message.image:
        caption = pieces.pop() if len(pieces) == 1 and utf16(message.text) <= CAPTION else message.image["alt"]
        made.append(_photo(message.image["url"], caption, guarded, keyboard if not pieces else None))
    bold = message.author == "bot" and len(pieces) == 1
    for number, piece in enumerate(pieces):
        last = number == len(pieces) - 1
        made.append(_text(piece, guarded, keyboard if last else None, bold=bold))
    if message.location:
        made.append(_place(message.location, guarded))
    if message.asks_place:
        made.append(_ask_place(say))
    return made


def _is_confidential(message: Rendered) -> bool:
    """A case's number is neither forwarded nor saved by accident."""
    return message.topic == "human_handoff" or CASE_NUMBER.search(message.text) is not None


def _keyboard(buttons: list[dict[str, str]]) -> InlineKeyboardMarkup | None:
    """One button a row, with its full title: it is read on a small screen."""
    if not buttons:
        return None
    return InlineKeyboardMarkup([[InlineKeyboardButton(b["title"], callback_data=b["payload"])] for b in buttons])


def _text(piece: str, guarded: dict[str, Any], keyboard: InlineKeyboardMarkup | None, *, bold: bool) -> Call:
    first, line, rest = piece.partition("\n")
    marked = html.escape(piece, quote=False)
    if bold and line and len(first) <= FIRST_LINE:
        marked = f"<b>{html.escape(first, quote=False)}</b>\n{html.escape(rest, quote=False)}"
    # without buttons of its own, a message also takes the keyboard for the position away
    common = {**guarded, "link_preview_options": NO_PREVIEW, "reply_markup": keyboard or ReplyKeyboardRemove()}
    bare = Call("send_message", {**guarded, "text": piece, "link_preview_options": NO_PREVIEW})
    plain = Call("send_message", {**common, "text": piece}, bare)
    return Call("send_message", {**common, "text": marked, "parse_mode": "HTML"}, plain)


def _photo(url: str, caption: str, guarded: dict[str, Any], keyboard: InlineKeyboardMarkup | None) -> Call:
    body = {**guarded, "photo": url, "caption": html.escape(caption, quote=False), "parse_mode": "HTML", "reply_markup": keyboard}
    return Call("send_photo", body, Call("send_message", {**guarded, "text": f"{caption}\n{url}", "reply_markup": keyboard}))


def _place(location: dict[str, Any], guarded: dict[str, Any]) -> Call:
    where = {"latitude": location["lat"], "longitude": location["lon"]}
    if location.get("name") and location.get("address"):
        return Call("send_venue", {**guarded, **where, "title": location["name"], "address": location["address"]})
    return Call("send_location", {**guarded, **where})


def _ask_place(say: Say) -> Call:
    button = KeyboardButton(say("send_place"), request_location=True)
    keyboard = ReplyKeyboardMarkup([[button]], resize_keyboard=True, one_time_keyboard=True)
    return Call("send_message", {"text": say("place_by_button"), "reply_markup": keyboard})
