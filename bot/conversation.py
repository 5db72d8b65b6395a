"""The one path of a message, in both of its halves. Every channel's messages go through here.

Web (`receive`): clean the text, read its language and danger by rules, name the pressed button, store. Then it is acknowledged.
Worker (`answer`): understand, see it in the light of what was said before, let the rules decide, choose the language, render.
Between the two stands the database (bot/store).
"""

from __future__ import annotations

import dataclasses
import time
from dataclasses import dataclass
from typing import Any, Protocol

from sqlalchemy import Connection

from bot import forms
from bot.cases.lookup import Lookup
from bot.cases.telling import CaseTeller
from bot.commands import is_yes, recognise
from bot.engine.agent import Decision
from bot.engine.context import in_context, remember_text
from bot.engine.understanding import Understanding, more_urgent
from bot.knowledge.live import Content
from bot.knowledge.render import Renderer, payload_for
from bot.knowledge.schema import Language
from bot.language import detect
from bot.outcome import (
    AskIntake,
    Erase,
    GiveCode,
    OpenCase,
    Outcome,
    Rate,
    SayCase,
    SayConsulate,
    SayPhrase,
    SayTopic,
    StopNotices,
    SwitchLanguage,
)
from bot.safety import Safety
from bot.store import claims, voices
from bot.store.claims import Claim, Turn, case_number, new_case
from bot.store.crypto import Keys
from bot.store.inbox import Incoming, Outgoing, add_message, offered, replace_message
from bot.taxonomy import levels

REAL_MESSAGE = 3
"""Words that tell the language, for a message to count for it (contract, promise 4)."""


HEARD = 100
"""Characters of a voice message's words that are said back."""


class UnknownButton(ValueError):
    """A payload that was never offered in this conversation."""


@dataclass(frozen=True)
class Raw:
    """A person's message as a channel has read it: one of text, payload, location, file and action is set; a text may come with a file.

    Attributes:
        file: what came with it, as the store keeps it: {"id", "kind", "size"}.
        action: what it means by itself, from our own code (a channel's command): no button, no guess.
        external: keyed hash of the channel's own id; the same one again is the same message.
        unheard: it is voice, and is put into words before it is answered (bot/voice/listen.py).
    """

    id: str
    text: str | None = None
    payload: str | None = None
    location: dict[str, float] | None = None
    file: dict[str, Any] | None = None
    action: str | None = None
    external: bytes | None = None
    unheard: bool = False


# --- in web ----------------------------------------------------------------------------------------------------------------


def receive(c: Connection, keys: Keys, safety: Safety, conversation: str, language: Language, raw: Raw, now: float) -> bool:
    """Store a person's message; once the transaction is committed it may be acknowledged.

    Returns:
        False where the conversation is gone.

    Raises:
        UnknownButton: the payload was not offered here.
    """
    return add_message(c, keys, conversation, _incoming(c, keys, safety, conversation, language, raw), now)


def correct(c: Connection, keys: Keys, safety: Safety, conversation: str, language: Language, raw: Raw) -> bool:
    """The person corrected a message: what is not answered yet is read anew, else the correction stands beside it for an officer.

    Args:
        raw: the corrected message; `external` names it.

    Returns:
        Whether it will be answered as corrected.
    """
    return replace_message(c, keys, conversation, _incoming(c, keys, safety, conversation, language, raw))


def hear(c: Connection, keys: Keys, safety: Safety, conversation: str, language: Language, raw: Raw) -> bool:
    """Store the words of a voice message; `raw` has its id, and no text where it could not be heard.

    Returns:
        False where it is gone, or was heard already.
    """
    return voices.hear(c, keys, conversation, _incoming(c, keys, safety, conversation, language, raw))


def _incoming(c: Connection, keys: Keys, safety: Safety, conversation: str, language: Language, raw: Raw) -> Incoming:
    text, action, typed = clean(raw.text or ""), raw.action, False
    if raw.payload is not None:
        button = offered(c, keys, conversation, raw.payload)
        if button is None:
            raise UnknownButton
        text, action = button["title"], button["action"]
    elif action is None and (command := recognise(text)):
        action, typed = command, True
    if raw.location is not None:
        text = f"{raw.location['lat']:.5f}, {raw.location['lon']:.5f}"
    found = detect(text, language)
    written = language if action or raw.location or not found.sure else found.language
    danger = None if action else safety.look(text)
    level = danger.level if danger else _rule_level(action)
    return Incoming(raw.id, text, written, level, action, raw.location, raw.file, raw.external, typed, raw.unheard)


def _rule_level(action: str | None) -> int:
    """The level of a button's topic; of any other message the rules say nothing: conversation."""
    if action and action.startswith(("topic:", "more:", "menu:", "intake:")):
        return levels().get(action.split(":")[1].split("/")[0], 0)
    return levels()["human_handoff"] if action and action.startswith("human") else 0


