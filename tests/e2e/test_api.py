"""The chat API: every bad request has a status, a code and a sentence; nothing is lost or executed."""

from __future__ import annotations

import json
import uuid
from typing import Any

import httpx
import pytest

from tests.e2e.running import RunningService


def message(**fields: Any) -> dict[str, Any]:
    return {"id": str(uuid.uuid4()), **fields}


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        (message(text=""), 422, "empty"),
        (message(text=" \n\t "), 422, "empty"),
        (message(text="\x01\x02"), 422, "empty"),
        (message(), 422, "bad_request"),
        (message(text="hola", payload="x"), 422, "bad_request"),
        (message(text="hola", unknown=1), 422, "bad_request"),
        (message(text=1), 422, "bad_request"),
        (message(text=None), 422, "bad_request"),
        ({"text": "hola"}, 422, "bad_request"),
        ({"id": "no uuid", "text": "hola"}, 422, "bad_request"),
        (message(location={"lat": 91, "lon": 0}), 422, "bad_request"),
        (message(location={"lat": "here", "lon": 0}), 422, "bad_request"),
        (message(payload="never offered"), 422, "unknown_button"),
        (message(text="x" * 20_001), 413, "too_long"),
        (message(text="x" * 200_000), 413, "too_long"),
        ([], 422, "bad_request"),
        ("hola", 422, "bad_request"),
    ],
)
def test_bad_messages(service: RunningService, body: Any, status: int, code: str) -> None:
    person = service.chat(language="es")
    answer = person.http.post("/api/chat/messages", json=body)

    assert (answer.status_code, answer.json()["error"]["code"]) == (status, code)
    assert answer.json()["error"]["message"]
    person.look()
    assert person.transcript == []


@pytest.mark.parametrize("body", [b"{", b"\xff\xfe", b"[" * 100_000, b'{"id": "a", "id"'])
def test_bodies_that_are_no_json(service: RunningService, body: bytes) -> None:
    answer = service.chat().http.post("/api/chat/messages", content=body)

    assert answer.status_code == 400


def test_the_sentence_is_in_the_sessions_language(service: RunningService) -> None:
    spanish = service.chat(language="es").http.post("/api/chat/messages", json=message(text="")).json()
    english = service.chat(language="en").http.post("/api/chat/messages", json=message(text="")).json()

    assert spanish["error"]["message"] != english["error"]["message"]
    assert "vacío" in spanish["error"]["message"]


@pytest.mark.parametrize("headers", [{}, {"Authorization": "Bearer wrong"}, {"Authorization": "Basic eDp5"}])
def test_without_a_session_nothing_is_told(service: RunningService, headers: dict[str, str]) -> None:
    for method, path in (("GET", "messages"), ("POST", "messages"), ("GET", "stream"), ("POST", "exit"), ("DELETE", "session")):
        assert httpx.request(method, f"{service.url}/api/chat/{path}", headers=headers).status_code == 401


def test_a_repeated_message_is_one_message(service: RunningService) -> None:
    person = service.chat(language="es")
    first = message(text="hola buenas tardes")
    for body in (first, first, {**first, "text": "otra cosa"}):
        assert person.http.post("/api/chat/messages", json=body).status_code == 202
    person.hears(first["id"])
    person.says("gracias")

    said = [m for m in person.transcript if m["id"] == first["id"]]
    assert [m["text"] for m in said] == ["hola buenas tardes"]


def test_equal_ids_in_two_sessions(service: RunningService) -> None:
    one, other = service.chat(language="es"), service.chat(language="es")
    shared = str(uuid.uuid4())
    one.send(id=shared, text="quiero un pasaporte")
    other.send(id=shared, text="hola buenas tardes")

    assert one.hears(shared)[0]["topic"] == "documents"
    assert other.hears(shared)[0]["topic"] == "greet"


def test_lone_surrogates_and_nul_are_replaced_and_hurt_no_neighbour(service: RunningService) -> None:
    person = service.chat(language="es")
    odd, good = str(uuid.uuid4()), str(uuid.uuid4())
    raw = json.dumps({"id": odd, "text": "hola \ud800 a\u0000b"}).encode()
    assert person.http.post("/api/chat/messages", content=raw).status_code == 202
    person.send(id=good, text="gracias")
    person.hears(good)

    kept = next(m for m in person.transcript if m["id"] == odd)
    assert kept["text"] == "hola \ufffd a\ufffdb"


def test_the_cursor_reads_on_and_from_the_beginning(service: RunningService) -> None:
    person = service.chat(language="es")
    person.says("hola")
    whole = person.http.get("/api/chat/messages").json()
    rest = person.http.get("/api/chat/messages", params={"after": whole["cursor"]}).json()

    assert whole["messages"][0]["author"] == "user"
    assert rest == {"messages": [], "cursor": whole["cursor"]}
    assert person.http.get("/api/chat/messages", params={"after": ""}).json() == whole
    for odd in ({"after": "x"}, {"after": "-1"}, {"wait": "x"}, {"wait": "31"}, {"wait": "nan"}):
        assert person.http.get("/api/chat/messages", params=odd).status_code == 422


def test_the_stream_gives_the_same_messages_and_goes_on_where_it_ended(service: RunningService) -> None:
    person = service.chat(language="es")
    sent = person.send(text="hola")
    person.hears(sent)
    events: list[tuple[str, dict[str, Any]]] = []
    with person.http.stream("GET", "/api/chat/stream", headers={"Last-Event-ID": "1"}) as stream:
        cursor = ""
        for line in stream.iter_lines():
            if line.startswith("id: "):
                cursor = line[4:]
            if line.startswith("data: ") and cursor:
                events.append((cursor, json.loads(line[6:])))
                break

    assert events[0][1] == person.transcript[1]
    assert events[0][0] == "2"


def test_exit_ends_the_session_and_erase_too(service: RunningService) -> None:
    leaving, erasing = service.chat(), service.chat()

    assert leaving.http.post("/api/chat/exit").status_code == 204
    assert leaving.http.get("/api/chat/messages").status_code == 401
    assert erasing.http.delete("/api/chat/session").status_code == 204
    assert erasing.http.delete("/api/chat/session").status_code == 401


def test_other_sites_may_embed_the_chat(service: RunningService) -> None:
    asked = httpx.options(
        f"{service.url}/api/chat/messages",
        headers={
            "Origin": "https://example.org",
            "Access-Control-Request-Method": "POST",
            "Access-Control-Request-Headers": "authorization",
        },
    )

    assert asked.headers["access-control-allow-origin"] == "*"
    assert "access-control-allow-credentials" not in asked.headers
    assert asked.headers["access-control-max-age"] == "7200"


def test_no_page_loads_anything_from_elsewhere(service: RunningService) -> None:
    for path in ("/", "/chat", "/api/docs"):
        page = httpx.get(f"{service.url}{path}")
        assert page.status_code == 200
        for attribute in ('src="http', "src='http", 'href="http://', 'link href="http', "cdn."):
            assert attribute not in page.text.replace(service.url, "")


def test_health_and_figures(service: RunningService) -> None:
    assert httpx.get(f"{service.url}/healthz").status_code == 200
    assert httpx.get(f"{service.url}/readyz").json()["ready"] is True
    figures = httpx.get(f"{service.url}/metrics").text
    assert "orienta_workers_alive 2" in figures
    assert "orienta_messages_received_total" in figures
