"""What an update brings, in our terms. Nothing is stored and nobody is called here.

An update is one of: something a person says in private (`Said`), a correction of it (`Edited`), a chat that can or cannot be
reached (`Reach`), a group or channel that the bot must leave (`Elsewhere`), a chat with a new id (`Moved`); or nothing for us (None).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from telegram import CallbackQuery, ChatMemberUpdated, Contact, Message, Update
from telegram.constants import ChatMemberStatus, ChatType

from bot.knowledge.schema import Language

OTHER_KINDS = ("sticker", "animation", "dice", "poll", "game", "story", "paid_media", "checklist", "invoice", "web_app_data", "giveaway")
"""Kinds that nobody here can read; what remains beside them are the chat's own notices (pinned, timer set), which want no answer."""


@dataclass(frozen=True)
class Said:
    """Something a person said in their private chat.

    Attributes:
        key: what makes it the same again: the message of that chat, or the press.
        hint: language of the person's app.
        file: {"kind", "size", "remote"} of what came with it.
        contact: somebody's number; `file` holds it.
        unreadable: it is of a kind that nobody here can read.
        press: id of a pressed button, which waits for a word.
        album: what several pictures sent together have in common.
    """

    chat: int
    key: str
    hint: Language | None
    text: str = ""
    payload: str | None = None
    location: dict[str, float] | None = None
    file: dict[str, Any] | None = None
    contact: bool = False
    unreadable: bool = False
    press: str | None = None
    album: str | None = None


@dataclass(frozen=True)
class Edited:
    """A person corrected what they said; `key` is the former message's."""

    chat: int
    key: str
    text: str


@dataclass(frozen=True)
class Reach:
    """The person blocked the bot, or took it back."""

    chat: int
    reachable: bool


@dataclass(frozen=True)
class Elsewhere:
    """A group or channel: what is said there is not for us, and an answer there would expose people."""

    chat: int
    hint: Language | None
    can_write: bool = True


@dataclass(frozen=True)
class Moved:
    """A chat has a new id."""

    old: int
    new: int


Brings = Said | Edited | Reach | Elsewhere | Moved


def read(update: Update) -> Brings | None:
    """What an update brings; None where that is nothing for us."""
    if update.callback_query:
        return _pressed(update.callback_query)
    if update.my_chat_member:
        return _member(update.my_chat_member)
    if update.edited_message:
        return _edited(update.edited_message)
    return _message(update.message) if update.message else None


def message_key(chat: int, message_id: int) -> str:
    return f"{chat}:{message_id}"


def _hint(user: Any) -> Language | None:
    code = str(getattr(user, "language_code", None) or "")[:2].lower()
    return code if code in ("es", "en") else None  # type: ignore[return-value]


def _pressed(query: CallbackQuery) -> Said | None:
    """A pressed button; in a private chat the chat is the person, also where its message is too old to be shown."""
    chat = query.message.chat if query.message else None
    if query.from_user.is_bot or (chat and chat.type != ChatType.PRIVATE):
        return None
    return Said(query.from_user.id, f"press:{query.id}", _hint(query.from_user), payload=query.data or "", press=query.id)


def _member(change: ChatMemberUpdated) -> Brings | None:
    status = change.new_chat_member.status
    there = status in (ChatMemberStatus.MEMBER, ChatMemberStatus.ADMINISTRATOR, ChatMemberStatus.RESTRICTED)
    if change.chat.type == ChatType.PRIVATE:
        return Reach(change.chat.id, there)
    if not there:
        return None
    may_post = change.chat.type != ChatType.CHANNEL or bool(getattr(change.new_chat_member, "can_post_messages", False))
    return Elsewhere(change.chat.id, _hint(change.from_user), may_post)


def _edited(message: Message) -> Edited | None:
    if message.chat.type != ChatType.PRIVATE or _by_a_bot(message) or message.location:  # a live location moves on: its first point counts
        return None
    return Edited(message.chat.id, message_key(message.chat.id, message.message_id), message.text or message.caption or "")


def _by_a_bot(message: Message) -> bool:
    return message.from_user is not None and message.from_user.is_bot


def _message(message: Message) -> Brings | None:
    if message.migrate_to_chat_id:
        return Moved(message.chat.id, message.migrate_to_chat_id)
    if message.migrate_from_chat_id:
        return Moved(message.migrate_from_chat_id, message.chat.id)
    if _by_a_bot(message):
        return None
    if message.chat.type != ChatType.PRIVATE:
        return Elsewhere(message.chat.id, _hint(message.from_user))
    content = _content(message)
    if content is None:
        return None
    key = message_key(message.chat.id, message.message_id)
    return Said(message.chat.id, key, _hint(message.from_user), album=message.media_group_id, **content)


def _content(message: Message) -> dict[str, Any] | None:
    """The fields of `Said` that depend on the message's kind."""
    if message.text:
        return {"text": message.text}
    if place := message.location or (message.venue and message.venue.location):
        return {"location": {"lat": place.latitude, "lon": place.longitude}}
    if message.contact:
        return {"file": _card(message.contact), "contact": True}
    if any(getattr(message, kind, None) for kind in OTHER_KINDS):
        return {"unreadable": True, "text": message.caption or ""}
    for kind, read_file in FILES.items():
        if found := getattr(message, kind, None):
            return {"file": read_file(found), "text": message.caption or ""}
    if message.api_kwargs:  # a kind that is younger than the library
        return {"unreadable": True}
    return None


def _card(contact: Contact) -> dict[str, Any]:
    """Somebody's number, which is theirs and not the writer's: sealed as a card that an officer can open, and in no text."""
    name = " ".join(part for part in (contact.first_name, contact.last_name) if part)
    name = "".join(c for c in name if c.isprintable()).replace("\\", "").replace(";", " ").replace(",", " ")
    number = "".join(c for c in contact.phone_number if c.isdigit() or c == "+")
    card = f"BEGIN:VCARD\r\nVERSION:3.0\r\nFN:{name}\r\nTEL:{number}\r\nEND:VCARD\r\n"
    return {"kind": "text/vcard", "size": len(card.encode()), "remote": {"vcard": card}}


def _file(default: str) -> Callable[[Any], dict[str, Any]]:
    def read_file(found: Any) -> dict[str, Any]:
        kind = str(getattr(found, "mime_type", None) or default)[:64]
        return {"kind": kind, "size": found.file_size or 0, "remote": {"channel": "telegram", "file_id": found.file_id}}

    return read_file


FILES: dict[str, Callable[[Any], dict[str, Any]]] = {
    "voice": _file("audio/ogg"),
    "audio": _file("audio/mpeg"),
    "photo": lambda sizes: _file("image/jpeg")(sizes[-1]),  # the last one is the largest
    "video": _file("video/mp4"),
    "video_note": _file("video/mp4"),
    "document": _file("application/octet-stream"),
}
