"""What officers see: order, scope, filters, search, the wait that people are told, figures."""

from __future__ import annotations

import json
from typing import Any

import pytest
from sqlalchemy import update

from bot.cases import blind, desk, queue
from bot.cases.desk import Target
from bot.cases.queue import Filters, Scope
from bot.store import files, inbox
from bot.store.crypto import Keys
from bot.store.schema import conversation
from tests.cases.conftest import ALL, Office
from tests.conftest import Chat


def test_the_most_urgent_come_first_and_of_these_the_longest_unanswered(office: Office, chat: Chat) -> None:
    now = office.now
    late, early = office.opens(chat, 2, at=now - 10), office.opens(chat, 2, at=now - 100)
    danger = office.opens(chat, 1, at=now)
    information, talk = office.opens(chat, 3, at=now - 1000), office.opens(chat, 0, at=now - 2000)
    answered = office.opens(Chat(office.database, office.keys), 2, at=now - 5000)
    office.claims(answered, "ana")
    office.replies(answered, "ana")

    assert office.lists() == [danger, early, late, answered, information, talk]
    assert office.lists(limit=2, offset=1) == [early, late]


def test_an_officer_sees_the_cases_of_their_consulates_and_those_of_none(office: Office, chat: Chat) -> None:
    dallas, austin, nowhere = (office.opens(chat, consulate=post) for post in ("dallas", "austin", None))
    ana = Scope("ana", "officer", {"dallas"})

    assert set(office.lists(ana)) == {dallas, nowhere}
    assert set(office.lists(ALL)) == {dallas, austin, nowhere}
    with office.database.read() as c:
        assert queue.one(c, office.keys, austin, ana) is None
        assert queue.one(c, office.keys, dallas, ana) is not None
        assert queue.search(c, office.keys, ana, office.sees(austin).number) == []
    office.claims(austin, "luis")
    office.transfers(austin, "luis", Target(officer="ana"))
    assert austin in office.lists(ana)  # offered to her


def test_filters(office: Office, chat: Chat) -> None:
    mine = office.opens(chat, 2, consulate="dallas", interpreter="mixteco", topic="labor_rights")
    other = office.opens(Chat(office.database, office.keys), 1)
    office.claims(mine, "ana")
    ana = Scope("ana", "officer", None)

    assert office.lists(ana, mine=True) == [mine]
    assert office.lists(unassigned=True) == [other]
    for given in ({"consulate": "dallas"}, {"topic": "labor_rights"}, {"level": 2}, {"interpreter": True}, {"states": ["with_person"]}):
        assert office.lists(**given) == [mine]
    assert office.lists(language="en") == office.lists(channel="telegram") == office.lists(team="night") == []


@pytest.mark.parametrize("typed", ["José Pérez Núñez", "jose perez nunez", " JOSÉ  PÉREZ, NÚÑEZ "])
def test_a_case_is_found_by_the_exact_name(office: Office, chat: Chat, typed: str) -> None:
    case_id = office.opens(chat, name="José Pérez Núñez")
    office.opens(chat, name="José Pérez")
    assert found(office, typed) == [case_id]
    assert found(office, "jose") == []


@pytest.mark.parametrize("typed", ["+15206237874", "(520) 623-7874", "520 623 7874", "1-520-623-7874"])
def test_a_case_is_found_by_the_telephone_however_it_is_written(office: Office, chat: Chat, typed: str) -> None:
    case_id = office.opens(chat, phone="520-623-7874")
    office.opens(chat, phone="+52 55 5093 2000")
    assert found(office, typed) == [case_id]


def found(office: Office, text: str, **filters: Any) -> list[str]:
    with office.database.read() as c:
        return [row.id for row in queue.search(c, office.keys, ALL, text, Filters(**filters))]


def test_a_case_is_found_by_its_number_in_any_state(office: Office, chat: Chat) -> None:
    case_id = office.opens(chat)
    number = office.sees(case_id).number
    office.claims(case_id, "ana")
    office.resolves(case_id, "ana")

    assert found(office, number) == found(office, number.lower().replace("-", " ")) == [case_id]
    assert found(office, "", states=["resolved"]) == [case_id]
    assert found(office, "", states=["waiting"]) == found(office, "' OR 1=1 --") == []


