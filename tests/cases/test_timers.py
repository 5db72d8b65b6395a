"""Timers: each brings about its effect once, whoever looks, and only where it is still called for."""

from __future__ import annotations

import asyncio
import json
import smtplib
import threading
from collections.abc import Awaitable, Callable, Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, insert, select, update

from bot import timers as running
from bot.cases import desk, queue, steps
from bot.cases.desk import Target
from bot.settings import Settings
from bot.store import inbox, timers
from bot.store.schema import conversation, due, erasure, file, message
from bot.timers import Timers
from bot.web.service import Service
from tests.cases.conftest import ALL, Office, transcript
from tests.conftest import Chat

MINUTE, DAY = 60.0, 86_400.0


@pytest.fixture
def house(tmp_path: Path, office: Office) -> Iterator[Callable[..., Service]]:
    """Web processes on the office's database."""
    opened: list[Service] = []

    def one(**settings: Any) -> Service:
        url = office.database.url.render_as_string()
        opened.append(Service(Settings(data_dir=tmp_path, database_url=url, **settings)))
        return opened[-1]

    yield one
    for service in opened:
        service.writer.close()
        service.database.close()


def look(its: Service, now: float) -> None:
    """One look of one web process, and what it began."""

    async def once() -> None:
        runner = Timers(its)
        await runner.look(now)
        await runner.settled()

    asyncio.run(once())


def due_kinds(office: Office) -> list[str]:
    with office.database.read() as c:
        return sorted(c.execute(select(due.c.kind)).scalars())


def alarms(office: Office) -> list[str]:
    with office.database.read() as c:
        return [row.id for row in queue.alerts(c, office.keys, ALL)]


def test_a_timer_is_ensured_once_and_cancelled(office: Office, chat: Chat) -> None:
    for _ in range(2):
        office.does(lambda c: timers.ensure(c, "abandoned", 5.0, conversation_id=chat.id))
    office.does(lambda c: timers.schedule(c, "abandoned", 5.0))
    assert due_kinds(office) == ["abandoned", "abandoned"]
    assert office.does(lambda c: timers.cancel(c, "abandoned", conversation_id=chat.id)) == 1
    with office.database.read() as c:
        assert timers.due_now(c, 4.0, {"abandoned"}) == []
        assert timers.due_now(c, 5.0, {"another"}) == []
        (left,) = timers.due_now(c, 5.0, {"abandoned"})
    assert (left.conversation_id, office.does(lambda c: timers.done(c, left.id))) == (None, True)
    assert not office.does(lambda c: timers.done(c, left.id))


def test_a_case_in_danger_that_nobody_takes_raises_an_alarm_once(office: Office, chat: Chat, house: Callable[..., Service]) -> None:
    case_id = office.opens(chat, 1)
    its = house()
    for minutes, alarm in ((0, []), (4, []), (5, [case_id]), (6, [case_id]), (20, [case_id])):
        look(its, office.now + minutes * MINUTE)
        assert alarms(office) == alarm
    assert office.history(case_id) == ["opened", "escalated"]
    assert due_kinds(office) == []  # nobody is to be told by mail
    office.claims(case_id, "ana")
    assert alarms(office) == []


@pytest.mark.parametrize("step", ["claimed", "erased", "less"])
def test_no_alarm_where_none_is_called_for(office: Office, chat: Chat, house: Callable[..., Service], step: str) -> None:
    case_id = office.opens(chat, 2 if step == "less" else 1)
    if step == "claimed":
        office.claims(case_id, "ana")
    if step == "erased":
        office.does(lambda c: inbox.erase(c, office.keys, chat.id, office.now))
    look(house(), office.now + 6 * MINUTE)
    assert alarms(office) == []


def test_a_case_that_comes_back_to_the_queue_raises_its_alarm_again(office: Office, chat: Chat, house: Callable[..., Service]) -> None:
    case_id = office.opens(chat, 1)
    its = house()
    look(its, office.now + 6 * MINUTE)
    office.claims(case_id, "ana")
    office.gives_back(case_id, "ana")
    assert alarms(office) == []
    look(its, office.now + 7 * MINUTE)
    assert alarms(office) == [case_id]


