"""The desk's parts by themselves: prepared replies, presence, figures, charts, the stream's news."""

from __future__ import annotations

import gzip
import time
from types import SimpleNamespace
from typing import Any, cast

import pytest
import yaml

from bot.cases import desk, steps
from bot.cases.figures import spread
from bot.cases.queue import Scope
from bot.console import live
from bot.console.charts import Bar, bars, week
from bot.console.live import Teller, look
from bot.console.presence import TYPING_SECONDS, VIEWING_SECONDS, Presence
from bot.console.replies import Replies
from bot.console.texts import texts
from bot.knowledge import load
from bot.knowledge.load import ContentError
from bot.settings import ROOT
from bot.store.schema import case
from bot.taxonomy import levels
from tests.console.desk.conftest import House

KNOWLEDGE = load(ROOT / "data")
REPLIES = Replies.load(ROOT / "data" / "replies.yml", KNOWLEDGE)


# --- prepared replies ------------------------------------------------------------------------------------------------------------


def test_there_are_replies_for_every_topic_of_a_case() -> None:
    topics = {reply.topic for reply in REPLIES.all}

    assert {name for name, level in levels().items() if level in (1, 2)} - topics <= {"human_handoff"}
    assert len(REPLIES.all) >= 40


def test_the_topic_comes_first_and_fields_are_filled_in_the_persons_language() -> None:
    found = REPLIES.choices("legal_help", "en", "es", {"officer": "Ana", "number": "ABCD-1234"})

    assert found[0].topic == "legal_help"
    hello = next(choice for choice in found if choice.id == "hello")
    assert (hello.title, hello.complete) == ("Saludo", True)
    assert hello.text.startswith("I am Ana")
    assert hello.beside.startswith("Soy Ana")
    meeting = next(choice for choice in found if choice.id == "lawyer_appointment")
    assert "⟦lawyer⟧" in meeting.text
    assert not meeting.complete


def test_numbers_come_from_the_hotlines() -> None:
    found = {choice.id: choice.text for choice in REPLIES.choices(None, "es", "es", {})}

    assert "520-623-7874" in found["after_hours"]
    assert "{" not in "".join(found.values())


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ({"es": "Llame al 555-123-4567", "en": "Call 555-123-4567"}, "telephone number written out"),
        ({"es": "<nothing>", "en": "<nothing>"}, "<nothing> is no field"),
        ({"es": "<officer>", "en": "you"}, "fields differ"),
        ({"es": "{nowhere}", "en": "{nowhere}"}, "not in hotlines.yml"),
        ({"es": "a\nb\nc\nd\ne", "en": "a"}, "5 lines"),
    ],
)
def test_a_reply_that_does_not_fit_is_refused(tmp_path: Any, text: dict[str, str], fault: str) -> None:
    reply = {"id": "x", "topic": None, "title": {"es": "x", "en": "x"}, "text": text}
    path = tmp_path / "replies.yml"
    path.write_text(yaml.safe_dump({"fields": {"officer": {"es": "a", "en": "a"}}, "replies": [reply]}), "utf-8")

    with pytest.raises(ContentError, match=fault):
        Replies.load(path, KNOWLEDGE)


# --- presence ----------------------------------------------------------------------------------------------------------------------


def test_presence_ends_by_itself() -> None:
    now = [0.0]
    here = Presence(lambda: now[0])

    assert here.sign("case", "talk", "ana", "reply")
    assert not here.sign("case", "talk", "ana", "reply")
    assert here.writes_to("talk")
    now[0] = TYPING_SECONDS + 1
    assert not here.writes_to("talk")
    assert [p.typing for p in here.of("case")] == [None]
    now[0] = VIEWING_SECONDS + TYPING_SECONDS
    assert here.of("case") == []
    assert here.viewed_by("ana") == []


# --- figures and charts -------------------------------------------------------------------------------------------------------------


def test_median_and_percentile_by_nearest_rank() -> None:
    assert spread([]) == (spread([])).__class__(0, None, None)
    told = spread([60.0 * n for n in range(1, 11)])
    assert (told.count, told.median, told.p90) == (10, 5.0, 9.0)


def test_charts_are_small_escaped_and_named() -> None:
    chart = bars('a "summary" <b>', [Bar(f"<topic {n}>", n, str(n), n * 2) for n in range(10)])
    heat = week("hours", {(day, hour): day * hour for day in range(7) for hour in range(24)}, ["lun"] * 7)
    print(f"bars {len(chart)} bytes, week {len(heat)} bytes")

    assert "<topic" not in chart
    assert 'aria-label="a &quot;summary&quot; &lt;b&gt;"' in chart
    assert max(len(chart), len(heat)) <= 5_000


def test_scripts_and_styles_are_small() -> None:
    folder = ROOT / "bot" / "console" / "static"
    sizes = {kind: sum(len(gzip.compress(p.read_bytes(), 9)) for p in folder.rglob(f"*.{kind}")) for kind in ("js", "css")}
    print({kind: f"{size / 1000:.1f} KB" for kind, size in sizes.items()})

    assert sizes["js"] <= 40_000
    assert sizes["css"] <= 20_000


