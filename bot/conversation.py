"""The one path of a message, in both of its halves. Every channel's messages go through here.

Web (`receive`): clean the text, read its language and danger by rules, name the pressed button, store. Then it is acknowledged.
Worker (`answer`): understand, see it in the light of what was said before, let the rules decide, choose the language, render.
Between the two stands the database (bot/store).
"""

from __future__ import annotations

import dataclasses
import time
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection

from bot.engine.context import in_context, remember_text
from bot.engine.understanding import Understanding, more_urgent
from bot.knowledge.live import Content
from bot.knowledge.render import Renderer, payload_for
from bot.knowledge.schema import Language
from bot.language import detect
from bot.outcome import Erase, OpenCase, Outcome, SayConsulate, SayPhrase, SayTopic, SwitchLanguage
from bot.safety import Safety
from bot.store import claims
from bot.store.claims import Claim, NewCase, Turn, case_number
from bot.store.crypto import Keys
from bot.store.inbox import Incoming, Outgoing, add_message, offered
from bot.taxonomy import levels

REAL_MESSAGE = 3
"""Words that tell the language, for a message to count for it (contract, promise 4)."""


class UnknownButton(ValueError):
    """A payload that was never offered in this conversation."""


@dataclass(frozen=True)
class Raw:
    """A person's message as a channel has read it: one of text, payload and location is set."""

    id: str
    text: str | None = None
    payload: str | None = None
    location: dict[str, float] | None = None


# --- in web ----------------------------------------------------------------------------------------------------------------


def receive(c: Connection, keys: Keys, safety: Safety, conversation: str, language: Language, raw: Raw, now: float) -> bool:
    """Store a person's message; once the transaction is committed it may be acknowledged.

    Returns:
        False where the conversation is gone.

    Raises:
        UnknownButton: the payload was not offered here.
    """
    text, action = clean(raw.text or ""), None
    if raw.payload is not None:
        button = offered(c, keys, conversation, raw.payload)
        if button is None:
            raise UnknownButton
        text, action = button["title"], button["action"]
    if raw.location is not None:
        text = f"{raw.location['lat']:.5f}, {raw.location['lon']:.5f}"
    found = detect(text, language)
    written = language if action or raw.location or not found.sure else found.language
    danger = None if action else safety.look(text)
    incoming = Incoming(raw.id, text, written, danger.level if danger else _rule_level(action), action, raw.location)
    return add_message(c, keys, conversation, incoming, now)


def _rule_level(action: str | None) -> int:
    """The level of a button's topic; of any other message the rules say nothing: conversation."""
    if action and action.startswith(("topic:", "more:", "menu:")):
        return levels().get(action.split(":")[1].split("/")[0], 0)
    return 0


def clean(text: str) -> str:
    """The text without what no database and no reader can take: NUL and lone surrogates become U+FFFD, other control characters go."""
    whole = text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace").replace("\0", "\N{REPLACEMENT CHARACTER}")
    return "".join(c for c in whole if c in "\n\t" or (c >= " " and c != "\x7f")).strip()


# --- in a worker -----------------------------------------------------------------------------------------------------------


async def answer(held: Claim, engine: Any, content: Content, keys: Keys) -> Turn:
    """Everything that one message brings about; nothing is written here.

    Args:
        held: the message in hand and its conversation.
        engine: bot.engine.agent.Engine.

    Raises:
        TurnFailed: the engine could not decide.
    """
    state = held.state or {"slots": {}, "loop": None, "recent": []}
    text = held.message.text
    meaning = _pressed(held, engine) if held.message.action else in_context(engine.understand, text, state, held.at)
    language = _language(held, meaning)
    topic_level = levels()[meaning.intent]
    if held.human:
        return _turn(held, meaning, language, [], state)
    extra = {
        "spoken": held.language,
        "location": held.message.location,
        "summary": text,
        "topic_level": levels().get(state["slots"].get("topic") or "", 0) or topic_level or 2,
        "case_number": case_number(held),
        **_button(held.message.action),
    }
    decision = await engine.decide(held.conversation, meaning, extra, {"slots": state["slots"], "loop": state["loop"]})
    for outcome in decision.outcomes:
        if isinstance(outcome, SwitchLanguage):
            language = dataclasses.replace(language, spoken=outcome.language, pinned=True, run=0)
    renderer = Renderer(content.knowledge, content.consulates, language.spoken, payload_for(keys, held.conversation))
    said = _say(decision.outcomes, renderer)
    if meaning.danger and meaning.level == 1 and topic_level != 1:  # the rules saw a danger that the topic does not speak of
        said.insert(0, first_aid(content, meaning.danger, language.spoken, renderer))
    new_state = {**decision.state, "recent": remember_text(state, text, held.at, meaning)}
    return _turn(held, meaning, language, said, new_state, decision.outcomes)


