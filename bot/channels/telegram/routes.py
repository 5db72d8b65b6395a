"""Telegram's webhook: a right secret, the update on disk, then 200."""

from __future__ import annotations

import hmac
import json
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse

from bot.channels.telegram.receiver import Receiver

router = APIRouter(prefix="/webhooks", tags=["webhooks"])

BODY_BYTES = 1024 * 1024
"""An update's body at the most; real ones have some kilobytes."""


@router.post("/telegram")
async def update(request: Request) -> JSONResponse:
    """One update. 200 once it is stored; 5xx only where it could not be, so that it comes again."""
    receiver: Receiver | None = request.app.state.telegram
    if receiver is None:
        return _refused(404, "not_configured")
    given = request.headers.get("x-telegram-bot-api-secret-token", "")
    if not hmac.compare_digest(given.encode(), receiver.secret.encode()):
        return _refused(403, "wrong_secret")
    body = bytearray()
    async for part in request.stream():
        body += part
        if len(body) > BODY_BYTES:
            return _refused(413, "too_long")
    await receiver.take(_parsed(bytes(body)))
    return JSONResponse({})


def _parsed(body: bytes) -> Any:
    """The body's JSON; as text where it is none: what the right sender sent is kept, whatever it is."""
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        return {"body": body.decode("utf-8", "replace")}


def _refused(status: int, code: str) -> JSONResponse:
    return JSONResponse({"error": {"code": code}}, status)