def clean(text: str) -> str:
    """The text without what no database and no reader can take: NUL and lone surrogates become U+FFFD, other control characters go."""
    whole = text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace").replace("\0", "\N{REPLACEMENT CHARACTER}")
    return "".join(c for c in whole if c in "\n\t" or (c >= " " and c != "\x7f")).strip()


class Mind(Protocol):
    """What understands and decides: bot.engine.agent.Engine."""

    def understand(self, text: str) -> Understanding: ...

    async def decide(self, conversation: str, meaning: Understanding, extra: dict[str, Any], state: dict[str, Any] | None) -> Decision: ...


# --- in a worker -----------------------------------------------------------------------------------------------------------


async def answer(held: Claim, engine: Mind, content: Content, keys: Keys, cases: Lookup, url: str = "") -> Turn:
    """Everything that one message brings about; nothing is written here.

    Args:
        held: the message in hand and its conversation.
        engine: bot.engine.agent.Engine, or a stand-in of it.
        cases: what may be looked up about cases.
        url: the service's address from outside, for pictures and links.

    Raises:
        TurnFailed: the engine could not decide.
    """
    state = held.state or {"slots": {}, "loop": None, "recent": []}
    state["slots"]["case"] = held.case  # the store knows whether it is still open
    text, button = held.message.text, _button(held.message.action, typed=held.message.typed)
    meaning = _meant(held, engine, state)
    language = _language(held, meaning)
    topic_level = levels().get(meaning.intent, 0)
    if held.human and not _heard_always(held, meaning, state):
        return _turn(held, meaning, language, [], state)
    if button.get("kind") == "card":  # a picture: nothing to decide, and whatever was asked stays asked
        return _turn(held, meaning, language, list(_renderer(held, content, keys, language).card(url)), state)
    if held.message.action == "unreadable:":
        renderer = _renderer(held, content, keys, language)
        return _turn(held, meaning, language, [renderer.phrase(SayPhrase("cannot_read", buttons=["human"]))], state)
    extra = {
        "message_id": held.message.id,
        "meant": meaning.intent,
        "spoken": held.language,
        "location": held.message.location,
        "summary": text,
        "topic_level": levels().get(state["slots"].get("topic") or "", 0) or topic_level or 2,
        "case_number": case_number(held.conversation, held.message.id, held.attempts),
        "file_kind": (held.message.file or {}).get("kind"),
        **button,
    }

    async def rules(seen: Understanding, dialogue: dict[str, Any]) -> Decision:
        return await engine.decide(held.conversation, seen, extra, {"slots": dialogue["slots"], "loop": dialogue["loop"]})

    decision = await forms.decide(rules, meaning, state, content.intake, button.get("kind") if button.get("pressed") else None)
    for outcome in decision.outcomes:
        if isinstance(outcome, SwitchLanguage):
            language = dataclasses.replace(language, spoken=outcome.language, pinned=True, run=0)
    renderer = _renderer(held, content, keys, language)
    said = _say(decision.outcomes, renderer, CaseTeller(renderer, cases, held.conversation))
    if _is_voice(held) and text and meaning.level != 1:  # in danger the answer comes first, and nothing beside it
        said.insert(0, Outgoing(content.knowledge.phrase("voice_heard", language.spoken, text=_shortened(text))))
    if meaning.danger and meaning.level == 1 and topic_level != 1:  # the rules saw a danger that the topic does not speak of
        said.insert(0, first_aid(content, meaning.danger, language.spoken, renderer))
    wordless = held.message.action or not text  # a button, a picture: nothing that the next message is read with
    pieces = [] if wordless or decision.state["loop"] else remember_text(state, text, held.at, meaning)
    new_state = {**decision.state, "recent": pieces}
    return _turn(held, meaning, language, said, new_state, decision.outcomes)


def _heard_always(held: Claim, meaning: Understanding, state: dict[str, Any]) -> bool:
    """What the assistant answers even while a human has the conversation: erasure, and the word STOP."""
    if state["slots"].get("asked") == "erase":
        return is_yes(held.message.text) or meaning.intent in ("affirm", "deny", "delete_data")
    return meaning.intent == "stop" or (meaning.intent == "delete_data" and meaning.sure)


def _renderer(held: Claim, content: Content, keys: Keys, language: _Spoken) -> Renderer:
    return Renderer(content.knowledge, content.consulates, language.spoken, payload_for(keys, held.conversation), content.intake)


@dataclass(frozen=True)
class _Spoken:
    spoken: Language
    pinned: bool
    run: int


