"""A case in a person's words: its number, how long it waits, how it stands."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from zoneinfo import ZoneInfo

from bot.cases.lookup import Known, Lookup, Refused, Wait
from bot.knowledge.render import Renderer, day
from bot.outcome import OpenCase, SayCase, SayPhrase
from bot.store.inbox import Outgoing

CENTRAL = "America/Chicago"
"""Zone in which a time is told where the consulate is not known; its name is said with it."""


class CaseTeller:
    """Renders what concerns cases, for one conversation.

    Args:
        conversation_id: whose own case needs no code.
    """

    def __init__(self, renderer: Renderer, lookup: Lookup, conversation_id: str) -> None:
        self._renderer, self._lookup, self._conversation = renderer, lookup, conversation_id

    def wait(self, opened: OpenCase) -> str:
        """A sentence on the wait: from the queue as it is, or when somebody is on duty again."""
        return self._wait(self._lookup.wait(opened.level, opened.consulate), opened.consulate)

    def _wait(self, wait: Wait, consulate: str | None) -> str:
        if wait.on_duty:
            if wait.minutes is not None:
                return self._say("wait_minutes", minutes=str(max(1, wait.minutes)))
            return self._say("wait_ahead", ahead=str(wait.ahead)) if wait.ahead else self._say("wait_soon")
        if wait.opens_at is not None:
            return self._say("wait_opens", when=self._moment(wait.opens_at, consulate))
        return self._say("wait_unknown")

    def _moment(self, at: float, consulate: str | None) -> str:
        post = self._renderer.consulates.get(consulate or "")
        local = dt.datetime.fromtimestamp(at, ZoneInfo(post.timezone if post else CENTRAL))
        return f"{day(local.date(), self._renderer.language)}, {local:%H:%M} ({local:%Z})"

    def state(self, asked: SayCase) -> Iterator[Outgoing]:
        """How a case stands. Another conversation's is told to whoever has its number and code, and to nobody else."""
        try:
            known = self._known(asked)
        except Refused:
            yield self._phrase("case_locked")
            return
        if known is None:
            yield self._phrase("case_not_found" if asked.code else "case_ask_code")
            return
        text = [self._say("case_state", number=known.number), self._say(f"case_is_{known.state}")]
        if known.state == "waiting":
            text.append(self._wait(self._lookup.wait(None, None), None))
        yield Outgoing("\n".join(text), self._renderer.buttons(["human"]))

    def _known(self, asked: SayCase) -> Known | None:
        own = self._lookup.own(self._conversation)
        if own is not None and asked.number in (None, own.number):
            return own
        return self._lookup.by_code(asked.number, asked.code) if asked.number and asked.code else None

    def code(self, code: str) -> Outgoing:
        """The code by which the person finds the case again."""
        return self._renderer.phrase(SayPhrase("case_code", {"code": code}))

    def _phrase(self, key: str) -> Outgoing:
        return self._renderer.phrase(SayPhrase(key, buttons=["human"]))

    def _say(self, key: str, **values: str) -> str:
        return self._renderer.knowledge.phrase(key, self._renderer.language, **values)
