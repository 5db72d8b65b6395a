"""WhatsApp by Twilio: the same channel with another signature, forms instead of JSON, and options by number."""

from __future__ import annotations

import base64
import hashlib
import hmac
import itertools
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import httpx
import pytest

from tests.channels.standins.server import Request, Response, Server
from tests.channels.standins.whatsapp import WhatsAppApi
from tests.channels.whatsapp_world import ANA, World

SID, TOKEN, OURS = "AC0123", "twilio-token-of-the-test", "+12025550100"
PUBLIC = "https://orienta.example"


class TwilioApi:
    """Attributes:
    heard: the forms that were accepted.
    refusals: (status, code) of the next calls.
    """

    def __init__(self) -> None:
        self.heard: list[dict[str, str]] = []
        self.refusals: list[tuple[int, int | None]] = []
        self._ids = itertools.count(1)
        self.server = Server(self._handle)

    async def _handle(self, request: Request) -> Response:
        if request.path.startswith("/media/"):
            return Response(body=b"picture")
        right = "Basic " + base64.b64encode(f"{SID}:{TOKEN}".encode()).decode()
        if request.headers.get("authorization") != right or request.path != f"/2010-04-01/Accounts/{SID}/Messages.json":
            return Response.json({"code": 20003, "message": "Authenticate"}, 401)
        if self.refusals:
            status, code = self.refusals.pop(0)
            return Response.json({"code": code, "message": f"to {ANA}"}, status) if code else Response(status, b"<html>")
        form = dict(parse_qsl(request.body.decode()))
        if len(form.get("Body", "")) > 1600:
            return Response.json({"code": 21617}, 400)
        self.heard.append(form)
        return Response.json({"sid": f"SM{next(self._ids)}", "status": "queued"}, 201)


@pytest.fixture(scope="module")
def api() -> Iterator[TwilioApi]:
    api = TwilioApi()
    yield api
    api.server.stop()


class TwilioWorld(World):
    def posts(self, fields: dict[str, str], query: str = "", token: str = TOKEN) -> httpx.Response:
        """A webhook call, signed for the address by which Twilio knows us."""
        signed = f"{PUBLIC}/webhooks/whatsapp{query}" + "".join(k + v for k, v in sorted(fields.items()))
        signature = base64.b64encode(hmac.new(token.encode(), signed.encode(), hashlib.sha1).digest()).decode()
        return self.http.post(f"/webhooks/whatsapp{query}", data=fields, headers={"X-Twilio-Signature": signature})

    def hears(self, body: str, **more: str) -> None:
        number = f"SM{len(self.said())}in{body[:8]}"
        fields = {
            "MessageSid": number,
            "From": f"whatsapp:+{ANA}",
            "WaId": ANA,
            "ProfileName": "Ana",
            "Body": body,
            "NumMedia": "0",
            **more,
        }
        assert self.posts(fields).status_code == 200

    def person(self, number: str = ANA) -> str:
        self.hears("hola")
        return str(self.said()[-1]["conversation_id"])


@pytest.fixture(scope="module")
def the_world(tmp_path_factory: pytest.TempPathFactory, api: TwilioApi, whatsapp_api: WhatsAppApi) -> Iterator[TwilioWorld]:
    settings = {"twilio_account_sid": SID, "twilio_auth_token": TOKEN, "twilio_from": OURS, "twilio_api_url": api.server.url}
    folder: Path = tmp_path_factory.mktemp("twilio")
    world = TwilioWorld(folder, whatsapp_api, whatsapp_provider="twilio", public_url=PUBLIC, **settings)
    yield world
    world.close()


@pytest.fixture
def world(the_world: TwilioWorld, api: TwilioApi) -> TwilioWorld:
    the_world.clear()
    api.heard.clear()
    return the_world


def test_only_a_right_signature_is_let_in(world: TwilioWorld) -> None:
    fields = {"MessageSid": "SM1", "From": f"whatsapp:+{ANA}", "Body": "hola"}
    assert world.posts(fields, token="another").status_code == 403
    assert world.http.post("/webhooks/whatsapp", data=fields).status_code == 403
    assert world.said() == []

    answer = world.posts(fields)
    assert (answer.status_code, answer.headers["content-type"]) == (200, "text/xml; charset=utf-8")
    assert world.posts(fields).status_code == 200
    assert world.texts() == ["hola"]


