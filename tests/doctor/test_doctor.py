"""The doctor names each thing that is wrong, tells nothing that is secret, and changes nothing unasked."""

from __future__ import annotations

import asyncio
import json
import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from bot.channels.telegram.client import ALLOWED
from bot.channels.whatsapp.signature import is_metas
from bot.doctor import Finding, here, public, telegram, whatsapp
from bot.doctor.__main__ import main
from bot.settings import ROOT, Settings
from bot.store.crypto import Keys
from bot.store.database import Database
from tests.channels.standins.server import Request, Response, Server
from tests.channels.standins.telegram import TelegramStandIn

NUMBER, TOKEN, SECRET, VERIFY, ACCOUNT = "1065", "token-of-the-test", "app-secret-of-the-test", "verify-word", "2030"
TELEGRAM_SECRET = "telegram-secret-of-the-test"


class World:
    """Meta's and Twilio's side, and our own service, on one port.

    Attributes:
        meta: what Meta answers, by path.
        app_secret, verify_token, telegram_secret: what our service was started with.
        careless: our webhook takes whatever comes.
    """

    def __init__(self) -> None:
        self.meta: dict[str, Any] = {
            NUMBER: {"display_phone_number": "+1 202-555-0100", "verified_name": "Orienta", "quality_rating": "GREEN"},
            "debug_token": {"data": token()},
            f"{ACCOUNT}/subscribed_apps": {"data": [{"whatsapp_business_api_data": {"id": "1"}}]},
            f"{ACCOUNT}/message_templates": {"data": [template("es_MX"), template("en_US")]},
        }
        self.app_secret, self.verify_token, self.telegram_secret = SECRET, VERIFY, TELEGRAM_SECRET
        self.careless = False
        self.twilio: dict[str, Any] = {"status": "active"}
        self.server = Server(self._handle)

    @property
    def url(self) -> str:
        return self.server.url

    async def _handle(self, request: Request) -> Response:
        if request.path == "/healthz":
            return Response(body=b"ok\n")
        if request.path == "/webhooks/telegram":
            right = request.headers.get("x-telegram-bot-api-secret-token") == self.telegram_secret
            return Response(200 if right or self.careless else 403)
        if request.path == "/webhooks/whatsapp" and request.method == "GET":
            right = request.query["hub.verify_token"] == self.verify_token
            return Response(200, request.query["hub.challenge"].encode()) if right else Response(403)
        if request.path == "/webhooks/whatsapp":
            right = is_metas(request.body, request.headers["x-hub-signature-256"], self.app_secret)
            return Response(200 if right or self.careless else 403)
        if request.path.startswith("/2010-04-01/"):
            return Response.json(self.twilio, 200 if "status" in self.twilio else 401)
        if request.headers.get("authorization") != f"Bearer {TOKEN}":
            return Response.json({"error": {"code": 190, "message": "+12025550100"}}, 401)
        path = request.path.removeprefix("/v25.0/")
        return Response.json(self.meta[path], 400 if "error" in self.meta[path] else 200)


def token(**changes: Any) -> dict[str, Any]:
    grants = [{"scope": scope, "target_ids": [ACCOUNT]} for scope in whatsapp.SCOPES]
    return {"is_valid": True, "scopes": sorted(whatsapp.SCOPES), "expires_at": 0, "granular_scopes": grants, **changes}


def template(language: str, **changes: Any) -> dict[str, Any]:
    return {"name": "answer_waiting", "language": language, "status": "APPROVED", "category": "UTILITY", **changes}


@pytest.fixture
def world() -> Iterator[World]:
    world = World()
    yield world
    world.server.stop()


@pytest.fixture
def api() -> Iterator[TelegramStandIn]:
    with TelegramStandIn() as api:
        yield api


