"""The state machine of a case: every step, and where it leads from each state. Whatever is not in the table is refused."""

from __future__ import annotations

from typing import Literal, get_args

State = Literal["waiting", "assigned", "with_person", "for_person", "resolved", "closed"]
"""waiting: in the queue; assigned: offered to one officer who has not accepted yet; with_person: an officer's turn;
for_person: the person's turn; resolved: done, a new message of the person reopens it; closed: done for good."""

Step = Literal["claim", "offer", "route", "accept", "decline", "reply", "wrote", "give_back", "resolve", "close", "reopen"]
"""offer: a transfer to one officer; route: to a team or a consulate; wrote: a message of the person."""

Outcome = Literal[
    "detention",
    "labour",
    "family",
    "gender",
    "documents",
    "repatriation",
    "legal_aid",
    "pale_referral",
    "informed",
    "unreachable",
    "other",
]
"""How a case ended, in the words of consular reporting."""

OUTCOMES: tuple[Outcome, ...] = get_args(Outcome)

HELD: tuple[State, ...] = ("assigned", "with_person", "for_person")
"""States in which an officer may have the conversation."""
OPEN: tuple[State, ...] = ("waiting", *HELD)
DONE: tuple[State, ...] = ("resolved", "closed")

STEPS: dict[Step, dict[State, tuple[State, ...]]] = {
    "claim": {"waiting": ("with_person",)},
    "offer": dict.fromkeys(OPEN, ("assigned",)),
    "route": dict.fromkeys(OPEN, ("waiting",)),
    "accept": {"assigned": ("with_person", "for_person")},
    "decline": {"assigned": ("waiting", "with_person", "for_person")},
    "reply": {"with_person": ("for_person",), "for_person": ("for_person",), "assigned": ("assigned",)},
    "wrote": {"waiting": ("waiting",), "assigned": ("assigned",), "with_person": ("with_person",), "for_person": ("with_person",)},
    "give_back": dict.fromkeys(HELD, ("waiting",)),
    "resolve": dict.fromkeys(HELD, ("resolved",)),
    "close": {"resolved": ("closed",)},
    "reopen": dict.fromkeys(DONE, ("waiting",)),
}

RATING = ("rate:1", "rate:0")
"""The two buttons of the question how it went: it helped, it did not."""
