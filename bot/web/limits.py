"""Rate limits: token buckets in memory. The figures are the contract's: never tighter than these."""

from __future__ import annotations

import math
import time
from collections import OrderedDict
from dataclasses import dataclass

SESSION_BURST, SESSION_RATE = 10, 1.0
"""A session: 10 messages at once, then 1 a second."""
ADDRESS_SESSIONS = 120
"""New sessions of an address a minute."""
ADDRESS_MESSAGES = 600
"""Messages of an address a minute."""
KEPT = 100_000
"""Buckets kept in memory at the most; the longest unused goes first."""


class TooFast(Exception):
    """The limit is reached.

    Attributes:
        retry_after: whole seconds until the next one is let through.
    """

    def __init__(self, retry_after: float) -> None:
        super().__init__("rate limit")
        self.retry_after = max(1, math.ceil(retry_after))


@dataclass
class _Bucket:
    tokens: float
    at: float


class Limiter:
    """Buckets of one kind: `burst` at once, then `rate` a second, for each key."""

    def __init__(self, burst: float, rate: float) -> None:
        self.burst, self.rate = burst, rate
        self._buckets: OrderedDict[str, _Bucket] = OrderedDict()

    def take(self, key: str) -> None:
        """Let one through.

        Raises:
            TooFast: there is none left.
        """
        if wait := self.wait(key):
            raise TooFast(wait)

    def wait(self, key: str) -> float:
        """Let one through: 0; or the seconds until there is one."""
        now = time.monotonic()
        bucket = self._buckets.pop(key, None) or _Bucket(self.burst, now)
        bucket.tokens = min(self.burst, bucket.tokens + (now - bucket.at) * self.rate)
        bucket.at = now
        self._buckets[key] = bucket
        if len(self._buckets) > KEPT:
            self._buckets.popitem(last=False)
        if bucket.tokens < 1:
            return (1 - bucket.tokens) / self.rate
        bucket.tokens -= 1
        return 0.0


class Limits:
    """All limits of the chat API; switched off on loopback by LIMITS=off."""

    def __init__(self, on: bool) -> None:
        self.on = on
        self._session = Limiter(SESSION_BURST, SESSION_RATE)
        self._new = Limiter(ADDRESS_SESSIONS, ADDRESS_SESSIONS / 60)
        self._messages = Limiter(ADDRESS_MESSAGES, ADDRESS_MESSAGES / 60)

    def _lifted(self, address: str) -> bool:
        return not self.on and address in ("127.0.0.1", "::1", "testclient")

    def session(self, address: str) -> None:
        if not self._lifted(address):
            self._new.take(address)

    def message(self, address: str, conversation: str) -> None:
        if not self._lifted(address):
            self._messages.take(address)
            self._session.take(conversation)
