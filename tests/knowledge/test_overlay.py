"""Withdrawals and corrections over the content: what is said then, what is refused, and the patch that makes the files say it."""

from __future__ import annotations

import datetime as dt
import shutil
import subprocess
import time
from functools import cache
from pathlib import Path

import pytest

from bot.cases import withdrawals
from bot.cases.withdrawals import Refused
from bot.knowledge.live import LiveContent
from bot.knowledge.load import Knowledge, load
from bot.knowledge.overlay import Change, faults, overlaid
from bot.knowledge.patch import patch
from bot.knowledge.render import Consulates, Renderer
from bot.outcome import SayConsulate, SayTopic
from bot.settings import ROOT
from bot.store.database import Database

DATA = ROOT / "data"
CORRECTED = {"es": "Llame a {ciam}.\nPida ayuda.", "en": "Call {ciam}.\nAsk for help."}


@cache
def _content() -> tuple[Knowledge, Consulates]:
    return load(DATA), Consulates.load(DATA / "consulates.yml")


def _says(changes: list[Change], topic: str, facet: str | None = None, part: str = "answer") -> str:
    knowledge, posts = overlaid(*_content(), changes)
    renderer = Renderer(knowledge, posts, "es", lambda action: action)
    return "\n".join(out.text for out in renderer.topic(SayTopic(topic, facet, part)))  # type: ignore[arg-type]


def _card(changes: list[Change], post: str) -> str:
    knowledge, posts = overlaid(*_content(), changes)
    resolution = {"status": "found", "consulate": {"id": post}, "candidates": []}
    return "\n".join(out.text for out in Renderer(knowledge, posts, "es", lambda action: action).consulate(SayConsulate(resolution, post)))


def test_a_withdrawn_answer_says_where_to_ask_and_nothing_of_the_old() -> None:
    before = _says([], "appointment", "book")
    after = _says([Change("facet", "appointment/book")], "appointment", "book")

    assert "+1 520-623-7874" in after
    assert not set(before.splitlines()) & set(after.splitlines())
    assert _says([Change("facet", "appointment/book")], "appointment") == _says([], "appointment")


def test_a_withdrawn_topic_keeps_its_further_messages_back_too() -> None:
    old = [m.es for m in _content()[0].topics["appointment"].messages]
    assert len(old) > 1

    more = _says([Change("facet", "appointment")], "appointment", part="more")

    assert all(line not in more for message in old for line in message.splitlines())


def test_every_answer_can_be_withdrawn() -> None:
    knowledge, posts = _content()
    refs = [ref for t in knowledge.topics.values() for ref in (t.intent, *(f"{t.intent}/{f.id}" for f in t.facets))]
    changes = [Change("facet", ref) for ref in refs]

    after, _ = overlaid(knowledge, posts, changes)

    assert all(answer.messages == [knowledge.phrases["withdrawn"]] for t in after.topics.values() for answer in (t, *t.facets))
    assert [fault for change in changes[:20] for fault in faults(knowledge, posts, change)] == []


def test_a_correction_stands_in_its_place() -> None:
    after = _says([Change("facet", "appointment/book", CORRECTED)], "appointment", "book")

    assert after.splitlines()[:2] == ["Llame a +1 520-623-7874.", "Pida ayuda."]


def test_a_withdrawn_line_is_never_shown_whatever_text_names_it() -> None:
    knowledge, posts = _content()
    number = knowledge.fill("{mi_consulado}", "es")
    assert number in _says([], "appointment")

    after, _ = overlaid(knowledge, posts, [Change("hotline", "mi_consulado")])

    said = [m.in_language("es") for t in after.topics.values() for answer in (t, *t.facets) for m in answer.messages]
    filled = "\n".join(after.fill(text, "es") for text in [*said, *(p.es for p in after.phrases.values())])
    assert number not in filled
    assert (knowledge.hotlines["mi_consulado"].url or "no site") not in filled
    assert "CIAM +1 520-623-7874" in after.fill("{mi_consulado}", "es")


def test_a_corrected_line_gives_the_new_number_everywhere() -> None:
    after = _says([Change("hotline", "mi_consulado", {"phone": "+15551234567"})], "appointment")

    assert "+1 555-123-4567" in after