def test_an_officer_who_is_gone_gives_back_what_waits_for_a_word(office: Office, chat: Chat, house: Callable[..., Service]) -> None:
    case_id = office.opens(chat)
    office.claims(case_id, "ana")
    its = house()
    look(its, office.now + 9 * MINUTE)
    office.was_seen("ana", office.now + 9 * MINUTE)
    look(its, office.now + 18 * MINUTE)
    assert office.sees(case_id).state == "with_person"
    look(its, office.now + 19 * MINUTE)

    assert (office.sees(case_id).state, office.sees(case_id).officer_id) == ("waiting", None)
    number = office.sees(case_id).number
    assert [author for author, _ in transcript(chat)] == ["system"]
    assert number in transcript(chat)[0][1]
    look(its, office.now + 60 * MINUTE)
    assert len(transcript(chat)) == 1  # one notice


def test_an_officer_may_be_gone_while_it_is_the_persons_turn(office: Office, chat: Chat, house: Callable[..., Service]) -> None:
    case_id = office.opens(chat)
    office.claims(case_id, "ana")
    office.replies(case_id, "ana")
    its = house()
    look(its, office.now + 60 * MINUTE)
    assert office.sees(case_id).state == "for_person"
    office.hears_of(chat, at=office.now + 60 * MINUTE)
    look(its, office.now + 69 * MINUTE)
    assert office.sees(case_id).state == "with_person"
    look(its, office.now + 70 * MINUTE)
    assert office.sees(case_id).state == "waiting"


def test_a_transfer_that_nobody_accepts_ends_in_the_queue(office: Office, chat: Chat, house: Callable[..., Service]) -> None:
    case_id = office.opens(chat)
    office.claims(case_id, "ana")
    office.transfers(case_id, "ana", Target(officer="luis"))
    its = house()
    look(its, office.now + 9 * MINUTE)
    assert office.sees(case_id).state == "assigned"
    look(its, office.now + 10 * MINUTE)
    assert (office.sees(case_id).state, office.sees(case_id).offered_to) == ("waiting", None)
    assert office.history(case_id)[-1] == "given_back"


def test_a_resolved_case_is_asked_about_once_more_and_closed(office: Office, chat: Chat, house: Callable[..., Service]) -> None:
    case_id = office.opens(chat)
    office.claims(case_id, "ana")
    office.resolves(case_id, "ana")
    its = house()
    look(its, office.now + 19 * 3600)
    assert transcript(chat) == []
    look(its, office.now + 20 * 3600)
    look(its, office.now + 30 * 3600)
    assert [author for author, _ in transcript(chat)] == ["bot"]
    look(its, office.now + 6.9 * DAY)
    assert office.sees(case_id).state == "resolved"
    look(its, office.now + 7 * DAY)
    assert (office.sees(case_id).state, due_kinds(office)) == ("closed", [])


@pytest.mark.parametrize("why", ["rated", "stopped", "wrote"])
def test_nobody_is_asked_twice_who_answered_or_wants_peace(office: Office, chat: Chat, house: Callable[..., Service], why: str) -> None:
    case_id = office.opens(chat)
    office.claims(case_id, "ana")
    office.resolves(case_id, "ana")
    if why == "rated":
        office.does(lambda c: desk.rate(c, office.keys, case_id, 0, office.now))
    elif why == "stopped":
        office.does(lambda c: c.execute(update(conversation).values(stopped_at=office.now)))
    else:
        office.does(lambda c: inbox.add_message(c, office.keys, chat.id, inbox.Incoming("m", "gracias", "es", 0), office.now + 60))
    look(house(), office.now + 21 * 3600)
    assert [author for author, _ in transcript(chat) if author == "bot"] == []


def test_two_processes_that_look_at_once_bring_about_an_effect_once(office: Office, chat: Chat, house: Callable[..., Service]) -> None:
    cases = [office.opens(chat, 1) for _ in range(10)]
    away = [office.opens(Chat(office.database, office.keys)) for _ in range(10)]
    for case_id in away:
        office.claims(case_id, "ana")
    services = [house(), house()]
    start = threading.Barrier(2)

    def at_once(its: Service) -> None:
        start.wait(30)
        look(its, office.now + 60 * MINUTE)

    threads = [threading.Thread(target=at_once, args=(its,)) for its in services]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)

    assert [office.history(case_id).count("escalated") for case_id in cases] == [1] * 10
    assert [office.history(case_id).count("given_back") for case_id in away] == [1] * 10
    with office.database.read() as c:
        assert c.execute(select(func.count()).select_from(message).where(message.c.author == "system")).scalar() == 10


