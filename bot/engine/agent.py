"""Rasa's Agent as a library: it understands, and decides by its rules; custom actions run as functions in this process.

    engine = await Engine.load(models / "orienta.tar.gz", safety)
    meaning = engine.understand("la migra esta en la puerta")
    decision = await engine.decide("conversation id", meaning, state)

No message is ever read as a Rasa payload: the text goes to the pipeline itself, and `decide` is given what was understood.
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

# one message is too small for several threads, and workers are as many as there are cores; read by numpy at its import
for _threads in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(_threads, "1")

from bot.engine import quiet, rasa_light

rasa_light.install()
quiet.silence()

from jsonschema import Draft202012Validator
from rasa.core.actions.action import RemoteAction
from rasa.core.agent import Agent
from rasa.core.channels.channel import CollectingOutputChannel, UserMessage
from rasa.core.tracker_store import TrackerStore
from rasa.shared.core.domain import Domain
from rasa.shared.core.events import ActionExecuted, ActiveLoop, Event, SlotSet
from rasa.shared.core.trackers import DialogueStateTracker
from rasa.utils.endpoints import ClientResponseError, EndpointConfig
from rasa_sdk.executor import ActionExecutor
from rasa_sdk.interfaces import ActionExecutionRejection

from bot.engine.understanding import UNSURE, Understanding, more_urgent
from bot.language import detect
from bot.outcome import Outcome, from_json
from bot.safety import Safety
from bot.taxonomy import levels

# Rasa checks each action's answer against a constant schema and checks that schema itself every time, some 20 ms: compile it once.
_ACTION_ANSWER = Draft202012Validator(RemoteAction.action_response_format_spec())


def _validate_action_answer(self: RemoteAction, result: Any) -> bool:
    _ACTION_ANSWER.validate(result)
    return True


RemoteAction._validate_action_result = _validate_action_answer

READ_AT_MOST = 2_000
"""Characters that the pipeline reads of a long message: the first and the last thousand. The point is seldom in the middle."""


class TurnFailed(RuntimeError):
    """An action raised, or nothing was said: nothing of the turn may be committed. Holds types and places, never texts."""


@dataclass(frozen=True)
class Decision:
    """What the rules and actions made of a message, and the dialogue's state after it."""

    outcomes: list[Outcome]
    state: dict[str, Any]


class _Actions(EndpointConfig):
    """The action endpoint without an endpoint: Rasa's call goes to rasa_sdk's executor in this process."""

    def __init__(self, package: str) -> None:
        super().__init__(url="inprocess", enable_selective_domain=True)
        self.executor = ActionExecutor()
        self.executor.register_package(package)
        self.failure: str | None = None

    async def request(self, *_: Any, json: dict[str, Any], **__: Any) -> Any:
        try:
            return await self.executor.run(json)
        except ActionExecutionRejection as rejection:  # "ask another policy": Rasa expects it as HTTP 400
            raise ClientResponseError(400, "rejected", _error(rejection.action_name)) from rejection
        except Exception as error:
            self.failure = describe(error)  # Rasa swallows it and goes on; `decide` looks here
            raise


def _error(action: str) -> str:
    return json.dumps({"action_name": action, "error": "rejected"})


def describe(error: BaseException) -> str:
    """An exception's type and place in our code; never its text, which may hold what a person wrote."""
    place, trace = "?", error.__traceback__
    while trace is not None:
        place = f"{Path(trace.tb_frame.f_code.co_filename).name}:{trace.tb_lineno}"
        trace = trace.tb_next
    return f"{type(error).__name__} at {place}"


class _OneTracker(TrackerStore):
    """Holds the tracker of the one message in hand; the worker commits the state with the answers, not Rasa."""

    def __init__(self) -> None:
        super().__init__(Domain.empty())
        self.tracker: DialogueStateTracker | None = None

    async def save(self, tracker: DialogueStateTracker) -> None:
        self.tracker = tracker

    async def retrieve(self, sender_id: str) -> DialogueStateTracker | None:
        return self.tracker

    async def keys(self) -> list[str]:
        return []


