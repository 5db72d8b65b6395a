"""What a webhook call of the WhatsApp Cloud API brings, in our terms. Nothing is stored and nobody is called here.

One call holds up to a thousand updates: every entry, change, message and status is walked. An item that does not fit is `Odd` and
hurts no neighbour.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from bot.channels.whatsapp import errors
from bot.channels.whatsapp.render import OPEN
from bot.store.deliveries import Report
from bot.store.identities import Who

CHANNEL = "whatsapp"
TEXT = 20_000
"""Characters of a text that are kept."""


@dataclass(frozen=True)
class Said:
    """Something a person said.

    Attributes:
        id: the channel's id of it (for WhatsApp it holds the number: it is nowhere stored as it is).
        payload, title: of a pressed button.
        file: {"kind", "size", "remote"} of what came with it.
        contact: somebody's number; `file` holds it.
        unreadable: it is of a kind that nobody here can read.
        opens: they tapped the template: what was held may go out.
        numbered: a bare number may mean an option that was offered in words.
    """

    id: str
    who: Who
    text: str = ""
    payload: str | None = None
    title: str = ""
    location: dict[str, float] | None = None
    file: dict[str, Any] | None = None
    contact: bool = False
    unreadable: bool = False
    opens: bool = False
    numbered: bool = False


@dataclass(frozen=True)
class Moved:
    """A person has another number or user id."""

    old: str
    new: str
    profile: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Odd:
    """What could not be understood, as it came."""

    key: str
    body: Any


Item = Said | Moved | Report | Odd


def read(body: Any, number_id: str | None) -> list[Item]:
    """All that a call brings, in its order.

    Args:
        number_id: of our number; what is for another one is not ours. None: any.
    """
    found: list[Item] = []
    for value in _values(body, found):
        metadata = value.get("metadata")
        its_number = metadata.get("phone_number_id") if isinstance(metadata, dict) else None
        if number_id is not None and its_number is not None and str(its_number) != number_id:
            continue
        contacts = [c for c in _list(value.get("contacts")) if isinstance(c, dict)]
        for raw in _list(value.get("messages")):
            found += _guarded(partial(_messages, contacts), raw)
        for raw in _list(value.get("statuses")):
            found += _guarded(_status, raw)
    return found


def _values(body: Any, odd: list[Item]) -> Iterator[dict[str, Any]]:
    """The value of every change of the field that we read; what is no envelope at all is odd."""
    if not isinstance(body, dict) or not isinstance(body.get("entry"), list):
        odd.append(_odd(body))
        return
    for entry in body["entry"]:
        for change in _list(entry.get("changes") if isinstance(entry, dict) else None):
            if not isinstance(change, dict) or not isinstance(change.get("value"), dict):
                odd.append(_odd(change))
            elif change.get("field") == "messages":
                yield change["value"]


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


_MISFITS = (KeyError, TypeError, ValueError, AttributeError, IndexError)


def _guarded(parse: Callable[[dict[str, Any]], list[Item]], raw: Any) -> list[Item]:
    try:
        return parse(raw)
    except _MISFITS:
        return [_odd(raw)]


def _odd(raw: Any) -> Odd:
    """Its key is its id where it has one, so that it is the same when it comes again in other company."""
    own = raw.get("id") if isinstance(raw, dict) else None
    return Odd(str(own) if own else hashlib.sha256(json.dumps(raw, sort_keys=True).encode()).hexdigest(), raw)


# --- messages ----------------------------------------------------------------------------------------------------------------


def _messages(contacts: list[dict[str, Any]], raw: dict[str, Any]) -> list[Item]:
    """What one message brings; where only its content does not fit, the person is told so and it is kept."""
    kind = raw["type"]
    if raw.get("group_id") or kind == "reaction":
        return []
    if kind == "system":
        return _moved(raw)
    external, who = str(raw["id"]), _who(raw, contacts)
    try:
        return [Said(external, who, **(_CONTENT[kind](raw) if kind in _CONTENT else {"unreadable": True}))]
    except _MISFITS:
        return [Said(external, who, unreadable=True), _odd(raw)]


def _who(raw: dict[str, Any], contacts: list[dict[str, Any]]) -> Who:
    """The user id lasts and is always there since 2026; the number may be hidden. Matched by name, never by place in the list."""
    user, number = _name(raw.get("from_user_id")), _name(raw.get("from"))
    theirs: dict[str, Any] = {}
    for contact in contacts:
        same_user = user is not None and _name(contact.get("user_id")) == user
        if same_user or (number is not None and _name(contact.get("wa_id")) == number):
            theirs = contact
            break
    if not user and not number and len(contacts) == 1:
        theirs = contacts[0]
    user, number = user or _name(theirs.get("user_id")), number or _name(theirs.get("wa_id"))
    names = [name for name in (user, number) if name]
    if not names:
        raise ValueError("nobody wrote it")
    profile = theirs.get("profile")
    called = profile.get("name") if isinstance(profile, dict) else None
    known = {"user_id": user, "wa_id": number, "name": str(called)[:100] if called else None}
    return Who(CHANNEL, names[0], names[1] if len(names) > 1 else None, {k: v for k, v in known.items() if v})


def _name(value: Any) -> str | None:
    name = str(value).strip() if value is not None else ""
    if len(name) > 160:
        raise ValueError("no name is so long")
    return name or None


def _moved(raw: dict[str, Any]) -> list[Item]:
    """A changed number or user id; the other notices of the system want nothing."""
    system = raw["system"]
    if system["type"] == "user_changed_number":
        old, new = _name(raw.get("from") or system.get("customer")), _name(system.get("wa_id") or system.get("new_wa_id"))
        name = "wa_id"
    elif system["type"] == "user_changed_user_id":
        old = _name(system.get("previous_user_id") or system.get("old_user_id") or raw.get("from_user_id"))
        new, name = _name(system.get("user_id") or system.get("new_user_id")), "user_id"
    else:
        return []
    if old is None or new is None:
        raise ValueError("a change without both names")
    return [Moved(old, new, {name: new})]


def _text(raw: dict[str, Any]) -> dict[str, Any]:
    return {"text": str(raw["text"]["body"])[:TEXT]}


def _location(raw: dict[str, Any]) -> dict[str, Any]:
    """The pin; one of another place than the person's own is normal."""
    return {"location": place(raw["location"]["latitude"], raw["location"]["longitude"])}


