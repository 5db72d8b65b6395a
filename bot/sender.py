"""The sender of the outbox: one task in web for each channel, under a lease, so that one process sends.

    look ─► begin (committed) ─► call ─► settle (committed)      at most one call at a time in a conversation

A channel renders a stored message into calls and makes them; what became of a call it says with `Sent` or `SendFailed`. Order,
rates, retries and states are here and in bot/store/deliveries.py, the same for every channel.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import random
import time
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Literal, NamedTuple, Protocol, TypeVar

from sqlalchemy import Connection

from bot.knowledge.schema import Language
from bot.store import deliveries, leases
from bot.store.crypto import Keys
from bot.store.database import Database
from bot.store.deliveries import DANGER_RECONCILE, UNKNOWN_LIMIT, Due, backoff
from bot.store.identities import identity_of
from bot.web.limits import Limiter
from bot.web.writer import Writer

log = logging.getLogger("orienta.sender")

T = TypeVar("T")
AT_ONCE = 32
"""Calls of one channel in flight at the most."""
LOOK_AGAIN = 0.5
"""News is a hint only: the outbox is looked at again after this."""
LEASE_SECONDS = 5.0
LAST_CALLS = 6.0
"""How long a stopping process waits for the answers to calls that it has made; the supervisor kills after ten seconds."""
UNREACHABLE_AFTER = 5
"""Calls in a row that reached nobody, after which the channel counts as down."""
SWEEP_SECONDS = 60.0


class Rate(NamedTuple):
    """Calls a channel lets through: `all_burst` at once and `all_rate` a second, and the same towards one person."""

    all_burst: float
    all_rate: float
    one_burst: float
    one_rate: float


RATES = {
    "whatsapp": Rate(20, 60.0, 45, 1 / 6),  # 80 a second, in and out together; 45 are lent to a pair
    "telegram": Rate(20, 25.0, 3, 1.0),  # 30 a second
}
"""What the channels allow, with some room left for what is not sent by us."""

Outcome = Literal["wait", "retry", "unknown", "failed", "held", "channel_down"]


class SendFailed(Exception):
    """A call that was not accepted, or nobody knows.

    Attributes:
        outcome: wait (too fast: not sent), retry (not sent, their trouble), unknown (perhaps sent), failed (settled),
            held (the window is closed), channel_down (nothing of this channel can be sent now).
        code: the channel's code, or a word of ours; never a text of the channel's, which may hold a number.
        after: seconds to wait, where the channel said so.
        whole: of "wait": the whole channel is too fast, not only this conversation.
        unreachable: of "failed": nothing can be sent to this person.
        doubtful: of "retry": it may have gone through all the same.
    """

    def __init__(
        self,
        outcome: Outcome,
        code: str,
        after: float | None = None,
        *,
        whole: bool = False,
        unreachable: bool = False,
        doubtful: bool = False,
    ) -> None:
        super().__init__(f"{outcome}: {code}")
        self.outcome, self.code, self.after = outcome, code, after
        self.whole, self.unreachable, self.doubtful = whole, unreachable, doubtful


@dataclass(frozen=True)
class Rendered:
    """A stored message as a channel gets it to make calls of it.

    Attributes:
        buttons: {"title", "short", "payload"} each.
        location: {"lat", "lon", "name", "address"} or None.
        image: {"url", "alt"} or None.
    """

    text: str
    language: Language
    buttons: list[dict[str, str]] = field(default_factory=list)
    location: dict[str, Any] | None = None
    image: dict[str, str] | None = None
    topic: str | None = None
    author: str = "bot"
    asks_place: bool = False

    @classmethod
    def of(cls, body: dict[str, Any]) -> Rendered:
        known = ("text", "language", "buttons", "location", "image", "topic", "author", "asks_place")
        return cls(**{key: body[key] for key in known if body.get(key) is not None})


@dataclass(frozen=True)
class Call:
    """One call of a channel's API, without the recipient.

    Attributes:
        plain: the same content in a form that is never refused, for a channel that does not take this one.
    """

    method: str
    body: dict[str, Any]
    plain: Call | None = None


@dataclass(frozen=True)
class Sent:
    """The channel took it under this id of its own."""

    external_id: str


class Channel(ABC):
    """What a channel brings along; the sender knows nothing else of it.

    Attributes:
        order_seconds: how long an accepted message may still be overtaken by the next one on its way; 0: never.
        reconcile_seconds: how long a report may tell what became of a call with an unknown outcome; 0: no report ever does.
        window: seconds after the person's last message in which they can be written to freely; None: always.
    """

    name: str
    order_seconds: float = 0.0
    reconcile_seconds: float = 0.0
    window: float | None = None

    @abstractmethod
    def parts(self, message: Rendered) -> list[Call]:
        """The calls that a message takes, at least one, always the same ones for the same message."""

    @abstractmethod
    async def send(self, identity: dict[str, Any], call: Call, reference: str) -> Sent:
        """Make a call.

        Args:
            identity: whom to (bot.store.identities.Who.profile).
            reference: to go along where the channel returns it with its reports.

        Raises:
            SendFailed: it was not accepted, or nobody knows.
        """

    def template(self, language: Language) -> Call:
        """What may be sent outside the window: it asks the person to write.

        Raises:
            TypeError: the channel has no window.
        """
        raise TypeError(f"{self.name} has no window")

    @abstractmethod
    async def close(self) -> None:
        """Let go of connections."""


class Host(Protocol):
    """What the sender needs of the web process (bot.web.service.Service)."""

    keys: Keys
    database: Database
    writer: Writer


class Sender:
    """Sends one channel's outbox until told to stop.

    Args:
        holder: this process's name for the lease.
        news: set whenever something was committed.
    """

    def __init__(self, host: Host, channel: Channel, holder: str, news: asyncio.Event) -> None:
        self.host, self.channel, self.holder, self.news = host, channel, holder, news
        self.lease = f"sender:{channel.name}"
        rate = RATES[channel.name]
        self._all, self._one = Limiter(rate.all_burst, rate.all_rate), Limiter(rate.one_burst, rate.one_rate)
        self._busy: dict[str, asyncio.Task[Any]] = {}
        self._held_until = 0.0
        self._swept = 0.0
        self._paused_until = 0.0
        self._pauses = 0
        self._unreached = 0
        self._stopping = False
        self.down: str | None = None
        """The code for which the channel counts as down; None while it works."""

    async def run(self) -> None:
        """Send until `stop`."""
        while not self._stopping:
            self.news.clear()
            try:
                pause = await self._look()
            except Exception as error:  # the database is away, say: what is due stays due
                log.error("%s: the outbox cannot be read: %s", self.channel.name, type(error).__name__)
                pause = LOOK_AGAIN
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self.news.wait(), pause)

    async def stop(self) -> None:
        """Begin nothing more, let calls in flight come to their end, and let go of the lease."""
        self._stopping = True
        self.news.set()
        if self._busy:
            await asyncio.wait(list(self._busy.values()), timeout=LAST_CALLS)
        unfinished = [task for task in self._busy.values() if not task.done()]
        for task in unfinished:
            task.cancel()
        if not unfinished:  # else the next sender has to wait until the lease ends and finds them unknown
            await self.host.writer.write(lambda c: leases.release(c, self.lease, self.holder))
        await self.channel.close()

    # --- one look at the outbox --------------------------------------------------------------------------------------------

    async def _look(self) -> float:
        """Start what is due; returns the seconds until the next look, news apart."""
        now = time.time()
        if not await self._hold(now):
            return LOOK_AGAIN
        await self._sweep(now)
        if now < self._paused_until:
            return min(LOOK_AGAIN, self._paused_until - now)
        free = AT_ONCE - len(self._busy)
        if free <= 0:
            return LOOK_AGAIN
        with self.host.database.read() as c:
            due = deliveries.ready(c, self.channel.name, now, self._busy.keys(), self.channel.order_seconds, free)
            later = deliveries.next_due(c, self.channel.name, now)
        for one in due:
            if wait := self._all.wait("all"):
                return min(LOOK_AGAIN, wait)
            if not self._may_call(one):
                continue
            task = asyncio.create_task(self._deliver(one))
            self._busy[one.id] = task
            task.add_done_callback(partial(self._done, one.id))
        waits = [LOOK_AGAIN] + ([later - now] if later is not None else [])
        return max(0.01, min(waits))

    def _may_call(self, due: Due) -> bool:
        """Whether the pair's limit lets this through; else the row remembers until when it waits."""
        wait = self._one.wait(due.conversation)
        if not wait:
            return True
        not_before = time.time() + wait
        task = asyncio.create_task(self._write(lambda c: deliveries.wait_until(c, due, not_before)))
        self._busy[due.id] = task
        task.add_done_callback(partial(self._done, due.id))
        return False

    def _done(self, delivery_id: str, task: asyncio.Task[Any]) -> None:
        del self._busy[delivery_id]
        self.news.set()

    async def _hold(self, now: float) -> bool:
        """Keep the lease; a new holder first takes stock of what the former one left."""
        if now < self._held_until - LEASE_SECONDS / 2:
            return True
        had = now < self._held_until
        fence = await self.host.writer.write(lambda c: leases.hold(c, self.lease, self.holder, now, LEASE_SECONDS))
        if fence is None:
            self._held_until = 0.0
            return False
        if not had:
            await self._recover(now)
        self._held_until = now + LEASE_SECONDS
        return True

    async def _recover(self, now: float) -> None:
        wait = self.channel.reconcile_seconds
        left = await self.host.writer.write(lambda c: deliveries.recover(c, self.channel.name, list(self._busy), now, wait))
        if left:
            log.warning("%s: %d calls of a former process are unknown", self.channel.name, left)

    async def _sweep(self, now: float) -> None:
        """Once a minute: what nobody's hands hold any more, and what nobody needs any more."""
        if now - self._swept < SWEEP_SECONDS:
            return
        self._swept = now
        await self._recover(now)
        stale = await self.host.writer.write(lambda c: deliveries.give_up_stale(c, self.channel.name, now))
        if stale:
            log.error("%s: %d messages could not be sent for a day and were given up", self.channel.name, stale)

    # --- one call --------------------------------------------------------------------------------------------------------------

    async def _deliver(self, due: Due) -> None:
        try:
            with self.host.database.read() as c:
                calls = self._calls(c, due)
                identity = identity_of(c, self.host.keys, due.conversation)
        except Exception as error:  # a message that cannot be rendered must not stop those behind it
            log.error("%s: a message cannot be rendered: %s", self.channel.name, type(error).__name__)
            await self._write(lambda c: deliveries.fail(c, due, "unrenderable"))
            return
        if due.kind == "message" and self._window_is_closed(due):
            await self._write(lambda c: deliveries.hold(c, due.conversation, due.seq, "window", time.time()))
            return
        if not calls or due.parts_done >= len(calls):
            await self._write(lambda c: deliveries.fail(c, due, "gone"))
            return
        if not await self._write(lambda c: self._is_ours(c) and deliveries.begin(c, due, time.time())):
            return
        try:
            sent = await self.channel.send(identity, calls[due.parts_done], deliveries.reference(due, len(calls)))
        except SendFailed as failure:
            await self._settle(due, failure)
        except Exception as error:  # ours: whether it went out, nobody knows
            log.error("%s: a call broke off: %s", self.channel.name, type(error).__name__)
            await self._settle(due, SendFailed("unknown", "broken"))
        else:
            self._works()
            name, order, parts = self.channel.name, self.channel.order_seconds, len(calls)
            await self._write(lambda c: deliveries.accepted(c, self.host.keys, due, name, sent.external_id, parts, time.time(), order))

    def _calls(self, c: Connection, due: Due) -> list[Call]:
        if due.kind == "template":
            return [self.channel.template(due.language)]
        body = deliveries.letter(c, self.host.keys, due)
        return self.channel.parts(Rendered.of(body)) if body else []

    def _window_is_closed(self, due: Due) -> bool:
        closes = deliveries.window_closes(self.channel.window, due.inbound_at)
        return closes is not None and time.time() >= closes

    def _is_ours(self, c: Connection) -> bool:
        """Whether this process still is the one that sends; looked at in the transaction that begins a call."""
        return leases.is_held(c, self.lease, self.holder, time.time())

    async def _settle(self, due: Due, failure: SendFailed) -> None:
        now = time.time()
        outcome = failure.outcome
        if outcome == "failed" or (outcome == "held" and due.kind == "template"):
            log.warning("%s: a message was refused: %s", self.channel.name, failure.code)
            await self._write(lambda c: deliveries.fail(c, due, failure.code, unreachable=failure.unreachable))
            return
        if outcome == "held":
            await self._write(lambda c: deliveries.hold(c, due.conversation, due.seq, failure.code, now))
            return
        if outcome == "unknown":
            if due.unknowns + 1 >= UNKNOWN_LIMIT:
                await self._write(lambda c: deliveries.fail(c, due, "unknown"))
                return
            wait = max(self.channel.reconcile_seconds, backoff(due.unknowns))
            wait = min(wait, DANGER_RECONCILE) if due.priority == 1 else wait
            await self._write(lambda c: deliveries.postpone(c, due, "unknown", now + wait, failure.code, counts=True))
            return
        wait = failure.after if failure.after is not None else _jitter(backoff(due.attempts))
        if failure.code == UNREACHED:
            self._unreached += 1
            wait = min(wait, 30.0)
        if outcome == "channel_down" or self._unreached >= UNREACHABLE_AFTER:
            self._pause(failure.code, failure.after)
            wait = 0.0
        elif failure.whole:
            self._paused_until = max(self._paused_until, now + wait)
        counts = outcome != "channel_down"
        await self._write(
            lambda c: deliveries.postpone(c, due, "pending", now + wait, failure.code, counts=counts, doubtful=failure.doubtful)
        )

    def _pause(self, code: str, after: float | None) -> None:
        """The channel is down: everything stays in the outbox, and one look after a while tells whether it is up again."""
        if self.down is None:
            log.error("%s is down: %s; everything waits in the outbox", self.channel.name, code)
        if time.time() >= self._paused_until:  # calls that were in flight together count once
            self._pauses += 1
        self.down = code
        wait = after if after is not None else _jitter(min(5.0 * 2 ** (self._pauses - 1), 120.0))
        self._paused_until = max(self._paused_until, time.time() + wait)

    def _works(self) -> None:
        if self.down is not None:
            log.warning("%s is up again", self.channel.name)
        self.down, self._pauses, self._unreached = None, 0, 0

    async def _write(self, wish: Callable[[Connection], T]) -> T:
        """Write what became of a call; as long as the database is away, the call stays in our hands."""
        while True:
            try:
                return await self.host.writer.write(wish)
            except Exception as error:
                log.error("%s: the outbox cannot be written: %s", self.channel.name, type(error).__name__)
                await asyncio.sleep(LOOK_AGAIN)


UNREACHED = "unreached"
"""The code of a call that reached nobody: no address, no connection."""


def _jitter(seconds: float) -> float:
    return seconds * random.uniform(1.0, 1.25)