class Engine:
    """The trained model, ready to understand and to decide. One message at a time."""

    def __init__(self, agent: Agent, actions: _Actions, trackers: _OneTracker, safety: Safety) -> None:
        self._agent, self._actions, self._trackers, self._safety = agent, actions, trackers, safety

    @classmethod
    def load(cls, model: Path, safety: Safety) -> Engine:
        """Load the model and the custom actions.

        Raises:
            FileNotFoundError: there is no model; `make train` makes one.
        """
        if not model.exists():
            raise FileNotFoundError(f"{model.name} is missing: run `make train`")
        actions, trackers = _Actions("actions"), _OneTracker()
        return cls(Agent.load(str(model), tracker_store=trackers, action_endpoint=actions), actions, trackers, safety)

    def use(self, safety: Safety) -> None:
        """Take up changed safety rules."""
        self._safety = safety

    def understand(self, text: str) -> Understanding:
        """Read one message: the pipeline's result with the safety rules' level."""
        read = text if len(text) <= READ_AT_MOST else f"{text[: READ_AT_MOST // 2]} {text[-READ_AT_MOST // 2 :]}"
        # Rasa has no public call that reads "/..." as plain text; this one does, its public sibling would take it as a payload
        parsed = self._agent.processor._parse_message_with_graph(UserMessage(read), DialogueStateTracker("", []))
        ranking = [(i["name"], i["confidence"]) for i in parsed["intent_ranking"]]
        intent, confidence = ranking[0]
        danger = self._safety.look(text)
        topic_level = levels()[intent]
        detection = detect(text)
        return Understanding(
            text=text,
            intent=intent,
            confidence=confidence,
            score=parsed.get("score", 1.0),
            sure=parsed.get("sure", True),
            language=detection.language,
            level=more_urgent(topic_level, danger.level) if danger else topic_level,
            real_words=detection.words,
            ranking=ranking,
            facet=parsed.get("facet"),
            aspect=parsed.get("aspect"),
            also=parsed.get("also"),
            nearest=parsed.get("nearest") or [],
            entities=parsed.get("entities") or [],
            danger=danger.kind if danger else None,
        )

    async def decide(self, conversation: str, meaning: Understanding, extra: dict[str, Any], state: dict[str, Any] | None) -> Decision:
        """Let Rasa's rules choose the actions, and run them.

        Args:
            conversation: the conversation's pseudonymous id.
            meaning: the message as understood.
            extra: what the actions see beside it in `latest_message` (language, pressed button, position).
            state: the dialogue's state after the last message.

        Raises:
            TurnFailed: an action raised, or there is nothing to say.
        """
        name = meaning.intent if meaning.sure else UNSURE
        parse_data = {
            "text": meaning.text,
            "intent": {"name": name, "confidence": meaning.confidence},
            "entities": meaning.entities,
            "intent_ranking": [{"name": n, "confidence": c} for n, c in meaning.ranking[:5]],
            "facet": meaning.facet,
            "also": meaning.also,
            "aspect": meaning.aspect,
            "nearest": meaning.nearest,
            "level": meaning.level,
            **extra,
        }
        self._trackers.tracker = _tracker(conversation, self._agent.domain, state)
        self._actions.failure = None
        out = CollectingOutputChannel()
        await self._agent.handle_message(UserMessage(meaning.text, out, conversation, input_channel="orienta", parse_data=parse_data))
        if self._actions.failure:
            raise TurnFailed(self._actions.failure)
        outcomes = [from_json(said["custom"]) for said in out.messages if "custom" in said]
        if not outcomes and self._trackers.tracker.active_loop_name is None:  # an open form is asked by bot/forms.py
            raise TurnFailed(f"nothing was said to {name}")
        return Decision(outcomes, _state(self._trackers.tracker))


def _tracker(conversation: str, domain: Domain, state: dict[str, Any] | None) -> DialogueStateTracker:
    """A tracker with slots and active loop and nothing else: a message's cost does not grow with the conversation."""
    events: list[Event] = [ActionExecuted("action_session_start")]
    if state:
        events += [SlotSet(name, value) for name, value in state["slots"].items()]
        if state["loop"]:
            events.append(ActiveLoop(state["loop"]))
    events.append(ActionExecuted("action_listen"))
    return DialogueStateTracker.from_events(conversation, events, domain.slots)


def _state(tracker: DialogueStateTracker) -> dict[str, Any]:
    slots = {name: slot.value for name, slot in tracker.slots.items() if slot.value != slot.initial_value}
    return {"slots": slots, "loop": tracker.active_loop_name}
