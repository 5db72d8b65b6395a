"""What each error of the WhatsApp Cloud API means for the outbox. Decided by the code alone: titles change, texts hold numbers."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from bot.sender import Outcome, SendFailed


@dataclass(frozen=True)
class Meaning:
    """One line of the table.

    Attributes:
        whole: of "wait": the whole number is too fast, not only towards this person.
        after: seconds to wait; None: ever longer.
        doubtful: it may have gone through all the same.
        plain: the form is at fault: the same content goes once more in a form that is never refused.
    """

    outcome: Outcome
    whole: bool = False
    after: float | None = None
    doubtful: bool = False
    plain: bool = False


_PAIR = Meaning("wait")
_RATE = Meaning("wait", whole=True)
_THEIRS = Meaning("retry")
_FORM = Meaning("failed", plain=True)
_NEVER = Meaning("failed")
_DOWN = Meaning("channel_down")

CODES: dict[int, Meaning] = {
    131056: _PAIR,
    **dict.fromkeys((130429, 80007, 4), _RATE),
    131057: Meaning("wait", whole=True, after=60.0),  # the number is being upgraded
    131000: Meaning("retry", doubtful=True),
    **dict.fromkeys((1, 2, 131016, 133004, 131048), _THEIRS),
    131047: Meaning("held"),
    131053: _FORM,  # they could not take our picture
    **dict.fromkeys((100, 131008, 131009, 135000, 33), _FORM),
    **dict.fromkeys((131026, 131021, 131030, 131062, 131063, 131064, 137000, 131051, 131052), _NEVER),
    **dict.fromkeys((131049, 131050, 130472), _NEVER),  # marketing
    # templates: the other language's is tried
    **dict.fromkeys((132000, 132001, 132005, 132007, 132012, 132015, 132016, 132068, 132069, 134100, 134101, 134102), _FORM),
    # token and permission, then policy, payment and registration
    **dict.fromkeys((0, 3, 10, 190, *range(200, 300), 131005), _DOWN),
    **dict.fromkeys((368, 131031, 130497, 131037, 131042, 131045, 133010), _DOWN),
}


def meaning(code: int) -> Meaning | None:
    return CODES.get(code)


def later(code: int | None) -> Outcome:
    """What a failure means that was told after the call had been accepted: it can only be made again, held, or given up."""
    found = CODES.get(code) if code is not None else None
    if found is None or found.outcome == "failed":
        return "failed"
    return "held" if found.outcome == "held" else "retry"


def code_of(body: bytes) -> int | None:
    """The code of an error's body; None where it is no error of theirs (a gateway's page)."""
    try:
        raw: Any = json.loads(body)
        return int(raw["error"]["code"])
    except (ValueError, TypeError, KeyError, RecursionError):
        return None


def sort(status: int, code: int | None, after: float | None = None) -> tuple[SendFailed, bool]:
    """What a refused call means, and whether its plain form is to be tried first.

    Args:
        status: the HTTP status.
        after: of its Retry-After header.
    """
    found = CODES.get(code) if code is not None else None
    if found is not None:
        wait = after if after is not None and found.outcome == "wait" else found.after
        return SendFailed(found.outcome, str(code), wait, whole=found.whole, doubtful=found.doubtful), found.plain
    name = str(code) if code is not None else f"http_{status}"
    if status >= 500:  # without an error of theirs a gateway answered, and nobody knows what became of the call
        return (SendFailed("unknown", name) if code is None else SendFailed("retry", name, doubtful=True)), False
    if status == 429:
        return SendFailed("wait", name, after, whole=True), False
    if status == 408:
        return SendFailed("unknown", name), False
    if status in (401, 403, 404) and code is None:
        return SendFailed("channel_down", name), False
    return SendFailed("failed", name), code is not None
