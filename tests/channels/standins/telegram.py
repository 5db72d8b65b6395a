"""A stand-in for the Telegram Bot API over HTTP on loopback, with the real one's rules and its ways to fail.

It keeps updates until they are confirmed (polling) or acknowledged (webhook), and takes down every call that it accepted,
by chat and in order: the judge of "none lost, none doubled, none swapped".
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
import random
from collections import defaultdict, deque
from dataclasses import dataclass, field
from email.parser import BytesParser
from email.policy import HTTP
from html.parser import HTMLParser
from typing import Any
from urllib.parse import parse_qsl

import httpx

from tests.channels.standins.server import HangUp, Request, Response, Server

TOKEN = "7000000:standin-token-AAE"
MESSAGES = ("sendMessage", "sendVenue", "sendLocation", "sendPhoto")
TAGS = {"b", "strong", "i", "em", "u", "s", "code", "pre", "a"}


class Refusal(Exception):
    """A call that Telegram refuses."""

    def __init__(self, status: int, text: str, **parameters: Any) -> None:
        super().__init__(text)
        self.status, self.text, self.parameters = status, text, parameters

    def response(self) -> Response:
        body: dict[str, Any] = {"ok": False, "error_code": self.status, "description": self.text}
        if self.parameters:
            body["parameters"] = self.parameters
        return Response.json(body, self.status)


@dataclass
class Fault:
    """What goes wrong with the next call of a method.

    Attributes:
        refusal: it is refused with this.
        accepted: it is taken, and then the connection is closed, or (`after`) answered late.
        response: it is answered with this instead.
    """

    refusal: Refusal | None = None
    accepted: bool = False
    after: float = 0.0
    response: Response | None = None


@dataclass
class Accepted:
    method: str
    fields: dict[str, Any]
    message_id: int

    @property
    def text(self) -> str:
        return str(self.fields.get("text") or self.fields.get("caption") or self.fields.get("title") or "")

    @property
    def buttons(self) -> list[dict[str, Any]]:
        keyboard = self.fields.get("reply_markup") or {}
        return [button for row in keyboard.get("inline_keyboard", []) for button in row]


@dataclass
class Webhook:
    url: str
    secret: str
    allowed: list[str]


@dataclass
class TelegramStandIn:
    """The stand-in; start it as a context manager.

    Attributes:
        chats: who may be written to; a chat becomes one by writing.
        faults: by method, the next ones first.
        failing: share of sends that fail in some way, by chance.
        calls: every call that came in, accepted or not, by name.
    """

    token: str = TOKEN
    seed: int = 1
    accepted: dict[int, list[Accepted]] = field(default_factory=lambda: defaultdict(list))
    faults: dict[str, deque[Fault]] = field(default_factory=lambda: defaultdict(deque))
    calls: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    chats: set[int] = field(default_factory=set)
    blocked: set[int] = field(default_factory=set)
    failing: float = 0.0
    commands: dict[str, list[dict[str, str]]] = field(default_factory=dict)
    left: list[int] = field(default_factory=list)
    files: dict[str, bytes] = field(default_factory=dict)
    webhook: Webhook | None = None
    acknowledged: list[int] = field(default_factory=list)

    def __enter__(self) -> TelegramStandIn:
        self._pending: list[dict[str, Any]] = []
        self._ids = itertools.count(880001)
        self._message_ids = itertools.count(100)
        self._random = random.Random(self.seed)
        self._polls = 0
        self._news: asyncio.Event | None = None
        self.server = Server(self._handle)
        self.url = self.server.url
        self.server.run(self._begin())
        return self

    def __exit__(self, *_: object) -> None:
        self.server.run(self._end())
        self.server.stop()

    async def _begin(self) -> None:
        self._news = asyncio.Event()
        self._client = httpx.AsyncClient(timeout=30, trust_env=False, limits=httpx.Limits(max_connections=40))
        self._delivering = asyncio.create_task(self._deliver())

    async def _end(self) -> None:
        self._delivering.cancel()
        await asyncio.gather(self._delivering, return_exceptions=True)
        await self._client.aclose()

    # --- people --------------------------------------------------------------------------------------------------------

    def push(self, *updates: dict[str, Any]) -> None:
        """Let updates happen."""

        async def add() -> None:
            assert self._news is not None
            self._pending += updates
            self._news.set()

        self.server.run(add())

    def update(self, **content: Any) -> dict[str, Any]:
        return {"update_id": next(self._ids), **content}

    def message(self, chat: int, language: str | None = "es", **content: Any) -> dict[str, Any]:
        """A message of a person, as Telegram tells it."""
        self.chats.add(chat)
        person = {"id": chat, "is_bot": False, "first_name": "Zenaida", **({"language_code": language} if language else {})}
        return {
            "message_id": next(self._message_ids),
            "date": 1790000000,
            "from": person,
            "chat": {"id": chat, "type": "private", "first_name": "Zenaida"},
            **content,
        }

    def says(self, chat: int, text: str, **more: Any) -> dict[str, Any]:
        """A person writes; the update."""
        update = self.update(message=self.message(chat, text=text, **more))
        self.push(update)
        return update

    def press(self, chat: int, title: str) -> dict[str, Any]:
        """The newest button of that title is pressed."""
        found = [(sent, b) for sent in self.accepted[chat] for b in sent.buttons if b["text"] == title]
        assert found, f"no button {title}"
        sent, button = found[-1]
        return self.presses(chat, button["callback_data"], sent.message_id)

    def presses(self, chat: int, data: str, message_id: int = 1) -> dict[str, Any]:
        person = {"id": chat, "is_bot": False, "first_name": "Zenaida", "language_code": "es"}
        about = {"message_id": message_id, "date": 0, "chat": {"id": chat, "type": "private"}}
        update = self.update(
            callback_query={"id": f"q{next(self._ids)}", "from": person, "chat_instance": "1", "data": data, "message": about}
        )
        self.push(update)
        return update

    def texts(self, chat: int) -> list[str]:
        return [sent.text for sent in self.accepted[chat]]

    def named(self, method: str) -> list[dict[str, Any]]:
        """Fields of all calls of a method."""
        return [fields for name, fields in self.calls if name == method]

    @property
    def waiting(self) -> int:
        """Updates that are neither confirmed nor acknowledged."""
        return len(self._pending)

    # --- webhook -------------------------------------------------------------------------------------------------------

    async def _deliver(self) -> None:
        """Send what is pending to the webhook; each chat's updates one after another, again until they are acknowledged."""
        assert self._news is not None
        while True:
            await self._news.wait()
            self._news.clear()
            if self.webhook is None:
                continue
            by_chat: dict[Any, list[dict[str, Any]]] = defaultdict(list)
            for update in list(self._pending):
                by_chat[_chat_of(update)].append(update)
            await asyncio.gather(*(self._deliver_chat(updates) for updates in by_chat.values()))
            if self._pending:
                await asyncio.sleep(0.1)
                self._news.set()

    async def _deliver_chat(self, updates: list[dict[str, Any]]) -> None:
        for update in updates:
            webhook = self.webhook
            if webhook is None or not await self._post(webhook, update):
                return
            self.acknowledged.append(update["update_id"])
            with contextlib.suppress(ValueError):
                self._pending.remove(update)

    async def _post(self, webhook: Webhook, update: dict[str, Any]) -> bool:
        headers = {"X-Telegram-Bot-Api-Secret-Token": webhook.secret}
        try:
            answer = await self._client.post(webhook.url, json=update, headers=headers)
        except httpx.HTTPError:
            return False
        return answer.status_code < 300

    # --- the API -------------------------------------------------------------------------------------------------------

    async def _handle(self, request: Request) -> Response:
        parts = request.path.strip("/").split("/")
        if parts[0] == "file" and parts[1] == f"bot{self.token}":
            content = self.files.get("/".join(parts[2:]))
            return Response(200, content) if content is not None else Response(404)
        if parts[0] != f"bot{self.token}" or len(parts) != 2:
            return Refusal(401, "Unauthorized").response()
        fields = _fields(request)
        self.calls.append((parts[1], fields))
        try:
            return await self._call(parts[1], fields)
        except Refusal as refusal:
            return refusal.response()

    async def _call(self, method: str, fields: dict[str, Any]) -> Response:
        fault = self.faults[method].popleft() if self.faults[method] else self._by_chance(method)
        if fault and fault.refusal:
            raise fault.refusal
        if fault and fault.response:
            return fault.response
        result = await (self._get_updates(fields) if method == "getUpdates" else self._result(method, fields))
        if fault and fault.accepted and not fault.after:
            raise HangUp
        body = json.dumps({"ok": True, "result": result}).encode()
        return Response(200, body, after=fault.after if fault else 0.0)

    def _by_chance(self, method: str) -> Fault | None:
        if method not in MESSAGES or self._random.random() >= self.failing:
            return None
        return self._random.choice(
            [
                Fault(Refusal(429, "Too Many Requests: retry after 1", retry_after=1)),
                Fault(Refusal(500, "Internal Server Error")),
                Fault(response=Response(502, b"<html>Bad Gateway</html>")),
                Fault(accepted=True),
            ]
        )

    async def _result(self, method: str, fields: dict[str, Any]) -> Any:
        if method in MESSAGES:
            return self._send(method, fields)
        if method == "getMe":
            return {"id": int(self.token.split(":")[0]), "is_bot": True, "first_name": "Orienta", "username": "orienta_standin_bot"}
        if method == "setWebhook":
            self.webhook = Webhook(fields["url"], fields.get("secret_token", ""), fields.get("allowed_updates", []))
            assert self._news is not None
            self._news.set()
        elif method == "deleteWebhook":
            self.webhook = None
        elif method == "setMyCommands":
            self.commands[fields.get("language_code", "")] = fields["commands"]
        elif method == "leaveChat":
            self.left.append(int(fields["chat_id"]))
        elif method == "getWebhookInfo":
            webhook = self.webhook or Webhook("", "", [])
            waiting = {"pending_update_count": self.waiting, "has_custom_certificate": False}
            return {"url": webhook.url, "allowed_updates": webhook.allowed, **waiting}
        elif method == "getFile":
            content = self.files.get(fields["file_id"])
            if content is None:
                raise Refusal(400, "Bad Request: wrong file_id")
            return {"file_id": fields["file_id"], "file_unique_id": "u", "file_size": len(content), "file_path": fields["file_id"]}
        elif method not in ("answerCallbackQuery", "sendChatAction"):
            raise Refusal(404, "Not Found")
        return True

    def _send(self, method: str, fields: dict[str, Any]) -> dict[str, Any]:
        chat = int(fields["chat_id"])
        if chat in self.blocked:
            raise Refusal(403, "Forbidden: bot was blocked by the user")
        if chat not in self.chats:
            raise Refusal(400, "Bad Request: chat not found")
        check(method, fields)
        sent = Accepted(method, fields, next(self._message_ids))
        self.accepted[chat].append(sent)
        return {"message_id": sent.message_id, "date": 1790000000, "chat": {"id": chat, "type": "private"}, "text": sent.text}

    async def _get_updates(self, fields: dict[str, Any]) -> list[dict[str, Any]]:
        if self.webhook is not None:
            raise Refusal(
                409, "Conflict: can't use getUpdates method while webhook is active; use deleteWebhook to delete the webhook first"
            )
        self._polls += 1
        mine = self._polls
        offset = int(fields.get("offset", 0))
        if offset > 0:
            self.acknowledged += [u["update_id"] for u in self._pending if u["update_id"] < offset]
            self._pending = [u for u in self._pending if u["update_id"] >= offset]
        until = asyncio.get_running_loop().time() + float(fields.get("timeout", 0))
        while not self._pending and asyncio.get_running_loop().time() < until:
            if self._polls != mine:
                raise Refusal(409, "Conflict: terminated by other getUpdates request; make sure that only one bot instance is running")
            await asyncio.sleep(0.01)
        return sorted(self._pending, key=lambda u: u["update_id"])[: int(fields.get("limit", 100))]