@pytest.fixture(autouse=True)
def clean(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in Settings.model_fields:
        monkeypatch.delenv(name.upper(), raising=False)


def run(doing: Callable[[httpx.AsyncClient], Any]) -> list[Finding]:
    async def it() -> list[Finding]:
        async with httpx.AsyncClient(timeout=5, trust_env=False) as http:
            found: list[Finding] = await doing(http)
            return found

    return asyncio.run(it())


def wrong(found: list[Finding]) -> list[str]:
    return [finding.says for finding in found if finding.kind == "wrong"]


# --- Telegram


def with_telegram(world: World, api: TelegramStandIn, tmp_path: Path, **changes: Any) -> Settings:
    given = {"telegram_token": api.token, "telegram_api_url": api.url, "telegram_secret": TELEGRAM_SECRET, "public_url": world.url}
    return Settings(data_dir=tmp_path, **(given | changes))


def test_telegrams_webhook_is_set_and_then_nothing_is_wrong(
    world: World, api: TelegramStandIn, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(telegram, "PORTS", (int(world.url.rsplit(":", 1)[1]),))
    settings = with_telegram(world, api, tmp_path)
    assert wrong(run(lambda http: telegram.look(settings, http))) == ["No webhook is set."]
    assert api.webhook is None
    found = run(lambda http: telegram.look(settings, http, set_webhook=True))
    assert api.webhook is not None
    assert (api.webhook.url, api.webhook.secret, api.webhook.allowed) == (f"{world.url}/webhooks/telegram", TELEGRAM_SECRET, ALLOWED)
    assert {finding.kind for finding in found} == {"ok"}


def test_a_port_that_telegram_does_not_call(world: World, api: TelegramStandIn, tmp_path: Path) -> None:
    settings = with_telegram(world, api, tmp_path)
    assert "Telegram does not call that port." in wrong(run(lambda http: telegram.look(settings, http)))


def test_a_wrong_token_is_named_and_not_told(world: World, api: TelegramStandIn, tmp_path: Path) -> None:
    settings = with_telegram(world, api, tmp_path, telegram_token="123:not-the-token")
    found = run(lambda http: telegram.look(settings, http))
    assert wrong(found) == ["Telegram does not know this token."]
    assert "not-the-token" not in str(found)


def test_nobody_there_is_told_without_the_address(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path, telegram_token="123:secret-token", telegram_api_url="http://127.0.0.1:9")
    found = run(lambda http: telegram.look(settings, http))
    assert wrong(found) == ["Telegram cannot be reached (ConnectError)."]
    assert "secret-token" not in str(found)


@pytest.mark.parametrize(
    ("secret", "careless", "says"),
    [
        ("other", False, "What runs at PUBLIC_URL has another secret."),
        (TELEGRAM_SECRET, True, "Our webhook does not refuse a wrong secret (status 200)."),
    ],
)
def test_our_webhook_with_telegrams_secret(
    world: World, api: TelegramStandIn, tmp_path: Path, secret: str, careless: bool, says: str
) -> None:
    world.telegram_secret, world.careless = secret, careless
    assert says in wrong(run(lambda http: telegram.look(with_telegram(world, api, tmp_path), http)))


def test_the_secret_is_the_one_that_the_service_makes(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path)
    assert telegram.secret(settings) is None
    assert not settings.keys_path.exists()
    keys = Keys.from_file(settings.keys_path)
    assert telegram.secret(settings) == keys.hash("telegram", "webhook").hex()


def test_without_an_address_a_webhook_is_only_worth_a_word(api: TelegramStandIn, tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path, telegram_token=api.token, telegram_api_url=api.url)
    assert {finding.kind for finding in run(lambda http: telegram.look(settings, http))} == {"ok"}


def test_no_token_is_no_fault(tmp_path: Path) -> None:
    (finding,) = run(lambda http: telegram.look(Settings(data_dir=tmp_path), http))
    assert finding.kind == "off"


# --- WhatsApp


def with_meta(world: World, tmp_path: Path, **changes: Any) -> Settings:
    given: dict[str, Any] = {
        "whatsapp_phone_number_id": NUMBER,
        "whatsapp_token": TOKEN,
        "whatsapp_app_secret": SECRET,
        "whatsapp_verify_token": VERIFY,
        "whatsapp_api_url": f"{world.url}/v25.0",
        "public_url": world.url,
    }
    return Settings(data_dir=tmp_path, **(given | changes))


def test_a_number_where_all_is_right(world: World, tmp_path: Path) -> None:
    found = run(lambda http: whatsapp.look(with_meta(world, tmp_path), http))
    assert {finding.kind for finding in found} == {"ok"}
    assert len(found) == 4  # the number, two templates, our webhook


def change(path: str, value: Any) -> Callable[[World], None]:
    return lambda world: world.meta.update({path: value})


@pytest.mark.parametrize(
    ("break_it", "says"),
    [
        (change(NUMBER, {"error": {"code": 100}}), "Meta does not know WHATSAPP_PHONE_NUMBER_ID."),
        (change(NUMBER, {"error": {"code": 10}}), "The token may not use this number."),
        (change(NUMBER, {"error": {"code": 131031, "message": "+12025550100"}}), "Meta refuses (code 131031)."),
        (change("debug_token", {"data": token(scopes=["whatsapp_business_messaging"])}), "The token lacks whatsapp_business_management."),
        (change("debug_token", {"data": token(expires_at=time.time() + 3600)}), "The token ends within a week."),
        (change("debug_token", {"data": token(is_valid=False)}), "Meta says that the token is not valid."),
        (change(f"{ACCOUNT}/subscribed_apps", {"data": []}), "No app is subscribed to the WhatsApp account: nothing arrives."),
        (change(f"{ACCOUNT}/message_templates", {"data": [template("es_MX")]}), "Template answer_waiting is missing in en_US."),
        (
            change(f"{ACCOUNT}/message_templates", {"data": [template("es_MX", status="REJECTED"), template("en_US")]}),
            "Template answer_waiting in es_MX is rejected.",
        ),
        (
            change(f"{ACCOUNT}/message_templates", {"data": [template("es_MX"), template("en_US", category="MARKETING")]}),
            "Template answer_waiting in en_US is filed as marketing.",
        ),
        (lambda world: setattr(world, "app_secret", "other"), "What runs at PUBLIC_URL has another app secret."),
        (lambda world: setattr(world, "verify_token", "other"), "Our webhook does not answer Meta's handshake."),
        (lambda world: setattr(world, "careless", True), "Our webhook takes a wrong signature."),
    ],
)
def test_what_is_wrong_with_a_number_is_named(world: World, tmp_path: Path, break_it: Callable[[World], None], says: str) -> None:
    break_it(world)
    found = run(lambda http: whatsapp.look(with_meta(world, tmp_path), http))
    assert wrong(found) == [says]
    assert all(secret not in str(found) for secret in (TOKEN, SECRET, VERIFY, "2025550100"))


def test_a_token_that_has_ended(world: World, tmp_path: Path) -> None:
    found = run(lambda http: whatsapp.look(with_meta(world, tmp_path, whatsapp_token="old"), http))
    assert wrong(found) == ["Meta does not take the token: it is wrong or has ended."]


def test_what_is_missing_is_named_by_its_setting(world: World, tmp_path: Path) -> None:
    settings = with_meta(world, tmp_path, whatsapp_app_secret=None, public_url=None)
    found = wrong(run(lambda http: whatsapp.look(settings, http)))
    assert found == ["WHATSAPP_APP_SECRET is not set.", "Without PUBLIC_URL nothing arrives."]


@pytest.mark.parametrize(("provider", "word"), [("meta", "Configuration"), ("twilio", "A message comes in")])
def test_the_webhook_that_nobody_can_set_is_explained(world: World, tmp_path: Path, provider: str, word: str) -> None:
    settings = with_meta(world, tmp_path, whatsapp_provider=provider, twilio_account_sid="AC1")
    found = run(lambda http: whatsapp.look(settings, http, set_webhook=True))
    assert any(word in finding.do and f"{world.url}/webhooks/whatsapp" in finding.do for finding in found)


@pytest.mark.parametrize(
    ("answer", "content", "says"),
    [
        ({"status": "active"}, "HX12", []),
        ({"status": "suspended"}, "HX12", ["Twilio says that the account is not active."]),
        ({}, "HX12", ["Twilio does not take account and token."]),
        ({"status": "active"}, "answer_waiting", ["WHATSAPP_TEMPLATE is no content id of Twilio's."]),
    ],
)
def test_twilio(world: World, tmp_path: Path, answer: dict[str, Any], content: str, says: list[str]) -> None:
    world.twilio = answer
    settings = Settings(
        data_dir=tmp_path,
        public_url="https://orienta.example.org",
        whatsapp_provider="twilio",
        twilio_account_sid="AC1",
        twilio_auth_token="secret",
        twilio_from="+12025550100",
        twilio_api_url=world.url,
        whatsapp_template=content,
    )
    assert wrong(run(lambda http: whatsapp.look(settings, http))) == says


# --- the address


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("http://orienta.example.org", "PUBLIC_URL is no https:// address."),
        ("orienta.example.org", "PUBLIC_URL is no https:// address."),
        ("https://orienta.example.org/chat", "PUBLIC_URL has more than a host in it."),
        ("https://192.168.1.5", "PUBLIC_URL is an address of this network only."),
        ("https://orienta", "PUBLIC_URL is an address of this network only."),
    ],
)
def test_an_address_that_cannot_work(url: str, says: str) -> None:
    assert public._form(url).says == says


