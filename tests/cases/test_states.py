"""The state machine as a whole: random steps by several officers, and what must hold after each of them."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any, get_args

import pytest
from sqlalchemy import select

from bot.cases import desk, steps
from bot.cases.desk import Refused, Target
from bot.cases.states import HELD, OPEN, OUTCOMES, STEPS, State, Step
from bot.store import inbox
from bot.store.schema import case, case_event, conversation
from tests.cases.conftest import Office
from tests.conftest import Chat

OFFICERS = ("ana", "luis", "mar")


def test_the_table_names_every_step_and_nothing_else() -> None:
    states = set(get_args(State))
    assert set(STEPS) == set(get_args(Step))
    assert set(OPEN) | {"resolved", "closed"} == states
    for leads in STEPS.values():
        assert leads
        assert {state for pair in leads.items() for state in (pair[0], *pair[1])} <= states


@pytest.mark.parametrize("step", get_args(Step))
@pytest.mark.parametrize("state", get_args(State))
def test_a_step_that_is_not_in_the_table_is_refused(office: Office, chat: Chat, step: Step, state: State) -> None:
    case_id = office.opens(chat)
    with office.database.write() as c:
        c.execute(case.update().values(state=state))
        row = steps.read(c, case_id)
        if state in STEPS[step]:
            steps.take(c, row, step)
            assert steps.read(c, case_id).state in STEPS[step][state]
        else:
            with pytest.raises(Refused, match="wrong_state"):
                steps.take(c, row, step)
            assert steps.read(c, case_id).state == state


def moves(office: Office, chat: Chat, case_id: str, dice: random.Random, now: float) -> list[Callable[[Any], Any]]:
    """Everything that anybody may try."""
    keys, who, to = office.keys, dice.choice(OFFICERS), dice.choice(OFFICERS)
    target = dice.choice([Target(officer=to), Target(team="night"), Target(consulate="austin")])
    return [
        lambda c: desk.claim(c, keys, case_id, who, now),
        lambda c: desk.reply(c, keys, case_id, who, "aquí estoy", now),
        lambda c: desk.person_wrote(c, keys, chat.id, dice.choice([0, 1, 2, 3]), now),
        lambda c: desk.transfer(c, keys, case_id, who, target, "mira", now),
        lambda c: desk.accept(c, keys, case_id, who, now),
        lambda c: desk.decline(c, keys, case_id, who, now),
        lambda c: desk.give_back(c, keys, case_id, dice.choice([who, None]), now),
        lambda c: desk.resolve(c, keys, case_id, who, dice.choice(OUTCOMES), None, now),
        lambda c: desk.close(c, keys, case_id, who, now),
        lambda c: desk.reopen(c, keys, case_id, None, now),
        lambda c: desk.note(c, keys, case_id, who, "ojo", now),
        lambda c: desk.rate(c, keys, case_id, 1, now),
    ]


@pytest.mark.parametrize("seed", range(12))
def test_whatever_is_tried_a_case_stays_whole(office: Office, chat: Chat, seed: int) -> None:
    dice = random.Random(seed)
    office.officer("mar")
    case_id = office.opens(chat, 2)
    changed = refused = 0
    for number in range(150):
        before = state_of(office, case_id, chat)
        move = dice.choice(moves(office, chat, case_id, dice, office.now + number))
        try:
            office.does(move)
        except Refused:
            refused += 1
            assert state_of(office, case_id, chat) == before  # refused is as if never tried
            continue
        after = state_of(office, case_id, chat)
        changed += after != before
        holds(office, case_id, after, before)
    assert changed > 20
    assert refused > 20


def state_of(office: Office, case_id: str, chat: Chat) -> dict[str, Any]:
    with office.database.read() as c:
        row = dict(c.execute(select(case).where(case.c.id == case_id)).mappings().one())
        row["holder"] = c.execute(select(conversation.c.holder).where(conversation.c.id == chat.id)).scalar_one()
        row["events"] = len(c.execute(select(case_event.c.id)).all())
        row["messages"] = len(inbox.transcript(c, chat.id, 0, 10_000))
    return row


def holds(office: Office, case_id: str, now: dict[str, Any], before: dict[str, Any]) -> None:
    """What is true of a case whatever was done."""
    state, timers = now["state"], office.timers(case_id)
    assert (now["holder"] == "human") == (state in HELD and now["officer_id"] is not None)
    assert (now["offered_to"] is not None) == (state == "assigned") == ("transfer_expired" in timers)
    if state in ("with_person", "for_person"):
        assert now["officer_id"] is not None
    if state == "waiting":
        assert (now["officer_id"], now["waiting_since"] is None) == (None, False)
        assert ("escalate" in timers) == (now["level"] == 1)
    if state == "for_person":
        assert now["waiting_since"] is None
    if state == "with_person":
        assert "officer_away" in timers
    assert (state == "resolved") == ("close_resolved" in timers)
    assert (now["outcome"] is not None) == (now["resolved_at"] is not None) == (state in ("resolved", "closed"))
    assert (now["closed_at"] is not None) == (state == "closed")
    if state != before["state"] or now["officer_id"] != before["officer_id"]:
        assert now["events"] > before["events"]
        assert now["version"] > before["version"]
