"""Every answer that the service can give, in both languages, on every channel: the same content, within every limit of the channel.

Each answer goes the whole way: rendered, stored, read back as the sender and the web read it, and held against the channel's rules.
"""

from __future__ import annotations

import json
import re
import time
import unicodedata
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from bot.channels.telegram import render as telegram
from bot.channels.web.routes import _as_json
from bot.channels.whatsapp import render as whatsapp
from bot.knowledge import LANGUAGES, Language
from bot.knowledge.live import LiveContent
from bot.knowledge.render import MENU, Renderer, payload_for
from bot.outcome import AskIntake, SayConsulate, SayPhrase, SayTopic
from bot.sender import Call, Rendered
from bot.settings import ROOT
from bot.store import identities, inbox
from bot.store.crypto import Keys
from bot.store.database import Database
from bot.store.identities import Who
from bot.store.inbox import Outgoing
from tests.channels.standins.telegram import _without_markup, check
from tests.channels.standins.whatsapp import choices, refused, shown

CONTENT = LiveContent(ROOT / "data", None).current
FILLING = {"number": "ABCD-1234", "name": "Consulado General de México en San Antonio", "url": "https://t.me/orienta_bot?start=help"}
"""What stands for the values that the program fills in."""
RESOLUTIONS = ("high", "low")


# --- everything that can be said -------------------------------------------------------------------------------------------


def _refs() -> Iterator[tuple[str, str | None]]:
    for topic in CONTENT.knowledge.topics.values():
        yield topic.intent, None
        yield from ((topic.intent, facet.id) for facet in topic.facets)


def _topics(say: Renderer, topic: str, facet: str | None) -> Iterator[Outgoing]:
    yield from say.topic(SayTopic(topic, facet))
    yield from say.topic(SayTopic(topic, facet, also="emergency_danger"))
    yield from say.topic(SayTopic(topic, facet, "more"))
    if facet is None:
        for page in range(1 + len(CONTENT.knowledge.topics[topic].facets) // MENU):
            yield from say.topic(SayTopic(topic, None, "menu", page=page))


def _consulate(say: Renderer, post: str) -> Iterator[Outgoing]:
    others = [other for other in CONTENT.consulates if other != post]
    for confidence in RESOLUTIONS:
        found = {"status": "found", "consulate": {"id": post}, "candidates": others[:2], "confidence": confidence}
        yield from say.consulate(SayConsulate(found, ""))


def _places(say: Renderer) -> Iterator[Outgoing]:
    long = [{"name": f"Fraccionamiento Residencial {n}", "state": "Pennsylvania", "country": "US"} for n in range(12)]
    for resolution in (
        {"status": "ambiguous", "readings": long, "candidates": []},
        {"status": "ambiguous", "readings": [], "candidates": list(CONTENT.consulates)},
        {"status": "outside"},
        {"status": "unknown"},
    ):
        yield from say.consulate(SayConsulate(resolution, ""))


def _phrases(say: Renderer) -> Iterator[Outgoing]:
    buttons = ["topic:documents", "human", "yes", "no", "language:es", "language:en", "erase"]
    for key, text in CONTENT.knowledge.phrases.items():
        if key.startswith("alert_"):  # goes to the people who watch over the desk
            continue
        names = set(re.findall(r"<([a-z_]+)>", text.es + text.en))
        yield say.phrase(SayPhrase(key, {name: FILLING.get(name, "12") for name in names}, buttons[:4]))
        yield say.phrase(SayPhrase(key, {name: FILLING.get(name, "12") for name in names}))


def _questions(say: Renderer) -> Iterator[Outgoing]:
    answers = {"person_name": "María Guadalupe Hernández Martínez", "place": "San Antonio, TX"}
    for form, questions in CONTENT.intake.forms.items():
        for question in [*questions, "confirm"]:
            yield say.question(AskIntake(form, question, answers))


def _dangers(say: Renderer) -> Iterator[Outgoing]:
    for danger in CONTENT.safety.dangers:
        text = CONTENT.knowledge.fill(danger.first_aid.in_language(say.language), say.language)
        yield Outgoing(text, say.buttons(["human"]))


Says = Callable[[Renderer], Iterator[Outgoing]]
EVERYTHING: dict[str, Says] = {
    **{f"{topic}/{facet}" if facet else topic: partial(_topics, topic=topic, facet=facet) for topic, facet in _refs()},
    **{f"consulate {post}": partial(_consulate, post=post) for post in CONTENT.consulates},
    "places": _places,
    "phrases": _phrases,
    "questions": _questions,
    "dangers": _dangers,
    "card": lambda say: say.card("https://orienta.example"),
}


# --- what each channel demands ---------------------------------------------------------------------------------------------


@dataclass
class Stored:
    """An answer as it stands in the store: for the web, and for the sender."""

    web: dict[str, Any]
    rendered: Rendered


def say_in(language: Language) -> Callable[[str], str]:
    return lambda key: CONTENT.knowledge.phrase(key, language)


def on_the_web(stored: Stored) -> None:
    shown = json.loads(json.dumps(stored.web, ensure_ascii=False))
    assert shown["text"] == stored.rendered.text
    assert 1 <= len(shown["text"].splitlines()) <= 12
    for button in shown.get("buttons", []):
        assert set(button) == {"title", "payload"}
        assert 0 < len(button["title"]) <= 60
    assert len(shown.get("buttons", [])) <= 10
    if "location" in shown:
        assert set(shown["location"]) == {"lat", "lon", "name", "address"}


def on_telegram(stored: Stored) -> None:
    message = stored.rendered
    calls = telegram.calls(message, say_in(message.language))
    for call in _with_plain(calls):
        markup = call.body.get("reply_markup")
        fields = {**call.body, "reply_markup": markup.to_dict() if markup else {}}
        check("".join(word.capitalize() if n else word for n, word in enumerate(call.method.split("_"))), fields)
    texts = [_without_markup(c.body.get("text") or c.body["caption"]) for c in calls if c.body.get("parse_mode") == "HTML"]
    assert "".join(texts).split() == message.text.split()
    keyboards = [call.body["reply_markup"].to_dict().get("inline_keyboard", []) for call in calls if call.body.get("reply_markup")]
    shown = [(button["text"], button["callback_data"]) for keyboard in keyboards for row in keyboard for button in row]
    assert shown == [(b["title"], b["payload"]) for b in message.buttons]
    assert [c.method for c in calls].count("send_venue") == (1 if message.location else 0)
    assert any(c.body["reply_markup"].to_dict().get("keyboard") for c in calls if c.body.get("reply_markup")) == message.asks_place


def _with_plain(calls: list[Call]) -> Iterator[Call]:
    for call in calls:
        yield call
        if call.plain:
            yield from _with_plain([call.plain])


def on_whatsapp(stored: Stored) -> None:
    message = stored.rendered
    calls = whatsapp.calls(message, say_in(message.language))
    for call in _with_plain(calls):
        sent = {"messaging_product": "whatsapp", "biz_opaque_callback_data": "x", **call.body}
        assert refused(sent) is None, call.body
    words = " ".join(f"{shown(call.body)} {call.body.get('image', {}).get('caption', '')}" for call in calls)
    assert [w for w in message.text.split() if w not in words] == []
    titles = [title for call in calls for title in choices(call.body)]
    assert [payload for call in calls for payload in choices(call.body).values()] == [b["payload"] for b in message.buttons]
    assert titles == list(dict.fromkeys(titles))
    kinds = [call.body["interactive"]["type"] if call.body["type"] == "interactive" else call.body["type"] for call in calls]
    assert kinds.count("location") == (1 if message.location else 0)
    assert kinds.count("location_request_message") == (1 if message.asks_place else 0)
    assert len(calls) <= 3  # a person is sent one each six seconds in the long run


CHANNELS: dict[str, Callable[[Stored], None]] = {"web": on_the_web, "telegram": on_telegram, "whatsapp": on_whatsapp}


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Database, Keys]]:
    folder: Path = tmp_path_factory.mktemp("answers")
    database = Database(f"sqlite:///{folder / 'answers.db'}")
    database.migrate()
    yield database, Keys.from_file(folder / "keys.json")
    database.close()


