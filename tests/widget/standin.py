"""A small honest chat API in memory, with faults to order: what the widget's tests talk to.

It keeps the contract's promises (stored before 202, the same id once, order, 401 for an unknown token) and breaks them only as
`Faults` says. The pages are the repository's own, served with the headers of bot/web/pages.py. Nothing of it is part of the service.
"""

from __future__ import annotations

import asyncio
import contextlib
import datetime as dt
import functools
import io
import json
import secrets
import socket
import threading
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import uvicorn
from PIL import Image
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response, StreamingResponse
from starlette.routing import Route

WIDGET = Path(__file__).resolve().parents[2] / "widget"
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; font-src 'self'; "
    "frame-src 'self'; base-uri 'none'; form-action 'none'; require-trusted-types-for 'script'"
)
TYPES = {".html": "text/html", ".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}
CARD = "/static/card-es.png"
PHOTO = "image/jpeg"


@dataclass
class Faults:
    """What goes wrong; everything is off at first."""

    down: bool = False
    """Every call of the API gets 503."""
    posts: list[int] = field(default_factory=list)
    """Statuses that the next message posts get instead of being stored."""
    uploads: list[int] = field(default_factory=list)
    """Statuses that the next uploads get instead of being kept."""
    lost_replies: int = 0
    """So many message posts are stored, and answered with 500 all the same."""
    silent_stream: bool = False
    """The stream is open and says nothing, not even a heartbeat (a proxy that buffers)."""
    short_stream: bool = False
    """The stream ends at once."""
    duplicates: bool = False
    """The stream says every message twice."""
    exit_hangs: bool = False
    """The exit call is never answered."""
    slow: float = 0.0
    """Seconds from message to answer."""


@dataclass
class Conversation:
    language: str
    messages: list[dict[str, Any]] = field(default_factory=list)
    typing: bool = False
    news: set[asyncio.Event] = field(default_factory=set)
    handled: set[str] = field(default_factory=set)
    human: bool = False

    def wake(self) -> None:
        for event in self.news:
            event.set()


BUTTONS = {
    "es": [("Ya entraron", "p-entered"), ("Hay niños", "p-children"), ("Hablar con CIAM", "p-human")],
    "en": [("They came in", "p-entered"), ("There are kids", "p-children"), ("Talk to CIAM", "p-human")],
}
WORDS = {
    "door": {
        "es": "No abra la puerta.\nHable sin abrir: pida ver el papel firmado por un juez.\nPuede guardar silencio.",
        "en": "Don’t open the door.\nTalk through it: ask to see a paper signed by a judge.\nYou can stay silent.",
    },
    "detained": {
        "es": "Llame a CIAM ahora. Contestan las 24 horas:\n+1 520-623-7874\nAyudan a saber dónde está la persona.",
        "en": "Call CIAM now. They answer 24 hours a day:\n+1 520-623-7874\nThey help find out where the person is.",
    },
    "card": {
        "es": "Este es su consulado.\nTeléfono:\n+1 213-351-6800\nMás en https://www.gob.mx/sre.",
        "en": "This is your consulate.\nTelephone:\n+1 213-351-6800\nMore at https://www.gob.mx/sre.",
    },
    "rights": {"es": "No abra la puerta.\nNo firme nada.", "en": "Don’t open the door.\nSign nothing."},
    "erase": {"es": "¿Borro todo lo que escribió?", "en": "Do I erase all that you wrote?"},
    "officer": {"es": "Ana, oficial de CIAM, está con usted.", "en": "Ana, an officer of CIAM, is with you."},
    "hello": {"es": "Buenas tardes. Dígame, ¿qué pasó?", "en": "Good afternoon. Tell me, what happened?"},
    "menu": {"es": "¿Qué quiere saber?", "en": "What do you want to know?"},
}


class Standin:
    """The server, running in a thread of its own; `faults` may be changed at any time."""

    def __init__(self) -> None:
        self.faults = Faults()
        self.conversations: dict[str, Conversation] = {}
        self.exits: list[str] = []
        self.erasures: list[str] = []
        self.calls: list[str] = []
        self.files: dict[str, bytes] = {}
        """What was uploaded, or can be downloaded, by id."""
        self.pages: dict[str, tuple[str, dict[str, str]]] = {}
        self.port = 0
        self._closing = False
        self._loop: asyncio.AbstractEventLoop | None = None

    # --- for tests

    @property
    def origin(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def page(self, path: str, html: str, policy: str | None = None) -> None:
        """Serve a page of a test's own, with a Content-Security-Policy if one is given."""
        self.pages[path] = (html, {"Content-Security-Policy": policy} if policy else {})

    @property
    def only(self) -> Conversation:
        """The one conversation that there is."""
        (conversation,) = self.conversations.values()
        return conversation

    def said(self) -> list[str]:
        """Texts of the person's stored messages, in order, over all conversations."""
        return [m["text"] for c in self.conversations.values() for m in c.messages if m["author"] == "user"]

    def put(self, conversation: Conversation, **message: Any) -> None:
        """Say something to a person, from the test's thread."""
        assert self._loop
        self._loop.call_soon_threadsafe(self._add, conversation, message)

    def show_typing(self, conversation: Conversation, on: bool) -> None:
        assert self._loop

        def change() -> None:
            conversation.typing = on
            conversation.wake()

        self._loop.call_soon_threadsafe(change)

    @contextlib.contextmanager
    def running(self) -> Iterator[Standin]:
        with socket.socket() as bound:
            bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            bound.bind(("127.0.0.1", self.port))
            self.port = bound.getsockname()[1]
            config = uvicorn.Config(self._app(), log_level="critical", lifespan="off", timeout_graceful_shutdown=1, ws="none")
            server = uvicorn.Server(config)

            async def serve() -> None:
                self._loop = asyncio.get_running_loop()
                await server.serve(sockets=[bound])
                for connection in list(server.server_state.connections):  # those whose browser is still there
                    connection.transport.abort()
                await asyncio.sleep(0.05)  # for the transports to close

            thread = threading.Thread(target=asyncio.run, args=(serve(),), daemon=True)
            thread.start()
            while not server.started:
                threading.Event().wait(0.02)
            try:
                yield self
            finally:
                self._closing = True
                server.should_exit = True
                thread.join(5)

    # --- HTTP

    def _app(self) -> Starlette:
        return Starlette(
            routes=[
                Route("/api/chat/sessions", self._new_session, methods=["POST"]),
                Route("/api/chat/messages", self._new_message, methods=["POST"]),
                Route("/api/chat/messages", self._messages),
                Route("/api/chat/stream", self._stream),
                Route("/api/chat/files", self._upload, methods=["POST"]),
                Route("/api/chat/files/{id}", self._file),
                Route("/api/chat/exit", self._exit, methods=["POST"]),
                Route("/api/chat/session", self._erase, methods=["DELETE"]),
                Route("/{path:path}", self._page),
            ],
            middleware=[
                Middleware(
                    CORSMiddleware,
                    allow_origins=["*"],
                    allow_methods=["GET", "POST", "DELETE"],
                    allow_headers=["Authorization", "Content-Type", "Last-Event-ID"],
                    expose_headers=["Retry-After"],
                    max_age=7200,
                )
            ],
        )

    async def _page(self, request: Request) -> Response:
        path = request.url.path
        if path in self.pages:
            html, headers = self.pages[path]
            return HTMLResponse(html, headers=headers)
        if path == "/host-sw.js":  # of the site that the widget stands on
            return Response("", media_type="text/javascript")
        if path == CARD:
            return Response(picture(), media_type="image/png")
        named = {"/": "index.html", "/chat": "chat.html", "/orienta-sw.js": "orienta-sw.js"}
        file = "dist/widget.js" if path == "/widget.js" else f"pages/{named[path]}" if path in named else None
        found = WIDGET / (file or f"pages/{path.removeprefix('/static/')}")
        if not found.is_file() or WIDGET not in found.resolve().parents:
            return Response(status_code=404)
        headers = {"Cache-Control": "no-store"} | ({"Content-Security-Policy": POLICY} if found.suffix == ".html" else {})
        return Response(found.read_bytes(), media_type=f"{TYPES[found.suffix]}; charset=utf-8", headers=headers)

    def _find(self, request: Request) -> tuple[str, Conversation | None]:
        token = request.headers.get("authorization", "").removeprefix("Bearer ")
        return token, self.conversations.get(token)

    def _note(self, request: Request) -> Response | None:
        self.calls.append(f"{request.method} {request.url.path}")
        return _error(503, "unavailable") if self.faults.down else None

    async def _new_session(self, request: Request) -> Response:
        if broken := self._note(request):
            return broken
        token = secrets.token_urlsafe(16)
        self.conversations[token] = Conversation((await request.json()).get("language", "es"))
        return JSONResponse({"token": token, "conversation": secrets.token_hex(4)}, 201)

    async def _new_message(self, request: Request) -> Response:
        if broken := self._note(request):
            return broken
        if self.faults.posts:
            status = self.faults.posts.pop(0)
            headers = {"Retry-After": "1"} if status == 429 else {}
            return _error(status, {413: "too_long", 422: "bad_request", 429: "too_fast"}.get(status, "unavailable"), headers)
        _, conversation = self._find(request)
        if conversation is None:
            return _error(401, "no_session")
        body = await request.json()
        text, file = body.get("text"), body.get("file")
        if file is not None:
            if file not in self.files:
                return _error(422, "unknown_file")
            text = ""
        if "payload" in body:
            titles = {p: t for t, p in BUTTONS[conversation.language]} | {"p-yes": "Sí", "p-no": "No"}
            text = titles.get(body["payload"])
            if text is None:
                return _error(422, "unknown_button")
        if body["id"] not in conversation.handled:
            conversation.handled.add(body["id"])
            carried = {"file": {"id": file, "kind": PHOTO, "size": len(self.files[file])}} if file else {}
            self._add(conversation, {"id": body["id"], "author": "user", "text": text, **carried})
            if not conversation.human:
                asyncio.get_running_loop().create_task(self._answer(conversation, body["id"], text, body.get("payload", "")))
        if self.faults.lost_replies:
            self.faults.lost_replies -= 1
            return _error(500, "unavailable")
        return JSONResponse({"id": body["id"]}, 202)

    async def _upload(self, request: Request) -> Response:
        if broken := self._note(request):
            return broken
        if self._find(request)[1] is None:
            return _error(401, "no_session")
        if self.faults.uploads:
            return _error(self.faults.uploads.pop(0), "wrong_kind")
        async with request.form() as form:
            sent = form["file"]
            assert not isinstance(sent, str)
            assert sent.filename == "file"  # a name may say who somebody is
            content = await sent.read()
        name = secrets.token_hex(16)
        self.files[name] = content
        return JSONResponse({"file": name}, 201)

    async def _file(self, request: Request) -> Response:
        if broken := self._note(request):
            return broken
        if self._find(request)[1] is None:
            return _error(401, "no_session")
        return Response(self.files[request.path_params["id"]], media_type=PHOTO)

    async def _messages(self, request: Request) -> Response:
        if broken := self._note(request):
            return broken
        _, conversation = self._find(request)
        if conversation is None:
            return _error(401, "no_session")
        after = int(request.query_params.get("after") or 0)
        wait = float(request.query_params.get("wait") or 0)
        if len(conversation.messages) <= after and wait:
            with contextlib.suppress(TimeoutError), _news(conversation) as news:
                await asyncio.wait_for(news.wait(), wait)
        _, conversation = self._find(request)
        if conversation is None:
            return _error(401, "no_session")
        return JSONResponse({"messages": conversation.messages[after:], "cursor": str(len(conversation.messages))})

    async def _stream(self, request: Request) -> Response:
        if broken := self._note(request):
            return broken
        token, conversation = self._find(request)
        if conversation is None:
            return _error(401, "no_session")
        events = self._events(token, conversation, int(request.headers.get("last-event-id") or 0))
        return StreamingResponse(events, media_type="text/event-stream", headers={"Cache-Control": "no-store"})

    async def _events(self, token: str, conversation: Conversation, cursor: int) -> AsyncIterator[str]:
        if self.faults.short_stream:
            return
        typing = False
        if not self.faults.silent_stream:
            yield ": hola\n\n"
        with _news(conversation) as news:
            while token in self.conversations and not self.faults.down and not self._closing:
                news.clear()
                while cursor < len(conversation.messages) and not self.faults.silent_stream:
                    cursor += 1
                    event = f"id: {cursor}\ndata: {json.dumps(conversation.messages[cursor - 1])}\n\n"
                    yield event * (2 if self.faults.duplicates else 1)
                if conversation.typing != typing and not self.faults.silent_stream:
                    typing = conversation.typing
                    yield f"event: typing\ndata: {json.dumps({'on': typing})}\n\n"
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(news.wait(), 0.2)

    async def _exit(self, request: Request) -> Response:
        token, conversation = self._find(request)
        self.calls.append("POST /api/chat/exit")
        self.exits.append(token)
        if self.faults.exit_hangs:
            await asyncio.sleep(20)
        if conversation is None:
            return _error(401, "no_session")
        del self.conversations[token]
        conversation.wake()
        return Response(status_code=204)

    async def _erase(self, request: Request) -> Response:
        if broken := self._note(request):
            return broken
        token, conversation = self._find(request)
        if conversation is None:
            return _error(401, "no_session")
        self._forget(token)
        return Response(status_code=204)

    def _forget(self, token: str) -> None:
        self.erasures.append(token)
        self.conversations.pop(token).wake()

    # --- the assistant

    def _add(self, conversation: Conversation, message: dict[str, Any]) -> None:
        now = dt.datetime.now(dt.UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        conversation.messages.append({"id": secrets.token_hex(8), "author": "bot", "at": now} | message)
        conversation.wake()

    async def _answer(self, conversation: Conversation, to: str, text: str, payload: str) -> None:
        if self.faults.slow:
            conversation.typing = True
            conversation.wake()
            await asyncio.sleep(self.faults.slow)
            conversation.typing = False
            conversation.wake()
        low = text.lower()
        if low.startswith(("english", "español")):
            conversation.language = "en" if low.startswith("english") else "es"
        language = conversation.language

        def say(text: str, level: int = 3, topic: str = "help", **more: Any) -> None:
            self._add(conversation, {"text": text, "level": level, "topic": topic, "language": language, "in_reply_to": to} | more)

        def buttons(*pairs: tuple[str, str]) -> list[dict[str, str]]:
            return [{"title": title, "payload": its} for title, its in pairs]

        if "agentes" in low or "agents" in low:
            say(WORDS["door"][language], 1, "encounter_now", buttons=buttons(*BUTTONS[language]))
        elif "detuvieron" in low or "detained" in low:
            say(WORDS["detained"][language], 1, "detention_report", buttons=buttons(*BUTTONS[language][1:]))
        elif "tarjeta" in low or "rights card" in low:
            image = {"url": f"https://elsewhere.example{CARD}", "alt": "No abra la puerta.\nNo firme nada.", "size": 42217}
            say(WORDS["rights"][language], 3, "rights_home", image=image)
        elif "consulado" in low or "consulate" in low:
            place = {
                "lat": 34.0573,
                "lon": -118.2734,
                "name": "Consulado en Los Ángeles",
                "address": "2401 W 6th St, Los Angeles, CA 90057",
            }
            say(WORDS["card"][language], 3, "consulate_find", location=place)
        elif "borra" in low or "erase" in low:
            say(WORDS["erase"][language], 0, "delete_data", buttons=buttons(("Sí", "p-yes"), ("No", "p-no")))
        elif payload == "p-yes":
            self._forget(next(token for token, one in self.conversations.items() if one is conversation))
        elif payload == "p-human" or "person" in low:
            conversation.human = True
            say(WORDS["officer"][language], 2, "human_handoff", author="system")
            say(WORDS["hello"][language], 2, "human_handoff", author="agent")
        elif "larga" in low or "long" in low:
            say("\n".join(f"Línea {n} de una respuesta larga." for n in range(1, 31)))
        elif "pregunta" in low or "question" in low:
            say(WORDS["menu"][language], 0, buttons=buttons(*BUTTONS[language]))
        else:
            say(f"Eco: {text}")


@functools.cache
def picture() -> bytes:
    """A picture of the rights card's size."""
    out = io.BytesIO()
    Image.new("P", (1080, 1350)).save(out, "PNG")
    return out.getvalue()


@contextlib.contextmanager
def _news(conversation: Conversation) -> Iterator[asyncio.Event]:
    event = asyncio.Event()
    conversation.news.add(event)
    try:
        yield event
    finally:
        conversation.news.discard(event)


def _error(status: int, code: str, headers: dict[str, str] | None = None) -> JSONResponse:
    return JSONResponse({"error": {"code": code, "message": f"No se pudo ({code})."}}, status, headers=headers)


if __name__ == "__main__":  # python -m tests.widget.standin: for looking at it by hand
    standin = Standin()
    standin.port = 8899
    with standin.running():
        print(standin.origin)
        threading.Event().wait()
