"""What comes in by WhatsApp: stored first, whatever else happens; what goes along with it (read, typing) may be lost."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, select
from sqlalchemy.exc import DBAPIError

from bot.channels.whatsapp.client import WhatsApp
from bot.channels.whatsapp.inbound import CHANNEL, Item, Moved, Odd, Said
from bot.channels.whatsapp.twilio import Twilio
from bot.conversation import Raw, UnknownButton, clean, receive
from bot.knowledge.schema import Language
from bot.sender import SendFailed
from bot.settings import Settings
from bot.store import deliveries, identities, inbox, unread
from bot.store.deliveries import Report
from bot.store.schema import conversation, message
from bot.voice.listen import to_hear
from bot.web.service import Service

log = logging.getLogger("orienta.whatsapp")

UNREADABLE, CONTACT = "unreadable:", "contact:"
"""Actions of a message that nobody here can read, and of somebody's number (bot/conversation.py)."""
TYPING_AT_ONCE = 8
"""Receipts under way at the same time: answers come first where calls are scarce."""
LAST_OPTIONS = 6
"""How many of our last messages are looked through for numbered options."""


@dataclass(frozen=True)
class Heard:
    """A message that was stored just now and will be answered."""

    conversation: str
    id: str


class Receiver:
    """Takes what a webhook call brings."""

    def __init__(self, service: Service) -> None:
        self.service = service
        settings = service.settings
        self.channel = Twilio(settings, self._say) if settings.whatsapp_provider == "twilio" else WhatsApp(settings, self._say)
        self._asides: set[asyncio.Task[None]] = set()
        self._typing = asyncio.Semaphore(TYPING_AT_ONCE)
        self.missing = missing(settings)
        if self.missing:
            service.troubles["whatsapp"] = f"not set: {', '.join(self.missing)}"
        if can_send(settings):
            service.add_channel(self.channel)

    def _say(self, key: str, language: Language) -> str:
        return self.service.live.current.knowledge.phrase(key, language)

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Receive while the web process serves."""
        try:
            yield
        finally:
            for task in self._asides:
                task.cancel()
            await asyncio.gather(*self._asides, return_exceptions=True)

    async def take(self, items: list[Item]) -> None:
        """Store all that a call brings; on return it may be acknowledged, however often and in whatever order it comes.

        Raises:
            DBAPIError, OSError: something is not stored; all of it must come again.
        """
        heard = await asyncio.gather(*(self._store(item) for item in items), return_exceptions=True)
        for failure in heard:
            if isinstance(failure, BaseException):
                raise failure
        # one receipt a conversation: it counts for what came before, too
        for one in {h.conversation: h for h in heard if isinstance(h, Heard)}.values():
            self._aside(one)

    async def _store(self, item: Item) -> Heard | None:
        its = self.service
        try:
            heard = await its.writer.write(lambda c: self._write(c, item, time.time()))
        except (DBAPIError, OSError):
            raise
        except Exception as error:  # ours or theirs: repeated for a week it would not be understood either
            log.error("an item was not understood: %s", type(error).__name__)
            odd = item if isinstance(item, Odd) else Odd(getattr(item, "id", repr(item)), repr(item))
            await its.writer.write(lambda c: unread.keep(c, its.keys, CHANNEL, odd.key, odd.body, time.time()))
            return None
        if heard is not None:
            its.received.labels(CHANNEL).inc()
        return heard

    # --- in the writing transaction ------------------------------------------------------------------------------------

    def _write(self, c: Connection, item: Item, now: float) -> Heard | None:
        keys = self.service.keys
        match item:
            case Said():
                return self._add(c, item, now)
            case Report():
                deliveries.apply(c, keys, CHANNEL, item, now)
            case Moved(old, new, profile):
                identities.move(c, keys, CHANNEL, old, new, profile)
            case Odd(key, body):
                unread.keep(c, keys, CHANNEL, key, body, now)
        return None

    def _add(self, c: Connection, said: Said, now: float) -> Heard | None:
        """Store what was said; None where it is known already or wants no answer now."""
        its, external = self.service, self.service.keys.hash(said.id, f"message:{CHANNEL}")
        if inbox.is_known(c, external):
            return None
        session = identities.conversation_of(c, its.keys, said.who, None, now)
        released = deliveries.release(c, session.conversation, now)
        if said.opens and (not unread.keep(c, its.keys, CHANNEL, f"tap:{said.id}", {}, now) or released):
            return None  # what was held is the answer
        raw = self._raw(c, said, external, session.conversation, session.language)
        safety = its.live.current.safety
        try:
            receive(c, its.keys, safety, session.conversation, session.language, to_hear(raw, its.voice), now)
        except UnknownButton:  # of a former conversation, or made up: its words count, as if they had been written
            raw = Raw(external.hex(), text=said.title, external=external, action=None if clean(said.title) else UNREADABLE)
            receive(c, its.keys, safety, session.conversation, session.language, raw, now)
        answers = c.execute(select(conversation.c.holder).where(conversation.c.id == session.conversation)).scalar_one() == "bot"
        return Heard(session.conversation, said.id) if answers else None

    def _raw(self, c: Connection, said: Said, external: bytes, conversation_id: str, language: Language) -> Raw:
        message_id = external.hex()
        payload = said.payload
        if payload is None and said.numbered:
            payload = option(c, self.service, conversation_id, said.text)
        if payload is not None:
            return Raw(message_id, payload=payload, external=external)
        if said.location is not None:
            return Raw(message_id, location=said.location, external=external)
        if said.contact:
            return Raw(message_id, text=self._say("contact_received", language), action=CONTACT, file=said.file, external=external)
        text = said.title if said.opens else said.text
        if said.file is None and not clean(text):
            return Raw(message_id, text="", action=UNREADABLE, external=external)
        return Raw(message_id, text=text, file=said.file, external=external)

    # --- what goes along -----------------------------------------------------------------------------------------------

    def _aside(self, heard: Heard) -> None:
        """Mark as read and show typing; nobody misses it if it is lost."""
        if not can_send(self.service.settings):
            return
        task = asyncio.create_task(self._show_typing(heard))
        self._asides.add(task)
        task.add_done_callback(self._asides.discard)

    async def _show_typing(self, heard: Heard) -> None:
        async with self._typing:
            with self.service.database.read() as c:
                thinking = inbox.is_thinking(c, heard.conversation)
            if thinking:
                with contextlib.suppress(SendFailed):
                    await self.channel.show_typing(heard.id)


def option(c: Connection, service: Service, conversation_id: str, text: str) -> str | None:
    """The payload of the numbered option that a bare number means, of the last ones that were offered."""
    number = text.strip().rstrip(".")
    if not (number.isascii() and number.isdecimal() and len(number) <= 2):
        return None
    ours = (message.c.conversation_id == conversation_id) & (message.c.author != "user")
    for body in c.execute(select(message.c.body).where(ours).order_by(message.c.seq.desc()).limit(LAST_OPTIONS)).scalars():
        buttons: list[dict[str, Any]] = service.keys.open(body, f"message:{conversation_id}").get("buttons") or []
        if buttons:
            return str(buttons[int(number) - 1]["payload"]) if 1 <= int(number) <= len(buttons) else None
    return None


_META = ("whatsapp_verify_token", "whatsapp_app_secret", "whatsapp_phone_number_id", "whatsapp_token")
_TWILIO = ("twilio_account_sid", "twilio_auth_token", "twilio_from")


def _needed(settings: Settings) -> tuple[str, ...]:
    return _TWILIO if settings.whatsapp_provider == "twilio" else _META


def is_on(settings: Settings) -> bool:
    """Whether somebody set the channel up, if only in part."""
    return any(getattr(settings, name) for name in _needed(settings))


def missing(settings: Settings) -> list[str]:
    """Settings that the channel still needs."""
    return [name.upper() for name in _needed(settings) if not getattr(settings, name)]


def can_send(settings: Settings) -> bool:
    """Whether calls can be made; what comes in is taken without, too."""
    return all(getattr(settings, name) for name in _needed(settings)[-2:] + (_TWILIO[:1] if settings.whatsapp_provider == "twilio" else ()))
