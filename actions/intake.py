"""The questions for an officer: one form for every topic, whose questions stand in data/intake.yml.

The form never speaks by itself: bot/forms.py asks its pending question at the end of every turn, also after an interruption.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from rasa_sdk import Action, FormValidationAction, Tracker
from rasa_sdk.events import FollowupAction, SlotSet
from rasa_sdk.executor import CollectingDispatcher
from rasa_sdk.types import DomainDict

from actions.common import latest, remember, say
from bot.forms import FORM, REQUESTED
from bot.intake import CONFIRM, SKIPPED, VALUE, Intake, Progress
from bot.knowledge.live import content
from bot.outcome import SayPhrase


class ActionStartIntake(Action):
    """Begin: say why it asks, and take what was said already."""

    def name(self) -> str:
        return "action_start_intake"

    def run(self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: DomainDict) -> list[dict[str, Any]]:
        topic = latest(tracker).get("wanted") or tracker.get_slot("topic")
        say(dispatcher, SayPhrase("intake_intro", topic=topic))
        return begin(tracker, topic)


def begin(tracker: Tracker, topic: str | None) -> list[dict[str, Any]]:
    """Events that start the form of a topic with the answers that were given before it was asked."""
    intake, message = content().intake, latest(tracker)
    form = intake.form_for(topic)
    said = tracker.get_slot("told")
    answers = intake.found_in(form, said["text"], said["entities"]) if said and said["topic"] == topic else {}
    if not message.get("pressed"):
        answers |= intake.found_in(form, message["text"], message["entities"])
    progress = _with_post(Progress(form, message["message_id"], answers), intake)
    return [SlotSet("intake", progress.as_slot()), FollowupAction(FORM)]


def told(message: dict[str, Any], topic: str, before: dict[str, Any] | None) -> dict[str, Any] | None:
    """What the person said of a topic that has a form, for the officer; a pressed button says nothing new."""
    if message.get("pressed"):
        return before if before and before["topic"] == topic else None
    if topic not in content().intake.forms:
        return None
    return {"topic": topic, "text": message["text"][:VALUE], "entities": message["entities"]}


class ValidateIntakeForm(FormValidationAction):
    """Takes the message as the answer to the pending question, or as a correction of an earlier one, and chooses the next."""

    def name(self) -> str:
        return f"validate_{FORM}"

    async def run(self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: DomainDict) -> list[dict[str, Any]]:
        progress, message = Progress.of(tracker.get_slot("intake")), latest(tracker)
        if progress is None:
            return [SlotSet(REQUESTED, None)]
        intake = content().intake
        asked = tracker.get_slot(REQUESTED)
        if message["message_id"] == progress.began:
            return _ask(progress, intake)
        if asked == CONFIRM:
            return self._confirmed(dispatcher, progress, message, intake)
        if corrected := _correction(progress, message, intake):
            return _ask(_changed(dispatcher, progress, *corrected, message, intake), intake)
        answers = {**intake.found_in(progress.form, message["text"], message["entities"]), **progress.answers}
        answers[asked] = _answer(intake, asked, message)
        if asked == "safe" and answers[asked].lower() == "no":
            say(dispatcher, SayPhrase("intake_not_safe"))
        return _ask(Progress(progress.form, progress.began, answers, asked), intake)

    def _confirmed(
        self, dispatcher: CollectingDispatcher, progress: Progress, message: dict[str, Any], intake: Intake
    ) -> list[dict[str, Any]]:
        """The button "send", "correct it", or a correction in words."""
        kind, intent = message.get("kind"), message["meant"]
        if kind == "send" or (kind is None and intent == "affirm"):
            return _now(progress, None)
        if corrected := _correction(progress, message, intake, sure=True):
            return _ask(_changed(dispatcher, progress, *corrected, message, intake), intake)
        if kind == "change" or intent == "deny":
            say(dispatcher, SayPhrase("intake_what_to_change"))
        return _now(progress, CONFIRM)


def _ask(progress: Progress, intake: Intake) -> list[dict[str, Any]]:
    return _now(_with_post(progress, intake), intake.next_question(progress.form, progress.answers))


def _with_post(progress: Progress, intake: Intake) -> Progress:
    """With the post that serves the place named; web, which may have to open the case, knows no places."""
    place = next((a for q, a in progress.answers.items() if intake.questions[q].kind == "place"), None)
    return replace(progress, consulate=consulate_of(place))


def _now(progress: Progress, asked: str | None) -> list[dict[str, Any]]:
    """The form's state after a message; Rasa takes one that sets nothing but the pending question for one that was not understood."""
    return [SlotSet("intake", progress.as_slot()), SlotSet(REQUESTED, asked)]


