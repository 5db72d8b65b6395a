"""What a person is told when their case changes hands, in their language. Rendered before the transaction that it belongs to."""

from __future__ import annotations

from sqlalchemy import Connection, select

from bot.cases.states import RATING
from bot.knowledge.live import Content
from bot.knowledge.render import Renderer, payload_for
from bot.outcome import SayPhrase
from bot.store.crypto import Keys
from bot.store.inbox import Outgoing
from bot.store.schema import case, conversation


class Notices:
    """The notices of one case.

    Args:
        conversation_id: whose buttons these are.
        number: the case's.
    """

    def __init__(self, content: Content, keys: Keys, conversation_id: str, number: str, language: str) -> None:
        self._number = number
        self._renderer = Renderer(
            content.knowledge, content.consulates, "en" if language == "en" else "es", payload_for(keys, conversation_id)
        )

    @classmethod
    def of(cls, c: Connection, content: Content, keys: Keys, case_id: str) -> Notices | None:
        """Those of a case, in the language that its conversation has now; None where it is gone."""
        row = c.execute(
            select(case.c.number, case.c.conversation_id, conversation.c.language)
            .join(conversation, conversation.c.id == case.c.conversation_id)
            .where(case.c.id == case_id)
        ).first()
        return cls(content, keys, row.conversation_id, row.number, row.language) if row else None

    def officer_here(self, name: str) -> Outgoing:
        """Who is with them now: the first name and no more."""
        return self._say("officer_here", name=next(iter(name.split()), "CIAM"))

    def given_back(self) -> Outgoing:
        """In the queue again."""
        return self._say("case_given_back")

    def resolved(self) -> Outgoing:
        """Done: what to do if it comes back, and how it went."""
        return self._say("case_resolved", [*RATING])

    def rate_again(self) -> Outgoing:
        """How it went, asked once more."""
        return self._say("rate_again", [*RATING])

    def _say(self, phrase: str, buttons: list[str] | None = None, **values: str) -> Outgoing:
        return self._renderer.phrase(SayPhrase(phrase, {"number": self._number, **values}, buttons or []))