def test_a_timer_that_fails_changes_nothing_stops_no_other_and_is_tried_again(
    office: Office, chat: Chat, house: Callable[..., Service], monkeypatch: pytest.MonkeyPatch
) -> None:
    bad, good = office.opens(chat, 1), office.opens(chat, 1)
    broken = True
    record = steps.record

    def half_done(c: Any, keys: Any, case_id: str, *rest: Any, **more: Any) -> None:
        record(c, keys, case_id, *rest, **more)
        if broken and case_id == bad:
            raise RuntimeError

    monkeypatch.setattr(steps, "record", half_done)
    its = house()
    look(its, office.now + 6 * MINUTE)
    assert (alarms(office), office.history(bad)) == ([good], ["opened"])
    broken = False
    look(its, office.now + 6.5 * MINUTE)
    assert alarms(office) == [good]
    look(its, office.now + 7 * MINUTE)
    assert sorted(alarms(office)) == sorted([good, bad])


# --- alerts that leave the house -------------------------------------------------------------------------------------------------


class Hook:
    """A webhook on loopback: keeps what comes; answers 500 as often as it is told."""

    def __init__(self) -> None:
        self.came: list[dict[str, Any]] = []
        self.fails = 0
        hook = self

        class Answer(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                failing = hook.fails > 0
                hook.fails -= failing
                if not failing:
                    hook.came.append(json.loads(body))
                self.send_response(500 if failing else 204)
                self.end_headers()

            def log_message(self, *_: Any) -> None:
                pass

        self.server = HTTPServer(("127.0.0.1", 0), Answer)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}/alert"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()


@pytest.fixture
def hook() -> Iterator[Hook]:
    hook = Hook()
    yield hook
    hook.server.shutdown()
    hook.server.server_close()


def test_an_alert_is_sent_until_it_arrives_and_says_nothing_of_the_person(
    office: Office, chat: Chat, house: Callable[..., Service], hook: Hook
) -> None:
    case_id = office.opens(chat, 1, summary="SECRETO", intake={"who": "SECRETO"})
    its = house(alert_webhook=hook.url)
    hook.fails = 2
    at = office.now + 5 * MINUTE
    look(its, at)  # escalates
    look(its, at)  # fails
    look(its, at + 29)
    assert (hook.fails, due_kinds(office)) == (1, ["alert_webhook"])
    look(its, at + 30)  # fails again
    look(its, at + 59)
    assert (hook.fails, hook.came) == (0, [])
    look(its, at + 60)

    (alert,) = hook.came
    number = office.sees(case_id).number
    assert {key: alert[key] for key in ("case", "level", "topic", "minutes")} == {
        "case": number,
        "level": 1,
        "topic": "detention_report",
        "minutes": 6,
    }
    assert number in alert["text"]
    assert "SECRETO" not in json.dumps(alert)
    assert due_kinds(office) == []


def test_no_alert_goes_out_for_a_case_that_somebody_has_taken_meanwhile(
    office: Office, chat: Chat, house: Callable[..., Service], hook: Hook
) -> None:
    case_id = office.opens(chat, 1)
    its = house(alert_webhook=hook.url)
    look(its, office.now + 5 * MINUTE)
    office.claims(case_id, "ana")
    look(its, office.now + 6 * MINUTE)
    assert (hook.came, due_kinds(office)) == ([], ["officer_away"])


