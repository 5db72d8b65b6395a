"""A person and an officer, through the running service: the officer acts on its database as the console does."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from sqlalchemy import insert, select

from bot.cases import desk, queue
from bot.cases.notices import Notices
from bot.cases.queue import CaseDetail, Scope
from bot.knowledge.live import LiveContent
from bot.settings import Settings
from bot.store.crypto import Keys
from bot.store.database import Database
from bot.store.schema import officer
from tests.e2e.running import Person, RunningService, eventually
from tests.test_cleaning import photo

pytestmark = pytest.mark.service


class Desk:
    """An officer at the service's own database."""

    def __init__(self, running: RunningService) -> None:
        settings = Settings(data_dir=running.data_dir)
        self.database, self.keys = Database(settings.database), Keys.from_file(settings.keys_path)
        self.content = LiveContent(settings.content_dir, None).current
        with self.database.write() as c:
            if c.execute(select(officer.c.id).where(officer.c.id == "ana")).first() is None:
                profile = self.keys.seal({"name": "Ana Ruiz"}, "officer:ana")
                c.execute(
                    insert(officer).values(
                        id="ana", email_hash=self.keys.hash("ana", "email"), profile=profile, role="officer", created_at=time.time()
                    )
                )

    def finds(self, number: str) -> CaseDetail:
        with self.database.read() as c:
            (row,) = queue.search(c, self.keys, Scope("ana", "officer", None), number)
            found = queue.one(c, self.keys, row.id)
        assert found is not None
        return found

    def notices(self, case_id: str) -> Notices:
        with self.database.read() as c:
            found = Notices.of(c, self.content, self.keys, case_id)
        assert found is not None
        return found

    def claims(self, case_id: str) -> None:
        notice = self.notices(case_id).officer_here("Ana Ruiz")
        with self.database.write() as c:
            desk.claim(c, self.keys, case_id, "ana", time.time(), notice)

    def replies(self, case_id: str, text: str) -> None:
        with self.database.write() as c:
            desk.reply(c, self.keys, case_id, "ana", text, time.time())

    def resolves(self, case_id: str) -> None:
        closing = [self.notices(case_id).resolved()]
        with self.database.write() as c:
            desk.resolve(c, self.keys, case_id, "ana", "informed", None, time.time(), closing)


@pytest.fixture
def office(service: RunningService) -> Iterator[Desk]:
    office = Desk(service)
    yield office
    office.database.close()


def asks_for_a_person(person: Person) -> str:
    """Asks, and leaves the questions for another day; the number of the case."""
    said = person.says("quiero hablar con una persona")
    number: str = next(word.strip(".") for m in said for word in m["text"].split() if word[:4].isupper() and word[4:5] == "-")
    return number


def newest(person: Person, author: str) -> list[dict[str, Any]]:
    person.look()
    return [m for m in person.transcript if m["author"] == author]


def test_from_asking_for_a_person_to_saying_how_it_went(service: RunningService, office: Desk) -> None:
    person = service.chat(language="es")
    number = asks_for_a_person(person)
    case = office.finds(number)
    assert case.state == "waiting"

    office.claims(case.id)
    (notice,) = newest(person, "system")
    assert notice["text"] == "Ana, oficial de CIAM, está con usted."
    office.replies(case.id, "¿En qué le ayudo?")
    assert [m["text"] for m in newest(person, "agent")] == ["¿En qué le ayudo?"]

    asked = person.send(text="agarraron a mi hermano, la migra está en la puerta")
    eventually(lambda: office.finds(number).state == "with_person", "the message was not read")
    assert office.finds(number).level == 1
    person.look()
    assert person.replies(asked) == person.replies(asked, interim=True) == []  # an officer has it: nobody else answers

    office.resolves(case.id)
    person.look()
    buttons = [b["title"] for b in person.transcript[-1]["buttons"]]
    assert buttons == ["Sí, me ayudaron", "No me ayudaron"]
    person.presses("Sí, me ayudaron")
    assert (office.finds(number).rating, office.finds(number).state) == (1, "resolved")
    person.says("muchas gracias")
    assert office.finds(number).state == "resolved"
    person.says("otra vez detuvieron a mi hermano")
    assert office.finds(number).state == "waiting"


def test_given_back_the_assistant_answers_from_the_next_message_on(service: RunningService, office: Desk) -> None:
    person = service.chat(language="en")
    said = person.says("I want to talk to a person")
    number = next(word.strip(".") for m in said for word in m["text"].split() if word[:4].isupper() and word[4:5] == "-")
    case = office.finds(number)
    office.claims(case.id)
    unheard = person.send(text="is anybody there")
    eventually(lambda: office.finds(number).waiting_since, "it was not read")
    notice = office.notices(case.id).given_back()
    with office.database.write() as c:
        desk.give_back(c, office.keys, case.id, "ana", time.time(), notice)

    asked = person.send(text="where do I renew my passport")
    assert person.hears(asked)
    assert person.replies(unheard) == []
    system = [m["text"] for m in newest(person, "system")]
    assert len(system) == 2
    assert number in system[1]


def test_a_photo_without_words_is_answered_kindly_and_seen_by_the_officer(service: RunningService, office: Desk) -> None:
    person = service.chat(language="es")
    headers = {"Authorization": person.http.headers["Authorization"], "Content-Type": "image/jpeg"}
    uploaded = httpx.post(f"{service.url}/api/chat/files", content=photo(), headers=headers, timeout=60)
    assert uploaded.status_code == 201
    file_id = uploaded.json()["file"]
    (answer, *_) = person.hears(person.send(file=file_id))
    assert answer["buttons"]
    number = asks_for_a_person(person)

    with office.database.read() as c:
        seen = queue.file(c, office.keys, Scope("ana", "officer", None), file_id)
    assert seen is not None
    assert seen.data == person.http.get(f"/api/chat/files/{file_id}").content
    assert office.finds(number).state == "waiting"


def test_erased_while_an_officer_has_it(service: RunningService, office: Desk) -> None:
    person = service.chat(language="es")
    case = office.finds(asks_for_a_person(person))
    office.claims(case.id)
    assert person.http.delete("/api/chat/session").status_code == 204

    with pytest.raises(desk.Refused, match="gone"):
        office.replies(case.id, "¿En qué le ayudo?")
    with office.database.read() as c:
        assert queue.search(c, office.keys, Scope("ana", "officer", None), case.number) == []
