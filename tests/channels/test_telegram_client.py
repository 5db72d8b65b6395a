"""Calls to Telegram over real HTTP: what each way of failing means for the outbox."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from bot.channels.telegram.client import Telegram
from bot.logs import set_up
from bot.sender import Call, SendFailed, Sent
from bot.settings import Settings
from tests.channels.standins.server import Response
from tests.channels.standins.telegram import TOKEN, Fault, Refusal, TelegramStandIn

CHAT = 700000001
TEXT = Call("send_message", {"text": "hola"})


@pytest.fixture
def api() -> Iterator[TelegramStandIn]:
    with TelegramStandIn() as api:
        api.chats.add(CHAT)
        yield api


class Client:
    """The channel, used from a test."""

    def __init__(self, url: str, seconds: float = 5.0) -> None:
        self.settings = Settings(telegram_token=TOKEN, telegram_api_url=url, channel_seconds=seconds)
        self.moves: list[tuple[int, int]] = []

    def __call__(self, doing: str, *args: Any) -> Any:
        async def moved(old: int, new: int) -> None:
            self.moves.append((old, new))

        async def run() -> Any:
            channel = Telegram(self.settings, lambda key, language: key, moved)
            try:
                return await getattr(channel, doing)(*args)
            finally:
                await channel.close()

        return asyncio.run(run())

    def send(self, call: Call = TEXT, chat: int = CHAT) -> Sent:
        sent = self("send", {"chat": chat}, call, "reference")
        assert isinstance(sent, Sent)
        return sent

    def fails(self, call: Call = TEXT, chat: int = CHAT) -> SendFailed:
        with pytest.raises(SendFailed) as caught:
            self.send(call, chat)
        return caught.value


@pytest.fixture
def client(api: TelegramStandIn) -> Client:
    return Client(api.url, seconds=0.5)


def test_what_is_accepted_has_an_id(api: TelegramStandIn, client: Client) -> None:
    sent = client.send()

    assert sent.external_id == f"{CHAT}:{api.accepted[CHAT][0].message_id}"
    assert api.texts(CHAT) == ["hola"]


@pytest.mark.parametrize(
    ("fault", "outcome", "more"),
    [
        (Fault(Refusal(429, "Too Many Requests: retry after 30", retry_after=30)), "wait", {"after": 30.0, "whole": True}),
        (Fault(Refusal(429, "Too Many Requests", retry_after=0.2)), "wait", {"after": 0.2, "whole": True}),
        (Fault(Refusal(429, "Too Many Requests: retry later")), "wait", {"after": 1.0, "whole": True}),
        (Fault(Refusal(403, "Forbidden: bot was blocked by the user")), "failed", {"unreachable": True}),
        (Fault(Refusal(403, "Forbidden: user is deactivated")), "failed", {"unreachable": True}),
        (Fault(Refusal(403, "Forbidden: bot can't initiate conversation with a user")), "failed", {"unreachable": True}),
        (Fault(Refusal(400, "Bad Request: chat not found")), "failed", {"unreachable": True}),
        (Fault(Refusal(400, "Bad Request: message is too long")), "failed", {"unreachable": False}),
        (Fault(Refusal(413, "Request Entity Too Large")), "failed", {"unreachable": False}),
        (Fault(Refusal(401, "Unauthorized")), "channel_down", {}),
        (Fault(Refusal(404, "Not Found")), "channel_down", {}),
        (Fault(Refusal(409, "Conflict: terminated by other getUpdates request")), "channel_down", {}),
        (Fault(Refusal(500, "Internal Server Error")), "retry", {"doubtful": True}),
        (Fault(response=Response(502, b"<html>Bad Gateway</html>")), "unknown", {}),
        (Fault(response=Response(200, b"<html>")), "unknown", {}),
        (Fault(response=Response(200, b'{"ok":true,"result":{"mess', cut=9)), "unknown", {}),
        (Fault(accepted=True), "unknown", {}),
        (Fault(accepted=True, after=25.0), "unknown", {"code": "timeout"}),
    ],
)
def test_each_way_of_failing_has_its_outcome(
    api: TelegramStandIn, client: Client, fault: Fault, outcome: str, more: dict[str, Any]
) -> None:
    api.faults["sendMessage"].append(fault)
    failure = client.fails()

    assert failure.outcome == outcome
    assert {key: getattr(failure, key) for key in more} == more
    assert len(api.accepted[CHAT]) == (1 if fault.accepted else 0)


def test_a_call_that_reaches_nobody_was_certainly_not_sent() -> None:
    failure = Client("http://127.0.0.1:9").fails()

    assert (failure.outcome, failure.code) == ("retry", "unreached")


def test_a_form_that_is_refused_goes_plainly_with_its_buttons_and_at_last_without(api: TelegramStandIn, client: Client) -> None:
    from bot.channels.telegram.render import calls
    from bot.sender import Rendered

    (call,) = calls(Rendered("a < b", "es", buttons=[{"title": "Sí", "short": "Sí", "payload": "p"}]), lambda key: key)
    api.faults["sendMessage"].append(Fault(Refusal(400, "Bad Request: can't parse entities: unexpected end tag")))
    client.send(call)
    api.faults["sendMessage"] += [
        Fault(Refusal(400, "Bad Request: can't parse entities")),
        Fault(Refusal(400, "Bad Request: BUTTON_DATA_INVALID")),
    ]
    client.send(call)

    plain, bare = api.accepted[CHAT]
    assert (plain.text, len(plain.buttons), "parse_mode" in plain.fields) == ("a < b", 1, False)
    assert (bare.text, bare.buttons) == ("a < b", [])


def test_a_chat_with_a_new_id_takes_its_conversation_along(api: TelegramStandIn, client: Client) -> None:
    api.faults["sendMessage"].append(Fault(Refusal(400, "Bad Request: group chat was upgraded", migrate_to_chat_id=-1001)))

    assert (client.fails().outcome, client.moves) == ("retry", [(CHAT, -1001)])


def test_a_picture_of_ours_goes_up_and_one_of_others_is_named(
    api: TelegramStandIn, client: Client, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "card-es.png").write_bytes(b"\x89PNG\r\n\x1a\nours")
    monkeypatch.setattr("bot.cards.FOLDER", tmp_path)
    client.send(Call("send_photo", {"photo": f"{client.settings.url}/static/card-es.png", "caption": "Mi tarjeta"}))
    client.send(Call("send_photo", {"photo": "https://elsewhere.example/card-es.png", "caption": "Otra"}))

    ours, theirs = api.accepted[CHAT]
    assert (ours.fields["photo"], ours.text) == (b"\x89PNG\r\n\x1a\nours", "Mi tarjeta")
    assert theirs.fields["photo"] == "https://elsewhere.example/card-es.png"


def test_a_file_is_fetched_and_a_card_needs_no_fetching(api: TelegramStandIn, client: Client) -> None:
    api.files["photos/1.jpg"] = b"\xff\xd8picture"

    assert client("fetch", {"file_id": "photos/1.jpg"}) == b"\xff\xd8picture"
    assert client("fetch", {"vcard": "BEGIN:VCARD"}) == b"BEGIN:VCARD"
    with pytest.raises(SendFailed):
        client("fetch", {"file_id": "gone"})


def test_a_file_that_is_too_big_is_not_fetched(api: TelegramStandIn, client: Client) -> None:
    big = {"ok": True, "result": {"file_id": "f", "file_unique_id": "u", "file_size": 21_000_000, "file_path": "f"}}
    api.faults["getFile"].append(Fault(response=Response.json(big)))

    with pytest.raises(ValueError, match="too big"):
        client("fetch", {"file_id": "f"})


def test_no_token_comes_into_a_log(api: TelegramStandIn, client: Client, capfd: pytest.CaptureFixture[str]) -> None:
    before = logging.getLogger().handlers[:]
    try:
        set_up("DEBUG")
        client.send()
        api.faults["sendMessage"] += [Fault(response=Response(502, b"<html>")), Fault(response=Response(404, b"<html>"))]
        client.fails()
        client.fails()
        logging.getLogger("orienta.test").error("so it reads")
    finally:
        logging.getLogger().handlers[:] = before

    told = capfd.readouterr().err
    assert "so it reads" in told
    assert TOKEN not in told
    assert str(CHAT) not in told


def test_updates_come_as_they_are(api: TelegramStandIn, client: Client, tmp_path: Path) -> None:
    odd = {"update_id": 5, "message": {"nothing": "of the kind"}}
    api.push(odd)

    assert client("updates", 0, 0) == [odd]
    assert client("updates", 6, 0) == []
    assert api.acknowledged == [5]