def test_messages_go_out_and_their_states_come_back(world: TwilioWorld, api: TwilioApi) -> None:
    ana = world.person()
    world.say(ana, "Buenas tardes")
    world.until(lambda: world.states(ana) == ["sent"])
    (form,) = api.heard
    assert (form["To"], form["From"], form["Body"]) == (f"whatsapp:+{ANA}", f"whatsapp:{OURS}", "Buenas tardes")
    query = form["StatusCallback"].removeprefix(f"{PUBLIC}/webhooks/whatsapp")

    assert world.posts({"MessageSid": "SM1", "MessageStatus": "delivered"}, query).status_code == 200
    assert world.states(ana) == ["delivered"]
    world.posts({"MessageSid": "SM1", "MessageStatus": "read"}, query)
    assert world.states(ana) == ["read"]


def test_options_are_numbered_and_a_number_is_a_tap(world: TwilioWorld, api: TwilioApi) -> None:
    ana = world.person()
    offered = [{"title": f"Opción {n}", "short": "x", "payload": f"p{n}", "action": f"topic:t{n}"} for n in (1, 2)]
    world.say(ana, "¿Qué necesita?", buttons=offered)
    world.say(ana, "Hasta luego")
    world.until(lambda: world.states(ana) == ["sent", "sent"])
    assert api.heard[0]["Body"] == "¿Qué necesita?\n1. Opción 1\n2. Opción 2\nEscriba el número de una opción."
    for words, action in (("2", "topic:t2"), ("1.", "topic:t1"), ("3", None), ("2 hijos", None)):
        world.hears(words)
        assert world.said()[-1].get("action") == action, words


@pytest.mark.parametrize(
    ("refusal", "state"),
    [
        ((400, 63018), "pending 63018"),
        ((429, 20429), "pending 20429"),
        ((400, 63003), "failed 63003"),
        ((400, 21610), "failed 21610"),
        ((500, 20500), "pending? 20500"),
        ((502, None), "unknown http_502"),
        ((403, 63007), "pending 63007"),
    ],
)
def test_each_refusal_comes_to_its_outcome(world: TwilioWorld, api: TwilioApi, refusal: tuple[int, int | None], state: str) -> None:
    ana = world.person()
    api.refusals = [refusal] * 9
    world.say(ana, "hola")
    world.until(lambda: state in world.states(ana))
    api.refusals = []
    sender = world.app.state.service.senders[0]
    sender.down, sender._paused_until, sender._pauses = None, 0.0, 0  # for the next one


def test_outside_the_window_the_reply_is_held(world: TwilioWorld, api: TwilioApi) -> None:
    ana = world.person()
    api.refusals = [(400, 63016)]
    world.say(ana, "Su trámite está listo")
    world.until(lambda: world.states(ana) == ["sent", "held 63016"])
    assert api.heard[0]["ContentSid"] == world.settings.whatsapp_template
    world.hears("", ButtonPayload="open_answer", ButtonText="Leer")
    world.until(lambda: world.states(ana)[-1] == "sent")

    assert api.heard[-1]["Body"] == "Su trámite está listo"


def test_places_and_files(world: TwilioWorld, api: TwilioApi) -> None:
    ana = world.person()
    world.say(ana, "Aquí", location={"lat": 32.2, "lon": -110.9, "name": "Consulado", "address": "3915 E Broadway"})
    world.until(lambda: world.states(ana) == ["sent"])
    assert api.heard[-1]["PersistentAction"] == "geo:32.2,-110.9|Consulado"
    world.hears("", Latitude="32.2226", Longitude="-110.9747")
    assert world.said()[-1]["location"] == {"lat": 32.2226, "lon": -110.9747}
    url = f"{api.server.url}/media/1"
    world.hears("mi acta", NumMedia="1", MediaUrl0=url, MediaContentType0="image/jpeg")
    assert world.said()[-1]["file"]["kind"] == "image/jpeg"
    channel: Any = world.app.state.whatsapp.channel

    assert world.run(channel.fetch({"channel": "whatsapp", "url": url})) == b"picture"
    with pytest.raises(ValueError, match="kept where"):
        world.run(channel.fetch({"channel": "whatsapp", "url": "http://127.0.0.1:1/x"}))


def test_a_long_text_is_split(world: TwilioWorld, api: TwilioApi) -> None:
    ana = world.person()
    world.say(ana, "palabra " * 400)
    world.until(lambda: world.states(ana) == ["sent"])

    assert len(api.heard) == 2
    assert json.dumps(api.heard).count("palabra") == 400
