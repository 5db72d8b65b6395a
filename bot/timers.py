"""What happens when a timer runs out. Timers are rows (bot/store/timers.py), so all of this goes on after a restart.

Two kinds: what changes the database (`EFFECTS`), exactly once, in the transaction that deletes the row; and what calls another
system or takes long (`CALLS`), at least once: its row is moved ahead first, and comes back where the process dies meanwhile.
A timer may be set to run out at once, where only the settings here know how long the thing may take: it is then set again.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, Row, func, select

from bot.cases import alerts, desk, steps
from bot.cases.abandoned import abandoned
from bot.cases.alerts import Alert
from bot.cases.notices import Notices
from bot.store import farewell, retention, timers
from bot.store.schema import case, case_event, conversation, message, officer
from bot.store.timers import Due

if TYPE_CHECKING:
    from bot.web.service import Service

log = logging.getLogger("orienta.timers")

Effect = Callable[[Connection], float | None]
"""What a timer does, in a writing transaction; a time where it is to look again then."""
EffectOf = Callable[["Service", Due, float], Effect]
"""Thinks first (it may read and render), and returns what is to be written. Gets the time that it is."""
Call = Callable[["Service", Due, float], Awaitable[float | None]]
"""Does something outside the database; returns when to do it again, or None where it is done."""

LOOK_SECONDS = 0.5
CALL_SECONDS = 60.0
"""A call that has not come back after this is made again."""
FAILED_SECONDS = 60.0
"""A timer whose handler failed is tried again after this."""
RATE_AGAIN = 20 * 3600.0
"""After this a person who did not say how it went is asked once more: within the day in which WhatsApp lets us write."""
ALERT_FIRST, ALERT_LONGEST, ALERT_GIVE_UP = 30.0, 900.0, 86_400.0
"""An alert that could not be sent waits as long again as has passed since, between the first two; and no longer than the third."""
PURGE_SECONDS = 3600.0

MINUTE, DAY = 60.0, 86_400.0


# --- cases that wait -----------------------------------------------------------------------------------------------------------


def escalate(its: Service, timer: Due, now: float) -> Effect:
    """A case in danger that nobody has taken in time: an alert in the console, by e-mail, by webhook."""

    def effect(c: Connection) -> float | None:
        row = _case(c, timer)
        if row is None or row.level != 1 or row.state not in ("waiting", "assigned") or row.officer_id or row.escalated_at:
            return None
        late = float(row.waiting_since) + its.settings.escalate_minutes * MINUTE
        if now < late:
            return late
        steps.change(c, row, escalated_at=now)
        steps.record(c, its.keys, row.id, "escalated", now, detail={"minutes": _minutes(row, now)})
        if its.settings.alert_email and its.settings.smtp_url:
            timers.schedule(c, "alert_email", now, case_id=row.id)
        if its.settings.alert_webhook:
            timers.schedule(c, "alert_webhook", now, case_id=row.id)
        return None

    return effect


def officer_away(its: Service, timer: Due, now: float) -> Effect:
    """An officer is gone and the person waits for a word: the case is in the queue again."""
    notices = _notices(its, timer)

    def effect(c: Connection) -> float | None:
        row = _case(c, timer)
        if row is None or row.state != "with_person" or row.waiting_since is None:
            return None
        seen = c.execute(select(officer.c.seen_at).where(officer.c.id == row.officer_id)).scalar() or 0.0
        late = max(float(row.waiting_since), seen) + its.settings.away_minutes * MINUTE
        if now < late:
            return late
        desk.give_back(c, its.keys, row.id, None, now, notices.given_back() if notices else None, why="away")
        return None

    return effect


def transfer_expired(its: Service, timer: Due, now: float) -> Effect:
    """An officer was offered a case and said nothing: it is in the queue again."""
    notices = _notices(its, timer)

    def effect(c: Connection) -> float | None:
        row = _case(c, timer)
        if row is None or row.state != "assigned":
            return None
        offers = select(func.max(case_event.c.at)).where(case_event.c.case_id == row.id, case_event.c.kind == "transferred")
        late = float(c.execute(offers).scalar_one()) + its.settings.transfer_minutes * MINUTE
        if now < late:
            return late
        desk.give_back(c, its.keys, row.id, None, now, notices.given_back() if notices else None, why="transfer")
        return None

    return effect


# --- cases that are done -------------------------------------------------------------------------------------------------------


def close_resolved(its: Service, timer: Due, now: float) -> Effect:
    """Nothing came after a case was resolved: it is closed."""

    def effect(c: Connection) -> float | None:
        row = _case(c, timer)
        if row is None or row.state != "resolved":
            return None
        late = float(row.resolved_at) + its.settings.close_days * DAY
        if now < late:
            return late
        desk.close(c, its.keys, row.id, None, now)
        return None

    return effect


def rating(its: Service, timer: Due, now: float) -> Effect:
    """Nobody said how it went: ask once more, unless the person has written since or wants to hear nothing."""
    notices = _notices(its, timer)

    def effect(c: Connection) -> float | None:
        row = _case(c, timer)
        if row is None or notices is None or row.state != "resolved" or row.rating is not None:
            return None
        late = float(row.resolved_at) + RATE_AGAIN
        if now < late:
            return late
        here = row.conversation_id
        wrote = select(message.c.seq).where(message.c.conversation_id == here, message.c.author == "user", message.c.at > row.resolved_at)
        talk = c.execute(select(conversation.c.stopped_at, conversation.c.unreachable).where(conversation.c.id == here)).one()
        if talk.stopped_at is None and talk.unreachable is None and c.execute(wrote.limit(1)).first() is None:
            steps.say(c, its.keys, here, [notices.rate_again()], now, "bot")
            steps.record(c, its.keys, row.id, "asked_again", now)
        return None

    return effect


def leave_taken(its: Service, timer: Due, now: float) -> Effect:
    """The last word after an erasure has had its time."""

    def effect(c: Connection) -> float | None:
        farewell.end(c, timer.conversation_id or "")
        return None

    return effect


def _case(c: Connection, timer: Due) -> Row[Any] | None:
    return c.execute(select(case).where(case.c.id == timer.case_id).with_for_update()).first()


def _notices(its: Service, timer: Due) -> Notices | None:
    with its.database.read() as c:
        return Notices.of(c, its.live.current, its.keys, timer.case_id or "")


def _minutes(row: Row[Any], now: float) -> int:
    return int((now - row.waiting_since) / MINUTE)


# --- calls ---------------------------------------------------------------------------------------------------------------------


async def alert_email(its: Service, timer: Due, now: float) -> float | None:
    """Send an alert by e-mail."""
    url, to = its.settings.smtp_url, its.settings.alert_email
    if url is None or to is None:
        return None
    knowledge = its.live.current.knowledge
    return await _alert(its, timer, now, lambda alert: asyncio.to_thread(alerts.send_email, alert, knowledge, url, to))


async def alert_webhook(its: Service, timer: Due, now: float) -> float | None:
    """Send an alert by webhook."""
    url = its.settings.alert_webhook
    if url is None:
        return None
    knowledge = its.live.current.knowledge
    return await _alert(its, timer, now, lambda alert: alerts.send_webhook(alert, knowledge, url))


async def _alert(its: Service, timer: Due, now: float, send: Callable[[Alert], Awaitable[None]]) -> float | None:
    with its.database.read() as c:
        row = c.execute(select(case).where(case.c.id == timer.case_id)).first()
    if row is None or row.escalated_at is None or row.state not in ("waiting", "assigned"):
        return None  # somebody has it by now
    try:
        await send(Alert(row.number, row.level, row.topic, _minutes(row, now)))
    except alerts.FAILURES as error:
        passed = now - row.escalated_at
        log.error("an alert could not be sent (%s): %s", timer.kind, type(error).__name__)
        return None if passed > ALERT_GIVE_UP else now + min(max(passed, ALERT_FIRST), ALERT_LONGEST)
    return None


async def purge(its: Service, timer: Due, now: float) -> float | None:
    """Erase what is kept no longer; goes on for ever."""
    after, after_web = its.settings.retention_days * DAY, its.settings.retention_web_days * DAY
    gone = await its.writer.write(lambda c: retention.purge(c, its.keys, now, after, after_web))
    if gone:
        log.info("conversations erased after their time: %d", gone)
        await asyncio.to_thread(its.database.forget_traces)
    return now if gone == retention.BATCH else now + PURGE_SECONDS


# --- the runner ----------------------------------------------------------------------------------------------------------------

EFFECTS: dict[str, EffectOf] = {
    "escalate": escalate,
    "officer_away": officer_away,
    "transfer_expired": transfer_expired,
    "close_resolved": close_resolved,
    "rating": rating,
    "abandoned": abandoned,
    farewell.KIND: leave_taken,
}
CALLS: dict[str, Call] = {"alert_email": alert_email, "alert_webhook": alert_webhook, "purge": purge}


class Timers:
    """Looks for timers that have run out, in web."""

    def __init__(self, its: Service) -> None:
        self._its = its
        self._calls: set[asyncio.Task[None]] = set()

    async def run(self) -> None:
        """Look again and again, until cancelled."""
        begun = False
        try:
            while True:
                try:
                    if not begun:
                        await self._its.writer.write(lambda c: timers.ensure(c, "purge", time.time()))
                        begun = True
                    await self.look(time.time())
                except Exception as error:
                    log.error("timers failed: %s", type(error).__name__)
                await asyncio.sleep(LOOK_SECONDS)
        finally:
            for task in self._calls:
                task.cancel()
            await asyncio.gather(*self._calls, return_exceptions=True)

    async def look(self, now: float) -> None:
        """Handle what has run out; calls go on beside it (`settled` waits for them)."""
        with self._its.database.read() as c:
            ran_out = timers.due_now(c, now, {*EFFECTS, *CALLS})
        for timer in ran_out:
            if timer.kind in EFFECTS:
                await self._guarded(timer, now, self._bring_about(timer, now))
            elif await self._take(timer, now):
                task = asyncio.create_task(self._guarded(timer, now, self._call(timer, now)))
                self._calls.add(task)
                task.add_done_callback(self._calls.discard)

    async def settled(self) -> None:
        """Wait until the calls that were begun are through."""
        while self._calls:
            await asyncio.gather(*self._calls)

    async def _take(self, timer: Due, now: float) -> bool:
        """Have a call in hand; False where another process has it."""
        return await self._its.writer.write(lambda c: timers.move(c, timer, now + CALL_SECONDS))

    async def _bring_about(self, timer: Due, now: float) -> None:
        effect = EFFECTS[timer.kind](self._its, timer, now)
        await self._its.writer.write(lambda c: self._end(c, timer, effect))

    async def _call(self, timer: Due, now: float) -> None:
        again = await CALLS[timer.kind](self._its, timer, now)
        await self._its.writer.write(lambda c: self._end(c, timer, lambda _: again))

    @staticmethod
    def _end(c: Connection, timer: Due, effect: Effect) -> None:
        """The row goes and the effect comes, at once or not at all."""
        if not timers.done(c, timer.id):
            return
        again = effect(c)
        if again is not None:
            timers.schedule(c, timer.kind, again, timer.conversation_id, timer.case_id)

    async def _guarded(self, timer: Due, now: float, handling: Awaitable[None]) -> None:
        """One timer that fails does not stop the others; it is tried again."""
        try:
            await handling
        except Exception as error:
            log.error("timer %s failed: %s", timer.kind, type(error).__name__)
            await self._its.writer.write(lambda c: timers.postpone(c, timer.id, now + FAILED_SECONDS))
