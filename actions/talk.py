"""The conversation itself: yes and no, the language, a person, erasure."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

from rasa_sdk import Action, Tracker
from rasa_sdk.executor import CollectingDispatcher
from rasa_sdk.types import DomainDict

from actions.common import is_case, latest, remember, say
from actions.intake import begin
from bot.cases.resume import new_code
from bot.commands import case_in, is_yes
from bot.intake import Progress
from bot.knowledge.live import content
from bot.language import named_language
from bot.outcome import Erase, GiveCode, Rate, SayCase, SayPhrase, SayTopic, StopNotices, SwitchLanguage

_QUESTION = re.compile(r"\?|\b(qu[eé]|c[oó]mo|cu[aá]l|d[oó]nde|cu[aá]ndo|what|how|which|when|where|do you|does|will)\b", re.IGNORECASE)
"""A message about erasing that asks something is answered; any other wants it done."""


class ActionHandOver(Action):
    """A person is wanted: open a case (one a conversation) and say honestly how to reach CIAM."""

    def name(self) -> str:
        return "action_hand_over"

    def run(self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: DomainDict) -> list[dict[str, Any]]:
        return hand_over(dispatcher, tracker)


def hand_over(dispatcher: CollectingDispatcher, tracker: Tracker) -> list[dict[str, Any]]:
    """Open the case, or say that there is one."""
    message, progress = latest(tracker), Progress.of(tracker.get_slot("intake"))
    if tracker.get_slot("case"):
        say(dispatcher, SayPhrase("case_open", {"number": tracker.get_slot("case")}, topic="human_handoff"))
        return remember(asked=None, not_understood=0.0)
    topic = tracker.get_slot("topic")
    topic = topic if topic and is_case(topic) and topic != "human_handoff" else None
    events = [] if progress else begin(tracker, topic)
    progress = progress or Progress.of(next(e["value"] for e in events if e.get("name") == "intake"))
    assert progress is not None
    said = (tracker.get_slot("told") or {}).get("text")
    case = content().intake.case(progress, said or message["summary"], incomplete=True)
    level = min(message["level"] or 2, 2, message["topic_level"]) if topic else case.level
    say(dispatcher, replace(case, topic=topic, level=level))
    say(dispatcher, SayPhrase("case_opened", {"number": message["case_number"]}, topic="human_handoff"))
    if events:
        say(dispatcher, SayPhrase("intake_while_waiting", topic="human_handoff"))
    else:
        say(dispatcher, SayPhrase("find_again", buttons=["code"], topic="human_handoff"))
    return [*events, *remember(case=message["case_number"], asked=None, not_understood=0.0)]


class ActionSwitchLanguage(Action):
    """Answer in the language asked for from now on."""

    def name(self) -> str:
        return "action_switch_language"

    def run(self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: DomainDict) -> list[dict[str, Any]]:
        message = latest(tracker)
        wanted = message.get("wanted") or named_language(message["text"]) or ("en" if message["spoken"] == "es" else "es")
        say(dispatcher, SwitchLanguage(wanted), SayTopic("language_switch"))
        topic = tracker.get_slot("topic")
        if topic and topic != "language_switch" and not tracker.get_slot("intake"):  # an open form asks its question again
            say(dispatcher, SayTopic(topic, tracker.get_slot("facet")))
        return remember(not_understood=0.0)


class ActionDeleteData(Action):
    """Ask once whether everything is to be erased; where it was asked already, do it."""

    def name(self) -> str:
        return "action_delete_data"

    def run(self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: DomainDict) -> list[dict[str, Any]]:
        if tracker.get_slot("asked") == "erase" and is_yes(latest(tracker)["text"]):
            say(dispatcher, Erase(), SayPhrase("erased"))
            return []
        facet = latest(tracker).get("facet")
        if facet and (latest(tracker).get("pressed") or _QUESTION.search(latest(tracker)["text"])):  # asks about erasing
            say(dispatcher, SayTopic("delete_data", facet))
            return remember(topic="delete_data", facet=facet, asked=None)
        number = tracker.get_slot("case")
        phrase = SayPhrase("erase_with_case", {"number": number}, ["yes", "no"]) if number else SayPhrase("erase", {}, ["yes", "no"])
        say(dispatcher, SayPhrase(phrase.phrase, phrase.values, phrase.buttons, topic="delete_data"))
        return remember(asked="erase", not_understood=0.0)


class ActionAffirm(Action):
    """Yes, to whatever was asked."""

    def name(self) -> str:
        return "action_affirm"

    def run(self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: DomainDict) -> list[dict[str, Any]]:
        asked, topic = tracker.get_slot("asked"), tracker.get_slot("topic")
        if asked == "erase":
            if latest(tracker).get("pressed") or is_yes(latest(tracker)["text"]):
                say(dispatcher, Erase(), SayPhrase("erased"))
                return []
            say(dispatcher, SayPhrase("erase_only_on_yes", buttons=["yes", "no"], topic="delete_data"))
            return []
        if asked == "place":
            say(dispatcher, SayPhrase("ask_place", topic="consulate_find"))
            return []
        if asked == "person":
            return hand_over(dispatcher, tracker)
        if topic and is_case(topic) and not tracker.get_slot("case"):
            say(dispatcher, SayPhrase("want_a_person", buttons=["human", f"more:{topic}"], topic=topic))
            return remember(asked="person", not_understood=0.0)
        say(dispatcher, SayPhrase("go_on", buttons=["topic:help", "human"]))
        return remember(not_understood=0.0)


class ActionDeny(Action):
    """No, to whatever was asked."""

    def name(self) -> str:
        return "action_deny"

    def run(self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: DomainDict) -> list[dict[str, Any]]:
        say(dispatcher, SayPhrase("not_erased" if tracker.get_slot("asked") == "erase" else "go_on", buttons=["topic:help", "human"]))
        return remember(asked=None, not_understood=0.0)


class ActionRate(Action):
    """How it went, in one tap."""

    def name(self) -> str:
        return "action_rate"

    def run(self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: DomainDict) -> list[dict[str, Any]]:
        helped = latest(tracker).get("wanted") == "1"
        say(dispatcher, Rate(int(helped)), SayPhrase("rated" if helped else "rated_badly", buttons=["topic:help", "human"]))
        return remember(asked=None, not_understood=0.0)


class ActionStop(Action):
    """STOP: nothing is sent that was not asked for; the person may go on writing."""

    def name(self) -> str:
        return "action_stop"

    def run(self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: DomainDict) -> list[dict[str, Any]]:
        say(dispatcher, StopNotices(), SayPhrase("stopped", buttons=["topic:help", "human"]))
        return remember(asked=None, not_understood=0.0)


class ActionCaseStatus(Action):
    """How the person's case stands."""

    def name(self) -> str:
        return "action_case_status"

    def run(self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: DomainDict) -> list[dict[str, Any]]:
        number, code = case_in(latest(tracker)["text"]) or (None, None)
        say(dispatcher, SayCase(number, code))
        return remember(asked=None, not_understood=0.0)


class ActionCode(Action):
    """A code by which the person finds the case again."""

    def name(self) -> str:
        return "action_code"

    def run(self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: DomainDict) -> list[dict[str, Any]]:
        say(dispatcher, GiveCode(new_code()) if tracker.get_slot("case") else SayCase())
        return remember(asked=None, not_understood=0.0)


class ActionFile(Action):
    """A picture, document or voice message without words: a person can look at it."""

    def name(self) -> str:
        return "action_file"

    def run(self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: DomainDict) -> list[dict[str, Any]]:
        spoken = str(latest(tracker).get("file_kind", "")).startswith("audio/")
        buttons = [] if tracker.get_slot("case") else ["human"]
        say(dispatcher, SayPhrase("voice_unread" if spoken else "file_received", buttons=buttons))
        return remember(not_understood=0.0)
