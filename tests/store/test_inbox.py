from __future__ import annotations

import time

from bot.store import holder, inbox
from bot.store.crypto import Keys
from bot.store.database import Database
from bot.store.inbox import Outgoing, Waiting
from tests.conftest import Chat
from tests.store.test_claims import commit, must_claim, turn


def wait_of(chat: Chat) -> Waiting:
    with chat.database.read() as c:
        (found,) = inbox.waiting(c, time.time() + 1)
    return found


def interim(chat: Chat, wait: Waiting) -> bool:
    with chat.database.write() as c:
        return inbox.add_interim(c, chat.keys, wait, Outgoing("911"), time.time())


def test_the_same_id_again_is_the_same_message(chat: Chat) -> None:
    chat.says("primero", id="m1")
    chat.says("segundo", id="m1")

    with chat.database.read() as c:
        rows = inbox.transcript(c, chat.id, 0)
    assert [chat.keys.open(r["body"], f"message:{chat.id}")["text"] for r in rows] == ["primero"]


def test_equal_ids_in_two_sessions_are_two_messages(database: Database, keys: Keys) -> None:
    one, other = Chat(database, keys), Chat(database, keys)
    one.says("hola", id="m1")
    other.says("adiós", id="m1")

    commit(one, must_claim(one), turn("hola"))
    commit(one, must_claim(one), turn("adiós"))
    assert (one.hears(), other.hears()) == ([("m1", "hola")], [("m1", "adiós")])


def test_the_interim_answer_comes_once_and_never_after_the_answer(chat: Chat) -> None:
    asked = chat.says("la migra está en la puerta", level=1)
    wait = wait_of(chat)

    assert interim(chat, wait)
    assert not interim(chat, wait)
    commit(chat, must_claim(chat), turn("no abra"))
    assert chat.hears() == [(asked, "911"), (asked, "no abra")]

    chat.says("están gritando", level=1)
    late = wait_of(chat)
    commit(chat, must_claim(chat), turn("no abra"))
    assert not interim(chat, late)


def test_messages_without_danger_get_one_interim_a_conversation_and_outage(chat: Chat) -> None:
    first, second = chat.says("hola"), chat.says("pasaporte")
    with chat.database.read() as c:
        waits = inbox.waiting(c, time.time() + 1)

    assert [interim(chat, w) for w in waits] == [True, False]
    following = commit(chat, must_claim(chat), turn("hola"))
    assert following is not None
    commit(chat, following, turn("así"))
    chat.says("otra vez caído")
    assert interim(chat, wait_of(chat))  # the next outage
    assert [reply for reply, _ in chat.hears()[:3]] == [first, first, second]


def test_nobody_is_interrupted_while_a_human_has_the_conversation(chat: Chat) -> None:
    chat.says("están aquí", level=1)
    wait = wait_of(chat)
    with chat.database.write() as c:
        holder.take_over(c, chat.id)

    assert not interim(chat, wait)
    with chat.database.read() as c:
        assert inbox.waiting(c, time.time() + 1) == []


def test_the_cursor_counts_within_each_conversation(database: Database, keys: Keys) -> None:
    one, other = Chat(database, keys), Chat(database, keys)
    one.says("a")
    other.says("b")
    one.says("c")

    with database.read() as c:
        assert inbox.last_seq(c, [one.id, other.id]) == {one.id: 2, other.id: 1}
        assert [row["seq"] for row in inbox.transcript(c, one.id, 1)] == [2]


def test_a_session_is_found_by_its_token_until_it_ends(chat: Chat) -> None:
    with chat.database.read() as c:
        found = inbox.find_session(c, chat.keys, chat.token)
        unknown = inbox.find_session(c, chat.keys, "another")
    with chat.database.write() as c:
        inbox.end_session(c, chat.id)

    assert found is not None
    assert (found.conversation, unknown) == (chat.id, None)
    with chat.database.read() as c:
        assert inbox.find_session(c, chat.keys, chat.token) is None
        assert inbox.last_seq(c, [chat.id]) == {chat.id: 0}  # the conversation stays


def test_only_buttons_that_were_offered_here_are_known(database: Database, keys: Keys) -> None:
    one, other = Chat(database, keys), Chat(database, keys)
    button = {"title": "Sí", "payload": "p1", "action": "yes"}
    with database.write() as c:
        inbox.insert_outgoing(c, keys, one.id, 1, [Outgoing("¿?", [button]), Outgoing("¿?", [button])], time.time())

    with database.read() as c:
        assert inbox.offered(c, keys, one.id, "p1") == {"action": "yes", "title": "Sí"}
        assert inbox.offered(c, keys, other.id, "p1") is None
        assert inbox.offered(c, keys, one.id, "p2") is None


def test_nothing_a_person_wrote_stands_readable_in_the_database(chat: Chat) -> None:
    chat.says("me llamo Zenaida Quetzalcoatl")
    commit(chat, must_claim(chat), turn("hola Zenaida"))
    assert chat.database.url.database is not None
    folder = chat.database.url.database.rsplit("/", 1)[0]
    chat.database.forget_traces()

    from pathlib import Path

    content = b"".join(p.read_bytes() for p in Path(folder).iterdir())
    assert len(content) > 4096
    assert b"Zenaida" not in content
    assert chat.token.encode() not in content
