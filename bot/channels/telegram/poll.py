"""How updates reach us: by webhook where there is a public address, else we ask. It switches by itself, and goes on after any trouble."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import random
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from telegram.error import BadRequest, Conflict, InvalidToken, RetryAfter

from bot.channels.telegram import commands
from bot.channels.telegram.client import ALLOWED, sort
from bot.store import leases

if TYPE_CHECKING:
    from bot.channels.telegram.receiver import Receiver

log = logging.getLogger("orienta.telegram")

LEASE = "poll:telegram"
LEASE_SECONDS = 30.0
POLL_SECONDS = 10
"""How long Telegram keeps a question for updates open; well under the lease."""
WEBHOOK_AGAIN = 600.0
"""The webhook is set again after this: somebody may have taken it away."""
PATH = "/webhooks/telegram"


async def listen(receiver: Receiver) -> None:
    """Receive until cancelled."""
    failures = 0
    told = False
    while True:
        began = time.monotonic()
        try:
            if not told:
                await _introduce(receiver)
                told = True
            if not await _by_webhook(receiver):
                await _by_polling(receiver)
        except Exception as error:
            failures = failures + 1 if time.monotonic() - began < LEASE_SECONDS else 1
            await asyncio.sleep(_pause(receiver, error, failures))


def _pause(receiver: Receiver, error: Exception, failures: int) -> float:
    """Seconds to wait after a failure; a lasting one is told in /readyz."""
    kind = type(error).__name__
    if failures == 1 or failures % 20 == 0:
        log.warning("telegram: updates cannot be received: %s", kind)
    if failures >= 3 or isinstance(error, InvalidToken):
        receiver.service.troubles["telegram"] = f"updates cannot be received ({kind})"
    if isinstance(error, RetryAfter):
        return sort(error).after or 1.0
    return min(60.0, 2.0 ** min(failures, 6)) * random.uniform(0.5, 1.0)


async def _introduce(receiver: Receiver) -> None:
    """The menu of commands in both languages; Spanish for every other language of an app."""
    bot, knowledge = receiver.channel.bot, receiver.service.live.current.knowledge
    await bot.set_my_commands(commands.menu(knowledge, "es"))
    await bot.set_my_commands(commands.menu(knowledge, "en"), language_code="en")


def _works(receiver: Receiver) -> None:
    if receiver.service.troubles.pop("telegram", None):
        log.warning("telegram: updates are received again")


# --- by webhook ------------------------------------------------------------------------------------------------------------


async def _by_webhook(receiver: Receiver) -> bool:
    """Keep the webhook set; False where there is none, for want of an address or because Telegram refuses it.

    Telegram sends the updates of one chat one after another, so that many connections do not disturb their order.
    """
    public_url = receiver.service.settings.public_url
    if public_url is None:
        return False
    while True:
        try:
            await receiver.channel.bot.set_webhook(
                f"{public_url.rstrip('/')}{PATH}",
                secret_token=receiver.secret,
                allowed_updates=ALLOWED,
                drop_pending_updates=False,
            )
        except BadRequest as error:
            log.error("telegram refuses the webhook, updates are asked for instead: %s", type(error).__name__)
            return False
        _works(receiver)
        await asyncio.sleep(WEBHOOK_AGAIN)


# --- by polling ------------------------------------------------------------------------------------------------------------


async def _by_polling(receiver: Receiver) -> None:
    """Ask for updates while the lease is ours. The next question tells Telegram to forget the former answer, so that is stored first."""
    its, offset = receiver.service, 0
    await receiver.channel.bot.delete_webhook(drop_pending_updates=False)
    try:
        while True:
            if await its.writer.write(lambda c: leases.hold(c, LEASE, its.name, time.time(), LEASE_SECONDS)) is None:
                offset = 0  # whoever has it asks on; what we know is old
                await asyncio.sleep(1.0)
                continue
            updates = await _ask(receiver, offset)
            await _store(receiver, updates)
            offset = max([offset, *(update["update_id"] + 1 for update in updates)])
            _works(receiver)
    finally:
        with contextlib.suppress(Exception):
            await its.writer.write(lambda c: leases.release(c, LEASE, its.name))


async def _ask(receiver: Receiver, offset: int) -> list[Any]:
    try:
        return await receiver.channel.updates(offset, POLL_SECONDS)
    except Conflict as error:
        if "webhook" in error.message.lower():  # somebody set one meanwhile
            await receiver.channel.bot.delete_webhook(drop_pending_updates=False)
        raise


async def _store(receiver: Receiver, updates: Sequence[Any]) -> None:
    """Store a batch in its order; all of it is on disk on return.

    Raises:
        DBAPIError: something is not; the same batch must come again.
    """
    results = await asyncio.gather(*(receiver.take(update) for update in updates), return_exceptions=True)
    for result in results:
        if isinstance(result, BaseException):
            raise result
