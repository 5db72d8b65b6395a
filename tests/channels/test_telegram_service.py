"""The whole service over Telegram's real ways in and out: webhook and polling, faults of the API, processes killed in between."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import pytest

from bot.knowledge import load
from bot.settings import ROOT
from tests.channels.standins.telegram import TOKEN, Accepted, Fault, Refusal, TelegramStandIn
from tests.e2e.running import RunningService, eventually

ANA, BETO = 700000001, 700000002
CIAM = "520-623-7874"
SECRET = "a-secret_of-the-webhook"
KNOWLEDGE = load(ROOT / "data")


def _first_lines(topic: str) -> list[str]:
    its = KNOWLEDGE.topics[topic]
    return [answer.messages[0].es.splitlines()[0].partition("{")[0] for answer in (its, *its.facets)]


FIRST_LINES = {topic: _first_lines(topic) for topic in ("documents", "thank", "greet")}
"""By what an answer is known."""


@pytest.fixture
def api() -> Iterator[TelegramStandIn]:
    with TelegramStandIn() as api:
        yield api


def service_for(api: TelegramStandIn, folder: Path, way: str, **environment: str) -> RunningService:
    running = RunningService(folder, TELEGRAM_TOKEN=TOKEN, TELEGRAM_API_URL=api.url, CHANNEL_SECONDS="2", **environment)
    if way == "webhook":
        running.environment |= {"PUBLIC_URL": running.url, "TELEGRAM_SECRET": SECRET}
    return running.start()


@pytest.fixture(params=["webhook", "polling"])
def service(request: pytest.FixtureRequest, api: TelegramStandIn, tmp_path: Path) -> Iterator[RunningService]:
    running = service_for(api, tmp_path, request.param)
    yield running
    running.stop()


@pytest.fixture
def polling(api: TelegramStandIn, tmp_path: Path) -> Iterator[RunningService]:
    running = service_for(api, tmp_path, "polling")
    yield running
    running.stop()


def hears(api: TelegramStandIn, chat: int, words: str, after: int = 0) -> Accepted:
    """The first message to a chat that holds these words, waited for."""

    def found() -> Accepted | None:
        return next((sent for sent in api.accepted[chat][after:] if words in sent.text), None)

    sent: Accepted = eventually(found, f"nobody said {words!r}: {api.texts(chat)}")
    return sent


def topics_heard(api: TelegramStandIn, chat: int) -> list[str]:
    """What a chat was answered, by the topic of each text; texts of no topic of these are left out."""
    return [topic for text in api.texts(chat) for topic, lines in FIRST_LINES.items() if any(line in text for line in lines)]


def hears_of(api: TelegramStandIn, chat: int, topic: str, times: int = 1) -> None:
    eventually(lambda: topics_heard(api, chat).count(topic) >= times, f"not told of {topic}: {api.texts(chat)}")


def test_a_conversation_in_both_languages_with_place_button_and_person(service: RunningService, api: TelegramStandIn) -> None:
    api.says(ANA, "/start")
    hears(api, ANA, "Orienta")
    api.says(ANA, "llegó la migra a mi trabajo ahorita que hago")
    hears(api, ANA, CIAM)
    api.says(ANA, "and where is my consulate? I live in Yakima")
    hears(api, ANA, "Seattle")
    api.push(api.update(message=api.message(ANA, location={"latitude": 32.7767, "longitude": -96.797})))
    card = hears(api, ANA, "Dallas")
    eventually(lambda: any(sent.method == "sendVenue" for sent in api.accepted[ANA]), "no place on the map")
    assert card.fields["link_preview_options"] == {"is_disabled": True}
    api.press(ANA, "Talk to a person")
    case = hears(api, ANA, "Your case is")

    assert case.fields["protect_content"] is True
    assert "<" not in case.text.replace("<b>", "").replace("</b>", "")
    assert api.named("answerCallbackQuery")
    eventually(lambda: api.waiting == 0, "an update was not acknowledged")


def test_the_menu_and_the_way_in_are_set(service: RunningService, api: TelegramStandIn) -> None:
    eventually(lambda: len(api.commands) == 2, "no menu")
    names = {language: [command["command"] for command in menu] for language, menu in api.commands.items()}

    assert names == {"": names["en"], "en": ["start", "ayuda", "help", "idioma", "humano", "borrar"]}
    if service.environment.get("PUBLIC_URL"):
        eventually(lambda: api.webhook, "no webhook")
        assert api.webhook is not None
        assert (api.webhook.url, api.webhook.secret) == (f"{service.url}/webhooks/telegram", SECRET)
        assert api.webhook.allowed == ["message", "edited_message", "callback_query", "my_chat_member"]
        assert api.named("setWebhook")[0].get("drop_pending_updates") is not True
    else:
        assert api.webhook is None


def test_the_same_update_ten_times_at_once_is_answered_once(api: TelegramStandIn, tmp_path: Path) -> None:
    service = service_for(api, tmp_path, "webhook")
    try:
        update = api.update(message=api.message(ANA, text="quiero sacar mi pasaporte"))
        with httpx.Client() as http:
            from concurrent.futures import ThreadPoolExecutor

            def post(secret: str = SECRET) -> int:
                url = f"{service.url}/webhooks/telegram"
                return http.post(url, json=update, headers={"X-Telegram-Bot-Api-Secret-Token": secret}).status_code

            with ThreadPoolExecutor(10) as pool:
                assert list(pool.map(lambda _: post(), range(10))) == [200] * 10
            hears_of(api, ANA, "documents")
            assert post() == 200
            assert [post(wrong) for wrong in ("", "wrong", SECRET + "x", SECRET[:-1])] == [403] * 4
            assert http.post(f"{service.url}/webhooks/telegram", json=update).status_code == 403
            big = http.post(
                f"{service.url}/webhooks/telegram", content=b"x" * 1_200_000, headers={"X-Telegram-Bot-Api-Secret-Token": SECRET}
            )
            assert big.status_code == 413
        api.says(ANA, "muchas gracias por todo")
        hears_of(api, ANA, "thank")
        assert topics_heard(api, ANA) == ["documents", "thank"]
    finally:
        service.stop()


def test_without_a_token_there_is_no_webhook(tmp_path: Path) -> None:
    service = RunningService(tmp_path).start()
    try:
        answer = httpx.post(f"{service.url}/webhooks/telegram", json={}, headers={"X-Telegram-Bot-Api-Secret-Token": "x"})
        assert (answer.status_code, answer.json()["error"]["code"]) == (404, "not_configured")
    finally:
        service.stop()


def kill_web(service: RunningService) -> None:
    os.kill(service.pids()[0], signal.SIGKILL)


def asked(number: int) -> str:
    return f"quiero sacar mi pasaporte {number}"


def test_killed_while_asking_and_sending_nothing_is_lost_and_the_order_is_kept(polling: RunningService, api: TelegramStandIn) -> None:
    api.says(ANA, "hola buenas tardes")
    hears(api, ANA, "Orienta")
    people = [ANA + number for number in range(6)]
    for round_ in range(3):
        for chat in people:
            api.says(chat, asked(round_))
            api.says(chat, "muchas gracias por todo")
        time.sleep(0.15)
        kill_web(polling)
        eventually(lambda: len(polling.pids()) > 1 and polling.is_ready(), "web did not come back")

    def told(chat: int) -> list[str]:
        return _without_repetitions([topic for topic in topics_heard(api, chat) if topic != "greet"])

    for chat in people:
        eventually(partial(_has_all, told, chat), f"an answer is missing: {api.texts(chat)}")
    eventually(lambda: api.waiting == 0, "an update was not confirmed")
    for chat in people:
        assert told(chat) == ["documents", "thank"] * 3, api.texts(chat)


def _has_all(told: Callable[[int], list[str]], chat: int) -> bool:
    return len(told(chat)) >= 6


def _without_repetitions(topics: list[str]) -> list[str]:
    """A repetition of what came just before (a call whose outcome was unknown) counts once."""
    return [topic for number, topic in enumerate(topics) if number == 0 or topics[number - 1] != topic]


def test_too_fast_waits_as_long_as_it_is_told(polling: RunningService, api: TelegramStandIn) -> None:
    api.says(ANA, "hola buenas tardes")
    hears(api, ANA, "Orienta")
    api.faults["sendMessage"].append(Fault(Refusal(429, "Too Many Requests: retry after 3", retry_after=3)))
    calls = len(api.named("sendMessage"))
    began = time.monotonic()
    api.says(BETO, "muchas gracias por todo")
    eventually(lambda: len(api.named("sendMessage")) == calls + 1, "nobody tried")
    refused = time.monotonic()
    hears(api, BETO, "")

    assert time.monotonic() - refused >= 2.9  # the server's own demand, not a measure of speed
    assert refused >= began
    assert len(api.accepted[BETO]) == 1


def test_somebody_else_who_asks_with_the_same_token_is_outlasted(api: TelegramStandIn, tmp_path: Path) -> None:
    first = service_for(api, tmp_path, "polling", WORKERS="1")
    try:
        with httpx.Client() as http:  # a stranger with the same token asks in between
            http.post(f"{api.url}/bot{TOKEN}/getUpdates", params={"timeout": 0})
        api.says(ANA, "hola buenas tardes")
        hears(api, ANA, "Orienta")
        assert sum("Orienta" in text for text in api.texts(ANA)) == 1
    finally:
        first.stop()


def test_a_webhook_left_over_gives_way_to_asking(polling: RunningService, api: TelegramStandIn) -> None:
    from tests.channels.standins.telegram import Webhook

    api.webhook = Webhook("https://elsewhere.example/hook", "x", [])
    api.says(ANA, "hola buenas tardes")

    hears(api, ANA, "Orienta")
    assert api.webhook is None


def test_who_blocks_the_bot_gets_nothing_more_and_others_do(polling: RunningService, api: TelegramStandIn) -> None:
    api.says(ANA, "hola buenas tardes")
    hears(api, ANA, "Orienta")
    api.blocked.add(ANA)
    api.says(ANA, "muchas gracias por todo")
    api.says(BETO, "hola buenas tardes")

    hears(api, BETO, "Orienta")
    assert len(api.accepted[ANA]) == 1


def test_nothing_of_a_person_or_of_the_token_stands_in_any_output_or_file(service: RunningService, api: TelegramStandIn) -> None:
    api.says(ANA, "me llamo Zenaida Xochitl y detuvieron a mi esposo Nezahualpilli")
    hears(api, ANA, CIAM)
    api.faults["sendMessage"] += [Fault(Refusal(500, "Internal Server Error")), Fault(Refusal(400, f"Bad Request: chat {ANA} is odd"))]
    api.says(ANA, "hola buenas tardes otra vez Xochitl")
    eventually(lambda: not api.faults["sendMessage"], "nothing was sent")

    everything = service.output.read_bytes() + b"".join(p.read_bytes() for p in service.data_dir.rglob("*") if p.is_file())
    for secret in (b"Zenaida", b"Xochitl", b"Nezahualpilli", str(ANA).encode(), TOKEN.encode(), TOKEN.split(":")[1].encode()):
        assert secret not in everything


def test_danger_is_answered_by_telegram_also_with_all_workers_stopped(polling: RunningService, api: TelegramStandIn) -> None:
    api.says(ANA, "hola buenas tardes")
    hears(api, ANA, "Orienta")
    polling.kill_workers(signal.SIGSTOP)
    api.says(ANA, "la migra está tocando la puerta de mi casa")

    assert "911" in hears(api, ANA, CIAM, after=1).text


def degraded(service: RunningService) -> list[Any]:
    found: list[Any] = httpx.get(f"{service.url}/readyz").json()["degraded"]
    return found


def test_a_token_that_was_taken_back_is_told_and_everything_waits(api: TelegramStandIn, tmp_path: Path) -> None:
    service = service_for(api, tmp_path, "polling")
    try:
        api.says(ANA, "hola buenas tardes")
        hears(api, ANA, "Orienta")
        api.token = "7000000:another-token"
        eventually(lambda: any("telegram" in trouble for trouble in degraded(service)), "nobody was told")
        assert httpx.get(f"{service.url}/readyz").status_code == 200
        api.token = TOKEN
        api.says(ANA, "muchas gracias por todo")
        eventually(lambda: len(api.accepted[ANA]) == 2, "it did not go on")
        eventually(lambda: not degraded(service), "the trouble stayed")
    finally:
        service.stop()
