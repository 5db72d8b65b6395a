"""What is served beside the API: the rights card with its right types, and nothing that was not meant to be."""

from __future__ import annotations

import asyncio
from pathlib import Path

import httpx
import pytest
from fastapi import FastAPI

from bot import cards
from bot.web import pages


def get(path: str) -> httpx.Response:
    app = FastAPI()
    app.include_router(pages.router)

    async def call() -> httpx.Response:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://orienta") as client:
            return await client.get(path)

    return asyncio.run(call())


@pytest.mark.parametrize(("name", "kind"), [("card-es.png", "image/png"), ("card-en.pdf", "application/pdf")])
def test_the_card_has_its_type(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, kind: str) -> None:
    monkeypatch.setattr(cards, "FOLDER", tmp_path)
    (tmp_path / name).write_bytes(b"card")
    answer = get(f"/static/{name}")
    assert (answer.status_code, answer.headers["content-type"], answer.content) == (200, kind, b"card")


@pytest.mark.parametrize("path", ["/static/card-fr.png", "/static/..%2Fcard-es.png", "/static/chat.html", "/static/sha256", "/static/.png"])
def test_other_names_are_not_there(path: str) -> None:
    assert get(path).status_code == 404
