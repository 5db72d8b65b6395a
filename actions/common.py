"""What the actions share: how an outcome is handed to Rasa, and what a message says of itself."""

from __future__ import annotations

from functools import cache
from typing import Any

from rasa_sdk import Tracker
from rasa_sdk.events import SlotSet
from rasa_sdk.executor import CollectingDispatcher

from bot.knowledge import Knowledge
from bot.knowledge.live import content
from bot.outcome import Outcome, to_json
from bot.taxonomy import levels


def say(dispatcher: CollectingDispatcher, *outcomes: Outcome) -> None:
    """Hand outcomes to the turn."""
    for outcome in outcomes:
        dispatcher.utter_message(json_message=to_json(outcome))


def knowledge() -> Knowledge:
    """The content as it is now."""
    return content().knowledge


@cache
def is_case(topic: str) -> bool:
    """Whether the topic is one that an officer takes up (levels 1 and 2)."""
    return levels()[topic] in (1, 2)


def remember(**slots: Any) -> list[dict[str, Any]]:
    """Events that set slots."""
    return [SlotSet(name, value) for name, value in slots.items()]


def understood(topic: str, facet: str | None) -> list[dict[str, Any]]:
    """Events after an answer: what it was about, nothing asked, understood."""
    return remember(topic=topic, facet=facet, asked=None, not_understood=0.0)


def latest(tracker: Tracker) -> dict[str, Any]:
    """The message as understood: intent, entities, facet, level, language, and the pressed button's action."""
    message: dict[str, Any] = tracker.latest_message
    return message


def place_in(tracker: Tracker) -> str | None:
    """The place that the message names, or its position as "lat,lon"."""
    message = latest(tracker)
    if message.get("location"):
        return f"{message['location']['lat']},{message['location']['lon']}"
    return next((e["value"] for e in message["entities"] if e["entity"] == "place"), None)
