"""Who is looking at which case and who is typing. It lives in web's memory: nothing of it is worth keeping."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

Typing = Literal["reply", "note"]

VIEWING_SECONDS = 35.0
"""A view that has not been renewed for so long has ended; browsers renew it every 10 s."""
TYPING_SECONDS = 6.0
"""After the last key."""


@dataclass
class _Sign:
    seen: float
    conversation: str
    typing: Typing | None = None
    typed: float = 0.0


@dataclass(frozen=True)
class Present:
    """An officer who has a case on the screen, and what they are writing."""

    officer_id: str
    typing: Typing | None


class Presence:
    """Signs of officers.

    Args:
        clock: seconds; only differences count.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._signs: dict[str, dict[str, _Sign]] = {}

    def sign(self, case_id: str, conversation: str, officer_id: str, typing: Typing | None) -> bool:
        """An officer's browser tells that the case is on its screen; True where others see a change."""
        before = self.of(case_id)
        now = self._clock()
        sign = self._signs.setdefault(case_id, {}).setdefault(officer_id, _Sign(now, conversation))
        sign.seen = now
        sign.typing, sign.typed = typing, now if typing else 0.0
        return self.of(case_id) != before

    def leave(self, case_id: str, officer_id: str) -> None:
        self._signs.get(case_id, {}).pop(officer_id, None)

    def of(self, case_id: str) -> list[Present]:
        """Who looks at a case now, in the order of their ids."""
        now = self._clock()
        signs = self._signs.get(case_id, {})
        for officer_id in [o for o, s in signs.items() if now - s.seen > VIEWING_SECONDS]:
            del signs[officer_id]
        if not signs:
            self._signs.pop(case_id, None)
        return [Present(o, s.typing if now - s.typed <= TYPING_SECONDS else None) for o, s in sorted(signs.items())]

    def viewed_by(self, officer_id: str) -> list[str]:
        """The cases that an officer has on a screen."""
        return [case_id for case_id in list(self._signs) if any(p.officer_id == officer_id for p in self.of(case_id))]

    def writes_to(self, conversation: str) -> bool:
        """Whether an officer is typing a message to the person of this conversation."""
        now = self._clock()
        return any(
            s.conversation == conversation and s.typing == "reply" and now - s.typed <= TYPING_SECONDS
            for signs in self._signs.values()
            for s in signs.values()
        )
