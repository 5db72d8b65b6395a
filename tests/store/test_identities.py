from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import select, update

from bot.store import identities
from bot.store.crypto import Keys
from bot.store.database import Database
from bot.store.identities import Who
from bot.store.schema import conversation


class People:
    """Who writes, as a channel's route tells the store."""

    def __init__(self, database: Database, keys: Keys) -> None:
        self.database, self.keys = database, keys

    def writes(self, identity: str, alias: str | None = None, channel: str = "whatsapp", at: float = 1.0, **profile: str) -> str:
        with self.database.write() as c:
            return identities.conversation_of(c, self.keys, Who(channel, identity, alias, profile), None, at).conversation

    def profile(self, conversation_id: str) -> dict[str, str]:
        with self.database.read() as c:
            return identities.identity_of(c, self.keys, conversation_id)


@pytest.fixture
def people(database: Database, keys: Keys) -> People:
    return People(database, keys)


def test_the_same_person_has_one_conversation_on_a_channel(people: People) -> None:
    assert people.writes("7001", channel="telegram") == people.writes("7001", channel="telegram")
    assert people.writes("7001", channel="telegram") != people.writes("7002", channel="telegram")
    assert people.writes("7001", channel="telegram") != people.writes("7001", channel="whatsapp")


@pytest.mark.parametrize(
    "writings",
    [
        [("number", None), ("US.x", "number"), ("US.x", None), ("number", None)],
        [("US.x", None), ("US.x", "number"), ("number", None)],
        [("US.x", "number"), ("number", None), ("US.x", None)],
    ],
)
def test_two_names_that_came_together_are_one_person(people: People, writings: list[tuple[str, str | None]]) -> None:
    assert len({people.writes(*names) for names in writings}) == 1


def test_conversations_opened_under_each_name_become_one_and_the_officers_goes_on(people: People) -> None:
    by_number, by_id = people.writes("number", at=1.0), people.writes("US.x", at=2.0)
    with people.database.write() as c:
        c.execute(update(conversation).where(conversation.c.id == by_number).values(holder="human"))

    assert people.writes("US.x", "number", at=3.0) == by_number
    assert people.writes("US.x") == people.writes("number") == by_number
    assert people.profile(by_id) == {}  # it is still there, and still could be written to


def test_what_the_sender_needs_is_kept_and_completed(people: People) -> None:
    found = people.writes("number", wa_id="1520")
    people.writes("US.x", "number", user_id="US.x")

    assert people.profile(found) == {"wa_id": "1520", "user_id": "US.x"}


def test_a_changed_number_takes_its_conversation_along(people: People) -> None:
    found = people.writes("US.x", "old", wa_id="old")
    with people.database.write() as c:
        assert identities.move(c, people.keys, "whatsapp", "old", "new", {"wa_id": "new"}) == found
        assert identities.move(c, people.keys, "whatsapp", "nobody", "else", {}) is None

    assert people.writes("new") == people.writes("US.x") == found
    assert people.profile(found) == {"wa_id": "new"}
    assert people.writes("old") != found


def test_a_number_that_already_wrote_before_it_was_told_of(people: People) -> None:
    people.writes("old", at=1.0)
    newer = people.writes("new", at=2.0)
    with people.database.write() as c:
        assert identities.move(c, people.keys, "whatsapp", "old", "new", {}) == newer

    assert people.writes("new") == newer


def test_a_number_given_to_somebody_else_does_not_open_its_former_owners_conversation(people: People) -> None:
    former = people.writes("US.x", "number")
    owner = people.writes("US.y", "number")

    assert owner != former
    assert people.writes("number") == people.writes("US.y") == owner
    assert people.writes("US.x") == former


def test_whoever_writes_can_be_reached(people: People) -> None:
    found = people.writes("7001")
    with people.database.write() as c:
        identities.set_unreachable(c, people.keys, "whatsapp", "7001", "blocked")
        identities.set_unreachable(c, people.keys, "whatsapp", "7002", "blocked")  # never wrote
        states = [tuple(c.execute(select(conversation.c.id, conversation.c.unreachable)).one())]
    people.writes("7001", at=9.0)

    with people.database.read() as c:
        row = c.execute(select(conversation.c.unreachable, conversation.c.inbound_at)).one()
    assert states == [(found, "blocked")]
    assert tuple(row) == (None, 9.0)


def test_no_name_stands_readable_in_the_database(people: People) -> None:
    people.writes("700000001", "15205550123", wa_id="15205550123", chat="700000001")
    people.database.forget_traces()
    assert people.database.url.database is not None

    content = b"".join(p.read_bytes() for p in Path(people.database.url.database).parent.iterdir())
    assert b"700000001" not in content
    assert b"5205550123" not in content
