"""A stored message as calls of the WhatsApp Cloud API: reply buttons where they fit, else a list.

One message where that is possible: in the long run a person can be sent one each six seconds.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from bot.channels.split import split
from bot.sender import Call, Rendered

TEXT = 4096
BODY = 1024
"""Characters of an interactive message's body, and of a caption."""
BUTTONS, BUTTON = 3, 20
ROWS, ROW, DESCRIPTION = 10, 24, 72

Say = Callable[[str], str]
"""One of the service's own sentences, in the language of the message."""

_LINK = re.compile(r"https?://\S+")
_MARKS = {"*": "∗", "_": "＿", "~": "∼", "`": "ˋ"}
_MARKED = re.compile(r"(?<![\w*_~`])([*_~`])(?!\1)(?=\S)(.+?)(?<=\S)(?<!\1)\1(?!\1)(?!\w)")
"""One mark on each side of something; several in a row are a blank to fill in."""


def calls(message: Rendered, say: Say) -> list[Call]:
    """The calls that a message takes: text and buttons first, then the place and what asks for one."""
    text, made = harmless(message.text).strip(), []
    asks_alone = message.asks_place and not message.buttons and not message.image and len(text) <= BODY
    if message.image:
        captioned = not message.buttons and len(text) <= BODY
        made.append(_picture(message.image["url"], text if captioned else harmless(message.image["alt"])))
        text = "" if captioned else text
    if message.buttons:
        made += _choice(text, message.buttons, say)
    elif asks_alone:
        made.append(_ask_place(text))
    elif text:
        made += [_text(piece) for piece in split(text, TEXT)]
    if message.location:
        made.append(_place(message.location))
    if message.asks_place and not asks_alone:
        made.append(_ask_place(say("place_by_button")))
    return made


def harmless(text: str) -> str:
    """The text without pairs of marks that WhatsApp would take for bold, italics and the like; links stay as they are."""
    pieces, at = [], 0
    for link in _LINK.finditer(text):
        pieces += [_unmarked(text[at : link.start()]), link.group()]
        at = link.end()
    return "".join([*pieces, _unmarked(text[at:])])


def _unmarked(text: str) -> str:
    def other(match: re.Match[str]) -> str:
        return f"{_MARKS[match[1]]}{_unmarked(match[2])}{_MARKS[match[1]]}"

    return _MARKED.sub(other, text.replace("```", _MARKS["`"] * 3))


def _text(text: str) -> Call:
    return Call("messages", {"type": "text", "text": {"body": text, "preview_url": False}})


def _interactive(kind: str, body: str, action: dict[str, Any], plain: str) -> Call:
    content = {"type": kind, "body": {"text": body}, "action": action}
    return Call("messages", {"type": "interactive", "interactive": content}, _text(plain[:TEXT]))


def _choice(text: str, buttons: list[dict[str, str]], say: Say) -> list[Call]:
    """A long text goes ahead; its end carries the buttons."""
    end = split(text, BODY)[-1]
    ahead = text[: len(text) - len(end)].strip()
    end = end or say("list_more")
    made = [_text(piece) for piece in split(ahead, TEXT)] if ahead else []
    plain = "\n".join([end, *(f"- {b['title']}" for b in buttons)])
    if len(buttons) <= BUTTONS:
        titles = _different([_short(b)[:BUTTON] for b in buttons], BUTTON)
        replies = [{"type": "reply", "reply": {"id": b["payload"], "title": t}} for b, t in zip(buttons, titles, strict=True)]
        return [*made, _interactive("button", end, {"buttons": replies}, plain)]
    for at in range(0, len(buttons), ROWS):
        rows = _rows(buttons[at : at + ROWS])
        action = {"button": say("list_open")[:BUTTON], "sections": [{"title": say("list_open")[:ROW], "rows": rows}]}
        made.append(_interactive("list", end if at == 0 else say("list_more"), action, plain if at == 0 else say("list_more")))
    return made


def _short(button: dict[str, str]) -> str:
    return button["title"] if len(button["title"]) <= BUTTON else button.get("short") or button["title"]


def _rows(buttons: list[dict[str, str]]) -> list[dict[str, str]]:
    """Rows of a list; where the full title does not fit, it stands below the short one."""
    titles = _different([(b["title"] if len(b["title"]) <= ROW else _short(b))[:ROW] for b in buttons], ROW)
    rows = []
    for button, title in zip(buttons, titles, strict=True):
        row = {"id": button["payload"], "title": title}
        if title != button["title"]:
            row["description"] = button["title"][:DESCRIPTION]
        rows.append(row)
    return rows


def _different(titles: list[str], longest: int) -> list[str]:
    """Titles of one message must differ; an equal one is numbered."""
    seen: list[str] = []
    for title in titles:
        number, shown = 1, title
        while shown in seen:
            number += 1
            shown = f"{title[: longest - 3].rstrip()} {number}"
        seen.append(shown)
    return seen


def _ask_place(text: str) -> Call:
    return _interactive("location_request_message", text, {"name": "send_location"}, text)


def _place(location: dict[str, Any]) -> Call:
    name, address = str(location.get("name") or ""), str(location.get("address") or "")
    where: dict[str, Any] = {"latitude": location["lat"], "longitude": location["lon"]}
    where |= {key: value for key, value in (("name", name), ("address", address)) if value}
    words = "\n".join(part for part in (name, address) if part) or f"{location['lat']}, {location['lon']}"
    return Call("messages", {"type": "location", "location": where}, _text(words))


def _picture(url: str, caption: str) -> Call:
    picture = {"link": url, "caption": caption[:BODY]}
    return Call("messages", {"type": "image", "image": picture}, _text(f"{caption}\n{url}"))


def template(name: str, language: str) -> Call:
    """What may be sent outside the window. It says nothing of the answer that waits: others may see the screen."""
    wanted, other = ("es_MX", "en_US") if language == "es" else ("en_US", "es_MX")
    tap = {"type": "button", "sub_type": "quick_reply", "index": "0", "parameters": [{"type": "payload", "payload": OPEN}]}

    def call(code: str, plain: Call | None) -> Call:
        content = {"name": name, "language": {"code": code}, "components": [tap]}
        return Call("messages", {"type": "template", "template": content}, plain)

    return call(wanted, call(other, None))


OPEN = "open_answer"
"""What the template's button sends: the person wants to read what was held."""
