"""Updates as they come in: stored first, by webhook and by polling alike; what goes along with them (typing, spinners) may be lost."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import json
import logging
import time
from collections.abc import AsyncIterator, Coroutine
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError
from telegram import Update
from telegram.constants import ChatAction
from telegram.error import TelegramError

from bot.channels.telegram import commands, poll
from bot.channels.telegram.client import Telegram
from bot.channels.telegram.inbound import Brings, Edited, Elsewhere, Moved, Reach, Said, read
from bot.channels.telegram.render import NO_PREVIEW
from bot.conversation import Raw, UnknownButton, correct, receive
from bot.knowledge.schema import Language
from bot.store import identities, inbox, unread
from bot.store.identities import Who
from bot.voice.listen import to_hear
from bot.web.service import Service

log = logging.getLogger("orienta.telegram")

CHANNEL = Telegram.name
TYPING_AFTER = 0.4
"""Seconds of thinking before the person sees that somebody types."""
TYPING_EVERY = 4.0
"""Telegram shows it for five seconds."""
TYPING_AT_ONCE = 20
"""Chats that are shown it at the same time: answers come first where calls are scarce."""
UNREADABLE, CONTACT = "unreadable:", "contact:"
"""Actions of a message that nobody here can read, and of somebody's number (bot/conversation.py)."""


@dataclass(frozen=True)
class Heard:
    """A message that was stored just now."""

    conversation: str
    chat: int


