"""A small HTTP server on loopback that can also misbehave: answer late, answer half, or hang up. It runs in a thread of its own."""

from __future__ import annotations

import asyncio
import contextlib
import json
import threading
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit


@dataclass(frozen=True)
class Request:
    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: bytes


@dataclass(frozen=True)
class Response:
    """What to answer.

    Attributes:
        after: seconds to wait first.
        cut: bytes of the body after which the connection is closed; None: all of it.
    """

    status: int = 200
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=lambda: {"Content-Type": "application/json"})
    after: float = 0.0
    cut: int | None = None

    @classmethod
    def json(cls, value: Any, status: int = 200, **more: Any) -> Response:
        return cls(status, json.dumps(value).encode(), **more)


class HangUp(Exception):
    """Close the connection without an answer."""


Handler = Callable[[Request], Awaitable[Response]]


class Server:
    """Serves `handle` until `stop`; `loop` is where its coroutines run."""

    def __init__(self, handle: Handler) -> None:
        self._handle = handle
        self.loop = asyncio.new_event_loop()
        self._ready = threading.Event()
        self.port = 0
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()
        self._ready.wait(10)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def run(self, doing: Awaitable[Any]) -> Any:
        """Run a coroutine in the server's loop and wait for it."""

        async def it() -> Any:
            return await doing

        return asyncio.run_coroutine_threadsafe(it(), self.loop).result(60)

    def stop(self) -> None:
        self.loop.call_soon_threadsafe(self._stopping.set)
        self._thread.join(10)

    def _run(self) -> None:
        asyncio.set_event_loop(self.loop)
        self.loop.run_until_complete(self._serve())
        self.loop.close()

    async def _serve(self) -> None:
        self._stopping = asyncio.Event()
        server = await asyncio.start_server(self._connected, "127.0.0.1", 0)
        self.port = server.sockets[0].getsockname()[1]
        self._ready.set()
        await self._stopping.wait()
        server.close()
        others = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError, HangUp):
            while (request := await _read(reader)) is not None:
                if not await self._answer(request, writer):
                    break
        writer.close()
        with contextlib.suppress(Exception, asyncio.CancelledError):
            await writer.wait_closed()

    async def _answer(self, request: Request, writer: asyncio.StreamWriter) -> bool:
        """Answer one request; False where the connection ends with it."""
        response = await self._handle(request)
        await asyncio.sleep(response.after)
        head = [f"HTTP/1.1 {response.status} X", f"Content-Length: {len(response.body)}"]
        head += [f"{name}: {value}" for name, value in response.headers.items()]
        writer.write("\r\n".join([*head, "", ""]).encode() + response.body[: response.cut])
        await writer.drain()
        return response.cut is None


async def _read(reader: asyncio.StreamReader) -> Request | None:
    line = await reader.readline()
    if not line:
        return None
    method, target, _ = line.decode().split(" ", 2)
    headers: dict[str, str] = {}
    while (line := await reader.readline()) not in (b"\r\n", b""):
        name, _, value = line.decode("latin-1").partition(":")
        headers[name.strip().lower()] = value.strip()
    body = await reader.readexactly(int(headers.get("content-length", 0)))
    url = urlsplit(target)
    return Request(method, unquote(url.path), dict(parse_qsl(url.query)), headers, body)
