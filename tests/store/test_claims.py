"""The rules of the store that concern a worker's claim; each was seen to break without it."""

from __future__ import annotations

import time
from dataclasses import replace

import pytest
from sqlalchemy import func, select

from bot.store import claims, holder, inbox
from bot.store.claims import Claim, ClaimLost, NewCase, Turn
from bot.store.crypto import Keys
from bot.store.database import Database
from bot.store.inbox import Outgoing
from bot.store.schema import case, conversation, message, tracker
from tests.conftest import Chat

LEASE = 60.0


def claim(chat: Chat, worker: str = "w1", lease: float = LEASE, at: float | None = None) -> Claim | None:
    with chat.database.write() as c:
        return claims.claim(c, chat.keys, worker, at or time.time(), lease)


def must_claim(chat: Chat, worker: str = "w1", lease: float = LEASE, at: float | None = None) -> Claim:
    held = claim(chat, worker, lease, at)
    assert held is not None
    return held


def turn(text: str) -> Turn:
    return Turn("es", False, 0, "es", 3, "documents", None, [Outgoing(text)], {"slots": {"topic": "documents"}, "loop": None})


def commit(chat: Chat, held: Claim, done: Turn, worker: str = "w1") -> Claim | None:
    with chat.database.write() as c:
        return claims.commit(c, chat.keys, held, done, worker, time.time(), LEASE)


def test_a_turn_is_committed_whole(chat: Chat) -> None:
    asked = chat.says("pasaporte")
    held = must_claim(chat)

    assert commit(chat, held, turn("así")) is None
    assert chat.hears() == [(asked, "así")]
    assert claim(chat) is None
    following = chat.says("gracias")
    again = must_claim(chat)
    assert (again.message.id, again.state) == (following, {"slots": {"topic": "documents"}, "loop": None})


def test_messages_of_a_conversation_are_answered_in_order_by_one_worker(chat: Chat) -> None:
    ids = [chat.says(f"mensaje {n}") for n in range(3)]
    held = must_claim(chat)

    assert claim(chat, "w2") is None
    seen = []
    while held is not None:
        seen.append(held.message.id)
        held = commit(chat, held, turn("ya"))  # type: ignore[assignment]
    assert seen == ids
    assert [reply for reply, _ in chat.hears()] == ids


def test_danger_is_claimed_before_older_questions(database: Database, keys: Keys) -> None:
    first, second = Chat(database, keys), Chat(database, keys)
    first.says("pasaporte")
    second.says("la migra está en la puerta", level=1)

    assert must_claim(first).conversation == second.id


def test_a_commit_after_the_lease_was_lost_changes_nothing(chat: Chat) -> None:
    asked = chat.says("pasaporte")
    slow = must_claim(chat, "slow", lease=0.0)
    quick = must_claim(chat, "quick")

    with pytest.raises(ClaimLost):
        commit(chat, slow, turn("tarde"), "slow")
    assert chat.hears() == []
    commit(chat, quick, turn("a tiempo"), "quick")
    assert chat.hears() == [(asked, "a tiempo")]


def test_takeover_by_a_human_while_a_worker_thinks(chat: Chat) -> None:
    chat.says("quiero hablar con alguien")
    held = must_claim(chat)
    with chat.database.write() as c:
        assert holder.take_over(c, chat.id)

    with pytest.raises(ClaimLost):
        commit(chat, held, turn("demasiado tarde"))
    assert chat.hears() == []
    assert must_claim(chat).human
    with chat.database.write() as c:
        assert holder.give_back(c, chat.id)
    assert not must_claim(chat, at=time.time() + 1).human


def test_erasure_while_a_worker_thinks(chat: Chat) -> None:
    chat.says("borra mis datos")
    held = must_claim(chat)
    with chat.database.write() as c:
        inbox.erase(c, chat.keys, chat.id, time.time())

    with pytest.raises(ClaimLost):
        commit(chat, held, turn("demasiado tarde"))
    with chat.database.read() as c:
        left = [c.execute(select(func.count()).select_from(t)).scalar() for t in (conversation, message, tracker, case)]
    assert left == [0, 0, 0, 0]


def test_a_case_is_opened_once_however_often_its_message_is_handled(chat: Chat) -> None:
    chat.says("quiero hablar con alguien", id="m1")
    opening = replace(turn("su caso"), cases=[NewCase("detention_report", 1, "quiero hablar con alguien")])
    held = must_claim(chat)
    commit(chat, held, opening)
    with chat.database.write() as c:
        claims._open_case(c, chat.keys, held, opening.cases[0], "es", time.time())

    with chat.database.read() as c:
        found = c.execute(select(case)).all()
    assert [(row.number, row.level, row.state) for row in found] == [(claims.case_number(chat.id, held.message.id), 1, "waiting")]
    assert chat.keys.open(found[0].summary, f"case:{chat.id}") == "quiero hablar con alguien"


def test_a_message_that_kills_three_workers_is_given_up_and_the_conversation_goes_on(chat: Chat) -> None:
    poisoned, innocent = chat.says("veneno", level=1), chat.says("pasaporte")
    now = time.time()
    for attempt in range(3):
        assert must_claim(chat, f"w{attempt}", lease=1.0, at=now).attempts == attempt
        now += 2.0  # it died; its lease runs out
    held = must_claim(chat, "w4", at=now)
    assert (held.message.id, held.attempts) == (poisoned, 3)
    with chat.database.write() as c:
        following = claims.give_up(c, chat.keys, held, Outgoing("911"), "w4", now, LEASE)

    assert following is not None
    assert (following.message.id, following.attempts) == (innocent, 0)
    commit(chat, following, turn("así"), "w4")
    assert chat.hears() == [(poisoned, "911"), (innocent, "así")]


def test_random_deaths_do_not_count_for_messages_that_were_not_in_hand(database: Database, keys: Keys) -> None:
    chats = [Chat(database, keys) for _ in range(4)]
    for each in chats:
        each.says("hola")
    now = time.time()
    for number in range(4):  # each time another message is in hand when the worker dies
        must_claim(chats[0], f"w{number}", lease=100.0, at=now + number)

    now += 200
    attempts = []
    while held := claim(chats[0], "last", at=now):
        attempts.append(held.attempts)
        commit(chats[0], held, turn("ya"), "last")
    assert attempts == [1, 1, 1, 1]


def test_a_failed_turn_is_tried_again_and_counts(chat: Chat) -> None:
    chat.says("hola")
    held = must_claim(chat)
    with chat.database.write() as c:
        claims.fail(c, held, "w1", time.time())

    assert claim(chat) is None  # a little later
    assert must_claim(chat, at=time.time() + 1).attempts == 1


def test_the_leases_of_a_dead_predecessor_end_at_its_successors_start(chat: Chat) -> None:
    chat.says("hola")
    must_claim(chat, "here:1:100")
    with chat.database.write() as c:
        claims.release_dead(c, "here:1:", "here:1:200")

    assert must_claim(chat, "here:1:200").attempts == 1


def test_an_expired_lease_is_found_without_any_news(chat: Chat) -> None:
    chat.says("hola")
    must_claim(chat, "dead", lease=1.0)

    with chat.database.read() as c:
        assert not claims.is_work(c, time.time())
        assert claims.is_work(c, time.time() + 2)
