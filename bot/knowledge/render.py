"""From what is to be said to messages: texts in the person's language with numbers filled in, and buttons.

A button's payload is opaque: a keyed hash of conversation and action. What it means stands in the store beside the offer.
"""

from __future__ import annotations

import base64
import datetime as dt
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal
from urllib.parse import quote_plus

import yaml
from pydantic import BaseModel, ConfigDict

from bot import cards
from bot.intake import CONFIRM, Intake
from bot.knowledge.load import ContentError, Knowledge
from bot.knowledge.phone import grouped
from bot.knowledge.schema import Answer, Language, Topic
from bot.outcome import AskIntake, SayConsulate, SayPhrase, SayTopic
from bot.store.crypto import Keys
from bot.store.inbox import Outgoing

MENU = 8
"""Facets that a menu offers at once, beside the way to a person; WhatsApp's lists hold ten rows."""

Level = Literal["high", "medium", "low"]


class Confidence(BaseModel):
    """How sure each field of a consulate is; a low one is never shown, a medium one with a warning."""

    model_config = ConfigDict(extra="ignore", frozen=True)
    address: Level = "low"
    coordinates: Level = "low"
    phone: Level = "low"
    protection_phone: Level = "low"
    website: Level = "low"
    hours: Level = "low"


class Consulate(BaseModel):
    """One post, as data/consulates.yml has it."""

    model_config = ConfigDict(extra="ignore", frozen=True)
    id: str
    name_es: str
    name_en: str
    city: str
    state: str
    country: str
    address: str | None
    lat: float | None
    lon: float | None
    phone: str | None
    protection_phone: str | None
    website: str | None
    hours: str | None
    timezone: str
    confidence: Confidence
    checked: dt.date

    def known(self, field: str) -> str | None:
        """A field that may be shown, or None where it is unknown or of low confidence."""
        value: str | None = getattr(self, field)
        return value if value and getattr(self.confidence, field) != "low" else None

    def uncertain(self) -> bool:
        """Whether something that is shown is of medium confidence."""
        return any(self.known(f) and getattr(self.confidence, f) == "medium" for f in ("address", "phone", "protection_phone", "hours"))

    def name(self, language: Language) -> str:
        return self.name_es if language == "es" else self.name_en


class Consulates(dict[str, Consulate]):
    """All posts, by id."""

    @classmethod
    def load(cls, path: Path) -> Consulates:
        """Read data/consulates.yml.

        Raises:
            ContentError: it does not fit.
        """
        try:
            posts = [Consulate.model_validate(raw) for raw in yaml.load(path.read_text("utf-8"), Loader=yaml.CSafeLoader)]
        except (OSError, yaml.YAMLError, ValueError, TypeError) as error:
            raise ContentError([f"{path.name}: {error}"]) from error
        return cls({post.id: post for post in posts})