def test_every_step_of_a_case_has_its_words() -> None:
    import re

    source = "".join(p.read_text("utf-8") for p in [*(ROOT / "bot" / "cases").glob("*.py"), ROOT / "bot" / "timers.py"])
    kinds = set(re.findall(r'record\(\s*c, (?:\w+\.)?keys, [\w.]+, "(\w+)"', source)) | {"acknowledged", "claimed", "accepted"}

    assert len(kinds) > 12
    assert {f"did_{kind}" for kind in kinds} <= texts().keys()
    from bot.console.views import QUIET

    assert {f"event_{kind}" for kind in kinds - QUIET} <= texts().keys()


# --- news ----------------------------------------------------------------------------------------------------------------------------


@pytest.fixture
def telling(house: House) -> Any:
    its = cast(Any, SimpleNamespace(database=house.database, presence=Presence()))

    def picture() -> live.Picture:
        with house.database.read() as c:
            return look(c)

    return SimpleNamespace(its=its, picture=picture, teller=lambda scope, after=None: Teller(its, scope, picture(), after))


ALL = Scope("ana", "officer", None)


def test_a_new_case_is_news_once_and_rings_until_it_is_acknowledged(house: House, telling: Any) -> None:
    teller = telling.teller(ALL)
    assert teller.first(telling.picture())["alarms"] == []
    case_id, _ = house.opens(level=1)
    told = teller.news(telling.picture())

    assert [(n["kind"], n["id"]) for n in told["notices"]] == [("waiting", case_id)]
    assert [a["id"] for a in told["alarms"]] == [case_id]
    assert "agarraron" not in str(told)
    assert teller.news(telling.picture()) is None
    house.does(lambda c: steps.record(c, house.keys, case_id, "acknowledged", time.time(), "luis"))
    assert teller.news(telling.picture())["alarms"] == []


def test_an_officer_hears_of_their_consulates_only(house: House, telling: Any) -> None:
    dallas = Scope("dora", "officer", {"dallas"})
    teller = telling.teller(dallas)
    teller.first(telling.picture())
    house.opens(level=1, consulate="phoenix")
    told = teller.news(telling.picture())

    assert told is None or (told["cases"], told["notices"], told["alarms"]) == ([], [], [])


def test_what_was_missed_is_told_once_the_line_is_up_again(house: House, telling: Any) -> None:
    seen = telling.picture().newest
    case_id, _ = house.opens(level=2)

    told = telling.teller(ALL, seen).first(telling.picture())
    assert [n["id"] for n in told["notices"]] == [case_id]
    assert told["all"]
    assert telling.teller(ALL).first(telling.picture())["notices"] == []


def test_an_offer_is_told_to_whom_it_is_made(house: House, telling: Any) -> None:
    case_id, _ = house.opens(level=2)
    house.does(lambda c: desk.claim(c, house.keys, case_id, "ana", time.time()))
    luis, eva = (telling.teller(Scope(name, "officer", None)) for name in ("luis", "eva"))
    luis.first(telling.picture())
    eva.first(telling.picture())
    house.does(lambda c: desk.transfer(c, house.keys, case_id, "ana", desk.Target(officer="luis"), "mira", time.time()))

    assert [n["kind"] for n in luis.news(telling.picture())["notices"]] == ["offered"]
    assert eva.news(telling.picture())["notices"] == []


def test_the_persons_answer_is_told_to_who_has_the_case(house: House, telling: Any) -> None:
    case_id, _ = house.opens(level=2)
    house.does(lambda c: desk.claim(c, house.keys, case_id, "ana", time.time()))
    house.does(lambda c: desk.reply(c, house.keys, case_id, "ana", "¿Dónde?", time.time()))
    ana, luis = telling.teller(ALL), telling.teller(Scope("luis", "officer", None))
    ana.first(telling.picture())
    luis.first(telling.picture())
    where = house.sees(case_id).conversation

    def writes(c: Any) -> None:
        from bot.store import inbox

        inbox.add_message(c, house.keys, where, inbox.Incoming("id", "en Phoenix", "es", 2), time.time())
        desk.person_wrote(c, house.keys, where, 2, time.time())

    house.does(writes)
    assert [w["id"] for w in ana.news(telling.picture())["wrote"]] == [case_id]
    assert luis.news(telling.picture())["wrote"] == []


def test_a_delivery_is_news_for_who_looks_at_the_case(house: House, telling: Any) -> None:
    from sqlalchemy import select, update

    from bot.store.schema import delivery

    case_id, _ = house.opens(level=2, channel="whatsapp")
    telling.its.presence.sign(case_id, house.sees(case_id).conversation, "ana", None)
    teller = telling.teller(ALL)
    teller.first(telling.picture())
    with house.database.read() as c:
        assert c.execute(select(case.c.id)).scalar_one() == case_id
    house.does(lambda c: c.execute(update(delivery).values(state="read")))

    assert teller.news(telling.picture())["cases"] == [case_id]
