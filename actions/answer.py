"""Answers from data/knowledge: a topic, a facet of it, or what stands behind "Saber más"."""

from __future__ import annotations

from typing import Any

from rasa_sdk import Action, Tracker
from rasa_sdk.executor import CollectingDispatcher
from rasa_sdk.types import DomainDict

from actions.common import knowledge, latest, remember, say, understood
from actions.intake import told
from bot.outcome import SayPhrase, SayTopic
from bot.taxonomy import levels


class ActionAnswer(Action):
    """Say what the content holds on the message's topic."""

    def name(self) -> str:
        return "action_answer"

    def run(self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: DomainDict) -> list[dict[str, Any]]:
        message = latest(tracker)
        topic, facet = message["intent"]["name"], message.get("facet")
        if facet and knowledge().facet(topic, facet) is None:
            facet = None  # the model knows a facet that the content has lost meanwhile
        say(dispatcher, SayTopic(topic, facet, message.get("part") or "answer", message.get("also"), message.get("page") or 0))
        if tracker.get_slot("intake"):  # a question in the middle of the form: what the case is about stays
            return remember(asked=None, not_understood=0.0)
        return [*understood(topic, facet), *remember(told=told(message, topic, tracker.get_slot("told")))]


class ActionCancel(Action):
    """Leave whatever was asked."""

    def name(self) -> str:
        return "action_cancel"

    def run(self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: DomainDict) -> list[dict[str, Any]]:
        number = tracker.get_slot("case")
        if tracker.get_slot("intake") is None:
            say(dispatcher, SayTopic("cancel"))
        elif number:
            say(dispatcher, SayPhrase("intake_cancelled_with_case", {"number": number}, ["topic:help"], topic="cancel"))
        else:
            say(dispatcher, SayPhrase("intake_cancelled", buttons=["human", "topic:help"], topic="cancel"))
        return remember(topic=None, facet=None, asked=None, intake=None, told=None, not_understood=0.0)


class ActionAskBack(Action):
    """No topic is sure: ask with buttons. The second time in a row offer a person and the main topics instead."""

    def name(self) -> str:
        return "action_ask_back"

    def run(self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: DomainDict) -> list[dict[str, Any]]:
        message = latest(tracker)
        times = float(tracker.get_slot("not_understood") or 0) + 1
        choices = _choices(message, tracker.get_slot("topic"))
        if choices:
            say(dispatcher, SayPhrase("which", buttons=[*choices, "human"]))
        elif times < 2:
            say(dispatcher, SayPhrase("not_understood", buttons=["topic:encounter_now", "topic:detention_report", "topic:help", "human"]))
        else:
            say(dispatcher, SayPhrase("not_understood_again", buttons=["human", "topic:help"]))
        return remember(asked="which", not_understood=times)


def _choices(message: dict[str, Any], topic: str | None) -> list[str]:
    """Buttons for what may be meant: the facets nearest in meaning, else the two best topics; what was talked about stays at hand."""
    refs = list(message["nearest"][:3])
    if not refs:
        refs = [i["name"] for i in message["intent_ranking"][:2] if i["confidence"] >= 0.2 and levels()[i["name"]]]
    if topic and levels()[topic]:
        refs.insert(0, topic)
    return [f"topic:{ref}" for ref in dict.fromkeys(refs) if knowledge().answer(ref)][:3]
