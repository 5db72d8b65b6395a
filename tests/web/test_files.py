"""Uploads by the chat API: every limit, and that a file is seen by its own conversation only."""

from __future__ import annotations

import io
import time
import uuid
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from PIL import Image
from sqlalchemy import select

from bot.cases import queue
from bot.channels.web.files import FILE_BYTES
from bot.store import files
from bot.store.schema import file
from bot.web.service import Service
from tests.test_cleaning import SECRET, photo
from tests.web.conftest import Web


class Sender:
    """Somebody who chats, without a worker behind."""

    def __init__(self, http: httpx.Client) -> None:
        self.http = http
        opened = http.post("/api/chat/sessions", json={"language": "es"}).json()
        self.conversation = opened["conversation"]
        self.headers = {"Authorization": f"Bearer {opened['token']}"}

    def uploads(self, content: bytes, kind: str = "image/jpeg") -> Any:
        return self.http.post("/api/chat/files", content=content, headers={**self.headers, "Content-Type": kind})

    def sends(self, **message: Any) -> Any:
        return self.http.post("/api/chat/messages", json={"id": str(uuid.uuid4()), **message}, headers=self.headers)

    def hears(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.http.get("/api/chat/messages", headers=self.headers).json()["messages"]
        return [m for m in found if m["author"] == "user"]

    def opens(self, file_id: str) -> Any:
        return self.http.get(f"/api/chat/files/{file_id}", headers=self.headers)


@pytest.fixture
def http(web: Web) -> httpx.Client:
    return web.http


@pytest.fixture
def service(web: Web) -> Service:
    return web.service


def test_a_photo_is_kept_without_its_notes_and_shown_to_its_conversation_only(http: httpx.Client, service: Service) -> None:
    person, other = Sender(http), Sender(http)
    answer = person.uploads(photo())
    assert answer.status_code == 201
    file_id = answer.json()["file"]
    assert person.sends(file=file_id, text="esto me dieron").status_code == 202

    (message,) = person.hears()
    assert (message["text"], message["file"]["id"], message["file"]["kind"]) == ("esto me dieron", file_id, "image/jpeg")
    shown = person.opens(file_id)
    assert (shown.status_code, shown.headers["content-type"], len(shown.content)) == (200, "image/jpeg", message["file"]["size"])
    assert SECRET not in shown.content
    assert "sandbox" in shown.headers["content-security-policy"]
    assert shown.headers["cache-control"] == "no-store"
    with Image.open(io.BytesIO(shown.content)) as picture:
        assert picture.size == (48, 64)
    assert other.opens(file_id).status_code == 404
    assert http.get(f"/api/chat/files/{file_id}").status_code == 401
    with service.database.read() as c:
        sealed = c.execute(select(file.c.body)).scalar_one()
        assert queue.file(c, service.keys, queue.Scope("ana", "officer", None), file_id) is None  # no case, no officer
    assert b"JFIF" not in sealed
    assert not [p.name for p in service.settings.data_dir.rglob("*") if p.is_file() and b"JFIF" in p.read_bytes()]


def test_a_form_is_taken_too(http: httpx.Client) -> None:
    person = Sender(http)
    sent = http.post("/api/chat/files", files={"file": ("../../<b>.exe", photo("PNG"), "text/html")}, headers=person.headers)
    assert sent.status_code == 201
    assert person.sends(file=sent.json()["file"]).status_code == 202
    (message,) = person.hears()
    assert (message["text"], message["file"]["kind"]) == ("", "image/png")  # told by its content, whatever its name says


@pytest.mark.parametrize(
    ("content", "kind", "status", "code"),
    [
        (b"hola", "image/jpeg", 415, "wrong_kind"),
        (b"", "image/jpeg", 415, "wrong_kind"),
        (b"GIF89a" + b"0" * 99, "image/png", 415, "wrong_kind"),
        (photo()[:300], "image/jpeg", 422, "broken_file"),
        (b"--x\r\nContent-Disposition: form-data; name=other\r\n\r\nhola\r\n--x--", "multipart/form-data; boundary=x", 422, "broken_file"),
        (b"nothing", "multipart/form-data; boundary=x", 422, "broken_file"),
        (b"nothing", "multipart/form-data", 422, "broken_file"),
        (b"\xff\xd8\xff" + b"0" * FILE_BYTES, "image/jpeg", 413, "file_too_big"),
    ],
)
def test_whatever_is_wrong_has_its_answer(http: httpx.Client, content: bytes, kind: str, status: int, code: str) -> None:
    answer = Sender(http).uploads(content, kind)
    assert (answer.status_code, answer.json()["error"]["code"]) == (status, code)
    assert answer.json()["error"]["message"]


def test_the_limit_holds_whatever_the_length_is_said_to_be(http: httpx.Client) -> None:
    """Without a length, in pieces: no more than the limit is taken in, whatever would follow."""
    taken = 0

    def endless() -> Iterator[bytes]:
        nonlocal taken
        yield b"\xff\xd8\xff"
        while taken < 100 * 1024 * 1024:
            taken += 1024 * 1024
            yield b"0" * 1024 * 1024

    person = Sender(http)
    answer = http.post("/api/chat/files", content=endless(), headers={**person.headers, "Content-Type": "image/jpeg"})
    assert answer.status_code == 413


def test_a_file_is_sent_once_and_from_its_own_conversation(http: httpx.Client) -> None:
    person, other = Sender(http), Sender(http)
    file_id = person.uploads(photo()).json()["file"]

    assert other.sends(file=file_id).json()["error"]["code"] == "unknown_file"
    message = {"id": str(uuid.uuid4()), "file": file_id}
    for _ in range(2):  # the same message again is the same message
        assert http.post("/api/chat/messages", json=message, headers=person.headers).status_code == 202
    assert person.sends(file=file_id, text="otra vez").status_code == 422
    assert person.sends(file="f" * 32).status_code == 422
    assert person.sends(file=file_id, payload="x").status_code == 422
    assert len(person.hears()) == 1


def test_a_conversation_has_room_for_so_many_files(http: httpx.Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "FILES", 2)
    person = Sender(http)
    statuses = [person.uploads(photo()).status_code for _ in range(3)]
    assert statuses == [201, 201, 429]
    assert Sender(http).uploads(photo()).status_code == 201


def test_files_are_erased_with_the_rest(http: httpx.Client, service: Service) -> None:
    person = Sender(http)
    file_id = person.uploads(photo()).json()["file"]
    person.sends(file=file_id)
    assert http.delete("/api/chat/session", headers=person.headers).status_code == 204

    assert person.opens(file_id).status_code == 401
    assert person.uploads(photo()).status_code == 401
    with service.database.read() as c:
        assert c.execute(select(file.c.id)).all() == []


def test_what_only_a_channel_has_is_noted_and_can_be_kept_later(service: Service, http: httpx.Client) -> None:
    conversation, keys = Sender(http).conversation, service.keys
    remote = {"channel": "telegram", "file_id": "SECRETO"}
    with service.database.write() as c:
        shown = files.add_remote(c, keys, conversation, 1, {"kind": "image/jpeg", "size": 9, "remote": remote}, time.time())
    with service.database.read() as c:
        found = files.find(c, keys, shown["id"])
        assert SECRET not in c.execute(select(file.c.remote)).scalar_one()
    assert found is not None
    assert (found.data, found.remote) == (None, remote)
    fetched = files.seal(keys, "image/png", b"bytes", shown["id"])
    with service.database.write() as c:
        files.keep(c, fetched)
    with service.database.read() as c:
        found = files.find(c, keys, shown["id"])
    assert found is not None
    assert (found.data, found.kind, found.size) == (b"bytes", "image/png", 5)