def _language(held: Claim, meaning: Understanding) -> _Spoken:
    """The language of the answer: of the last real message; an explicit switch holds until two in a row in the other language."""
    undecided = held.language_run < 0  # a new conversation whose language nobody gave: one telling word is enough
    real = (held.message.action is None or held.message.typed) and meaning.real_words >= (1 if undecided else REAL_MESSAGE)
    if not real or held.message.location:
        return _Spoken(held.language, held.language_pinned, held.language_run)
    if meaning.language == held.language:
        return _Spoken(held.language, held.language_pinned, 0)
    if held.language_pinned and held.language_run + 1 < 2:
        return _Spoken(held.language, True, held.language_run + 1)
    return _Spoken(meaning.language, False, 0)


def _button(action: str | None, *, typed: bool) -> dict[str, Any]:
    """What the actions see of a pressed button, or of a word that always works."""
    if action is None:
        return {}
    kind, _, ref = action.partition(":")
    return {
        "pressed": not typed,
        "kind": kind,
        "part": kind if kind in ("more", "menu") else None,
        "page": int(ref.rpartition(":")[2]) if kind == "menu" else 0,
        "wanted": ref if kind in ("language", "intake", "rate") else None,
    }


_BUTTON_INTENTS = {
    "human": "human_handoff",
    "yes": "affirm",
    "no": "deny",
    "language": "language_switch",
    "place": "inform",
    "intake": "intake",
    "answer": "inform",
    "skip": "inform",
    "send": "inform",
    "change": "inform",
    "stop_asking": "cancel",
    "rate": "rate",
    "stop": "stop",
    "erase": "delete_data",
    "contact": "inform",
    "unreadable": "out_of_scope",
    "card": "rights_home",
    "case": "case_status",
    "code": "code",
}
"""What a button's kind means to the rules; `topic`, `more` and `menu` name their topic."""


def _meant(held: Claim, engine: Mind, state: dict[str, Any]) -> Understanding:
    """What the message means: by its button or command, else by its words in the light of what was said before."""
    if held.message.action:
        return _pressed(held)
    if held.message.file and not held.message.text:
        return Understanding(held.message.text, "file", 1.0, sure=True, language=held.language, level=0)
    if state["loop"]:
        return engine.understand(held.message.text)
    return in_context(engine.understand, held.message.text, state, held.at)


def _shortened(text: str) -> str:
    """What was heard, on two lines at the most."""
    whole = " ".join(text.split())
    return whole if len(whole) <= HEARD else f"{whole[:HEARD].rsplit(' ', 1)[0]} …"


def _is_voice(held: Claim) -> bool:
    return held.message.file is not None and str(held.message.file["kind"]).startswith("audio/")


def _pressed(held: Claim) -> Understanding:
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
        language=held.language if not held.message.typed else detect(held.message.text, held.language).language,
        level=levels().get(intent, 0),
        real_words=detect(held.message.text).words if held.message.typed else 0,
        facet=facet or None,
        entities=entities,
    )


def _say(outcomes: list[Outcome], renderer: Renderer, cases: CaseTeller) -> list[Outgoing]:
    said: list[Outgoing] = []
    opened = next((o for o in outcomes if isinstance(o, OpenCase)), None)
    for outcome in outcomes:
        if isinstance(outcome, SayTopic):
            said += renderer.topic(outcome)
        elif isinstance(outcome, SayConsulate):
            said += renderer.consulate(outcome)
        elif isinstance(outcome, SayPhrase):
            wait = {"wait": cases.wait(opened)} if opened else {}
            said.append(renderer.phrase(dataclasses.replace(outcome, values={**wait, **outcome.values})))
        elif isinstance(outcome, SayCase):
            said += cases.state(outcome)
        elif isinstance(outcome, GiveCode):
            said.append(cases.code(outcome.code))
        elif isinstance(outcome, AskIntake):
            said.append(renderer.question(outcome))
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
    topic, facet = _told_topic(held, meaning, outcomes)
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
        cases=[new_case(o) for o in outcomes if isinstance(o, OpenCase)],
        rating=next((o.score for o in outcomes if isinstance(o, Rate)), None),
        stop_notices=any(isinstance(o, StopNotices) for o in outcomes),
        form_open=state.get("loop") is not None,
        resume_code=next((o.code for o in outcomes if isinstance(o, GiveCode)), None),
        erase=any(isinstance(o, Erase) for o in outcomes),
    )


def _told_topic(held: Claim, meaning: Understanding, outcomes: list[Outcome]) -> tuple[str | None, str | None]:
    """The topic that the API names: of the message as understood; none where the answer is a question about what is meant."""
    if (held.message.action or "").startswith("intake:"):
        return str(held.message.action).partition(":")[2], None
    if not meaning.sure or meaning.intent not in levels():
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
