"""Sending by WhatsApp against an API that fails in every way: nothing is lost, nothing overtakes, and what is unknown is said to be."""

from __future__ import annotations

import base64
import hashlib
import json
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import update

from bot.channels.whatsapp.errors import CODES, sort
from bot.sender import SendFailed
from bot.store import deliveries
from bot.store.schema import conversation
from tests.channels.standins import whatsapp
from tests.channels.standins.whatsapp import Fault, WhatsAppApi, said, signed, status, text
from tests.channels.whatsapp_world import ANA, BEN, World

TO_ANA = f"+{ANA}"


def test_messages_arrive_in_order_with_their_reference(world: World) -> None:
    ana = world.person()
    world.say(ana, *(f"{n}" for n in range(8)))
    world.api.webhook, world.api.states = f"{world.web.url}/webhooks/whatsapp", ("sent", "delivered", "read")
    world.until(lambda: world.states(ana) == ["read"] * 8)

    assert world.api.texts(TO_ANA) == [f"{n}" for n in range(8)]
    assert [r.split(".")[0] for r in world.api.references] == [d.id for d in world.deliveries(ana)]
    assert world.api.heard[TO_ANA][0]["text"]["preview_url"] is False


def test_without_reports_the_next_message_waits_a_little_and_then_goes(world: World) -> None:
    ana = world.person()
    world.say(ana, "uno", "dos")
    world.until(lambda: world.states(ana) == ["sent", "sent"])

    first, second = world.deliveries(ana)
    assert second.started_at - first.started_at >= 2


@pytest.mark.parametrize("code", sorted(CODES))
def test_each_code_comes_to_its_outcome(world: World, code: int) -> None:
    ana, meaning = world.person(), CODES[code]
    sender = world.app.state.service.senders[0]
    world.api.faults.append(Fault(code=code, status=500 if code in (1, 2, 131000, 131016) else 400))
    world.say(ana, "hola")
    expected = {
        "wait": f"pending {code}",
        "retry": f"pending{'?' if meaning.doubtful else ''} {code}",
        "failed": f"failed {code}",
        "held": "held 131047",
        "channel_down": f"pending {code}",
    }[meaning.outcome]
    world.until(lambda: expected in world.states(ana))
    if meaning.outcome == "channel_down":
        assert sender.down == str(code)
        degraded = " ".join(world.http.get("/readyz").json()["degraded"])
        assert f"whatsapp: down ({code})" in degraded
    sender.down, sender._paused_until, sender._pauses = None, 0.0, 0  # for the next one


def test_a_form_that_is_refused_goes_once_more_plainly(world: World) -> None:
    ana = world.person()
    world.api.faults.append(Fault(code=131009))
    world.say(ana, "¿Sí o no?", buttons=[{"title": "Sí", "short": "Sí", "payload": "p", "action": "yes"}])
    world.until(lambda: world.states(ana) == ["sent"])

    assert [b["type"] for b in world.api.heard[TO_ANA]] == ["text"]
    assert world.api.texts(TO_ANA) == ["¿Sí o no?\n- Sí"]


def test_a_gateway_that_fails_twice_and_then_works(world: World) -> None:
    ana = world.person()
    world.api.faults.extend([Fault(status=503), Fault(status=503)])
    world.say(ana, "uno", "dos")
    world.until(lambda: world.states(ana) == ["sent?", "sent"])

    assert world.api.texts(TO_ANA) == ["uno", "dos"]


@pytest.mark.parametrize(
    "fault", [Fault(accept=True, close=True), Fault(accept=True, delay=1.0), Fault(accept=True, status=502, close=True)]
)
def test_what_was_accepted_without_a_word_is_settled_by_its_report(world: World, fault: Fault) -> None:
    ana = world.person()
    world.api.faults.append(fault)
    world.api.webhook, world.api.states = f"{world.web.url}/webhooks/whatsapp", ("sent", "delivered")
    world.say(ana, "uno", "dos")
    world.until(lambda: world.states(ana) == ["delivered", "delivered"])

    assert world.api.texts(TO_ANA) == ["uno", "dos"]


def test_without_a_report_it_is_repeated_and_marked(world: World) -> None:
    ana = world.person()
    world.api.faults.append(Fault(accept=True, close=True))
    world.say(ana, "uno")
    world.until(lambda: world.states(ana) == ["sent?"])

    assert world.api.texts(TO_ANA) == ["uno", "uno"]