@dataclass(frozen=True)
class _Spoken:
    spoken: Language
    pinned: bool
    run: int


def _language(held: Claim, meaning: Understanding) -> _Spoken:
    """The language of the answer: of the last real message; an explicit switch holds until two in a row in the other language."""
    undecided = held.language_run < 0  # a new conversation whose language nobody gave: one telling word is enough
    real = held.message.action is None and meaning.real_words >= (1 if undecided else REAL_MESSAGE)
    if not real or held.message.location:
        return _Spoken(held.language, held.language_pinned, held.language_run)
    if meaning.language == held.language:
        return _Spoken(held.language, held.language_pinned, 0)
    if held.language_pinned and held.language_run + 1 < 2:
        return _Spoken(held.language, True, held.language_run + 1)
    return _Spoken(meaning.language, False, 0)


def _button(action: str | None) -> dict[str, Any]:
    """What the actions see of a pressed button."""
    if action is None:
        return {}
    kind, _, ref = action.partition(":")
    return {
        "pressed": True,
        "part": kind if kind in ("more", "menu") else None,
        "page": int(ref.rpartition(":")[2]) if kind == "menu" else 0,
        "wanted": ref if kind == "language" else None,
    }


_BUTTON_INTENTS = {
    "human": "human_handoff",
    "yes": "affirm",
    "no": "deny",
    "language": "language_switch",
    "place": "inform",
    "rate": "thank",
}


def _pressed(held: Claim, engine: Any) -> Understanding:
    """A pressed button means what it was offered for; nothing is guessed."""
    kind, _, ref = (held.message.action or "").partition(":")
    topic, _, facet = ref.partition(":")[0].partition("/")
    intent = topic if kind in ("topic", "more", "menu") else _BUTTON_INTENTS[kind]
    text = ref if kind == "place" else held.message.text
    entities = [{"entity": "place", "value": ref, "start": 0, "end": len(ref)}] if kind == "place" else []
    return Understanding(
        text=text,
        intent=intent,
        confidence=1.0,
        sure=True,
        language=held.language,
        level=levels()[intent],
        facet=facet or None,
        entities=entities,
    )


def _say(outcomes: list[Outcome], renderer: Renderer) -> list[Outgoing]:
    said: list[Outgoing] = []
    for outcome in outcomes:
        if isinstance(outcome, SayTopic):
            said += renderer.topic(outcome)
        elif isinstance(outcome, SayConsulate):
            said += renderer.consulate(outcome)
        elif isinstance(outcome, SayPhrase):
            said.append(renderer.phrase(outcome))
    return said


def first_aid(content: Content, kind: str | None, language: Language, renderer: Renderer | None = None) -> Outgoing:
    """What to do first in a kind of danger: 911 and CIAM, from the rules' own sentences."""
    text = content.knowledge.fill(content.safety.first_aid(kind).in_language(language), language)
    return Outgoing(text, renderer.buttons(["human"]) if renderer else [])


def _turn(
    held: Claim,
    meaning: Understanding,
    language: _Spoken,
    said: list[Outgoing],
    state: dict[str, Any],
    outcomes: list[Outcome] | None = None,
) -> Turn:
    outcomes = outcomes or []
    topic, facet = _told_topic(meaning, outcomes)
    return Turn(
        language=language.spoken,
        language_pinned=language.pinned,
        language_run=language.run,
        spoken=language.spoken,
        level=more_urgent(meaning.level, held.message.level),
        topic=topic,
        facet=facet,
        answers=said,
        state=state,
        cases=[NewCase(o.topic, o.level, o.summary) for o in outcomes if isinstance(o, OpenCase)],
        erase=any(isinstance(o, Erase) for o in outcomes),
    )


def _told_topic(meaning: Understanding, outcomes: list[Outcome]) -> tuple[str | None, str | None]:
    """The topic that the API names: of the message as understood; none where the answer is a question about what is meant."""
    if not meaning.sure:
        return None, None
    facet = next((o.facet for o in outcomes if isinstance(o, SayTopic) and o.topic == meaning.intent), None)
    return meaning.intent, facet


def dead_letter(held: Claim, content: Content) -> Outgoing:
    """The final safety answer of a message that nobody could answer."""
    danger = content.safety.look(held.message.text)
    return first_aid(content, danger.kind if danger else None, held.language)


def commit(c: Connection, keys: Keys, held: Claim, turn: Turn, worker: str, lease: float) -> Claim | None:
    """Commit the turn under the claim's fence; the conversation's next message comes back in hand, if there is one."""
    return claims.commit(c, keys, held, turn, worker, time.time(), lease)