def test_an_alert_goes_by_mail(office: Office, chat: Chat, house: Callable[..., Service], monkeypatch: pytest.MonkeyPatch) -> None:
    sent: list[Any] = []

    class Server:
        """What smtplib offers, without a line."""

        def __init__(self, host: str, port: int, timeout: float) -> None:
            sent.append((host, port))

        def __enter__(self) -> Server:
            return self

        def __exit__(self, *_: object) -> None:
            pass

        def ehlo(self) -> None:
            pass

        def has_extn(self, name: str) -> bool:
            return False

        def login(self, user: str, password: str) -> None:
            sent.append((user, password))

        def send_message(self, mail: Any) -> None:
            sent.append(mail)

    monkeypatch.setattr(smtplib, "SMTP", Server)
    case_id = office.opens(chat, 1)
    its = house(alert_email="desk@example.org", smtp_url="smtp://us%40er:pass@mail.example.org:587")
    look(its, office.now + 5 * MINUTE)
    look(its, office.now + 5 * MINUTE)

    where, login, mail = sent
    assert (where, login) == (("mail.example.org", 587), ("us@er", "pass"))
    assert mail["To"] == "desk@example.org"
    assert office.sees(case_id).number in mail.get_content()
    assert due_kinds(office) == []


# --- what is kept no longer ------------------------------------------------------------------------------------------------------


def test_conversations_are_erased_after_their_time(office: Office, house: Callable[..., Service]) -> None:
    chats = {name: Chat(office.database, office.keys) for name in ("light", "fresh", "open", "closed", "whatsapp")}
    cases = {name: office.opens(chats[name]) for name in ("open", "closed")}
    office.claims(cases["closed"], "ana")
    office.resolves(cases["closed"], "ana", at=office.now)
    office.does(lambda c: desk.close(c, office.keys, cases["closed"], None, office.now + 10 * DAY))
    whatsapp = update(conversation).where(conversation.c.id == chats["whatsapp"].id).values(channel="whatsapp")
    office.does(lambda c: c.execute(whatsapp))
    office.does(lambda c: inbox.add_message(c, office.keys, chats["fresh"].id, inbox.Incoming("m", "hola", "es", 0), office.now + 20 * DAY))
    its = house()

    def left(days: float) -> set[str]:
        office.does(lambda c: timers.schedule(c, "purge", 0.0))
        look(its, office.now + days * DAY)
        office.does(lambda c: timers.cancel(c, "purge"))
        with office.database.read() as c:
            ids = set(c.execute(select(conversation.c.id)).scalars())
        return {name for name, chat in chats.items() if chat.id in ids}

    assert left(29) == {"light", "fresh", "open", "closed", "whatsapp"}
    assert left(31) == {"fresh", "open", "closed", "whatsapp"}
    assert left(51) == {"open", "closed", "whatsapp"}
    assert left(91) == {"open", "closed"}
    assert left(101) == {"open"}
    assert left(1000) == {"open"}
    with office.database.read() as c:
        assert c.execute(select(func.count()).select_from(erasure)).scalar() == 4  # a restored backup forgets them too


def test_the_purge_goes_on_for_ever_and_forgets_uploads_that_were_never_sent(
    office: Office, chat: Chat, house: Callable[..., Service]
) -> None:
    old = {"id": "f1", "conversation_id": chat.id, "kind": "image/png", "size": 1, "seq": None, "body": b"x", "created_at": office.now}
    office.does(lambda c: c.execute(insert(file), [old, {**old, "id": "f2", "seq": 1}]))
    office.does(lambda c: timers.ensure(c, "purge", office.now))
    look(house(), office.now + 1.1 * DAY)
    with office.database.read() as c:
        assert list(c.execute(select(file.c.id)).scalars()) == ["f2"]
        assert c.execute(select(due.c.at).where(due.c.kind == "purge")).scalar_one() > office.now + 1.1 * DAY


def test_a_process_that_dies_in_a_call_leaves_it_to_the_next(
    office: Office, house: Callable[..., Service], monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[float] = []

    async def dies(its: Service, timer: timers.Due, now: float) -> float | None:
        made.append(now)
        if len(made) == 1:
            raise asyncio.CancelledError
        return None

    calls: dict[str, Callable[..., Awaitable[float | None]]] = {"purge": dies}
    monkeypatch.setattr(running, "CALLS", calls)
    office.does(lambda c: timers.ensure(c, "purge", office.now))
    its = house()

    async def first() -> None:
        runner = Timers(its)
        await runner.look(office.now)
        await asyncio.gather(*runner._calls, return_exceptions=True)

    asyncio.run(first())
    look(its, office.now + 59)
    assert made == [office.now]
    look(its, office.now + 60)
    assert (made, due_kinds(office)) == ([office.now, office.now + 60], [])
