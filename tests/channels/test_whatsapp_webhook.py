"""WhatsApp's webhook: who may call, and what becomes of what they bring, however often and in whatever company it comes."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import event

from bot.settings import Settings
from bot.store.schema import file
from tests.channels.standins import whatsapp
from tests.channels.standins.whatsapp import SECRET, VERIFY, envelope, said, signed, text
from tests.channels.web_process import WebProcess
from tests.channels.whatsapp_world import ANA, BEN, World

# --- who may call ------------------------------------------------------------------------------------------------------------


def test_the_handshake(world: World) -> None:
    right = {"hub.mode": "subscribe", "hub.challenge": "1158201444", "hub.verify_token": VERIFY}
    answer = world.http.get("/webhooks/whatsapp", params=right)

    assert (answer.status_code, answer.text) == (200, "1158201444")
    assert answer.headers["content-type"].startswith("text/plain")
    for wrong in ({"hub.verify_token": "x"}, {"hub.verify_token": ""}, {"hub.mode": "x"}):
        assert world.http.get("/webhooks/whatsapp", params={**right, **wrong}).status_code == 403
    assert world.http.get("/webhooks/whatsapp").status_code == 403


def _headers(body: bytes) -> list[dict[str, str]]:
    right = signed(body)["X-Hub-Signature-256"]
    recoded = json.dumps(json.loads(body), indent=1).encode()
    return [
        {},
        {"X-Hub-Signature-256": ""},
        {"X-Hub-Signature-256": right.removeprefix("sha256=")},
        {"X-Hub-Signature-256": right[:-1]},
        {"X-Hub-Signature-256": "sha1=" + right.removeprefix("sha256=")},
        {"X-Hub-Signature": right},
        signed(body, "another secret"),
        signed(recoded),
    ]


def test_only_a_right_signature_over_the_very_bytes_is_let_in(world: World) -> None:
    body = json.dumps(envelope([text(ANA, "¿dónde está el consulado?")]), ensure_ascii=False).encode()
    for headers in _headers(body):
        assert world.post(body, headers).status_code == 403
    assert world.said() == []

    assert world.post(body, signed(body)).status_code == 200
    assert world.texts() == ["¿dónde está el consulado?"]


def test_a_body_over_the_limit_is_refused(world: World) -> None:
    for body in (b"x" * (4 * 1024 * 1024 + 1), b"x" * (8 * 1024 * 1024)):
        assert world.post(body, signed(body)).status_code == 413


def test_a_body_that_is_no_json_or_no_envelope_is_kept_and_does_not_come_again(world: World) -> None:
    for body in (b"{", b"\xff", b"[]", b'{"object": "x"}', b"[" * 20_000, b'{"entry": [{"changes": [{"value": 1}]}]}'):
        assert world.post(body, signed(body)).status_code == 200
        assert world.post(body, signed(body)).status_code == 200

    assert len(world.unread()) == 6


@contextmanager
def _bare(tmp_path: Path, **settings: Any) -> Iterator[httpx.Client]:
    web = WebProcess(Settings(data_dir=tmp_path, **settings))
    yield web.http
    web.stop()


def test_without_settings_there_is_no_channel_and_in_part_it_says_what_is_missing(tmp_path: Path) -> None:
    with _bare(tmp_path) as client:
        assert client.get("/webhooks/whatsapp").status_code == 404
        assert client.post("/webhooks/whatsapp", content=b"{}").status_code == 404
    with _bare(tmp_path, whatsapp_token="t") as client:
        assert client.get("/webhooks/whatsapp").status_code == 503
        assert client.post("/webhooks/whatsapp", content=b"{}").json() == {"error": {"code": "app_secret_missing"}}
        assert "WHATSAPP_APP_SECRET" in " ".join(client.get("/readyz").json()["degraded"])


# --- what it brings ----------------------------------------------------------------------------------------------------------


def test_a_thousand_updates_over_several_entries_and_changes(world: World) -> None:
    people = [f"1520555{n:04d}" for n in range(50)]
    bodies = [envelope([text(number, f"{number} {turn}") for number in people]) for turn in range(20)]
    entries = [entry for body in bodies for entry in body["entry"]]
    entries[0]["changes"] += entries.pop()["changes"]
    body = json.dumps({"object": "whatsapp_business_account", "entry": entries}).encode()

    assert world.post(body, signed(body)).status_code == 200

    assert len(world.said()) == 1000
    assert len(world.conversations()) == 50
    for number in people:
        theirs = [t for t in world.texts() if t.startswith(number)]
        assert sorted(theirs, key=lambda t: int(t.split()[1])) == [f"{number} {turn}" for turn in range(20)]


def test_the_order_of_a_call_is_the_order_of_storage(world: World) -> None:
    world.brings(*(text(ANA, f"{n}") for n in range(30)))

    rows = sorted(world.said(), key=lambda row: row["seq"])
    assert [row["text"] for row in rows] == [f"{n}" for n in range(30)]


def test_what_comes_again_is_the_same_message_also_in_parallel_with_itself(world: World) -> None:
    body = json.dumps(envelope([text(ANA, "uno"), text(BEN, "dos")])).encode()
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: world.post(body, signed(body)).status_code, range(16)))

    assert set(answers) == {200}
    assert sorted(world.texts()) == ["dos", "uno"]


def test_what_cannot_be_stored_is_not_acknowledged_and_comes_again(world: World) -> None:
    body = json.dumps(envelope([text(ANA, "uno"), text(BEN, "dos")])).encode()
    broken = [True]

    def fail(connection: Any, cursor: Any, statement: str, *_: Any) -> None:
        if broken[0] and statement.startswith("INSERT INTO conversation"):
            raise OSError("no space left")

    event.listen(world.app.state.service.database.engine, "before_cursor_execute", fail)
    assert world.post(body, signed(body)).status_code == 503
    broken[0] = False

    assert world.post(body, signed(body)).status_code == 200
    assert sorted(world.texts()) == ["dos", "uno"]


def test_one_bad_item_hurts_no_neighbour_and_is_kept(world: World) -> None:
    world.brings(
        text(ANA, "uno"), {"id": "wamid.bad", "type": "text"}, {"type": 7}, said(BEN, text="no body"), text(BEN, "dos"), contacts=False
    )

    assert [t for t in world.texts() if t] == ["uno", "dos"]
    assert len(world.unread()) == 3


def test_what_is_for_another_number_or_field_or_a_group_is_not_ours(world: World) -> None:
    world.brings(text(ANA, "uno"), number_id="999")
    world.brings({**text(ANA, "dos"), "group_id": "g"})
    body = json.dumps({"entry": [{"changes": [{"field": "message_template_status_update", "value": {"event": "PAUSED"}}]}]}).encode()
    assert world.post(body, signed(body)).status_code == 200

    assert (world.said(), world.unread()) == ([], [])


ODD_TIMES = [{"timestamp": "1790000000123"}, {"timestamp": "soon"}, {"timestamp": None}]


@pytest.mark.parametrize("more", [*ODD_TIMES, {"context": {"forwarded": True}}, {"referral": {"source_url": "x"}}])
def test_what_goes_along_with_a_message_changes_nothing(world: World, more: dict[str, Any]) -> None:
    world.brings({**text(ANA, "hola"), **more})

    assert world.texts() == ["hola"]


@pytest.mark.parametrize("words", ["👩🏽‍🦱 ayuda 🆘", "אני צריך עזרה", "x" * 4096, "a\x00b", "lone \ud800 half"])
def test_any_text_is_taken(world: World, words: str) -> None:
    body = json.dumps(envelope([text(ANA, words)])).encode()
    assert world.post(body, signed(body)).status_code == 200

    assert len(world.said()) == 1
    assert world.unread() == []


# --- kinds -------------------------------------------------------------------------------------------------------------------


def test_a_position(world: World) -> None:
    world.brings(said(ANA, "location", location={"latitude": 32.2226, "longitude": "-110.9747", "name": "Tucson"}))

    assert world.said()[0]["location"] == {"lat": 32.2226, "lon": -110.9747}


@pytest.mark.parametrize(
    ("kind", "content"),
    [
        ("unsupported", {"errors": [{"code": 131051}], "unsupported": {"type": "poll"}}),
        ("sticker", {"sticker": {"id": "1", "mime_type": "image/webp"}}),
        ("order", {"order": {}}),
        ("something_new", {}),
        ("location", {"location": {"latitude": 99, "longitude": 0}}),
        ("interactive", {"interactive": {"type": "nfm_reply", "nfm_reply": {"response_json": "{}"}}}),
        ("text", {"text": {"body": " "}}),
    ],
)
def test_what_nobody_can_read_is_told_so(world: World, kind: str, content: dict[str, Any]) -> None:
    world.brings(said(ANA, kind, **content))

    assert [(row["text"], row["action"]) for row in world.said()] == [("", "unreadable:")]


@pytest.mark.parametrize(
    ("kind", "media", "shown", "words"),
    [
        ("audio", {"mime_type": "audio/ogg; codecs=opus", "voice": True}, "audio/ogg", ""),
        ("image", {"mime_type": "image/jpeg", "caption": "mi pasaporte"}, "image/jpeg", "mi pasaporte"),
        ("document", {"mime_type": "application/pdf", "filename": "acta.pdf"}, "application/pdf", ""),
        ("video", {}, "video/mp4", ""),
    ],
)
def test_a_file_stays_with_the_channel_until_an_officer_opens_it(
    world: World, kind: str, media: dict[str, Any], shown: str, words: str
) -> None:
    content: dict[str, Any] = {kind: {"id": "4711", "sha256": "abc=", **media}}
    world.brings(said(ANA, kind, **content))

    row = world.said()[0]
    assert (row["text"], row["file"]["kind"]) == (words, shown)
    with world.database.read() as c:
        kept = c.execute(file.select()).one()
    assert kept.body is None
    assert world.keys.open(kept.remote, f"file:{kept.id}") == {"channel": "whatsapp", "id": "4711", "sha256": "abc="}


def test_somebody_elses_number_stands_in_no_text(world: World) -> None:
    contact = {"name": {"formatted_name": "Luis;\nTEL:911"}, "phones": [{"phone": "+52 55 5555 0101", "wa_id": "525555550101"}]}
    world.brings(said(ANA, "contacts", contacts=[contact]))

    row = world.said()[0]
    assert (row["text"], row["action"], row["file"]["kind"]) == ("Contacto compartido", "contact:", "text/vcard")
    with world.database.read() as c:
        kept = c.execute(file.select()).one()
    card = world.keys.open(kept.remote, f"file:{kept.id}")["vcard"]
    assert card.splitlines() == ["BEGIN:VCARD", "VERSION:3.0", "FN:Luis TEL:911", "TEL:+525555550101", "END:VCARD"]


def test_a_reaction_and_a_notice_of_the_system_want_no_answer(world: World) -> None:
    world.brings(said(ANA, "reaction", reaction={"message_id": "wamid.1", "emoji": "👍"}))
    world.brings(said(ANA, "system", system={"type": "viewed", "body": "x"}))

    assert (world.said(), world.unread()) == ([], [])


def test_a_button_that_was_never_offered_counts_by_its_words(world: World) -> None:
    made_up = {"type": "button_reply", "button_reply": {"id": "topic:documents", "title": "quiero mi pasaporte"}}
    world.brings(said(ANA, "interactive", interactive=made_up))
    world.brings(said(ANA, "button", button={"payload": "x", "text": "hola"}))

    assert [(row["text"], row.get("action")) for row in world.said()] == [("quiero mi pasaporte", None), ("hola", None)]


def test_an_offered_button_means_what_it_was_offered_for(world: World) -> None:
    ana = world.person()
    world.say(ana, "¿Qué necesita?", buttons=[{"title": "Pasaporte", "short": "Pasaporte", "payload": "p1", "action": "topic:documents"}])
    world.brings(whatsapp.tap(ANA, "p1", "Pasaporte"))

    assert world.said()[-1]["action"] == "topic:documents"


# --- who writes --------------------------------------------------------------------------------------------------------------


def test_a_user_id_and_a_number_become_one_person_once_they_come_together(world: World) -> None:
    world.brings(text(ANA, "uno"))
    world.brings(text(ANA, "dos", user="US.8Hk2"))
    world.brings(text(None, "tres", user="US.8Hk2"))

    (one,) = world.conversations()
    assert world.keys.open(one.identity, f"identity:{one.id}") == {"wa_id": ANA, "user_id": "US.8Hk2", "name": "Ana"}
    assert world.texts() == ["uno", "dos", "tres"]


def test_a_person_without_a_number_is_written_to_by_their_user_id(world: World) -> None:
    world.brings(text(None, "hola", user="MX.abc"))
    ana = str(world.conversations()[0].id)
    world.say(ana, "Buenas tardes")

    world.until(lambda: "Buenas tardes" in world.api.texts("MX.abc"))


def test_contacts_are_matched_by_name_and_not_by_place(world: World) -> None:
    body = envelope([text(ANA, "uno"), text(BEN, "dos")])
    value = body["entry"][0]["changes"][0]["value"]
    value["contacts"] = [{"wa_id": BEN, "user_id": "US.ben"}, {"wa_id": ANA, "user_id": "US.ana"}]
    raw = json.dumps(body).encode()
    assert world.post(raw, signed(raw)).status_code == 200
    world.brings(text(None, "tres", user="US.ana"))

    by_text = {row["text"]: row["conversation_id"] for row in world.said()}
    assert by_text["uno"] == by_text["tres"] != by_text["dos"]


def test_a_changed_number_and_a_changed_user_id_keep_the_conversation(world: World) -> None:
    world.brings(text(ANA, "uno", user="US.old"))
    notice = {"type": "user_changed_number", "body": "x", "wa_id": BEN}
    world.brings(said(ANA, "system", system=notice), contacts=False)
    world.brings(said(None, "system", user="US.old", system={"type": "user_changed_user_id", "user_id": "MX.new"}), contacts=False)
    world.brings(text(BEN, "dos"), text(None, "tres", user="MX.new"))

    assert len(world.conversations()) == 1
    one = world.conversations()[0]
    assert world.keys.open(one.identity, f"identity:{one.id}") | {"name": "Ana"} == {"wa_id": BEN, "user_id": "MX.new", "name": "Ana"}


# --- nothing stands open -----------------------------------------------------------------------------------------------------


def test_no_number_id_or_word_stands_in_any_file(world: World, caplog: pytest.LogCaptureFixture) -> None:
    world.brings(text(ANA, "me llamo Zenaida", external="wamid.HBgLMTUyMDU1NTAxMjM"), {"id": "wamid.odd", "from": ANA, "type": "text"})
    ana = world.person(BEN)
    world.say(ana, "palabra secreta")
    world.until(lambda: world.states(ana) == ["sent"])

    everything = caplog.text.encode()
    everything += b"".join(p.read_bytes() for p in world.settings.data_dir.rglob("*") if p.is_file())
    for secret in (ANA, BEN, "wamid", "Zenaida", "palabra", SECRET, whatsapp.TOKEN):
        assert not re.search(secret.encode(), everything), secret