class Receiver:
    """Takes updates, wherever they come from.

    Attributes:
        secret: what a webhook call must bring along.
    """

    def __init__(self, service: Service) -> None:
        self.service = service
        self.channel = Telegram(service.settings, self._say, self._moved)
        self.secret = service.settings.telegram_secret or service.keys.hash("telegram", "webhook").hex()
        self._typing: set[str] = set()
        self._asides: set[asyncio.Task[None]] = set()
        service.add_channel(self.channel)

    def _say(self, key: str, language: Language) -> str:
        return self.service.live.current.knowledge.phrase(key, language)

    async def _moved(self, old: int, new: int) -> None:
        keys = self.service.keys
        await self.service.writer.write(lambda c: identities.move(c, keys, CHANNEL, str(old), str(new), {"chat": new}))

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Receive, by webhook where there is a public address, else by asking."""
        listening = asyncio.create_task(poll.listen(self))
        try:
            yield
        finally:
            for task in (listening, *self._asides):
                task.cancel()
            await asyncio.gather(listening, *self._asides, return_exceptions=True)

    # --- an update -----------------------------------------------------------------------------------------------------

    async def take(self, raw: Any) -> None:
        """Store what an update brings; on return it may be acknowledged, however often and in whatever order it comes.

        Raises:
            DBAPIError: it is not stored and must come again.
        """
        try:
            brings = read(Update.de_json(raw, self.channel.bot))
            if brings is not None:
                await self._store(brings)
            elif not set(raw) & set(Update.ALL_TYPES):
                await self._keep(raw)
        except DBAPIError:
            raise
        except Exception as error:  # ours or theirs: repeated for days it would not be understood either
            log.error("an update was not understood: %s", type(error).__name__)
            await self._keep(raw)

    async def _keep(self, raw: Any) -> None:
        its = self.service
        external = hashlib.sha256(json.dumps(raw, sort_keys=True).encode()).hexdigest()
        await its.writer.write(lambda c: unread.keep(c, its.keys, CHANNEL, external, raw, time.time()))

    async def _store(self, brings: Brings) -> None:
        its, keys = self.service, self.service.keys
        match brings:
            case Said():
                await self._hear(brings)
            case Edited():
                await its.writer.write(lambda c: self._correct(c, brings))
            case Reach(chat, reachable):
                why = None if reachable else "blocked"
                await its.writer.write(lambda c: identities.set_unreachable(c, keys, CHANNEL, str(chat), why))
            case Elsewhere(chat):
                # a row of its own says that this chat had its notice
                first = await its.writer.write(lambda c: unread.keep(c, keys, CHANNEL, f"chat:{chat}", {}, time.time()))
                self._aside(self._leave(brings, first))
            case Moved(old, new):
                await self._moved(old, new)

    async def _hear(self, said: Said) -> None:
        its = self.service
        try:
            heard = await its.writer.write(lambda c: self._add(c, said, time.time()))
        except UnknownButton:
            if said.press:
                self._aside(self._answer_press(said.press, self._say("error_unknown_button", said.hint or "es")))
            return
        if said.press:
            self._aside(self._answer_press(said.press))
        if heard is not None:
            its.received.labels(CHANNEL).inc()
            self._aside(self._show_typing(heard))

    # --- in the writing transaction ------------------------------------------------------------------------------------

    def _external(self, key: str) -> bytes:
        return self.service.keys.hash(f"{self.channel.bot_id}:{key}", f"message:{CHANNEL}")

    def _add(self, c: Connection, said: Said, now: float) -> Heard | None:
        """Store what was said; None where it is known already."""
        its, external = self.service, self._external(said.key)
        if inbox.is_known(c, external):
            return None
        who = Who(CHANNEL, str(said.chat), profile={"chat": said.chat})
        session = identities.conversation_of(c, its.keys, who, said.hint, now)
        raw = self._raw(said, external, session.language)
        album = self._external(f"{said.chat}:album:{said.album}").hex() if said.album else None
        together = album is not None and inbox.has(c, session.conversation, album)
        if album is not None and not together:  # the first one of it takes its name
            raw = replace(raw, id=album)
        receive(c, its.keys, its.live.current.safety, session.conversation, session.language, to_hear(raw, its.voice), now)
        if together and not said.text:
            inbox.answer_with_another(c, session.conversation, raw.id, now)
        return Heard(session.conversation, said.chat)

    def _raw(self, said: Said, external: bytes, language: Language) -> Raw:
        message_id = external.hex()
        if said.payload is not None:
            return Raw(message_id, payload=said.payload, external=external)
        if said.location is not None:
            return Raw(message_id, location=said.location, external=external)
        if said.unreadable and not said.text:
            return Raw(message_id, text="", action=UNREADABLE, external=external)
        if said.contact:
            return Raw(message_id, text=self._say("contact_received", language), action=CONTACT, file=said.file, external=external)
        action = commands.action(said.text, language, self.service.live.current.knowledge)
        return Raw(message_id, text=said.text, action=action, file=said.file, external=external)

    def _correct(self, c: Connection, edited: Edited) -> None:
        its, external = self.service, self._external(edited.key)
        found = identities.find(c, its.keys, CHANNEL, str(edited.chat))
        if found is None:
            return
        action = commands.action(edited.text, found.language, its.live.current.knowledge)
        raw = Raw(external.hex(), text=edited.text, action=action, external=external)
        correct(c, its.keys, its.live.current.safety, found.conversation, found.language, raw)

    # --- what goes along -----------------------------------------------------------------------------------------------

    def _aside(self, doing: Coroutine[Any, Any, None]) -> None:
        """Do something that nobody misses if it is lost."""
        task = asyncio.create_task(doing)
        self._asides.add(task)
        task.add_done_callback(self._asides.discard)

    async def _answer_press(self, press: str, text: str | None = None) -> None:
        """End the spinner on the button; one that is too old cannot be answered any more."""
        with contextlib.suppress(TelegramError):
            await self.channel.bot.answer_callback_query(press, text=text)

    async def _show_typing(self, heard: Heard) -> None:
        """Show that somebody types, for as long as the assistant thinks."""
        if heard.conversation in self._typing or len(self._typing) >= TYPING_AT_ONCE:
            return
        self._typing.add(heard.conversation)
        try:
            await asyncio.sleep(TYPING_AFTER)
            with contextlib.suppress(TelegramError):
                while self._is_thinking(heard.conversation):
                    await self.channel.bot.send_chat_action(heard.chat, ChatAction.TYPING)
                    await asyncio.sleep(TYPING_EVERY)
        finally:
            self._typing.discard(heard.conversation)

    def _is_thinking(self, conversation: str) -> bool:
        with self.service.database.read() as c:
            return inbox.is_thinking(c, conversation)

    async def _leave(self, elsewhere: Elsewhere, first: bool) -> None:
        """Leave a group or channel, with a word about where to write; only once, also where the bot is brought back."""
        bot = self.channel.bot
        try:
            if first and elsewhere.can_write:
                me = await bot.get_me()
                language = elsewhere.hint or "es"
                text = self.service.live.current.knowledge.phrase(
                    "write_in_private", language, url=f"https://t.me/{me.username}?start=help"
                )
                await bot.send_message(elsewhere.chat, text, link_preview_options=NO_PREVIEW)
        except TelegramError as error:
            log.info("a group could not be told: %s", type(error).__name__)
        with contextlib.suppress(TelegramError):
            await bot.leave_chat(elsewhere.chat)