def check(method: str, fields: dict[str, Any]) -> None:
    """Refuse what the real one refuses.

    Raises:
        Refusal
    """
    text = fields.get("text", fields.get("caption", ""))
    if method == "sendMessage" and not text.strip():
        raise Refusal(400, "Bad Request: message text is empty")
    plain = _without_markup(text) if fields.get("parse_mode") == "HTML" else text
    limit = 1024 if method == "sendPhoto" else 4096
    if len(plain.encode("utf-16-le")) // 2 > limit:
        raise Refusal(400, "Bad Request: message is too long")
    if method == "sendVenue" and not (fields.get("title") and fields.get("address")):
        raise Refusal(400, "Bad Request: VENUE_TITLE_INVALID")
    markup = fields.get("reply_markup") or {}
    rows = markup.get("inline_keyboard", [])
    if any(not 1 <= len(button.get("callback_data", "").encode()) <= 64 for row in rows for button in row):
        raise Refusal(400, "Bad Request: BUTTON_DATA_INVALID")
    if any(not button["text"] for row in [*rows, *markup.get("keyboard", [])] for button in row) or sum(map(len, rows)) > 100:
        raise Refusal(400, "Bad Request: reply markup is invalid")


class _Markup(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []
        self.plain = ""

    def handle_starttag(self, tag: str, attrs: object) -> None:
        if tag not in TAGS:
            raise Refusal(400, f'Bad Request: can\'t parse entities: Unsupported start tag "{tag}"')
        self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if not self.open or self.open.pop() != tag:
            raise Refusal(400, "Bad Request: can't parse entities: unexpected end tag")

    def handle_data(self, data: str) -> None:
        self.plain += data


def _without_markup(text: str) -> str:
    markup = _Markup()
    markup.feed(text)
    markup.close()
    if markup.open:
        raise Refusal(400, "Bad Request: can't parse entities: can't find end tag")
    return markup.plain


def _fields(request: Request) -> dict[str, Any]:
    fields: dict[str, Any] = dict(request.query)
    if request.headers.get("content-type", "").startswith("multipart/form-data"):
        fields |= _parts(request)
    if request.headers.get("content-type", "").startswith("application/x-www-form-urlencoded"):
        fields |= dict(parse_qsl(request.body.decode(), keep_blank_values=True))
    return {key: _value(value) for key, value in fields.items()}


def _parts(request: Request) -> dict[str, Any]:
    """A form's parts; a file is its bytes."""
    head = f"Content-Type: {request.headers['content-type']}\r\n\r\n".encode()
    form = BytesParser(policy=HTTP).parsebytes(head + request.body)
    found: dict[str, Any] = {}
    for part in form.iter_parts():
        content = part.get_payload(decode=True)
        assert isinstance(content, bytes)
        found[str(part.get_param("name", header="content-disposition"))] = content if part.get_filename() else content.decode()
    return {key: found.get(value.removeprefix("attach://"), value) if isinstance(value, str) else value for key, value in found.items()}


def _value(text: Any) -> Any:
    if isinstance(text, bytes):
        return text
    if text[:1] in "[{" or text in ("true", "false"):
        with contextlib.suppress(ValueError):
            return json.loads(text)
    return text


def _chat_of(update: dict[str, Any]) -> Any:
    for kind in ("message", "edited_message", "my_chat_member"):
        if kind in update:
            return update[kind]["chat"]["id"]
    return ("press", update.get("callback_query", {}).get("from", {}).get("id"))