@dataclass(frozen=True)
class Renderer:
    """Renders for one conversation.

    Args:
        payload: action -> opaque payload.
        intake: the questions for an officer; None where none is asked.
    """

    knowledge: Knowledge
    consulates: Consulates
    language: Language
    payload: Callable[[str], str]
    intake: Intake | None = None

    def topic(self, say: SayTopic) -> Iterator[Outgoing]:
        """A topic's or facet's answer, its further messages, or the menu of its facets."""
        topic = self.knowledge.topics.get(say.topic)
        if topic is None:
            return
        answer: Answer = self.knowledge.facet(say.topic, say.facet) or topic if say.facet else topic
        ref = f"{say.topic}/{say.facet}" if answer is not topic else say.topic
        if say.part == "more":
            yield from self._more(topic, answer)
            return
        if say.part == "menu":
            yield self._menu(topic, say.page)
            return
        text = self._text(answer, 0)
        if answer.confirm:
            text = f"{text}\n{self.knowledge.phrase('confirm', self.language)}"
        asks_place = say.topic == "consulate_find" and not say.facet
        yield Outgoing(text, self.buttons(self._answer_actions(topic, answer, ref, say.also)), asks_place=asks_place)

    def _answer_actions(self, topic: Topic, answer: Answer, ref: str, also: str | None) -> list[str]:
        """At most three besides the other topic asked about: what fits best, what more there is, and a person."""
        actions = [f"topic:{also}"] if also else []
        if self.intake and topic.intent in self.intake.forms:
            actions.append(f"intake:{topic.intent}")
        elif topic.intent in self.knowledge.card.topics:
            actions.append("card:")
        elif related := self._related(answer):
            actions.append(related[0])
        if len(answer.messages) > 1 or topic.facets:
            actions.append(f"more:{ref}")
        return [*actions, *self._person(topic)]

    def _related(self, answer: Answer) -> list[str]:
        return [f"topic:{b}" for b in answer.buttons if b != "human"]

    def _more(self, topic: Topic, answer: Answer) -> Iterator[Outgoing]:
        """The further messages; the last one offers the topic's facets, or the menu alone stands where there are none."""
        texts = [self._text(answer, number) for number in range(1, len(answer.messages))]
        if not texts:
            yield self._menu(topic, 0)
            return
        for text in texts[:-1]:
            yield Outgoing(text)
        yield Outgoing(texts[-1], self.buttons(self._menu_actions(topic, 0)))

    def _menu(self, topic: Topic, page: int) -> Outgoing:
        return Outgoing(self.knowledge.phrase("menu", self.language), self.buttons(self._menu_actions(topic, page)))

    def _menu_actions(self, topic: Topic, page: int) -> list[str]:
        """The topic's facets, page by page; on the first one, what goes with the topic stands before them."""
        facets = [f"topic:{topic.intent}/{facet.id}" for facet in topic.facets]
        entries = list(dict.fromkeys([*self._related(topic), *facets]))
        shown = entries[page * MENU : (page + 1) * MENU]
        if len(entries) > (page + 1) * MENU:
            shown.append(f"menu:{topic.intent}:{page + 1}")
        return [*shown, *self._person(topic)]

    def _person(self, topic: Topic) -> list[str]:
        return [] if topic.intent in ("human_handoff", "goodbye") else ["human"]

    def _text(self, answer: Answer, number: int) -> str:
        return self.knowledge.fill(answer.messages[number].in_language(self.language), self.language)

    def phrase(self, say: SayPhrase) -> Outgoing:
        """One of the service's own sentences."""
        text = self.knowledge.phrase(say.phrase, self.language, **say.values)
        return Outgoing(text, self.buttons(say.buttons), asks_place=say.phrase == "ask_place")

    def card(self, url: str) -> Iterator[Outgoing]:
        """The rights card as a picture, and the same words as text.

        Args:
            url: the service's address from outside.
        """
        holder, officer = self.knowledge.card_words(self.language)
        card, picture = self.knowledge.card, cards.picture(self.language)
        alt = "\n".join([card.title.in_language(self.language), *holder, f"{card.show.in_language(self.language)}:", *officer])
        image: dict[str, Any] = {"url": f"{url}/static/{picture.name}", "alt": alt}
        if picture.is_file():
            image["size"] = picture.stat().st_size
        yield Outgoing("\n".join(holder), image=image)
        printed = self.knowledge.phrase("card_print", self.language, url=f"{url}/static/{cards.print_out(self.language).name}")
        yield Outgoing("\n".join([*officer, printed]), self.buttons(["topic:rights_home/red_card", "human"]))

    def question(self, ask: AskIntake) -> Outgoing:
        """The pending question of a form; the last one shows what was answered."""
        assert self.intake is not None
        if ask.question == CONFIRM:
            lines = self.intake.summary(ask.form, ask.answers, self.language)
            first = [self.knowledge.phrase("intake_summary", self.language), *lines]
            text = "\n".join([*first, self.knowledge.phrase("intake_summary_ask", self.language)])
            if not lines:
                text = self.knowledge.phrase("intake_nothing", self.language)
            return Outgoing(text, self.buttons(["send", "change", "stop_asking"] if lines else ["send", "stop_asking"]))
        question = self.intake.questions[ask.question]
        choices = [f"answer:{ask.question}:{number}" for number in range(len(question.choices))]
        return Outgoing(question.ask.in_language(self.language).strip(), self.buttons([*choices, "skip"]))

    def buttons(self, actions: list[str]) -> list[dict[str, str]]:
        """Buttons for actions: title, short title, payload, and the action itself for the store."""
        return [
            {"title": self._title(action), "short": self._title(action, short=True), "payload": self.payload(action), "action": action}
            for action in dict.fromkeys(actions)
        ]

    def _title(self, action: str, short: bool = False) -> str:
        kind, _, ref = action.partition(":")
        if kind == "topic":
            answer = self.knowledge.answer(ref)
            if answer is not None:
                return (answer.short if short else answer.title).in_language(self.language)
        if kind == "card":
            return (self.knowledge.card.short if short else self.knowledge.card.title).in_language(self.language)
        if kind == "answer" and self.intake is not None:
            question, _, number = ref.partition(":")
            return self.intake.questions[question].choices[int(number)].in_language(self.language)
        if kind == "place":
            return ref[:20] if short else ref
        return self.knowledge.phrase(
            {"language": f"language_{ref}", "menu": "menu_more", "rate": f"rate_{ref}"}.get(kind, kind), self.language
        )

    def consulate(self, say: SayConsulate) -> Iterator[Outgoing]:
        """Which consulate serves a place, with what is known of it; or the question that is left."""
        status, found = say.resolution["status"], self.consulates.get((say.resolution.get("consulate") or {}).get("id", ""))
        candidates: list[str] = say.resolution.get("candidates") or []
        if status == "found" and found is not None:
            yield from self._card(found, say.resolution, [self.consulates[c] for c in candidates if c in self.consulates])
        elif status == "ambiguous":
            names = [f"{r['name']}, {r['state'] or r['country']}" for r in say.resolution.get("readings") or []]
            if len(names) < 2:  # one place of several posts, a whole state: the posts' own cities are the choice
                names = [f"{self.consulates[c].city}, {self.consulates[c].state}" for c in candidates if c in self.consulates]
            yield Outgoing(
                self.knowledge.phrase("which_place", self.language), self.buttons([*(f"place:{n}" for n in names[:MENU]), "human"])
            )
        elif status == "outside":
            yield Outgoing(self.knowledge.phrase("place_outside", self.language), self.buttons(["topic:consulate_find", "human"]))
        else:
            yield Outgoing(self.knowledge.phrase("place_unknown", self.language), self.buttons(["human"]), asks_place=True)

    def _card(self, post: Consulate, resolution: dict[str, Any], others: list[Consulate]) -> Iterator[Outgoing]:
        say = self.knowledge.phrase
        address, phone, protection = post.known("address"), post.known("phone"), post.known("protection_phone")
        first = [say("post_serves", self.language, name=post.name(self.language))]
        first.append(address or say("post_ask", self.language))
        if phone:
            first.append(say("post_phone", self.language, number=grouped(phone)))
        first.append(say("post_protection", self.language, number=grouped(protection)) if protection else say("post_ciam", self.language))
        yield Outgoing("\n".join(first), location=_location(post, address, post.name(self.language)))
        second = []
        if hours := post.known("hours"):
            second.append(say("post_hours", self.language, hours=_hours(hours, self.language)))
        if address:
            second.append(say("post_map", self.language, url=f"https://www.google.com/maps/dir/?api=1&destination={quote_plus(address)}"))
        elif post.known("website"):
            second.append(str(post.website))
        if post.uncertain() or not address:
            second.append(say("confirm", self.language))
        second.append(say("post_checked", self.language, day=day(post.checked, self.language)))
        yield Outgoing("\n".join(second), self.buttons([] if resolution.get("confidence") == "low" else _AFTER_CARD))
        if resolution.get("confidence") == "low":
            names = ", ".join(o.city for o in others)
            key = "post_low_with_others" if names else "post_low"
            yield Outgoing(say(key, self.language, names=names), self.buttons(_AFTER_CARD))


