"""A stand-in for WhatsApp's Cloud API that speaks HTTP: it takes messages down by person and in order, tells their states, and
fails as it is told to. And the people who write: webhook calls, signed rightly or wrongly.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import itertools
import json
import threading
import time
from collections import defaultdict, deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import httpx

from tests.channels.standins.server import HangUp, Request, Response, Server

SECRET, NUMBER, TOKEN, VERIFY = "app-secret-of-the-test", "106540352242922", "token-of-the-test", "verify-word"
LIMITS = {"body": 1024, "text": 4096, "title": 20, "rows": 10, "row": 24, "description": 72, "id": 256, "row_id": 200}


@dataclass(frozen=True)
class Fault:
    """One way in which a send goes wrong.

    Attributes:
        code: an error of the API with this code.
        status: the HTTP status; without `code` the body is a gateway's page.
        accept: the message is taken all the same.
        close: the connection is closed without an answer.
        delay: seconds before the answer.
        later: accepted, then told to have failed with this code.
    """

    code: int | None = None
    status: int = 400
    accept: bool = False
    close: bool = False
    delay: float = 0.0
    later: int | None = None


class WhatsAppApi:
    """The API.

    Attributes:
        heard: what was accepted, by recipient and in order: the bodies of messages.
        reads: ids that were marked as read.
        faults: what goes wrong with the next sends, one each.
        chance: asked where `faults` is empty.
        states: which states are told of an accepted message, at once.
        early: they are told before the send call is answered.
        webhook: where they are told; None: nowhere.
        pair: messages that one person can be sent at all; None: no limit.
        media: by id: {"content", "sha256", "file_size", "missing": times, "redirect", "url"}.
    """

    def __init__(self, token: str = TOKEN) -> None:
        self.token = token
        self.clear()
        self._ids = itertools.count(1)
        self._lock = threading.Lock()
        self._telling: set[asyncio.Task[None]] = set()
        self._client: httpx.AsyncClient | None = None
        self.server = Server(self._handle)

    def clear(self) -> None:
        """As if it were new."""
        self.heard: dict[str, list[dict[str, Any]]] = defaultdict(list)
        self.references: list[str] = []
        self.reads: list[str] = []
        self.faults: deque[Fault] = deque()
        self.chance: Callable[[], Fault | None] = lambda: None
        self.states: tuple[str, ...] = ()
        self.early = False
        self.webhook: str | None = None
        self.pair: int | None = None
        self.calls = 0
        self.media: dict[str, dict[str, Any]] = {}

    @property
    def url(self) -> str:
        """What WHATSAPP_API_URL is set to."""
        return f"{self.server.url}/v25.0"

    def stop(self) -> None:
        if self._client is not None:
            self.server.run(self._client.aclose())
        self.server.stop()

    def texts(self, recipient: str) -> list[str]:
        """What a person reads, in order."""
        return [shown(body) for body in self.heard[recipient]]

    async def _handle(self, request: Request) -> Response:
        if request.headers.get("authorization") != f"Bearer {self.token}":
            return error(190, 401)
        if request.method == "GET":
            return self._media(request.path)
        if request.path != f"/v25.0/{NUMBER}/messages":
            return error(100, 404)
        body = json.loads(request.body)
        if body.get("status") == "read":
            self.reads.append(body["message_id"])
            return Response(body=b'{"success": true}')
        return await self._send(body)

    async def _send(self, body: dict[str, Any]) -> Response:
        self.calls += 1
        to = body.get("to") or body["recipient"]
        fault = self.faults.popleft() if self.faults else self.chance()
        if fault is None:
            if wrong := refused(body):
                return error(wrong, 400)
            if self.pair is not None and len(self.heard[to]) >= self.pair:
                return error(131056, 400)
        accepted = fault is None or fault.accept or fault.later is not None
        external = f"wamid.{next(self._ids):08d}.{hashlib.sha256(to.encode()).hexdigest()[:8]}"
        if accepted:
            with self._lock:
                self.heard[to].append(body)
                self.references.append(body["biz_opaque_callback_data"])
            await self._tell(external, to, body["biz_opaque_callback_data"], fault.later if fault else None)
        if fault is None or fault.later is not None:
            return taken(to, external)
        await asyncio.sleep(fault.delay)
        if fault.close:
            raise HangUp
        if fault.accept:
            return taken(to, external)
        return error(fault.code, fault.status) if fault.code is not None else Response(fault.status, b"<html>gateway</html>")

    async def _tell(self, external: str, to: str, reference: str, failed: int | None) -> None:
        states = [*self.states] if failed is None else ["failed"]
        if self.webhook is None or not states:
            return
        told = self._post_states([status(external, state, reference, failed, to) for state in states])
        if self.early:
            await told
        else:
            task = asyncio.create_task(told)
            self._telling.add(task)
            task.add_done_callback(self._telling.discard)

    async def _post_states(self, states: list[dict[str, Any]]) -> None:
        assert self.webhook is not None
        if self._client is None:
            self._client = httpx.AsyncClient(timeout=30, trust_env=False)
        for one in states:
            body = json.dumps(envelope(statuses=[one])).encode()
            for _ in range(100):  # as long as the service is away, it comes again
                try:
                    answer = await self._client.post(self.webhook, content=body, headers=signed(body))
                except httpx.HTTPError:
                    await asyncio.sleep(0.1)
                    continue
                if answer.status_code == 200:
                    break
                await asyncio.sleep(0.1)

    def _media(self, path: str) -> Response:
        name = path.rpartition("/")[2]
        kept = self.media.get(name)
        if kept is None:
            return error(100, 404)
        if not path.startswith("/media/"):
            told = kept.get("sha256") or hashlib.sha256(kept["content"]).hexdigest()
            url = kept.get("url") or f"{self.server.url}/media/{name}"
            size = kept.get("file_size", len(kept["content"]))
            return Response(body=json.dumps({"url": url, "mime_type": "image/jpeg", "sha256": told, "file_size": size}).encode())
        if kept.get("missing", 0) > 0:
            kept["missing"] -= 1
            return Response(404)
        if "redirect" in kept:
            return Response(302, headers={"location": kept["redirect"]})
        return Response(body=kept["content"])


def refused(body: dict[str, Any]) -> int | None:
    """The code with which the real API refuses a message over its limits; None where it fits."""
    kind, content = body.get("type"), body.get(body.get("type", ""), {})
    if body.get("messaging_product") != "whatsapp" or len(body.get("biz_opaque_callback_data", "")) > 512:
        return 100
    if kind == "text":
        return None if 0 < len(content["body"]) <= LIMITS["text"] else 131009
    if kind == "interactive":
        return _refused_choice(content)
    if kind == "location":
        return None if isinstance(content["latitude"], float | int) else 131009
    if kind == "image":
        return None if content["link"].startswith("http") and len(content.get("caption", "")) <= LIMITS["body"] else 131009
    return None if kind == "template" else 131009


def _refused_choice(content: dict[str, Any]) -> int | None:
    if not 0 < len(content["body"]["text"]) <= LIMITS["body"]:
        return 131009
    action = content["action"]
    if content["type"] == "button":
        replies = [b["reply"] for b in action["buttons"]]
        titles = [r["title"] for r in replies]
        fits = 0 < len(replies) <= 3 and len(set(titles)) == len(titles)
        return None if fits and all(0 < len(r["title"]) <= LIMITS["title"] and len(r["id"]) <= LIMITS["id"] for r in replies) else 131009
    if content["type"] == "list":
        rows = [row for section in action["sections"] for row in section["rows"]]
        fits = 0 < len(rows) <= LIMITS["rows"] and 0 < len(action["button"]) <= LIMITS["title"]
        fits = fits and all(len(section["title"]) <= LIMITS["row"] for section in action["sections"])
        return None if fits and all(_row_fits(row) for row in rows) else 131009
    return None if content["type"] == "location_request_message" else 131009


def _row_fits(row: dict[str, str]) -> bool:
    long = len(row["title"]) > LIMITS["row"] or len(row.get("description", "")) > LIMITS["description"]
    return bool(row["title"]) and not long and len(row["id"]) <= LIMITS["row_id"]


def taken(to: str, external: str) -> Response:
    contact = {"input": to, "wa_id": to.lstrip("+")}
    return Response(body=json.dumps({"messaging_product": "whatsapp", "contacts": [contact], "messages": [{"id": external}]}).encode())


def error(code: int, status: int) -> Response:
    told = {"message": f"(#{code}) to 15205550123", "type": "OAuthException", "code": code, "fbtrace_id": "x"}
    return Response(status, json.dumps({"error": told}).encode())


def shown(body: dict[str, Any]) -> str:
    """What a person reads of a message."""
    kind = body["type"]
    content = body[kind]
    if kind == "text":
        return str(content["body"])
    if kind == "interactive":
        return str(content["body"]["text"])
    return f"[{kind}]"


def choices(body: dict[str, Any]) -> dict[str, str]:
    """Title -> payload of what a person can tap."""
    if body["type"] != "interactive":
        return {}
    action = body["interactive"]["action"]
    if "buttons" in action:
        return {b["reply"]["title"]: b["reply"]["id"] for b in action["buttons"]}
    return {row["title"]: row["id"] for section in action.get("sections", []) for row in section["rows"]}


# --- the people who write ----------------------------------------------------------------------------------------------------

_numbers = itertools.count(1)


def said(number: str | None, kind: str = "text", user: str | None = None, external: str | None = None, **content: Any) -> dict[str, Any]:
    """A message; without content it is a text."""
    raw: dict[str, Any] = {"id": external or f"wamid.in{next(_numbers)}", "timestamp": str(int(time.time())), "type": kind}
    raw |= {key: value for key, value in (("from", number), ("from_user_id", user)) if value}
    return {**raw, **content}


def text(number: str | None, body: str, **more: Any) -> dict[str, Any]:
    return said(number, text={"body": body}, **more)


def tap(number: str, payload: str, title: str) -> dict[str, Any]:
    return said(number, "interactive", interactive={"type": "button_reply", "button_reply": {"id": payload, "title": title}})


def status(external: str, state: str, reference: str | None = None, code: int | None = None, to: str = "") -> dict[str, Any]:
    raw: dict[str, Any] = {"id": external, "status": state, "timestamp": "1790000003", "recipient_id": to.lstrip("+")}
    if reference:
        raw["biz_opaque_callback_data"] = reference
    if code is not None:
        raw["errors"] = [{"code": code, "title": "x", "message": "to 15205550123"}]
    return raw


def envelope(
    messages: Iterable[dict[str, Any]] = (), statuses: Iterable[dict[str, Any]] = (), contacts: bool = True, number_id: str = NUMBER
) -> dict[str, Any]:
    """A call's body with one entry and one change."""
    value: dict[str, Any] = {"messaging_product": "whatsapp", "metadata": {"phone_number_id": number_id}}
    if messages := list(messages):
        value["messages"] = messages
        if contacts:
            value["contacts"] = [
                {"profile": {"name": "Ana"}, **{k: v for k, v in (("wa_id", m.get("from")), ("user_id", m.get("from_user_id"))) if v}}
                for m in messages
            ]
    if statuses := list(statuses):
        value["statuses"] = statuses
    return {"object": "whatsapp_business_account", "entry": [{"id": "1", "changes": [{"field": "messages", "value": value}]}]}


def signed(body: bytes, secret: str = SECRET) -> dict[str, str]:
    signature = hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
    return {"X-Hub-Signature-256": f"sha256={signature}", "Content-Type": "application/json"}


def settings(api: WhatsAppApi) -> dict[str, str]:
    """The service's settings for this stand-in."""
    return {
        "WHATSAPP_VERIFY_TOKEN": VERIFY,
        "WHATSAPP_APP_SECRET": SECRET,
        "WHATSAPP_PHONE_NUMBER_ID": NUMBER,
        "WHATSAPP_TOKEN": TOKEN,
        "WHATSAPP_API_URL": api.url,
    }