def through_the_store(store: tuple[Database, Keys], says: Says, language: Language) -> list[Stored]:
    database, keys = store
    with database.write() as c:
        who = Who("telegram", f"{time.monotonic_ns()}", profile={})
        conversation = identities.conversation_of(c, keys, who, language, 1.0).conversation
        said = list(says(Renderer(CONTENT.knowledge, CONTENT.consulates, language, payload_for(keys, conversation), CONTENT.intake)))
        first = inbox.next_seq(c, conversation, len(said))
        assert first == 1
        inbox.insert_outgoing(c, keys, conversation, first, said, 1.0, language=language, topic="documents")
        rows = inbox.transcript(c, conversation, 0, limit=1000)
    web = SimpleNamespace(keys=keys)
    found = []
    for row in rows:
        body = keys.open(row["body"], f"message:{conversation}")
        rendered = Rendered.of({**body, "topic": row["topic"], "author": row["author"], "language": row["language"]})
        found.append(Stored(_as_json(web, row), rendered))  # type: ignore[arg-type]
    assert len(found) == len(said) > 0
    return found


@pytest.mark.parametrize("name", EVERYTHING)
def test_every_answer_fits_every_channel_and_says_the_same_there(store: tuple[Database, Keys], name: str) -> None:
    for language in LANGUAGES:
        for stored in through_the_store(store, EVERYTHING[name], language):
            assert not re.search(r"[{}]|<[a-z_]+>", stored.rendered.text), stored.rendered.text
            assert unicodedata.is_normalized("NFC", stored.rendered.text)
            for fits in CHANNELS.values():
                fits(stored)


def test_both_languages_of_an_answer_have_the_same_parts(store: tuple[Database, Keys]) -> None:
    for name, says in EVERYTHING.items():
        spanish, english = (through_the_store(store, says, language) for language in LANGUAGES)
        shapes = [
            [(len(s.rendered.buttons), s.rendered.location is None, s.rendered.asks_place) for s in side] for side in (spanish, english)
        ]
        assert shapes[0] == shapes[1], name