def test_what_is_no_name_and_no_number_has_no_index(keys: Keys) -> None:
    assert [blind.name(keys, text) for text in (None, "", " .,! ")] == [None] * 3
    assert [blind.phone(keys, text) for text in (None, "", "hola", "12", "911")] == [None] * 5


def test_history_says_who_did_what(office: Office, chat: Chat) -> None:
    case_id = office.opens(chat)
    office.claims(case_id, "ana")
    office.does(lambda c: desk.note(c, office.keys, case_id, "luis", "<b>ojo</b>", office.now))
    with office.database.read() as c:
        events = queue.history(c, office.keys, case_id)
    assert [(e.kind, e.officer_id, e.detail) for e in events] == [
        ("opened", None, {}),
        ("claimed", "ana", {}),
        ("note", "luis", {"text": "<b>ojo</b>"}),
    ]


def test_a_file_is_seen_by_who_may_see_a_case_of_its_conversation(office: Office, chat: Chat) -> None:
    new = files.seal(office.keys, "image/png", b"data")
    office.does(lambda c: files.add(c, chat.id, new, office.now))
    office.opens(chat, consulate="austin")
    with office.database.read() as c:
        seen = queue.file(c, office.keys, ALL, new.id)
        assert queue.file(c, office.keys, Scope("ana", "officer", {"dallas"}), new.id) is None
        assert queue.file(c, office.keys, ALL, "nothing") is None
    assert seen is not None
    assert (seen.data, seen.kind) == (b"data", "image/png")


def test_an_officer_sends_files_with_a_message(office: Office, chat: Chat) -> None:
    case_id = office.opens(chat)
    office.claims(case_id, "ana")
    new = [files.seal(office.keys, "application/pdf", b"pdf"), files.seal(office.keys, "image/png", b"png")]
    for each in new:
        with office.database.write() as c:
            assert files.add(c, chat.id, each, office.now)
    office.does(lambda c: desk.reply(c, office.keys, case_id, "ana", "lea esto", office.now, [f.id for f in new]))

    with office.database.read() as c:
        bodies = [chat.keys.open(row["body"], f"message:{chat.id}") for row in inbox.transcript(c, chat.id, 0)]
    assert [(body["text"], body["file"]["id"]) for body in bodies] == [("lea esto", new[0].id), ("", new[1].id)]
    with pytest.raises(desk.Refused, match="gone"):  # a file is sent once
        office.does(lambda c: desk.reply(c, office.keys, case_id, "ana", "", office.now, [new[0].id]))


def test_the_wait_is_told_from_the_queue_as_it_is(office: Office, chat: Chat) -> None:
    now = office.now

    def wait(level: int | None = None) -> queue.Wait:
        with office.database.read() as c:
            return queue.expected_wait(c, now, level)

    assert wait() == queue.Wait(False, 0, None, None)
    for minutes in (2, 3, 4, 30):
        office.claims(office.opens(chat, 2, at=now - 3600), "ana", at=now - 3600 + minutes * 60)
    office.was_seen("ana", now - 60)
    office.opens(chat, 2)
    office.opens(chat, 1)
    assert wait() == queue.Wait(True, 2, None, None)  # four say nothing
    office.claims(office.opens(chat, 2, at=now - 3600), "ana", at=now - 3600 + 5 * 60)
    office.was_seen("ana", now - 60)
    assert wait() == queue.Wait(True, 2, 4, None)
    assert wait(1) == queue.Wait(True, 1, None, None)
    assert wait(2) == queue.Wait(True, 2, 4, None)


def test_two_hundred_cases_are_listed_with_what_is_known_of_the_channel(office: Office) -> None:
    chats = [Chat(office.database, office.keys) for _ in range(20)]
    for number in range(200):
        office.opens(chats[number % 20], 1 + number % 3)
    gone = update(conversation).where(conversation.c.id == chats[0].id).values(unreachable="blocked", inbound_at=5.0, language="en")
    office.does(lambda c: c.execute(gone))

    listed = office.lists(limit=500)
    assert len(set(listed)) == 200
    with office.database.read() as c:
        (first, *_) = queue.of_conversation(c, office.keys, chats[0].id)
    seen = office.sees(first.id)
    assert (seen.unreachable, seen.inbound_at, seen.spoken) == ("blocked", 5.0, "en")
    assert json.dumps(seen.__dict__)  # a page or a stream can carry it
