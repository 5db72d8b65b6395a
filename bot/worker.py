"""A worker: claims a conversation's message, lets the mind work, and commits the whole turn at once.

    python -m bot.worker SLOT

The working loop itself gives the signs of life (no thread does it for a loop that hangs).
"""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import sys
import time

from bot import conversation
from bot.beats import Beats
from bot.cases.lookup import StoreLookup
from bot.cases.withdrawals import standing_changes
from bot.engine.agent import Engine, TurnFailed, describe
from bot.engine.train import MODEL
from bot.knowledge.live import LiveContent, content, serve
from bot.logs import set_up
from bot.places.resolve import DEFAULT_PATH
from bot.process import begin, node
from bot.settings import MODELS, Settings
from bot.store import claims
from bot.store.claims import GIVE_UP_AFTER, Claim, ClaimLost
from bot.store.crypto import Keys
from bot.store.database import Database, News

log = logging.getLogger("orienta.worker")

IDLE_SECONDS = 0.005
"""Between two looks at the news while there is nothing to do."""
LOOK_AGAIN = 0.5
"""News is a hint only: leases and retries come due without any."""


class Worker:
    """One worker process.

    Args:
        slot: its place in the file of signs of life, from 1.
    """

    def __init__(self, settings: Settings, slot: int) -> None:
        self.settings, self.slot = settings, slot
        self.beats = Beats(settings.beats_path)
        self.ready = False
        self.stopping = False
        self.place = f"{node(settings.data_dir)}:{slot}:"
        self.name = f"{self.place}{os.getpid()}"
        self.keys = Keys.from_json(settings.keys) if settings.keys else Keys.from_file(settings.keys_path)
        self.database = Database(settings.database, waiting=self.beat)
        self.cases = StoreLookup(self.database, self.keys, settings.away_minutes * 60)
        self.live = LiveContent(settings.content_dir, DEFAULT_PATH, lambda: standing_changes(self.database))
        serve(self.live)
        self.engine = Engine.load(MODELS / MODEL, self.live.current.safety)

    def beat(self) -> None:
        self.beats.write(self.slot, os.getpid(), self.ready)

    async def run(self) -> None:
        """Work until told to stop."""
        news = News(self.database)
        with self.database.write() as c:
            claims.release_dead(c, self.place, self.name)
        self.engine.understand("hola")  # the first reading loads what is loaded lazily
        self.ready = True
        log.info("worker %d ready", self.slot)
        looked = refreshed = 0.0
        while not self.stopping:
            self.beat()
            now = time.monotonic()
            if now - refreshed >= LOOK_AGAIN:
                refreshed = now
                if self.live.refresh():
                    self.engine.use(content().safety)
            if not news.seen() and now - looked < LOOK_AGAIN:
                await asyncio.sleep(IDLE_SECONDS)
                continue
            looked = now
            held = self._claim()
            while held is not None and not self.stopping:
                self.beat()
                held = await self._handle(held)
        self.beats.clear(self.slot)
        self.database.close()

    def _claim(self) -> Claim | None:
        with self.database.read() as c:
            if not claims.is_work(c, time.time()):
                return None
        with self.database.write() as c:
            return claims.claim(c, self.keys, self.name, time.time(), self.settings.lease_seconds)

    async def _handle(self, held: Claim) -> Claim | None:
        """Answer the message in hand; returns the next one of the conversation, or of another."""
        try:
            following = await self._turn(held)
        except ClaimLost:
            log.info("a turn was not committed: its conversation had been taken away")
            following = None
        return following or self._claim()

    async def _turn(self, held: Claim) -> Claim | None:
        if held.attempts >= GIVE_UP_AFTER:
            log.error("a message is given up after %d attempts", held.attempts)
            final = conversation.dead_letter(held, content())
            with self.database.write() as c:
                return claims.give_up(c, self.keys, held, final, self.name, time.time(), self.settings.lease_seconds)
        try:
            turn = await conversation.answer(held, self.engine, content(), self.keys, self.cases, self.settings.url)
        except Exception as error:
            log.error("a turn failed: %s", error if isinstance(error, TurnFailed) else describe(error))
            with self.database.write() as c:
                claims.fail(c, held, self.name, time.time())
            return None
        with self.database.write() as c:
            following = conversation.commit(c, self.keys, held, turn, self.name, self.settings.lease_seconds)
        if turn.erase:
            self.database.forget_traces()
        return following


def main() -> None:
    slot = int(sys.argv[1])
    begin(f"orienta worker {slot}")
    settings = Settings()
    set_up(settings.log_level)
    worker = Worker(settings, slot)

    def stop(*_: object) -> None:
        worker.stopping = True

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the supervisor, which stops us in order
    asyncio.run(worker.run())


if __name__ == "__main__":
    main()