def test_reports_that_come_before_the_answer_doubled_and_of_unknown_messages(world: World) -> None:
    ana = world.person()
    world.api.early = True
    world.api.webhook, world.api.states = f"{world.web.url}/webhooks/whatsapp", ("read", "sent", "delivered", "read")
    body = json.dumps(whatsapp.envelope(statuses=[status("wamid.x", "read"), {"status": "sent"}, {"id": "y", "status": "new"}])).encode()
    assert world.post(body, signed(body)).status_code == 200
    world.say(ana, "uno", "dos")

    world.until(lambda: world.states(ana) == ["read", "read"])


def test_accepted_and_then_failed_is_shown_with_its_code(world: World) -> None:
    ana = world.person()
    world.api.webhook = f"{world.web.url}/webhooks/whatsapp"
    world.api.faults.append(Fault(later=131026))
    world.say(ana, "uno")

    world.until(lambda: world.states(ana) == ["failed 131026"])


def test_too_many_to_one_person_holds_up_nobody_else(world: World) -> None:
    ana, ben = world.person(), world.person(BEN)
    world.api.pair = 1
    world.say(ana, "uno", "dos")
    world.until(lambda: "pending 131056" in world.states(ana))
    world.say(ben, "hola")
    world.until(lambda: world.states(ben) == ["sent"])
    world.api.pair = None
    world.until(lambda: world.states(ana) == ["sent", "sent"])

    assert world.api.texts(TO_ANA) == ["uno", "dos"]


def _outside(world: World, conversation_id: str) -> None:
    with world.database.write() as c:
        c.execute(update(conversation).where(conversation.c.id == conversation_id).values(inbound_at=time.time() - 24 * 3600))


def test_the_window_is_told_for_the_console(world: World) -> None:
    ana = world.person()
    with world.database.read() as c:
        closes = deliveries.window(c, ana)

    assert closes is not None
    assert 23.9 * 3600 < closes - time.time() < 24 * 3600


@pytest.mark.parametrize("told", [False, True])
def test_outside_the_window_a_template_goes_out_and_a_tap_releases_what_was_held(world: World, told: bool) -> None:
    ana = world.person()
    if told:
        world.api.faults.append(Fault(code=131047))
    else:
        _outside(world, ana)
    world.say(ana, "Su trámite está listo", "Venga mañana")
    world.until(lambda: [s.split()[0] for s in world.states(ana)] == ["sent", "held", "held"])
    (template,) = world.api.heard[TO_ANA]
    assert template["template"]["language"] == {"code": "es_MX"}
    assert "trámite" not in json.dumps(template)
    world.say(ana, "Traiga su acta")

    payload = template["template"]["components"][0]["parameters"][0]["payload"]
    before = len(world.said())
    tap = said(ANA, "button", button={"payload": payload, "text": "Leer"})
    world.brings(tap)
    world.brings(tap)
    world.until(lambda: world.states(ana)[-3:] == ["sent"] * 3)

    assert world.api.texts(TO_ANA)[1:] == ["Su trámite está listo", "Venga mañana", "Traiga su acta"]
    assert len(world.said()) == before


def test_any_word_of_the_person_opens_the_window(world: World) -> None:
    ana = world.person()
    _outside(world, ana)
    world.say(ana, "Su trámite está listo")
    world.until(lambda: "held window" in world.states(ana))
    world.brings(text(ANA, "¿hola?"))

    world.until(lambda: world.states(ana)[-1] == "sent")


def test_a_template_without_this_language_goes_in_the_other_one(world: World) -> None:
    ana = world.person()
    _outside(world, ana)
    world.api.faults.append(Fault(code=132001))
    world.say(ana, "uno")
    world.until(lambda: world.states(ana) == ["sent", "held window"])

    assert [b["template"]["language"]["code"] for b in world.api.heard[TO_ANA]] == ["en_US"]


def test_read_and_typing_are_shown_only_where_an_answer_follows(world: World) -> None:
    world.brings(text(ANA, "hola", external="wamid.one"), text(ANA, "¿hay alguien?", external="wamid.two"))
    world.until(lambda: world.api.reads == ["wamid.two"])
    world.person(BEN)
    world.brings(text(BEN, "gracias", external="wamid.three"))
    world.brings(text(ANA, "otra", external="wamid.four"))

    world.until(lambda: "wamid.four" in world.api.reads)
    assert "wamid.three" not in world.api.reads