def _answer(intake: Intake, asked: str, message: dict[str, Any]) -> str:
    """The answer as it is kept: a place, a name or a number where there is one in it, else the person's own words."""
    if message.get("kind") == "skip" or (not message.get("pressed") and intake.is_skip(message["text"])):
        return SKIPPED
    question = intake.questions[asked]
    text: str = message["text"][:VALUE]
    return text if question.kind != "place" else place_of(message) or text


def place_of(message: dict[str, Any]) -> str | None:
    if message.get("location"):
        return f"{message['location']['lat']},{message['location']['lon']}"
    return next((str(e["value"]) for e in message["entities"] if e["entity"] == "place"), None)


def _correction(progress: Progress, message: dict[str, Any], intake: Intake, sure: bool = False) -> tuple[str, str] | None:
    """The question that a correction is about, and its new answer.

    Args:
        sure: everything was asked: whatever answers a question corrects it.
    """
    text: str = message["text"]
    if message.get("pressed") or not (sure or intake.is_correction(text)):
        return None
    answered = [q for q in intake.forms[progress.form] if q in progress.answers]
    for question in answered:  # the label names it: "el lugar es San Antonio"
        label = intake.questions[question].label
        for name in (label.es.lower(), label.en.lower()):
            before, found, after = text.lower().partition(name)
            if found and after.strip(" :.,"):
                value = text[len(before) + len(found) :].strip(" :,.")
                kind = intake.questions[question].kind
                place = intake.value(kind, text, message["entities"]) if kind == "place" else None
                return question, place or value.removeprefix("es ").removeprefix("is ")
    for question in reversed(answered):
        kind = intake.questions[question].kind
        if known := intake.value(kind, text, message["entities"]):
            return question, known
    if not sure and progress.last:
        return progress.last, text
    return None


def _changed(
    dispatcher: CollectingDispatcher, progress: Progress, question: str, value: str, message: dict[str, Any], intake: Intake
) -> Progress:
    label = intake.questions[question].label.in_language(message["spoken"])
    say(dispatcher, SayPhrase("intake_changed", {"label": label, "value": value}))
    return Progress(progress.form, progress.began, {**progress.answers, question: value[:VALUE]}, question)


class ActionSendIntake(Action):
    """The form is done: the case opens, or the open one gets the answers."""

    def name(self) -> str:
        return "action_send_intake"

    def run(self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: DomainDict) -> list[dict[str, Any]]:
        progress, message = Progress.of(tracker.get_slot("intake")), latest(tracker)
        if progress is None:
            return []
        number = tracker.get_slot("case") or message["case_number"]
        said = (tracker.get_slot("told") or {}).get("text") or message["summary"]
        say(dispatcher, content().intake.case(progress, said, incomplete=False))
        say(dispatcher, SayPhrase("intake_sent", {"number": number}), SayPhrase("find_again", buttons=["code"]))
        return remember(case=number, intake=None, asked=None, told=None)


def consulate_of(place: str | None) -> str | None:
    """The post that serves a place, where that is sure."""
    places = content().places
    if not place or places is None:
        return None
    resolution = places.resolve(place).as_json()
    return resolution["consulate"]["id"] if resolution["status"] == "found" else None