def test_an_address_that_can() -> None:
    assert public._form("https://orienta.example.org/").kind == "ok"


def test_something_else_answers(world: World, tmp_path: Path) -> None:
    found = run(lambda http: public.look(Settings(data_dir=tmp_path, public_url=f"{world.url}/v25.0/x"), http))
    assert "At PUBLIC_URL something else answers (status 401)." in wrong(found)
    assert "The service answers at PUBLIC_URL." in [f.says for f in run(lambda http: public.look(Settings(public_url=world.url), http))]


# --- this machine


def on_this_machine(settings: Settings) -> dict[str, Finding]:
    """The last finding on each subject."""
    return {finding.about: finding for finding in here.look(settings)}


def test_a_new_machine_is_looked_at_and_left_as_it_is(tmp_path: Path) -> None:
    folder = tmp_path / "var"
    found = on_this_machine(Settings(data_dir=folder))
    assert (found["keys"].kind, found["database"].kind, found["content"].kind) == ("note", "note", "ok")
    assert not folder.exists()


def test_keys_and_database_in_order(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path)
    Keys.from_file(settings.keys_path)
    database = Database(settings.database)
    database.migrate()
    database.close()
    found = on_this_machine(settings)
    assert (found["keys"].kind, found["database"].kind) == ("ok", "ok")
    settings.keys_path.chmod(0o644)
    assert on_this_machine(settings)["keys"].says == "Others on this machine can read the keys file."
    settings.keys_path.chmod(0o600)
    settings.keys_path.write_text(json.dumps({"active": "x"}))
    assert on_this_machine(settings)["keys"].kind == "wrong"