@pytest.mark.parametrize("field", ["phone", "address", "protection_phone"])
def test_a_withdrawn_field_of_an_office_is_not_on_its_card(field: str) -> None:
    post = _content()[1]["atlanta"]
    before, after = _card([], "atlanta"), _card([Change("consulate", f"atlanta/{field}")], "atlanta")
    shown = {"phone": "+1 404-266-2233", "address": str(post.address), "protection_phone": "+1 404-736-4141"}[field]

    assert shown in before
    assert shown not in after
    assert field != "protection_phone" or "+1 520-623-7874" in after


def test_a_corrected_address_does_not_lead_to_the_old_place() -> None:
    knowledge, posts = overlaid(*_content(), [Change("consulate", "atlanta/address", {"value": "1 Main St, Atlanta, GA"})])
    out = list(
        Renderer(knowledge, posts, "es", lambda action: action).consulate(
            SayConsulate({"status": "found", "consulate": {"id": "atlanta"}, "candidates": []}, "atlanta")
        )
    )

    assert "1 Main St, Atlanta, GA" in out[0].text
    assert out[0].location is None


@pytest.mark.parametrize(
    "kind_ref", [("facet", "no_such"), ("facet", "appointment/no_such"), ("hotline", "no_such"), ("consulate", "x/phone")]
)
def test_what_is_gone_from_the_files_changes_nothing(kind_ref: tuple[str, str]) -> None:
    change = Change(*kind_ref)  # type: ignore[arg-type]

    assert overlaid(*_content(), [change]) == _content()
    assert faults(*_content(), change)


def test_a_correction_that_does_not_fit_any_more_withdraws() -> None:
    after = _says([Change("facet", "appointment/book", {"es": "Solo español"})], "appointment", "book")

    assert "Solo español" not in after
    assert "+1 520-623-7874" in after


def test_the_last_resorts_can_only_be_corrected() -> None:
    for line in ("ciam", "us_911"):
        assert faults(*_content(), Change("hotline", line))
        assert overlaid(*_content(), [Change("hotline", line)])[0].withdrawn == frozenset()
    assert faults(*_content(), Change("hotline", "ciam", {"phone": "+15206237875"})) == []


@pytest.mark.parametrize(
    "change",
    [
        Change("facet", "appointment", {"es": "x" * 71, "en": "y"}),
        Change("facet", "appointment", {"es": "a\nb\nc\nd\ne", "en": "y"}),
        Change("facet", "appointment", {"es": "Llame al 520-623-7874", "en": "y"}),
        Change("facet", "appointment", {"es": "{no_such}", "en": "y"}),
        Change("facet", "appointment", {"es": "", "en": "y"}),
        Change("facet", "detention_report", {"es": "Espere.", "en": "Wait."}),
        Change("hotline", "mi_consulado", {"phone": "520 623 7874"}),
        Change("hotline", "mi_consulado", {"url": "javascript:alert(1)"}),
        Change("hotline", "mi_consulado", {"use": "give"}),
        Change("consulate", "atlanta/phone", {"value": "call us"}),
        Change("consulate", "atlanta/website", {"value": "http://evil.example"}),
        Change("consulate", "atlanta/address", {"value": "x" * 121}),
        Change("consulate", "atlanta/hours", {"value": "a\nb"}),
        Change("consulate", "atlanta/lat", {"value": "1"}),
    ],
)
def test_a_correction_is_held_to_the_limits_of_the_content(change: Change) -> None:
    assert faults(*_content(), change)


# --- every process follows -----------------------------------------------------------------------------------------------------


