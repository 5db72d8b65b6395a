"""A form and what interrupts it: one mechanism for every form and every topic.

While a form is open, a message either answers its question or interrupts it. An interruption is answered by the rules as if
there were no form, and then the form goes on: its question is asked again at the end of the turn.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

from bot.engine.agent import Decision
from bot.engine.understanding import Understanding
from bot.intake import CONFIRM, GENERAL, Intake, Progress
from bot.outcome import AskIntake
from bot.taxonomy import levels

FORM = "intake_form"
REQUESTED = "requested_slot"
"""Rasa's name of the slot that holds the pending question."""

ANSWERS = {"inform", "affirm", "deny", "out_of_scope"}
"""Intents of an answer, beside the form's own topic and whatever is not sure: a name or a street may look like anything."""
FORM_BUTTONS = {"skip", "answer", "send", "change"}
_QUESTION = re.compile(
    r"\?|^\W*(?:y |and |pero |but |oiga |oye )?(?:"
    r"qu[eé]|c[oó]mo|cu[aá]l|cu[aá]nto|d[oó]nde|cu[aá]ndo|por qu[eé]|puedo|pueden|tengo que|hay que|"
    r"what|how|which|when|where|why|who|can i|can they|do i|should i|is it|are they)\b",
    re.IGNORECASE,
)


def interrupts(meaning: Understanding, state: dict[str, Any], intake: Intake, button: str | None) -> bool:
    """Whether a message is something else than an answer to the pending question.

    Args:
        button: kind of the pressed button, or None for words.
    """
    if button:
        return button not in FORM_BUTTONS
    if state["slots"].get("asked") == "erase":  # what was asked last is not the form's question
        return True
    progress = Progress.of(state["slots"].get("intake"))
    asked = state["slots"].get(REQUESTED)
    if progress is None or not meaning.sure:
        return False
    own = meaning.intent == progress.form or (progress.form == GENERAL and meaning.level in (2, 3))
    danger_elsewhere = meaning.level == 1 and meaning.danger is not None and not own and levels().get(progress.form) != 1
    if danger_elsewhere or (meaning.intent == "emergency_danger" and not own):
        return True
    if _QUESTION.search(meaning.text):
        return not own or meaning.facet is not None or meaning.aspect is not None
    if own or meaning.intent in ANSWERS:
        return False
    question = intake.questions.get(asked or "")
    if asked != CONFIRM and question and question.kind not in ("text", "choice") and _looks_like(question.kind, meaning, intake):
        return False
    return not (levels().get(meaning.intent, 0) != 0 and intake.is_correction(meaning.text))


def _looks_like(kind: Any, meaning: Understanding, intake: Intake) -> bool:
    if kind == "name":
        return len(meaning.text.split()) <= 5 and levels()[meaning.intent] in (2, 3)
    return intake.value(kind, meaning.text, meaning.entities) is not None


Rules = Callable[[Understanding, dict[str, Any]], Awaitable[Decision]]
ANSWER = "answer"
"""The intent under which the rules see an answer: none of them speaks of it, so that only the form does."""


async def decide(rules: Rules, meaning: Understanding, state: dict[str, Any], intake: Intake, button: str | None) -> Decision:
    """Let the rules decide on a message, beside an open form or within it; an open form asks its question at the end.

    Args:
        rules: decides on a message in a dialogue state.
    """
    if state["loop"] == FORM and interrupts(meaning, state, intake, button):
        decision = await rules(meaning, {**state, "loop": None})
        if decision.state["slots"].get("intake") and decision.state["loop"] is None:
            decision.state["loop"] = FORM
    elif state["loop"] == FORM:
        decision = await rules(replace(meaning, intent=ANSWER, sure=True), state)
    else:
        decision = await rules(meaning, state)
    if decision.state["loop"] == FORM:
        asked = decision.state["slots"].get(REQUESTED) if decision.state["slots"].get("asked") != "erase" else None
        progress = Progress.of(decision.state["slots"].get("intake"))
        if asked and progress:
            decision.outcomes.append(AskIntake(progress.form, asked, progress.answers))
    else:
        decision.state["slots"].pop(REQUESTED, None)
        decision.state["slots"].pop("intake", None)
    return decision
