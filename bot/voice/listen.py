"""The task in web that has voice messages put into words.

What a receiver stores is durable before it is acknowledged: the message with its recording's address, marked as not heard yet, and a
timer row. Here the recording is fetched, transcribed outside of any transaction, and its words are stored together with the end of the
timer. A process that dies meanwhile leaves the timer: it runs out again. What cannot be heard is answered all the same, with how to go on.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any, Protocol, runtime_checkable

from sqlalchemy import Connection

from bot.conversation import Raw, hear
from bot.knowledge.live import LiveContent
from bot.store import timers, voices
from bot.store.crypto import Keys
from bot.store.database import Database
from bot.store.inbox import LISTEN
from bot.store.timers import Due
from bot.store.voices import Unheard
from bot.voice import BYTES, NotHeard, Transcriber
from bot.web.writer import Writer

log = logging.getLogger("orienta.voice")

Fetch = Callable[[str, dict[str, Any]], Awaitable[bytes]]
"""The recording by channel and address; raises whatever the channel raises."""
LOOK_SECONDS = 0.5
RETRY_SECONDS = 5.0
"""Between two tries to fetch a recording."""
PATIENCE_SECONDS = 60.0
"""A recording that could not be fetched for this long is answered as one that cannot be heard."""
CONFIDENT = 0.4
"""Words that are less sure than this are not taken for what was said: a wrong answer is worse than a question."""


class Host(Protocol):
    """What the listener needs of the web process (bot.web.service.Service)."""

    keys: Keys
    database: Database
    writer: Writer
    live: LiveContent


@runtime_checkable
class Fetches(Protocol):
    """A channel that people send recordings on."""

    name: str

    async def fetch(self, remote: dict[str, Any]) -> bytes:
        """The content of what a person sent."""
        ...


def to_hear(raw: Raw, listener: Listener | None) -> Raw:
    """The message as it is to be stored: one of voice alone waits for its words where there is somebody to listen."""
    voice = raw.file is not None and str(raw.file.get("kind", "")).startswith("audio/") and not raw.text
    return replace(raw, unheard=True) if voice and listener else raw


class Listener:
    """Listens to one recording at a time.

    Args:
        fetch: gets a recording from its channel.
        seconds: how long one may take at the most, fetching included.
    """

    def __init__(self, host: Host, transcriber: Transcriber, fetch: Fetch, seconds: float) -> None:
        self._host, self._transcriber, self._fetch, self._seconds = host, transcriber, fetch, seconds

    async def run(self) -> None:
        """Listen until cancelled."""
        while True:
            try:
                await self.look(time.time())
            except Exception as error:  # the database is away, say: the timers stay
                log.error("voice messages cannot be read: %s", type(error).__name__)
            await asyncio.sleep(LOOK_SECONDS)

    async def look(self, now: float) -> None:
        """Put into words what waits."""
        with self._host.database.read() as c:
            waiting = timers.due_now(c, now, {LISTEN})
        for timer in waiting:
            if await self._take(timer):
                await self._handle(timer)

    async def _take(self, timer: Due) -> bool:
        """Have it in hand for as long as it may take; False where another process has it."""
        until = time.time() + 2 * self._seconds
        return await self._host.writer.write(lambda c: timers.move(c, timer, until))

    async def _handle(self, timer: Due) -> None:
        its = self._host
        with its.database.read() as c:
            waiting = voices.unheard(c, its.keys, timer.conversation_id or "")
        again = False
        for voice in waiting:
            text = await self._words(voice)
            if text is None:
                again = True
            else:
                await its.writer.write(lambda c, voice=voice, text=text: self._store(c, voice, text))  # type: ignore[misc]
        await its.writer.write(lambda c: self._end(c, timer, again))

    async def _words(self, voice: Unheard) -> str | None:
        """What was said; empty where it cannot be heard, None where it may be had later."""
        if voice.size > BYTES:
            return ""
        try:
            audio = await asyncio.wait_for(self._fetch(voice.channel, voice.remote), self._seconds)
        except Exception as error:  # whatever a channel's client raises
            log.error("a recording could not be fetched: %s", type(error).__name__)
            return None if time.time() - voice.at < PATIENCE_SECONDS else ""
        try:
            told = await asyncio.wait_for(self._transcriber.transcribe(audio, voice.kind, voice.language), self._seconds)
        except (NotHeard, TimeoutError) as error:
            log.warning("a recording could not be put into words: %s", error if isinstance(error, NotHeard) else "took too long")
            return ""
        return told.text if told.language and told.confidence >= CONFIDENT else ""

    def _store(self, c: Connection, voice: Unheard, text: str) -> None:
        its = self._host
        hear(c, its.keys, its.live.current.safety, voice.conversation, voice.language, Raw(voice.id, text))

    def _end(self, c: Connection, timer: Due, again: bool) -> None:
        if timers.done(c, timer.id) and again:
            timers.schedule(c, LISTEN, time.time() + RETRY_SECONDS, timer.conversation_id)