def place(latitude: Any, longitude: Any) -> dict[str, float]:
    """A position.

    Raises:
        ValueError: it is none on earth.
    """
    lat, lon = float(latitude), float(longitude)
    if not (-90 <= lat <= 90 and -180 <= lon <= 180):
        raise ValueError("not on earth")
    return {"lat": lat, "lon": lon}


def _interactive(raw: dict[str, Any]) -> dict[str, Any]:
    reply = raw["interactive"].get("button_reply") or raw["interactive"].get("list_reply")
    if reply is None:
        return {"unreadable": True}
    return {"payload": str(reply["id"]), "title": str(reply.get("title") or "")[:TEXT]}


def _button(raw: dict[str, Any]) -> dict[str, Any]:
    """The quick reply of a template."""
    pressed, title = str(raw["button"].get("payload") or ""), str(raw["button"].get("text") or "")[:TEXT]
    return {"opens": True, "title": title} if pressed == OPEN else {"payload": pressed, "title": title}


def _file(default: str) -> Callable[[dict[str, Any]], dict[str, Any]]:
    def content(raw: dict[str, Any]) -> dict[str, Any]:
        media = raw[raw["type"]]
        remote = {"channel": CHANNEL, "id": str(media["id"]), "sha256": media.get("sha256")}
        kind = str(media.get("mime_type") or default).partition(";")[0].strip()[:64]
        return {"file": {"kind": kind, "size": 0, "remote": remote}, "text": str(media.get("caption") or "")[:TEXT]}

    return content


def _contacts(raw: dict[str, Any]) -> dict[str, Any]:
    """Other people's numbers, which are theirs and not the writer's: sealed as cards that an officer can open, and in no text."""
    cards = []
    for contact in raw["contacts"]:
        name = str((contact.get("name") or {}).get("formatted_name") or "")
        numbers = [str(phone.get("phone") or "") for phone in _list(contact.get("phones"))]
        cards.append(card(name, numbers))
    text = "".join(cards)
    return {"file": {"kind": "text/vcard", "size": len(text.encode()), "remote": {"vcard": text}}, "contact": True}


def card(name: str, numbers: list[str]) -> str:
    """A vCard; nothing in a name or number can add a line to it."""
    shown = "".join(c for c in name if c.isprintable()).replace("\\", "").replace(";", " ").replace(",", " ")
    lines = [f"TEL:{''.join(c for c in number if c.isdigit() or c == '+')}" for number in numbers]
    return "\r\n".join(["BEGIN:VCARD", "VERSION:3.0", f"FN:{shown}", *lines, "END:VCARD", ""])


_CONTENT: dict[str, Callable[[dict[str, Any]], dict[str, Any]]] = {
    "text": _text,
    "location": _location,
    "interactive": _interactive,
    "button": _button,
    "audio": _file("audio/ogg"),
    "image": _file("image/jpeg"),
    "video": _file("video/mp4"),
    "document": _file("application/octet-stream"),
    "contacts": _contacts,
}


# --- statuses ----------------------------------------------------------------------------------------------------------------


def _status(raw: dict[str, Any]) -> list[Item]:
    code = None
    if raw["status"] == "failed" and raw.get("errors"):
        code = int(raw["errors"][0]["code"])
    report = Report(
        reference=str(raw["biz_opaque_callback_data"]) if raw.get("biz_opaque_callback_data") else None,
        external_id=str(raw["id"]),
        state=str(raw["status"]),
        outcome=errors.later(code),
        code=str(code) if code is not None else None,
    )
    return [report]
