"""The rights card and a photo, through the running service."""

from __future__ import annotations

import io

import httpx
import pytest
from PIL import Image

from tests.e2e.running import RunningService

pytestmark = pytest.mark.service


def test_the_card_is_offered_shown_and_there(service: RunningService) -> None:
    person = service.chat(language="es")
    person.says("qué hago si la migra viene a mi casa")
    shown, read = person.presses("Tarjeta de derechos")
    assert "No abra la puerta." in shown["text"]
    assert "without a judge's warrant" in read["text"]
    picture = httpx.get(shown["image"]["url"])
    assert picture.headers["content-type"] == "image/png"
    assert len(picture.content) == shown["image"]["size"] <= 60_000
    assert Image.open(io.BytesIO(picture.content)).size == (1080, 1350)
    (link,) = [word for word in read["text"].split() if word.endswith(".pdf")]
    assert httpx.get(link).content.startswith(b"%PDF")


def test_the_chat_page_has_what_it_needs_without_a_line(service: RunningService) -> None:
    worker = httpx.get(f"{service.url}/orienta-sw.js")
    assert worker.headers["content-type"].startswith("text/javascript")
    for path in ("/chat", "/widget.js", "/static/page.css", "/static/icon.svg", "/static/chat.js"):
        assert f"'{path}'" in worker.text
        assert httpx.get(f"{service.url}{path}").status_code == 200


def test_a_photo_without_words_is_answered(service: RunningService) -> None:
    person = service.chat(language="en")
    out = io.BytesIO()
    Image.new("RGB", (40, 30)).save(out, "JPEG")
    sent = person.http.post("/api/chat/files", files={"file": ("file", out.getvalue(), "image/jpeg")})
    assert sent.status_code == 201
    (answer, *_) = person.hears(person.send(file=sent.json()["file"]))
    assert answer["author"] == "bot"
    assert "cannot read it" in answer["text"]
