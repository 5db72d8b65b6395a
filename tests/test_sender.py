"""The sender and the outbox with a channel that does what the test says: order, retries, unknown outcomes, windows, takeovers."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import pytest
from sqlalchemy import select, update

from bot.knowledge.schema import Language
from bot.sender import Call, Channel, Rendered, Sender, SendFailed, Sent
from bot.store import deliveries, identities, inbox
from bot.store.crypto import Keys
from bot.store.database import Database
from bot.store.deliveries import Report
from bot.store.identities import Who
from bot.store.inbox import Outgoing
from bot.store.schema import conversation, delivery, lease
from bot.web.writer import Writer


class Told(Channel):
    """Takes messages down; for each text there may be a list of what goes wrong first."""

    name = "telegram"

    def __init__(self, **faults: list[SendFailed]) -> None:
        self.faults = faults
        self.heard: list[tuple[str, str]] = []
        self.references: list[str] = []
        self.gate: asyncio.Event | None = None

    def parts(self, message: Rendered) -> list[Call]:
        return [Call("say", {"text": text}) for text in message.text.split("|")]

    async def send(self, identity: dict[str, Any], call: Call, reference: str) -> Sent:
        text = call.body["text"]
        self.references.append(reference)
        if self.gate is not None:
            await self.gate.wait()
        faults = self.faults.get(text, [])
        if faults:
            raise faults.pop(0)
        self.heard.append((identity["chat"], text))
        return Sent(f"id of {reference}")

    def template(self, language: Language) -> Call:
        return Call("say", {"text": f"template {language}"})

    async def close(self) -> None:
        pass


@dataclass
class Desk:
    """The web process as the sender sees it, and ways to put something into the outbox."""

    keys: Keys
    database: Database
    writer: Writer

    def person(self, name: str) -> str:
        with self.database.write() as c:
            who = Who("telegram", name, profile={"chat": name})
            return identities.conversation_of(c, self.keys, who, "es", time.time()).conversation

    def say(self, conversation_id: str, *texts: str, level: int | None = 3, **columns: Any) -> None:
        with self.database.write() as c:
            first = inbox.next_seq(c, conversation_id, len(texts))
            assert first is not None
            answers = [Outgoing(text) for text in texts]
            inbox.insert_outgoing(c, self.keys, conversation_id, first, answers, time.time(), level=level, **columns)

    def states(self, conversation_id: str) -> list[str]:
        with self.database.read() as c:
            rows = c.execute(select(delivery).where(delivery.c.conversation_id == conversation_id).order_by(delivery.c.seq)).all()
        return [f"{r.state}{'?' if r.doubtful else ''}{f' {r.error}' if r.error else ''}" for r in rows]

    def change(self, conversation_id: str, **values: Any) -> None:
        with self.database.write() as c:
            c.execute(update(delivery).where(delivery.c.conversation_id == conversation_id).values(**values))

    def report(self, channel: Told, number: int, state: str, **more: Any) -> bool:
        with self.database.write() as c:
            report = Report(channel.references[number], "", state, **more)
            return deliveries.apply(c, self.keys, "telegram", report, time.time())


@pytest.fixture
def desk(database: Database, keys: Keys) -> Iterator[Desk]:
    writer = Writer(database)
    yield Desk(keys, database, writer)
    writer.close()


@asynccontextmanager
async def sending(desk: Desk, channel: Channel, holder: str = "node:web:1") -> AsyncIterator[Sender]:
    sender = Sender(desk, channel, holder, asyncio.Event())
    task = asyncio.create_task(sender.run())
    yield sender
    await sender.stop()
    await task


async def until(what: Callable[[], Any]) -> None:
    async with asyncio.timeout(20):
        while not what():
            await asyncio.sleep(0.01)


def run(desk: Desk, channel: Told, what: Callable[[], Any]) -> None:
    """Send until something is so."""

    async def both() -> None:
        async with sending(desk, channel):
            await until(what)

    asyncio.run(both())


def test_messages_go_out_in_order_part_by_part(desk: Desk) -> None:
    ana, ben = desk.person("ana"), desk.person("ben")
    desk.say(ana, "1|2", "3")
    desk.say(ben, "a", "b")
    desk.say(ana, "4")
    channel = Told()
    run(desk, channel, lambda: desk.states(ana) == ["sent"] * 3 and desk.states(ben) == ["sent"] * 2)

    assert [text for who, text in channel.heard if who == "ana"] == ["1", "2", "3", "4"]
    assert [text for who, text in channel.heard if who == "ben"] == ["a", "b"]


def test_the_web_has_no_outbox(desk: Desk) -> None:
    with desk.database.write() as c:
        web = inbox.open_session(c, desk.keys, "token", "es", time.time(), decided=True)
    desk.say(web, "hola")

    assert desk.states(web) == []


def test_the_urgent_and_the_officers_go_first(desk: Desk) -> None:
    names = ["notice", "answer", "officer", "danger", "interim"]
    people = {name: desk.person(name) for name in names}
    desk.say(people["notice"], "x", author="system")
    desk.say(people["answer"], "x")
    desk.say(people["officer"], "x", author="agent")
    desk.say(people["danger"], "x", level=1)
    desk.say(people["interim"], "x", interim=True)
    with desk.database.read() as c:
        order = [due.conversation for due in deliveries.ready(c, "telegram", time.time(), (), 0.0, 10)]

    assert order == [people[n] for n in ("danger", "interim", "officer", "answer", "notice")]


@pytest.mark.parametrize(
    "failure", [SendFailed("retry", "500", 0.05), SendFailed("wait", "429", 0.05), SendFailed("wait", "429", 0.05, whole=True)]
)
def test_what_was_not_sent_is_tried_again_and_nothing_overtakes_it(desk: Desk, failure: SendFailed) -> None:
    ana = desk.person("ana")
    desk.say(ana, "1", "2")
    channel = Told(**{"1": [failure, failure]})
    run(desk, channel, lambda: desk.states(ana) == ["sent", "sent"])

    assert [text for _, text in channel.heard] == ["1", "2"]


def test_a_wait_stands_in_the_row_and_outlives_the_process(desk: Desk) -> None:
    ana = desk.person("ana")
    desk.say(ana, "1")
    run(desk, Told(**{"1": [SendFailed("wait", "429", 30.0)]}), lambda: desk.states(ana) == ["pending 429"])
    with desk.database.read() as c:
        wait = c.execute(select(delivery.c.not_before)).scalar_one() - time.time()

    assert 20 < wait <= 30


def test_a_refused_message_is_told_and_the_conversation_goes_on(desk: Desk) -> None:
    ana = desk.person("ana")
    desk.say(ana, "1", "2")
    run(desk, Told(**{"1": [SendFailed("failed", "131026")]}), lambda: desk.states(ana)[1] == "sent")

    assert desk.states(ana) == ["failed 131026", "sent"]
    with desk.database.read() as c:
        assert deliveries.shown(c, ana)[1].error == "131026"


def test_to_somebody_who_is_gone_nothing_more_is_tried(desk: Desk) -> None:
    ana = desk.person("ana")
    desk.say(ana, "1", "2")
    run(desk, Told(**{"1": [SendFailed("failed", "403", unreachable=True)]}), lambda: "pending" not in " ".join(desk.states(ana)))

    assert desk.states(ana) == ["failed 403", "failed 403"]
    with desk.database.read() as c:
        assert c.execute(select(conversation.c.unreachable)).scalar_one() == "403"


def test_an_unknown_outcome_is_repeated_and_marked(desk: Desk) -> None:
    ana = desk.person("ana")
    desk.say(ana, "1", "2", level=1)
    run(desk, Told(**{"1": [SendFailed("unknown", "timeout")]}), lambda: desk.states(ana) == ["sent?", "sent"])


def test_a_report_settles_an_unknown_outcome(desk: Desk) -> None:
    ana = desk.person("ana")
    desk.say(ana, "1", "2")
    channel = Told(**{"1": [SendFailed("unknown", "timeout")]})
    channel.reconcile_seconds = 600.0
    run(desk, channel, lambda: desk.states(ana) == ["unknown timeout", "pending"])
    assert desk.report(channel, 0, "delivered")
    run(desk, channel, lambda: desk.states(ana) == ["delivered", "sent"])

    assert [text for _, text in channel.heard] == ["2"]


def test_a_channel_that_never_says_what_became_of_a_call_is_not_called_for_ever(desk: Desk) -> None:
    ana = desk.person("ana")
    desk.say(ana, "1", "2")
    channel = Told(**{"1": [SendFailed("unknown", "timeout") for _ in range(10)]})
    with desk.database.write() as c:
        c.execute(update(delivery).values(unknowns=5))
    run(desk, channel, lambda: desk.states(ana)[1] == "sent")

    assert desk.states(ana)[0] == "failed unknown"


def test_many_refusals_do_not_count_as_unknown(desk: Desk) -> None:
    ana = desk.person("ana")
    desk.say(ana, "1")
    with desk.database.write() as c:
        c.execute(update(delivery).values(attempts=50))
    run(desk, Told(**{"1": [SendFailed("unknown", "timeout")]}), lambda: desk.states(ana) == ["sent?"])


def test_danger_waits_two_seconds_for_what_stands_before_it(desk: Desk) -> None:
    ana = desk.person("ana")
    desk.say(ana, "1")
    channel = Told(**{"1": [SendFailed("retry", "500", 600.0)]})
    run(desk, channel, lambda: desk.states(ana) == ["pending 500"])
    desk.say(ana, "danger", level=1)
    with desk.database.read() as c:
        assert deliveries.ready(c, "telegram", time.time(), (), 0.0, 10) == []
        assert [d.seq for d in deliveries.ready(c, "telegram", time.time() + 2.1, (), 0.0, 10)] == [2]


def test_of_two_messages_in_danger_the_first_goes_first(desk: Desk) -> None:
    ana = desk.person("ana")
    desk.say(ana, "1", "2", level=1)
    with desk.database.read() as c:
        assert [d.seq for d in deliveries.ready(c, "telegram", time.time() + 2.1, (), 0.0, 10)] == [1]


def test_what_a_killed_process_had_in_its_hands_is_unknown(desk: Desk) -> None:
    ana = desk.person("ana")
    desk.say(ana, "1", "2")

    async def killed() -> None:
        channel = Told()
        channel.gate = asyncio.Event()
        sender = Sender(desk, channel, "node:web:1", asyncio.Event())
        task = asyncio.create_task(sender.run())
        await until(lambda: desk.states(ana) == ["sending", "pending"])
        for one in (task, *sender._busy.values()):
            one.cancel()

    asyncio.run(killed())
    with desk.database.write() as c:
        c.execute(update(lease).values(until=0.0))
    channel = Told()
    run(desk, channel, lambda: desk.states(ana) == ["sent?", "sent"])

    assert [text for _, text in channel.heard] == ["1", "2"]


def test_calls_in_flight_come_to_their_end_when_the_process_stops(desk: Desk) -> None:
    ana = desk.person("ana")
    desk.say(ana, "1", "2")

    async def stopped() -> None:
        channel = Told()
        channel.gate = asyncio.Event()
        sender = Sender(desk, channel, "node:web:1", asyncio.Event())
        task = asyncio.create_task(sender.run())
        await until(lambda: desk.states(ana) == ["sending", "pending"])
        stopping = asyncio.create_task(sender.stop())
        await asyncio.sleep(0.05)
        channel.gate.set()
        await asyncio.gather(stopping, task)

    asyncio.run(stopped())

    assert desk.states(ana) == ["sent", "pending"]
    with desk.database.read() as c:
        assert c.execute(select(lease.c.holder)).scalar_one() == ""


def test_two_processes_send_each_message_once(desk: Desk) -> None:
    people = [desk.person(f"p{n}") for n in range(10)]
    one, other = Told(), Told()

    async def both() -> None:
        async with sending(desk, one, "a:web:1"), sending(desk, other, "b:web:1"):
            for number in range(3):
                for person in people:
                    desk.say(person, str(number))
                await asyncio.sleep(0.05)
            await until(lambda: all(desk.states(p) == ["sent"] * 3 for p in people))

    asyncio.run(both())

    heard = one.heard + other.heard
    assert len(heard) == len(set(heard)) == 30


def test_a_channel_that_is_down_drops_nothing(desk: Desk) -> None:
    people = [desk.person(f"p{n}") for n in range(5)]
    for person in people:
        desk.say(person, "1")
    channel = Told(**{"1": [SendFailed("channel_down", "190", 0.2) for _ in range(5)]})

    async def down_and_up() -> None:
        async with sending(desk, channel) as sender:
            await until(lambda: sender.down == "190")
            await until(lambda: all(desk.states(p) == ["sent"] for p in people))
            assert sender.down is None

    asyncio.run(down_and_up())


def test_an_answer_of_yesterday_is_given_up_and_an_officers_word_is_not(desk: Desk) -> None:
    ana = desk.person("ana")
    desk.say(ana, "1")
    desk.say(ana, "2", author="agent")
    desk.change(ana, created_at=time.time() - 25 * 3600)
    channel = Told()
    run(desk, channel, lambda: desk.states(ana) == ["failed stale", "sent"])

    assert [text for _, text in channel.heard] == ["2"]


def outside(desk: Desk, conversation_id: str) -> Told:
    with desk.database.write() as c:
        c.execute(update(conversation).where(conversation.c.id == conversation_id).values(inbound_at=time.time() - 25 * 3600))
    channel = Told()
    channel.window = 24 * 3600.0
    return channel


def test_outside_the_window_the_message_is_held_and_a_template_asks(desk: Desk) -> None:
    ana = desk.person("ana")
    channel = outside(desk, ana)
    desk.say(ana, "1", "2", author="agent")
    run(desk, channel, lambda: desk.states(ana) == ["sent", "held window", "held window"])
    desk.say(ana, "3", author="agent")
    assert channel.heard == [("ana", "template es")]
    assert desk.states(ana)[3] == "held"

    desk.person("ana")  # she writes
    with desk.database.write() as c:
        assert deliveries.release(c, ana, time.time()) == 3
    run(desk, channel, lambda: desk.states(ana) == ["sent"] * 3)

    assert [text for _, text in channel.heard] == ["template es", "1", "2", "3"]


def test_a_template_that_the_person_answered_keeps_no_later_one_back(desk: Desk) -> None:
    ana = desk.person("ana")
    for turn in ("1", "2"):
        channel = outside(desk, ana)
        desk.change(ana, created_at=time.time() - 26 * 3600)
        desk.say(ana, turn, author="agent")
        run(desk, channel, lambda: "held window" in desk.states(ana) and "pending" not in " ".join(desk.states(ana)))
        assert channel.heard == [("ana", "template es")]
        desk.change(ana, state="sent", error=None)  # it was in flight when she wrote, and stayed


@pytest.mark.parametrize("later", [False, True])
def test_the_channels_word_on_the_window_is_the_truth(desk: Desk, later: bool) -> None:
    ana = desk.person("ana")
    desk.say(ana, "1", author="agent")
    channel = Told() if later else Told(**{"1": [SendFailed("held", "131047")]})
    if later:
        run(desk, channel, lambda: desk.states(ana) == ["sent"])
        assert desk.report(channel, 0, "failed", outcome="held", code="131047")
    run(desk, channel, lambda: desk.states(ana) == ["sent", "held 131047"])


@pytest.mark.parametrize(
    ("reports", "state"),
    [
        (["sent", "delivered", "read"], "read"),
        (["read", "delivered", "sent"], "read"),
        (["delivered", "delivered"], "delivered"),
        (["failed"], "failed 131026"),
        (["delivered", "failed"], "delivered"),
        (["failed", "delivered"], "delivered"),
        (["played"], "sent"),
    ],
)
def test_reports_only_ever_raise_the_state(desk: Desk, reports: Sequence[str], state: str) -> None:
    ana = desk.person("ana")
    desk.say(ana, "1")
    channel = Told()
    run(desk, channel, lambda: desk.states(ana) == ["sent"])
    for report in reports:
        desk.report(channel, 0, report, code="131026")

    assert desk.states(ana) == [state]


def test_a_report_may_come_before_the_answer_to_the_call(desk: Desk) -> None:
    ana = desk.person("ana")
    desk.say(ana, "1")

    async def early() -> None:
        channel = Told()
        channel.gate = asyncio.Event()
        async with sending(desk, channel):
            await until(lambda: channel.references)
            desk.report(channel, 0, "delivered")
            channel.gate.set()

    asyncio.run(early())

    assert desk.states(ana) == ["delivered"]


def test_reports_of_nothing_of_ours(desk: Desk) -> None:
    for odd in ("", "x", "x.0.1", "0.0", "x.y.z"):
        with desk.database.write() as c:
            assert not deliveries.apply(c, desk.keys, "telegram", Report(odd, "unknown", "delivered"), time.time())


def test_a_report_of_an_early_part_lets_the_next_one_go(desk: Desk) -> None:
    ana = desk.person("ana")
    desk.say(ana, "1|2")
    channel = Told()
    channel.order_seconds = 600.0
    run(desk, channel, lambda: channel.heard and desk.states(ana) == ["pending"])
    assert desk.report(channel, 0, "delivered")
    run(desk, channel, lambda: desk.states(ana) == ["sent"])

    assert [text for _, text in channel.heard] == ["1", "2"]


def test_erasure_takes_the_outbox_along(desk: Desk) -> None:
    ana = desk.person("ana")
    desk.say(ana, "1")

    async def erased() -> None:
        channel = Told()
        channel.gate = asyncio.Event()
        async with sending(desk, channel):
            await until(lambda: desk.states(ana) == ["sending"])
            with desk.database.write() as c:
                inbox.erase(c, desk.keys, ana, time.time())
            channel.gate.set()

    asyncio.run(erased())

    assert desk.states(ana) == []