def test_a_database_that_is_none(tmp_path: Path) -> None:
    (tmp_path / "db").mkdir()
    (tmp_path / "db" / "orienta.db").write_bytes(b"not a database, " * 100)
    assert on_this_machine(Settings(data_dir=tmp_path))["database"].kind == "wrong"


def test_content_that_does_not_pass_is_named(tmp_path: Path) -> None:
    data = tmp_path / "data"
    shutil.copytree(ROOT / "data", data, ignore=shutil.ignore_patterns("nlu", "places"))
    (data / "knowledge" / "help.yml").unlink()
    found = list(here.look(Settings(data_dir=tmp_path, content_dir=data)))
    assert "knowledge/help.yml is missing." in wrong(found)


def test_a_voice_model_that_is_none(tmp_path: Path) -> None:
    assert on_this_machine(Settings(data_dir=tmp_path, voice_model=tmp_path))["voice"].kind == "wrong"
    assert on_this_machine(Settings(data_dir=tmp_path))["voice"].kind == "off"


# --- the command


def test_the_exit_code_tells(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("DATA_DIR", str(tmp_path))
    assert main([]) == 0
    assert "Nothing is wrong." in capsys.readouterr().out
    monkeypatch.setenv("ALERT_EMAIL", "desk@example.org")
    assert main([]) == 1
    out = capsys.readouterr().out
    assert "wrong  alerts     ALERT_EMAIL is set and SMTP_URL is not." in out
    assert "1 to put right." in out
    monkeypatch.setenv("TELEGRAM_SECRET", "no blanks here")
    assert main([]) == 1
    out = capsys.readouterr().out
    assert "TELEGRAM_SECRET" in out
    assert "no blanks here" not in out
