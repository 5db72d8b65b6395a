"""WhatsApp's webhook: a right signature, everything on disk, then 200. Thinking comes afterwards."""

from __future__ import annotations

import hashlib
import hmac
import json
import logging
from urllib.parse import parse_qsl

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, PlainTextResponse, Response
from sqlalchemy.exc import DBAPIError

from bot.channels.web.body import whole
from bot.channels.whatsapp import inbound, signature, twilio
from bot.channels.whatsapp.inbound import Item, Odd
from bot.channels.whatsapp.receiver import Receiver

log = logging.getLogger("orienta.whatsapp")

router = APIRouter(prefix="/webhooks", tags=["webhooks"])

BODY_BYTES = 4 * 1024 * 1024
"""A call's body at the most; WhatsApp's hold up to three megabytes."""
PATIENCE_BYTES = 8 * BODY_BYTES
"""What is read of a body that is too big, before the connection is closed."""


def _receiver(request: Request) -> Receiver | None:
    found: Receiver | None = request.app.state.whatsapp
    return found


@router.get("/whatsapp")
async def verify(request: Request) -> Response:
    """The handshake: the challenge comes back where the token is ours."""
    receiver = _receiver(request)
    if receiver is None:
        return _refused(404, "not_configured")
    token = receiver.service.settings.whatsapp_verify_token
    if not token:
        return _refused(503, "verify_token_missing")
    query = request.query_params
    right = hmac.compare_digest(query.get("hub.verify_token", "").encode(), token.encode())
    if query.get("hub.mode") != "subscribe" or not right:
        return _refused(403, "wrong_token")
    return PlainTextResponse(query.get("hub.challenge", ""))


@router.post("/whatsapp")
async def update(request: Request) -> Response:
    """Up to a thousand updates. 200 once all of them are stored; 5xx only where one could not be, so that they come again."""
    receiver = _receiver(request)
    if receiver is None:
        return _refused(404, "not_configured")
    settings = receiver.service.settings
    body = await _body(request)
    if body is None:
        return _refused(413, "too_long", {"Connection": "close"})
    if settings.whatsapp_provider == "twilio":
        return await _take_twilios(request, receiver, body)
    if not settings.whatsapp_app_secret:
        return _refused(503, "app_secret_missing")
    if not signature.is_metas(body, request.headers.get("x-hub-signature-256", ""), settings.whatsapp_app_secret):
        return _refused(403, "wrong_signature")
    return await _take(receiver, _read_metas(body, settings.whatsapp_phone_number_id), Response(status_code=200))


async def _take(receiver: Receiver, items: list[Item], done: Response) -> Response:
    try:
        await receiver.take(items)
    except (DBAPIError, OSError) as error:
        log.error("a webhook call could not be stored: %s", type(error).__name__)
        return _refused(503, "unavailable", {"Retry-After": "5"})
    return done


def _read_metas(body: bytes, number_id: str | None) -> list[Item]:
    try:
        return inbound.read(whole(json.loads(body)), number_id)
    except (ValueError, RecursionError):  # the right sender sent it: kept, whatever it is
        return [Odd(hashlib.sha256(body).hexdigest(), body.decode("utf-8", "replace"))]


async def _take_twilios(request: Request, receiver: Receiver, body: bytes) -> Response:
    settings = receiver.service.settings
    if not settings.twilio_auth_token:
        return _refused(503, "auth_token_missing")
    fields = parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True)
    called = settings.url.rstrip("/") + request.url.path + (f"?{request.url.query}" if request.url.query else "")
    if not signature.is_twilios(called, fields, request.headers.get("x-twilio-signature", ""), settings.twilio_auth_token):
        return _refused(403, "wrong_signature")
    items = twilio.read(whole(dict(fields)), request.query_params.get("delivery"))
    return await _take(receiver, items, Response("<Response/>", media_type="text/xml"))


async def _body(request: Request) -> bytes | None:
    """The body as it came; None where it is over the limit. What is over is read and dropped, so that the answer is heard."""
    body, size = bytearray(), 0
    async for part in request.stream():
        size += len(part)
        if size > PATIENCE_BYTES:
            return None
        if size <= BODY_BYTES:
            body += part
    return bytes(body) if size <= BODY_BYTES else None


def _refused(status: int, code: str, headers: dict[str, str] | None = None) -> JSONResponse:
    return JSONResponse({"error": {"code": code}}, status, headers)
