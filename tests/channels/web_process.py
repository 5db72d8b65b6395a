"""The web process's application, served for real on a free port in a thread of this process, so that a test can look inside."""

from __future__ import annotations

import asyncio
import socket
import threading
import time

import httpx
import uvicorn
from fastapi import FastAPI

from bot.settings import Settings
from bot.store.database import Database
from bot.web.app import create_app


class WebProcess:
    """Attributes:
    app: the application; `app.state.service` is its service.
    loop: the one it runs in.
    http: a client of its port.
    """

    def __init__(self, settings: Settings) -> None:
        database = Database(settings.database)
        database.migrate()
        database.close()
        self.app: FastAPI = create_app(settings)
        self._socket = socket.socket()
        self._socket.bind(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._socket.getsockname()[1]}"
        self._server = uvicorn.Server(
            uvicorn.Config(self.app, log_config=None, access_log=False, lifespan="on", timeout_graceful_shutdown=2)
        )
        self.loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()
        until = time.monotonic() + 60
        while not self._server.started:
            assert self._thread.is_alive(), "the application did not start"
            assert time.monotonic() < until
            time.sleep(0.01)
        self.http = httpx.Client(base_url=self.url, timeout=60, trust_env=False)

    def _run(self) -> None:
        self.loop.run_until_complete(self._server.serve(sockets=[self._socket]))
        self.loop.close()

    def stop(self) -> None:
        self.http.close()
        self._server.should_exit = True
        self._thread.join(30)
        self._socket.close()
