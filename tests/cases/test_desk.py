"""What officers do to cases: every step, and what it does to the conversation."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace

import pytest
from sqlalchemy import Connection, func, select, update

from bot.cases import desk, queue, resume
from bot.cases.desk import Refused, Taken, Target
from bot.cases.states import OUTCOMES
from bot.store import claims, inbox
from bot.store.claims import Claim, ClaimLost, NewCase, Turn
from bot.store.database import Database
from bot.store.inbox import Outgoing
from bot.store.schema import case, case_event, conversation, draft, due, message, officer, tracker
from tests.cases.conftest import Office, transcript
from tests.conftest import Chat
from tests.store.test_claims import claim as worker_claims
from tests.store.test_claims import commit, must_claim, turn


def refused(step: Callable[[], object]) -> str:
    with pytest.raises(Refused) as why:
        step()
    return why.value.code


def holder(chat: Chat) -> str:
    with chat.database.read() as c:
        return str(c.execute(select(conversation.c.holder).where(conversation.c.id == chat.id)).scalar())


def test_a_case_comes_into_the_queue_with_what_an_officer_needs(office: Office, chat: Chat) -> None:
    case_id = office.opens(chat, 1, intake={"who": "Juan"}, incomplete=True, consulate="dallas", interpreter="mixteco")
    seen = office.sees(case_id)

    assert (seen.state, seen.level, seen.summary, seen.waiting_since) == ("waiting", 1, "detuvieron a mi hermano", office.now)
    assert (seen.intake, seen.incomplete, seen.consulate, seen.interpreter) == ({"who": "Juan"}, True, "dallas", "mixteco")
    assert office.history(case_id) == ["opened"]
    assert office.timers(case_id) == ["escalate"]


def test_nothing_that_was_said_stands_open_in_a_case(office: Office, chat: Chat) -> None:
    case_id = office.opens(chat, summary="SECRETO", intake={"who": "SECRETO"}, name="Juan SECRETO", phone="520-623-7874")
    office.claims(case_id, "ana")
    office.does(lambda c: desk.note(c, office.keys, case_id, "ana", "SECRETO", office.now))
    office.types(case_id, "ana", "reply", "SECRETO")
    callback = {"number": "+15206237874", "when": "SECRETO", "message": False}
    office.does(lambda c: resume.set_callback(c, office.keys, case_id, callback, office.now))

    with office.database.read() as c:
        rows = [tuple(row) for t in (case, case_event, draft) for row in c.execute(select(t))]
    assert rows
    assert not [value for row in rows for value in row if b"SECRETO" in repr(value).encode() or b"6237874" in repr(value).encode()]
    assert office.sees(case_id).callback == callback


def test_claiming_takes_the_conversation_and_tells_the_person(office: Office, chat: Chat) -> None:
    case_id = office.opens(chat)
    office.claims(case_id, "ana", notice="Ana, oficial de CIAM, está con usted.")

    assert transcript(chat) == [("system", "Ana, oficial de CIAM, está con usted.")]
    assert (holder(chat), office.sees(case_id).state, office.sees(case_id).officer_id) == ("human", "with_person", "ana")
    office.claims(case_id, "ana", notice="otra vez")  # pressed twice
    assert len(transcript(chat)) == 1
    with pytest.raises(Taken) as taken:
        office.claims(case_id, "luis")
    assert taken.value.officer == "ana"


def test_of_two_claims_at_once_exactly_one_wins(office: Office, chat: Chat) -> None:
    """Two connections, as two web processes have; twenty cases, so that either may come first."""
    cases = [office.opens(chat) for _ in range(20)]
    won: dict[str, list[str]] = {case_id: [] for case_id in cases}
    lost: dict[str, list[str]] = {case_id: [] for case_id in cases}

    def claim_all(who: str) -> None:
        database = Database(office.database.url.render_as_string())
        for case_id in cases:
            start.wait(30)
            try:
                with database.write() as c:
                    desk.claim(c, office.keys, case_id, who, office.now)
                won[case_id].append(who)
            except Taken as taken:
                lost[case_id].append(taken.officer)
        database.close()

    start = threading.Barrier(2)
    threads = [threading.Thread(target=claim_all, args=(who,)) for who in ("ana", "luis")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)

    assert [len(winners) for winners in won.values()] == [1] * 20
    assert won == lost  # the loser learns who


def test_a_reply_reaches_the_person_and_it_is_their_turn(office: Office, chat: Chat) -> None:
    case_id = office.opens(chat)
    assert refused(lambda: office.replies(case_id, "ana")) == "wrong_state"
    office.claims(case_id, "ana")
    office.types(case_id, "ana", "reply", "estoy")

    seq = office.replies(case_id, "ana", " ¿Dónde está?\0 ")
    assert transcript(chat) == [("agent", "¿Dónde está?\N{REPLACEMENT CHARACTER}")]
    with office.database.read() as c:
        row = c.execute(select(message).where(message.c.seq == seq)).one()
        assert desk.load_drafts(c, office.keys, case_id, "ana") == {}
    assert (row.officer_id, row.language) == ("ana", "es")
    assert (office.sees(case_id).state, office.sees(case_id).waiting_since) == ("for_person", None)
    assert office.timers(case_id) == []
    assert refused(lambda: office.replies(case_id, "luis")) == "not_yours"
    assert refused(lambda: office.replies(case_id, "ana", " \n")) == "empty"
    assert refused(lambda: office.replies(case_id, "ana", "x" * 1_000_000)) == "too_long"
    assert len(transcript(chat)) == 1


def test_while_an_officer_has_the_conversation_a_message_is_read_and_waits_for_them(office: Office, chat: Chat) -> None:
    case_id = office.opens(chat)
    office.claims(case_id, "ana")
    office.replies(case_id, "ana")
    chat.says("están tocando la puerta", level=1)
    held = must_claim(chat)
    assert held.human
    office.does(lambda c: commit_silently(c, chat, held))

    seen = office.sees(case_id)
    assert (seen.state, seen.level, seen.waiting_since) == ("with_person", 1, held.at)
    assert [author for author, _ in transcript(chat)] == ["agent", "user"]
    assert office.history(case_id)[-2:] == ["wrote", "level"]
    assert office.timers(case_id) == ["officer_away"]


def commit_silently(c: Connection, chat: Chat, held: Claim) -> None:
    silent = Turn("es", False, 0, "es", held.message.level, "encounter_now", None, [], {"slots": {}, "loop": None})
    claims.commit(c, chat.keys, held, silent, "w1", held.at + 1, 60.0)


def test_a_more_urgent_message_makes_a_waiting_case_more_urgent(office: Office, chat: Chat) -> None:
    case_id = office.opens(chat, 2)
    office.hears_of(chat, 3)
    assert (office.sees(case_id).level, office.timers(case_id)) == (2, [])
    office.hears_of(chat, 1)

    assert (office.sees(case_id).level, office.sees(case_id).state) == (1, "waiting")
    assert office.timers(case_id) == ["escalate"]


def test_given_back_the_assistant_is_there_again_and_answers_nothing_late(office: Office, chat: Chat) -> None:
    chat.says("detuvieron a mi hermano")
    held = must_claim(chat)
    state = {"slots": {"topic": "documents", "asked": "place", "requested_slot": "who", "intake": {}}, "loop": "intake_form", "recent": []}
    with office.database.write() as c:
        claims.commit(c, chat.keys, held, replace(turn("cuente"), state=state), "w1", office.now, 60.0)
    case_id = office.opens(chat)
    office.claims(case_id, "ana")
    chat.says("¿hay alguien?")
    office.gives_back(case_id, "ana", notice="otra vez en la fila")

    assert holder(chat) == "bot"
    assert worker_claims(chat) is None  # nothing waits for an answer
    assert transcript(chat)[-1] == ("system", "otra vez en la fila")
    seen = office.sees(case_id)
    assert (seen.state, seen.officer_id, seen.waiting_since) == ("waiting", None, office.now)
    with office.database.read() as c:
        body = c.execute(select(tracker.c.body)).scalar_one()
    kept = chat.keys.open(body, f"tracker:{chat.id}")
    assert kept == {"slots": {"topic": "documents"}, "loop": None, "recent": []}
    assert refused(lambda: office.gives_back(case_id, "ana")) == "wrong_state"


def test_what_the_worker_read_while_an_officer_had_it_is_not_committed_after_the_return(office: Office, chat: Chat) -> None:
    case_id = office.opens(chat)
    office.claims(case_id, "ana")
    chat.says("¿hay alguien?")
    held = must_claim(chat)
    office.gives_back(case_id, "ana")

    with pytest.raises(ClaimLost):
        commit(chat, held, turn("tarde"))


def test_a_transfer_to_an_officer_is_offered_and_accepted(office: Office, chat: Chat) -> None:
    case_id = office.opens(chat)
    office.claims(case_id, "ana")
    to_luis = Target(officer="luis")
    assert refused(lambda: office.transfers(case_id, "ana", to_luis, " ")) == "empty"
    office.transfers(case_id, "ana", to_luis, "habla mixteco")

    seen = office.sees(case_id)
    assert (seen.state, seen.officer_id, seen.offered_to, holder(chat)) == ("assigned", "ana", "luis", "human")
    assert "transfer_expired" in office.timers(case_id)
    office.replies(case_id, "ana", "un momento")  # still hers until he accepts
    assert office.sees(case_id).state == "assigned"
    assert refused(lambda: office.does(lambda c: desk.accept(c, office.keys, case_id, "ana", office.now))) == "not_yours"
    office.does(lambda c: desk.accept(c, office.keys, case_id, "luis", office.now, Outgoing("Luis está con usted")))
    seen = office.sees(case_id)
    assert (seen.state, seen.officer_id, seen.offered_to) == ("for_person", "luis", None)
    assert office.timers(case_id) == ["officer_away"]
    assert transcript(chat)[-1] == ("system", "Luis está con usted")
    with office.database.read() as c:
        (event,) = [e for e in queue.history(c, office.keys, case_id) if e.kind == "transferred"]
    assert event.detail == {"to": {"officer": "luis"}, "note": "habla mixteco"}


def test_a_declined_transfer_leaves_the_case_where_it_was(office: Office, chat: Chat) -> None:
    mine, queued = office.opens(chat), office.opens(chat)
    office.claims(mine, "ana")
    for case_id in (mine, queued):
        office.transfers(case_id, "ana", Target(officer="luis"))
        office.declines(case_id, "luis")

    assert (office.sees(mine).state, office.sees(mine).officer_id, holder(chat)) == ("with_person", "ana", "human")
    assert (office.sees(queued).state, office.sees(queued).officer_id) == ("waiting", None)
    assert office.timers(mine) == ["officer_away"]


def test_a_transfer_to_a_consulate_puts_the_case_into_its_queue(office: Office, chat: Chat) -> None:
    case_id = office.opens(chat, consulate="dallas")
    office.claims(case_id, "ana")
    office.transfers(case_id, "ana", Target(consulate="austin"), "vive allá", "en la fila")

    seen = office.sees(case_id)
    assert (seen.state, seen.consulate, seen.officer_id, holder(chat)) == ("waiting", "austin", None, "bot")
    assert transcript(chat) == [("system", "en la fila")]
    office.transfers(case_id, "luis", Target(team="night"))
    assert (office.sees(case_id).team, len(transcript(chat))) == ("night", 1)


def test_a_transfer_goes_to_somebody_who_is_there(office: Office, chat: Chat) -> None:
    case_id = office.opens(chat)
    office.claims(case_id, "ana")
    office.does(lambda c: c.execute(update(officer).where(officer.c.id == "luis").values(disabled_at=1.0)))

    def to(target: Target) -> str:
        return refused(lambda: office.transfers(case_id, "ana", target))

    assert (to(Target(officer="luis")), to(Target(officer="nobody")), to(Target(officer="ana"))) == ("gone", "gone", "wrong_state")
    assert (to(Target()), to(Target(team="a", consulate="b"))) == ("empty", "empty")


def test_resolved_the_assistant_has_it_again_and_asks_how_it_went(office: Office, chat: Chat) -> None:
    case_id = office.opens(chat)
    office.claims(case_id, "ana")
    for bad in ("solved", ""):
        assert refused(lambda bad=bad: office.resolves(case_id, "ana", bad)) == "wrong_state"  # type: ignore[misc]
    office.resolves(case_id, "ana", OUTCOMES[0], closing=[Outgoing("cerrado")])

    seen = office.sees(case_id)
    assert (seen.state, seen.outcome, seen.resolved_at, holder(chat)) == ("resolved", "detention", office.now, "bot")
    assert transcript(chat) == [("bot", "cerrado")]
    assert office.timers(case_id) == ["close_resolved", "rating"]
    office.does(lambda c: desk.rate(c, office.keys, case_id, 1, office.now))
    assert (office.sees(case_id).rating, office.timers(case_id)) == (1, ["close_resolved"])
    office.does(lambda c: desk.close(c, office.keys, case_id, None, office.now))
    assert (office.sees(case_id).state, office.timers(case_id)) == ("closed", [])
    assert office.history(case_id) == ["opened", "claimed", "resolved", "rated", "closed"]


def test_a_conversation_stays_with_the_officer_who_has_another_case_of_it(office: Office, chat: Chat) -> None:
    one, other = office.opens(chat), office.opens(chat)
    office.claims(one, "ana")
    office.claims(other, "luis")
    office.resolves(one, "ana")
    assert holder(chat) == "human"
    office.resolves(other, "luis")
    assert holder(chat) == "bot"


@pytest.mark.parametrize(
    ("text", "topic", "action", "state"),
    [
        ("lo volvieron a detener", "detention_report", None, "waiting"),
        ("¿qué horario tiene el consulado?", "consulate_find", None, "waiting"),
        ("Hablar con alguien", "human_handoff", "human", "waiting"),
        ("muchas gracias", "thank", None, "resolved"),
        ("sí", "affirm", None, "resolved"),
        ("hola", "greet", None, "resolved"),
        ("asdf", None, None, "resolved"),
        ("Saber más", "documents", "more:documents", "resolved"),
        ("Sí, me ayudaron", "rate", "rate:1", "resolved"),
    ],
)
def test_a_new_message_that_wants_something_reopens_a_resolved_case(
    office: Office, chat: Chat, text: str, topic: str | None, action: str | None, state: str
) -> None:
    case_id = office.opens(chat)
    office.claims(case_id, "ana")
    office.resolves(case_id, "ana")
    with office.database.write() as c:
        inbox.add_message(c, chat.keys, chat.id, inbox.Incoming("m1", text, "es", 0, action), office.now)
    rated = 1 if action == "rate:1" else None
    commit(chat, must_claim(chat), replace(turn("así"), topic=topic, rating=rated))

    seen = office.sees(case_id)
    assert seen.state == state
    assert seen.rating == rated
    if state == "waiting":
        assert (seen.outcome, seen.officer_id, seen.resolved_at) == (None, None, None)
        assert "reopened" in office.history(case_id)
        assert office.timers(case_id) == []


def test_a_closed_case_is_reopened_by_an_officer_only(office: Office, chat: Chat) -> None:
    case_id = office.opens(chat, 1)
    office.claims(case_id, "ana")
    office.resolves(case_id, "ana")
    office.does(lambda c: desk.close(c, office.keys, case_id, "ana", office.now))
    chat.says("lo volvieron a detener")
    commit(chat, must_claim(chat), turn("así"))
    assert office.sees(case_id).state == "closed"

    office.does(lambda c: desk.reopen(c, office.keys, case_id, "luis", office.now))
    assert (office.sees(case_id).state, office.timers(case_id)) == ("waiting", ["escalate"])


def test_a_change_of_what_somebody_else_changed_meanwhile_is_refused(office: Office, chat: Chat) -> None:
    case_id = office.opens(chat)
    office.claims(case_id, "ana")
    seen = office.sees(case_id).version
    office.hears_of(chat, 1)

    assert refused(lambda: office.resolves(case_id, "ana", version=seen)) == "stale"
    office.resolves(case_id, "ana", version=seen + 1)


def test_a_supervisor_may_act_on_the_cases_of_others(office: Office, chat: Chat) -> None:
    case_id = office.opens(chat)
    office.claims(case_id, "ana")
    assert refused(lambda: office.resolves(case_id, "luis")) == "not_yours"
    office.resolves(case_id, "luis", supervising=True)


def test_erased_while_an_officer_writes(office: Office, chat: Chat) -> None:
    case_id = office.opens(chat, 1)
    office.claims(case_id, "ana")
    office.types(case_id, "ana", "reply", "su hermano está en")
    office.does(lambda c: desk.note(c, office.keys, case_id, "ana", "llamé al centro", office.now))
    office.does(lambda c: inbox.erase(c, office.keys, chat.id, office.now))

    assert refused(lambda: office.replies(case_id, "ana")) == "gone"
    assert refused(lambda: office.claims(case_id, "luis")) == "gone"
    assert refused(lambda: office.types(case_id, "ana", "reply", "x")) == "gone"
    assert refused(lambda: office.resolves(case_id, "ana")) == "gone"
    with office.database.read() as c:
        left = [c.execute(select(func.count()).select_from(t)).scalar() for t in (case, case_event, draft, due, message)]
        assert left == [0, 0, 0, 0, 0]
        assert queue.one(c, office.keys, case_id) is None


def test_replying_and_erasing_at_once_leaves_nothing_behind(office: Office) -> None:
    """Either the reply came first and went with the rest, or it was refused."""
    chats = [Chat(office.database, office.keys) for _ in range(20)]
    cases = [office.opens(chat) for chat in chats]
    for case_id in cases:
        office.claims(case_id, "ana")
    start = threading.Barrier(2)
    ended: list[str] = []

    def reply_to_all() -> None:
        database = Database(office.database.url.render_as_string())
        for case_id in cases:
            start.wait(30)
            try:
                with database.write() as c:
                    desk.reply(c, office.keys, case_id, "ana", "estoy con usted", office.now)
                ended.append("sent")
            except Refused as why:
                ended.append(why.code)
        database.close()

    officer_writes = threading.Thread(target=reply_to_all)
    officer_writes.start()
    for chat in chats:
        start.wait(30)
        with office.database.write() as c:
            inbox.erase(c, office.keys, chat.id, office.now)
    officer_writes.join(60)

    assert len(ended) == 20
    assert set(ended) <= {"sent", "gone"}
    with office.database.read() as c:
        assert [c.execute(select(func.count()).select_from(t)).scalar() for t in (case, case_event, due, message)] == [0] * 4


def test_drafts_are_each_officers_own_and_survive_a_transfer(office: Office, chat: Chat) -> None:
    case_id = office.opens(chat)
    office.claims(case_id, "ana")
    office.types(case_id, "ana", "reply", "buenas")
    office.types(case_id, "ana", "reply", "buenas tardes")
    office.types(case_id, "luis", "note", "ojo")
    assert refused(lambda: office.types(case_id, "ana", "reply", "x" * 1_000_000)) == "too_long"
    office.transfers(case_id, "ana", Target(officer="luis"))

    with office.database.read() as c:
        assert {k: d.text for k, d in desk.load_drafts(c, office.keys, case_id, "ana").items()} == {"reply": "buenas tardes"}
        assert queue.drafting(c, case_id, office.now - 15) == ["ana", "luis"]
    office.types(case_id, "ana", "reply", "")
    with office.database.read() as c:
        assert desk.load_drafts(c, office.keys, case_id, "ana") == {}


def test_the_code_opens_the_case_and_five_wrong_ones_lock_it(office: Office, chat: Chat) -> None:
    case_id = office.opens(chat)
    number, code = office.sees(case_id).number, resume.new_code()
    office.does(lambda c: resume.resume_code(c, office.keys, case_id, code, office.now))

    def find(given: str) -> resume.Known | None:
        found: resume.Known | None = office.does(lambda c: resume.find_by_code(c, office.keys, number.lower(), given, office.now))
        return found

    found = find(code.lower().replace("-", " "))
    assert found is not None
    assert (found.case_id, found.conversation, found.state) == (case_id, chat.id, "waiting")
    assert [find("AAAA-AAAA") for _ in range(4)] == [None] * 4
    assert find(code) is not None  # the right one begins the count again
    assert [find("AAAA-AAAA") for _ in range(5)] == [None] * 5
    assert refused(lambda: find(code)) == "locked"
    other = resume.new_code()
    office.does(lambda c: resume.resume_code(c, office.keys, case_id, other, office.now))
    assert find(other) is not None
    assert office.does(lambda c: resume.find_by_code(c, office.keys, "ZZZZ-0000", other, office.now)) is None


def test_what_the_person_adds_stands_beside_what_is_known(office: Office, chat: Chat) -> None:
    case_id = office.opens(chat, 2, topic=None, intake={"who": "Juan"}, incomplete=True, name="Juan Pérez")
    more = NewCase("labor_rights", 1, "más", {"where": "Dallas"}, consulate="dallas", interpreter="mixteco")
    office.does(lambda c: desk.add_to(c, office.keys, case_id, more, office.now))

    seen = office.sees(case_id)
    assert (seen.intake, seen.incomplete, seen.consulate) == ({"who": "Juan", "where": "Dallas"}, False, "dallas")
    assert (seen.topic, seen.level, seen.summary, seen.interpreter) == ("labor_rights", 1, "detuvieron a mi hermano", "mixteco")
    assert office.timers(case_id) == ["escalate"]
    with office.database.read() as c:
        assert [r.id for r in queue.search(c, office.keys, queue.Scope("ana", "officer", None), "JUAN  PEREZ")] == [case_id]


def test_a_conversation_has_one_open_case_and_what_comes_later_goes_there(office: Office, chat: Chat) -> None:
    opening = NewCase("detention_report", 1, "detuvieron a mi hermano", {"who": "Juan"}, incomplete=True)
    for more in (opening, replace(opening, intake={"where": "Dallas"}, incomplete=False)):
        chat.says("lo de mi hermano")
        commit(chat, must_claim(chat), replace(turn("así"), cases=[more]))

    (case_id,) = office.lists()
    assert office.sees(case_id).intake == {"who": "Juan", "where": "Dallas"}
    office.claims(case_id, "ana")
    office.resolves(case_id, "ana")
    chat.says("enviar")
    commit(chat, must_claim(chat), replace(turn("así"), topic="inform", cases=[opening]))
    assert office.lists() == [case_id]  # the same one, reopened


def test_the_dialogue_knows_the_case_that_a_message_goes_to(office: Office, chat: Chat) -> None:
    opening = NewCase("detention_report", 1, "detuvieron a mi hermano")

    def asks() -> str | None:
        chat.says("una persona")
        held = must_claim(chat)
        commit(chat, held, replace(turn("así"), cases=[opening]))
        return held.case

    assert asks() is None
    (first,) = office.lists()
    number = office.sees(first).number
    assert asks() == number
    office.claims(first, "ana")
    office.resolves(first, "ana")
    assert asks() == number  # it is reopened
    assert office.lists() == [first]
    office.claims(first, "ana")
    office.resolves(first, "ana")
    office.does(lambda c: desk.close(c, office.keys, first, None, office.now))
    assert asks() is None  # and so is told the number of a new one
    (second,) = office.lists()
    assert second != first