def test_running_content_follows_the_database(database: Database) -> None:
    live = LiveContent(DATA, None, lambda: withdrawals.standing_changes(database))
    ref = "appointment/book"

    def said() -> str:
        answer = live.current.knowledge.answer(ref)
        assert answer is not None
        return answer.messages[0].es

    old = said()
    assert not live.refresh()
    with database.write() as c:
        made = withdrawals.withdraw(c, "facet", ref, CORRECTED, "the site has moved", "ana", time.time())
    assert live.refresh()
    assert said() == live.base.knowledge.phrases["withdrawn"].es  # the correction waits for a second person

    with database.write() as c:
        with pytest.raises(Refused, match="own"):
            withdrawals.confirm(c, made, "ana")
        withdrawals.confirm(c, made, "beto")
    assert live.refresh()
    assert said() == CORRECTED["es"]
    anew = LiveContent(DATA, None, lambda: withdrawals.standing_changes(database))  # a process that starts now
    assert anew.current.knowledge.answer(ref) == live.current.knowledge.answer(ref)

    with database.write() as c:
        withdrawals.lift(c, made, time.time())
        with pytest.raises(Refused, match="gone"):
            withdrawals.lift(c, made, time.time())
    assert live.refresh()
    assert said() == old


def test_without_the_database_what_was_withdrawn_stays_so(database: Database) -> None:
    away: list[bool] = []

    def overlay() -> list[Change]:
        if away:
            raise OSError("the database is away")
        return [Change("hotline", "mi_consulado")]

    live = LiveContent(DATA, None, overlay)
    away.append(True)

    assert not live.refresh()
    assert live.current.knowledge.withdrawn == {"mi_consulado"}


def test_a_second_withdrawal_takes_the_place_of_the_first(database: Database) -> None:
    with database.write() as c:
        withdrawals.withdraw(c, "hotline", "mi_consulado", None, "no answer", "ana", 1.0)
        withdrawals.withdraw(c, "hotline", "mi_consulado", {"phone": "+15551234567"}, "new number", "ana", 2.0)
        assert [(w.reason, w.change.correction) for w in withdrawals.standing(c)] == [("new number", None)]
        for reason, code in (("  ", "reason"), ("x" * 401, "too_long")):
            with pytest.raises(Refused, match=code):
                withdrawals.withdraw(c, "hotline", "mi_consulado", None, reason, "ana", 3.0)


# --- the patch -----------------------------------------------------------------------------------------------------------------


def _patched(tmp_path: Path, changes: list[Change]) -> tuple[str, Knowledge, Consulates]:
    """The patch, and the content of the files that it was applied to."""
    shutil.copytree(DATA, tmp_path / "data")
    text = patch(DATA, _content()[0], changes, dt.datetime.now(dt.UTC).date())
    subprocess.run(["git", "apply", "--whitespace=nowarn", "-"], cwd=tmp_path, input=text, text=True, check=True)
    return text, load(tmp_path / "data"), Consulates.load(tmp_path / "data" / "consulates.yml")


def test_the_patch_makes_the_files_say_what_is_served(tmp_path: Path) -> None:
    changes = [
        Change("facet", "appointment"),
        Change("facet", "appointment/book", CORRECTED),
        Change("hotline", "mi_consulado"),
        Change("hotline", "ciam", {"phone": "+15206237875"}),
        Change("consulate", "houston/phone"),
        Change("consulate", "atlanta/address", {"value": '1 "Main" St, Atlanta'}),
    ]

    text, knowledge, posts = _patched(tmp_path, changes)

    served, served_posts = overlaid(*_content(), changes)
    for topic in served.topics.values():
        for ref, answer in ((topic.intent, topic), *((f"{topic.intent}/{f.id}", f) for f in topic.facets)):
            stands = knowledge.answer(ref)
            assert stands is not None
            for mine, theirs in zip(answer.messages, stands.messages, strict=True):
                assert served.fill(mine.es, "es") == knowledge.fill(theirs.es, "es"), ref
                assert served.fill(mine.en, "en") == knowledge.fill(theirs.en, "en"), ref
    for post in ("houston", "atlanta"):
        for field in ("address", "phone", "lat"):
            assert getattr(posts[post], field) == getattr(served_posts[post], field)
        assert posts[post].confidence == served_posts[post].confidence
    comments = [line for line in text.splitlines() if line.startswith("-") and "#" in line and not line.startswith("---")]
    assert comments == []


def test_the_patch_touches_only_what_changes(tmp_path: Path) -> None:
    text, _, _ = _patched(tmp_path, [Change("consulate", "houston/phone")])

    changed = [line for line in text.splitlines() if line[:1] in "+-" and line[:3] not in ("+++", "---")]
    assert len(changed) == 4
