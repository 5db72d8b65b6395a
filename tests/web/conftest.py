"""The web process in a thread of the test: real requests over loopback, and its service at hand. No worker stands behind."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
import uvicorn

from bot.settings import Settings
from bot.store.database import Database
from bot.web.app import create_app
from bot.web.service import Service
from tests.e2e.running import eventually


class Web:
    """What is served, and its address."""

    def __init__(self, settings: Settings) -> None:
        self._app = create_app(settings)
        self._server = uvicorn.Server(uvicorn.Config(self._app, port=0, log_config=None, lifespan="on"))
        self._thread = threading.Thread(target=self._server.run)
        self._thread.start()
        eventually(lambda: self._server.started or not self._thread.is_alive(), "web does not start")
        port = self._server.servers[0].sockets[0].getsockname()[1]
        self.http = httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=60)

    @property
    def service(self) -> Service:
        found: Service = self._app.state.service
        return found

    def close(self) -> None:
        self.http.close()
        self._server.should_exit = True
        self._thread.join(30)


@pytest.fixture
def web(tmp_path: Path) -> Iterator[Web]:
    settings = Settings(data_dir=tmp_path, limits="off", interim_seconds=3600.0)
    database = Database(settings.database)
    database.migrate()
    database.close()
    web = Web(settings)
    yield web
    web.close()