def test_figures_by_state_hold_no_person(world: World) -> None:
    ana = world.person()
    world.api.faults.append(Fault(code=131026))
    world.say(ana, "uno")
    world.until(lambda: world.states(ana) == ["failed 131026"])

    figures = world.http.get("/metrics").text
    assert 'orienta_deliveries{channel="whatsapp",state="failed"} 1' in figures
    assert ANA not in figures


# --- what is no error of theirs ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("status_code", "code", "outcome"),
    [
        (500, None, "unknown"),
        (503, None, "unknown"),
        (500, 99999, "retry"),
        (400, 99999, "failed"),
        (401, None, "channel_down"),
        (404, None, "channel_down"),
        (429, None, "wait"),
        (408, None, "unknown"),
        (400, None, "failed"),
    ],
)
def test_the_status_counts_where_no_code_is_known(status_code: int, code: int | None, outcome: str) -> None:
    assert sort(status_code, code)[0].outcome == outcome


# --- files -------------------------------------------------------------------------------------------------------------------


def fetch(world: World, media_id: str, sha256: str | None = None) -> bytes:
    channel = world.app.state.whatsapp.channel
    found: bytes = world.run(channel.fetch({"channel": "whatsapp", "id": media_id, "sha256": sha256}))
    return found


def test_a_file_is_fetched_and_its_hash_is_checked(world: World) -> None:
    content = b"\xff\xd8 a picture"
    world.api.media["1"] = {"content": content, "missing": 1}
    digest = hashlib.sha256(content).digest()

    assert fetch(world, "1", base64.b64encode(digest).decode()) == content
    for wrong in ({"content": content, "sha256": "0" * 64}, {"content": b"other"}):
        world.api.media["1"] = wrong
        with pytest.raises(ValueError, match="announced"):
            fetch(world, "1", base64.b64encode(digest).decode())


@pytest.mark.parametrize("much", [{"content": b"x" * (17 * 1024 * 1024), "file_size": 10}, {"content": b"", "file_size": 10**9}])
def test_a_file_without_end_is_not_read_to_its_end(world: World, much: dict[str, object]) -> None:
    world.api.media["1"] = much
    with pytest.raises(ValueError, match="too big"):
        fetch(world, "1")


ELSEWHERE = ["http://127.0.0.1:1/x", "http://169.254.169.254/latest", "file:///etc/passwd", "https://lookaside.fbsbx.com.example.org/"]


@pytest.mark.parametrize("url", ELSEWHERE)
def test_a_file_is_fetched_from_the_channel_only(world: World, url: str) -> None:
    world.api.media["1"] = {"content": b"x", "url": url}
    with pytest.raises(ValueError, match="kept where"):
        fetch(world, "1")


def test_no_redirect_is_followed(world: World) -> None:
    world.api.media["1"] = {"content": b"x", "redirect": "http://169.254.169.254/latest"}
    with pytest.raises(SendFailed, match="gone"):
        fetch(world, "1")


def test_a_file_that_is_gone(world: World) -> None:
    world.api.media["1"] = {"content": b"x", "missing": 9}
    with pytest.raises(SendFailed, match="gone"):
        fetch(world, "1")
    with pytest.raises(SendFailed):
        fetch(world, "2")


# --- the process -------------------------------------------------------------------------------------------------------------


@pytest.fixture
def own(tmp_path: Path, whatsapp_api: WhatsAppApi) -> Iterator[World]:
    """A world that the test may stop and start."""
    whatsapp_api.clear()
    world = World(tmp_path, whatsapp_api, channel_seconds=10.0)
    yield world
    world.close()


def test_what_is_in_flight_at_the_end_of_the_process_is_settled(own: World) -> None:
    ana = own.person()
    own.api.faults.append(Fault(accept=True, delay=1.0))
    own.say(ana, "uno", "dos")
    own.until(lambda: own.api.calls == 1)
    own.web.stop()

    assert own.states(ana) == ["sent", "pending"]
    own.start()
    own.until(lambda: own.states(ana) == ["sent", "sent"])
    assert own.api.texts(TO_ANA) == ["uno", "dos"]


def test_a_wrong_token_drops_nothing(tmp_path: Path, whatsapp_api: WhatsAppApi) -> None:
    whatsapp_api.clear()
    world = World(tmp_path, whatsapp_api, whatsapp_token="revoked")
    ana = world.person()
    world.say(ana, "uno")
    world.until(lambda: world.states(ana) == ["pending 190"])
    assert "whatsapp: down (190)" in " ".join(world.http.get("/readyz").json()["degraded"])
    world.close()
    again = World(tmp_path, whatsapp_api)
    again.until(lambda: again.states(ana) == ["sent"])
    again.close()