_AFTER_CARD = ["topic:appointment", "topic:documents", "human"]


def _location(post: Consulate, address: str | None, name: str) -> dict[str, Any] | None:
    if address is None or post.lat is None or post.lon is None or post.confidence.coordinates == "low":
        return None
    return {"lat": post.lat, "lon": post.lon, "name": name, "address": address}


_DAYS = {"Mon": "lun", "Tue": "mar", "Wed": "mié", "Thu": "jue", "Fri": "vie", "Sat": "sáb", "Sun": "dom"}
_MONTHS = {
    "es": ["enero", "febrero", "marzo", "abril", "mayo", "junio", "julio", "agosto", "septiembre", "octubre", "noviembre", "diciembre"],
    "en": ["January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November", "December"],
}


def _hours(hours: str, language: Language) -> str:
    if language == "es":
        for english, spanish in _DAYS.items():
            hours = hours.replace(english, spanish)
    return hours


def day(date: dt.date, language: Language) -> str:
    """A day as people write it: "24 de noviembre de 2026", "November 24, 2026"."""
    month = _MONTHS[language][date.month - 1]
    return f"{date.day} de {month} de {date.year}" if language == "es" else f"{month} {date.day}, {date.year}"


def payload_for(keys: Keys, conversation: str) -> Callable[[str], str]:
    """How the buttons of one conversation are named: nobody can guess one, and the same action keeps its name."""

    def payload(action: str) -> str:
        return base64.urlsafe_b64encode(keys.hash(f"{conversation}\0{action}", "payload")[:18]).decode()

    return payload
