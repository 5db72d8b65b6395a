"""Which consulate serves a place."""

from __future__ import annotations

from typing import Any

from rasa_sdk import Action, Tracker
from rasa_sdk.executor import CollectingDispatcher
from rasa_sdk.types import DomainDict

from actions.common import is_case, latest, place_in, remember, say, understood
from bot.knowledge.live import content
from bot.outcome import Part, SayConsulate, SayPhrase, SayTopic

OF_THE_POST = {"hours", "phone", "where", "how"}
"""What is asked of the consulate that was just shown; its card has the answer."""
FACETS_OF_THE_POST = {"hours", "phone", "address", "saturday", "emergency_line"}


class ActionLocate(Action):
    """Find the consulate of the place named; ask for the place where there is none."""

    def name(self) -> str:
        return "action_locate"

    def run(self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: DomainDict) -> list[dict[str, Any]]:
        message = latest(tracker)
        place = place_in(tracker)
        if place:
            return locate(dispatcher, place)
        facet: str | None = message.get("facet")
        known = tracker.get_slot("place")
        if known and not message.get("pressed") and (message.get("aspect") in OF_THE_POST or facet in FACETS_OF_THE_POST):
            return locate(dispatcher, known)
        part: Part = message.get("part") or "answer"
        say(dispatcher, SayTopic("consulate_find", facet, part, message.get("also"), message.get("page") or 0))
        return remember(topic="consulate_find", facet=facet, asked="place", not_understood=0.0)


class ActionInform(Action):
    """A bare answer: a place finds its consulate; anything else is kept in mind and a person is offered."""

    def name(self) -> str:
        return "action_inform"

    def run(self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: DomainDict) -> list[dict[str, Any]]:
        place = place_in(tracker) or (latest(tracker)["text"] if tracker.get_slot("asked") == "place" else None)
        if place:
            return locate(dispatcher, place)
        topic = tracker.get_slot("topic")
        if topic and is_case(topic):
            say(dispatcher, SayPhrase("noted", buttons=["human", f"topic:{topic}"], topic=topic))
            return []
        say(dispatcher, SayPhrase("what_about_it", buttons=["topic:consulate_find", "topic:help", "human"]))
        return remember(asked="which")


def locate(dispatcher: CollectingDispatcher, place: str) -> list[dict[str, Any]]:
    """Say which consulate serves the place, and keep asking where that is not clear."""
    places = content().places
    if places is None:
        raise RuntimeError("this process has no places")
    resolution = places.resolve(place)
    say(dispatcher, SayConsulate(resolution.as_json(), place))
    found = resolution.status == "found"
    return [*understood("consulate_find", None), *remember(asked=None if found else "place", place=place if found else None)]
