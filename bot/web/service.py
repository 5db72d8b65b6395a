"""What the web process holds: store, content, limits, and the watch over news and unanswered messages."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import time
from collections import defaultdict
from collections.abc import AsyncIterator
from typing import Any

from prometheus_client import CollectorRegistry, Counter

from bot import outage
from bot.beats import Beats
from bot.cases.withdrawals import standing_changes
from bot.console.presence import Presence
from bot.conversation import first_aid
from bot.knowledge.live import LiveContent, serve
from bot.knowledge.render import Renderer, payload_for
from bot.process import node
from bot.sender import Channel, Sender
from bot.settings import Settings
from bot.store import inbox, leases
from bot.store.crypto import Keys
from bot.store.database import Database, News
from bot.store.inbox import Waiting
from bot.timers import Timers
from bot.voice.listen import Fetches, Listener
from bot.voice.whisper import Whisper
from bot.web.limits import Limits
from bot.web.writer import Writer

log = logging.getLogger("orienta.web")

NEWS_SECONDS = 0.01
"""Between two looks at the news."""
LOOK_AGAIN = 0.5
"""News is a hint only: everybody looks again after this."""
WATCH_SECONDS = 0.1
"""Between two looks at unanswered messages."""
OUTAGE_SECONDS = 0.5
"""How long a message waits for a worker where none is alive, before its interim answer."""


class Service:
    """The web process's whole state. Made inside the running event loop by `running`."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.keys = Keys.from_json(settings.keys) if settings.keys else Keys.from_file(settings.keys_path)
        self.database = Database(settings.database, waiting=self._wait_for_lock)
        self.beats = Beats(settings.beats_path)
        self.live = LiveContent(settings.content_dir, None, lambda: standing_changes(self.database))
        serve(self.live)
        self.limits = Limits(settings.limits == "on")
        self.registry = CollectorRegistry()
        self.received = Counter("orienta_messages_received", "Messages stored", ["channel"], registry=self.registry)
        self.interims = Counter("orienta_interim_answers", "Safety answers given by web", ["level"], registry=self.registry)
        self.presence = Presence()
        self.senders: list[Sender] = []
        self.troubles: dict[str, str] = {}
        """What works only in part now, by its name; /readyz tells it."""
        self.voice = self._listener(settings)
        """Puts voice messages into words, where there is a model for it."""
        self.listeners: list[asyncio.Event] = []
        """Set at every news, whatever it is."""
        self._waiting_since = 0.0
        self._no_commands: set[tuple[str, int]] = set()
        self._wakers: dict[str, set[asyncio.Event]] = defaultdict(set)
        self.writer = Writer(self.database, self._lock_wanted)
        self.place = f"{node(settings.data_dir)}:web:"
        self.name = f"{self.place}{os.getpid()}"

    # --- signs of life -------------------------------------------------------------------------------------------------

    def _lock_wanted(self, waiting: bool) -> None:
        """The supervisor reads since when web waits for the write lock, and ends a stopped worker that holds it."""
        self._waiting_since = time.monotonic() if waiting else 0.0
        self._beat()

    def _wait_for_lock(self) -> None:
        self._beat()

    def _beat(self) -> None:
        self.beats.write(0, os.getpid(), True, self._waiting_since)

    # --- waiting for news of a conversation ----------------------------------------------------------------------------

    @contextlib.contextmanager
    def waker(self, conversation: str):  # type: ignore[no-untyped-def]
        """An event that is set whenever something may be new in the conversation."""
        event = asyncio.Event()
        self._wakers[conversation].add(event)
        try:
            yield event
        finally:
            self._wakers[conversation].discard(event)
            if not self._wakers[conversation]:
                del self._wakers[conversation]

    def wake(self, conversation: str) -> None:
        """Something that stands in no database is new in the conversation: an officer is typing."""
        for event in self._wakers.get(conversation, ()):
            event.set()

    async def _watch_news(self) -> None:
        news, looked = News(self.database), 0.0
        known: dict[str, int] = {}
        try:
            while True:
                now = time.monotonic()
                if news.seen() or now - looked >= LOOK_AGAIN:
                    looked = now
                    self._wake(known)
                    for event in self.listeners:
                        event.set()
                await asyncio.sleep(NEWS_SECONDS)
        finally:
            news.close()

    def _wake(self, known: dict[str, int]) -> None:
        waiting = list(self._wakers)
        with self.database.read() as c:
            found = {k: v for part in _parts(waiting, 500) for k, v in inbox.last_seq(c, part).items()}
        for conversation in waiting:
            if found.get(conversation, -1) != known.get(conversation):
                for event in self._wakers[conversation]:
                    event.set()
        known.clear()
        known.update({c: found.get(c, -1) for c in waiting})

    # --- the interim answer --------------------------------------------------------------------------------------------

    async def _watch_unanswered(self) -> None:
        """Promise 2: with no worker alive everybody gets a safety answer; with slow ones only a level 1 message does."""
        while True:
            await asyncio.sleep(WATCH_SECONDS)
            self._beat()
            try:
                await self._give_interims()
            except Exception as error:
                log.error("interim answers failed: %s", type(error).__name__)

    async def _give_interims(self) -> None:
        now = time.time()
        alive = self.beats.any_worker_alive()
        with self.database.read() as c:
            waits = inbox.waiting(c, now - min(OUTAGE_SECONDS, self.settings.interim_seconds))
        if alive:
            self._no_commands.clear()
        elif commands := [w for w in waits if self._is_command(w)]:
            await asyncio.gather(*(self._do_command(wait) for wait in commands))
            return  # they are no longer waiting
        due = [
            w
            for w in waits
            if (w.level == 1 and now - w.at >= self.settings.interim_seconds) or (not alive and (w.level == 1 or not w.outage))
        ]
        await asyncio.gather(*(self._give_interim(wait) for wait in due))

    def _is_command(self, wait: Waiting) -> bool:
        """Whether it is a word that always works; each message is opened once an outage."""
        place = (wait.conversation, wait.seq)
        if place in self._no_commands:
            return False
        with self.database.read() as c:
            body = inbox.body_of(c, self.keys, *place)
            found = outage.is_command(body, outage.asked_last(c, self.keys, wait.conversation))
        if not found:
            self._no_commands.add(place)
        return found

    async def _do_command(self, wait: Waiting) -> None:
        content, away = self.live.current, self.settings.away_minutes * 60
        if await self.writer.write(lambda c: outage.answer(c, self.keys, content, wait, away, time.time())):
            await asyncio.to_thread(self.database.forget_traces)

    async def _give_interim(self, wait: Waiting) -> None:
        with self.database.read() as c:
            body = inbox.body_of(c, self.keys, wait.conversation, wait.seq)
        content = self.live.current
        danger = content.safety.look(body["text"])
        renderer = Renderer(content.knowledge, content.consulates, wait.language, payload_for(self.keys, wait.conversation))
        out = first_aid(content, danger.kind if danger else None, wait.language, renderer)
        if await self.writer.write(lambda c: inbox.add_interim(c, self.keys, wait, out, time.time())):
            self.interims.labels(str(wait.level)).inc()

    async def _watch_content(self) -> None:
        while True:
            await asyncio.sleep(LOOK_AGAIN)
            await asyncio.to_thread(self.live.refresh)

    # --- the other channels --------------------------------------------------------------------------------------------

    def _listener(self, settings: Settings) -> Listener | None:
        if settings.voice_model is None:
            return None
        return Listener(self, Whisper(settings.voice_model, settings.voice_seconds), self.fetch, settings.voice_seconds)

    async def fetch(self, channel: str, remote: dict[str, Any]) -> bytes:
        """The content of what a person sent on a channel that keeps it.

        Raises:
            LookupError: nothing can be fetched from that channel.
            SendFailed: it is not to be had now.
        """
        for sender in self.senders:
            if sender.channel.name == channel and isinstance(sender.channel, Fetches):
                return await sender.channel.fetch(remote)
        raise LookupError(channel)

    def add_channel(self, channel: Channel) -> None:
        """Send a channel's outbox from now on, where this process gets its lease."""
        news = asyncio.Event()
        self.listeners.append(news)
        self.senders.append(Sender(self, channel, self.name, news))

    # --- life ----------------------------------------------------------------------------------------------------------

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Watch while the web process serves."""
        self._beat()
        await self.writer.write(lambda c: leases.release_dead(c, self.place, self.name))
        watches = [self._watch_news(), self._watch_unanswered(), self._watch_content(), Timers(self).run()]
        if self.voice:
            watches.append(self.voice.run())
        tasks = [asyncio.create_task(t) for t in (*watches, *(sender.run() for sender in self.senders))]
        try:
            yield
        finally:
            await asyncio.gather(*(sender.stop() for sender in self.senders), return_exceptions=True)
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            self.writer.close()
            self.database.close()
            self.beats.clear(0)


def _parts(items: list[str], size: int) -> list[list[str]]:
    return [items[i : i + size] for i in range(0, len(items), size)]
