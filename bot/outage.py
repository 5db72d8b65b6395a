"""The words that always work, with no worker alive: web itself does what they mean (bot/commands.py recognises them).

The answer is final: it is the one that a worker would have given. With a worker alive nothing here is used.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, select, update

from bot.cases import desk, queue, resume
from bot.cases.lookup import Known, Wait
from bot.cases.telling import CaseTeller
from bot.commands import is_yes
from bot.knowledge.live import Content
from bot.knowledge.render import Renderer, payload_for
from bot.knowledge.schema import Language
from bot.outcome import OpenCase, SayPhrase, SayTopic
from bot.store import claims, farewell, holder, inbox
from bot.store.crypto import Keys
from bot.store.inbox import Outgoing, Waiting
from bot.store.schema import conversation, message, tracker

COMMANDS = {"stop", "erase", "human", "language"}


def is_command(body: dict[str, Any], asked: str | None) -> bool:
    """Whether the message is a word that always works, or the answer to the question whether to erase.

    Args:
        body: the stored message.
        asked: what the assistant asked last.
    """
    kind = str(body.get("action") or "").partition(":")[0]
    return kind in COMMANDS or (asked == "erase" and (kind in ("yes", "no") or (not kind and is_yes(body["text"]))))


def asked_last(c: Connection, keys: Keys, conversation_id: str) -> str | None:
    """What the assistant asked last, from the dialogue's state."""
    asked: str | None = _state(c, keys, conversation_id)["slots"].get("asked")
    return asked


def answer(c: Connection, keys: Keys, content: Content, waiting: Waiting, away: float, now: float) -> bool:
    """Do what the command means and answer it, in a writing transaction; nothing where it was answered meanwhile.

    Returns:
        True where everything was erased.
    """
    here = waiting.conversation
    held = select(message.c.body).where(message.c.conversation_id == here, message.c.seq == waiting.seq, message.c.answered_at.is_(None))
    sealed = c.execute(held).scalar()
    talk = c.execute(select(conversation).where(conversation.c.id == here)).first()
    if sealed is None or talk is None:
        return False
    body, state = keys.open(sealed, f"message:{here}"), _state(c, keys, here)
    kind, _, ref = str(body.get("action") or "").partition(":")
    asked = state["slots"].pop("asked", None)
    if asked == "erase" and (kind == "yes" or (not kind and is_yes(body["text"]))):
        spoken: Language = "en" if talk.language == "en" else "es"
        last_word = Renderer(content.knowledge, content.consulates, spoken, payload_for(keys, here)).phrase(SayPhrase("erased"))
        farewell.erase_and_tell(c, keys, here, last_word, now)
        return True
    language: Language = "en" if (ref or talk.language) == "en" else "es"
    renderer = Renderer(content.knowledge, content.consulates, language, payload_for(keys, here))
    level, topic, said = 0, "delete_data", [renderer.phrase(SayPhrase("not_erased", buttons=["topic:help", "human"]))]
    if kind == "stop":
        topic, said = "", [renderer.phrase(SayPhrase("stopped", buttons=["topic:help", "human"]))]
        c.execute(update(conversation).where(conversation.c.id == here).values(stopped_at=now))
    elif kind == "language":
        topic, said = "language_switch", list(renderer.topic(SayTopic("language_switch")))
        c.execute(update(conversation).where(conversation.c.id == here).values(language=language, language_pinned=True, language_run=0))
    elif kind == "human":
        level, topic, said = 2, "human_handoff", [_handed_over(c, keys, renderer, waiting, talk.channel, state, away, now)]
    elif kind == "erase":
        number = state["slots"].get("case")
        asking = SayPhrase("erase_with_case", {"number": number}, ["yes", "no"]) if number else SayPhrase("erase", {}, ["yes", "no"])
        said, state["slots"]["asked"] = [renderer.phrase(asking)], "erase"
    claims.save_state(c, keys, here, state)
    holder.raise_fence(c, here)
    c.execute(
        update(message).where(message.c.conversation_id == here, message.c.seq == waiting.seq).values(answered_at=now, interim_at=now)
    )
    first = inbox.next_seq(c, here, len(said))
    if first is not None:
        common = {"in_reply_to": waiting.id, "topic": topic or None, "level": level, "language": language}
        inbox.insert_outgoing(c, keys, here, first, said, now, **common)
    return False


def _handed_over(
    c: Connection, keys: Keys, renderer: Renderer, waiting: Waiting, channel: str, state: dict[str, Any], away: float, now: float
) -> Outgoing:
    """Open a case, or say that there is one; a resolved one is open again."""
    number, resolved = resume.current_number_of(c, waiting.conversation), resume.resolved_case_of(c, waiting.conversation)
    if resolved is not None and resume.open_case_of(c, waiting.conversation) is None:
        desk.reopen(c, keys, resolved, None, now)
    if number is None:
        number = claims.case_number(waiting.conversation, waiting.id)
        told = state["slots"].get("told") or {}
        opened = OpenCase(told.get("topic"), 2, str(told.get("text", "")), incomplete=True)
        case_id = claims.case_id(waiting.conversation, waiting.id)
        new = claims.new_case(opened)
        desk.open_case(c, keys, waiting.conversation, case_id, number, new, renderer.language, channel, now)
        wait = CaseTeller(renderer, _Now(c, away, now), waiting.conversation).wait(opened)
        return renderer.phrase(SayPhrase("case_opened", {"number": number, "wait": wait}))
    return renderer.phrase(SayPhrase("case_open", {"number": number}))


class _Now:
    """The wait, asked inside the transaction that opens the case."""

    def __init__(self, c: Connection, away: float, now: float) -> None:
        self._c, self._away, self._now = c, away, now

    def wait(self, level: int | None, consulate: str | None) -> Wait:
        return queue.expected_wait(self._c, self._now, level, consulate, self._away)

    def own(self, conversation_id: str) -> Known | None:
        return None

    def by_code(self, number: str, code: str) -> Known | None:
        return None


def _state(c: Connection, keys: Keys, conversation_id: str) -> dict[str, Any]:
    body = c.execute(select(tracker.c.body).where(tracker.c.conversation_id == conversation_id)).scalar()
    state: dict[str, Any] = keys.open(body, f"tracker:{conversation_id}") if body else {"slots": {}, "loop": None, "recent": []}
    return state
