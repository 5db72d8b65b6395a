"""The whole service as a user starts it, on a free port and a data folder of its own; and a person who chats with it."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx

from bot.beats import Beats
from bot.settings import ROOT

PATIENCE = 180.0
"""Seconds after which something that must happen is taken never to happen."""


def eventually(what: Callable[[], Any], why: str) -> Any:
    """The first true value of `what`."""
    until = time.monotonic() + PATIENCE
    while True:
        if found := what():
            return found
        assert time.monotonic() < until, why
        time.sleep(0.05)


def free_port() -> int:
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return int(s.getsockname()[1])


class RunningService:
    """`python -m bot` as a child process; its output is kept."""

    def __init__(self, folder: Path, **environment: str) -> None:
        self.port = free_port()
        self.data_dir = folder / "var"
        self.output = folder / "output.txt"
        self.environment = {**os.environ, "PORT": str(self.port), "DATA_DIR": str(self.data_dir), "LIMITS": "off", **environment}
        self.workers = int(self.environment.get("WORKERS", "2"))
        self.process: subprocess.Popen[bytes] | None = None
        self.people: list[Person] = []

    def start_without_workers(self) -> RunningService:
        """Web alone, as where every worker is dead and none comes up."""
        self._start(self.is_alive)
        return self

    def start(self) -> RunningService:
        self._start(lambda: self.is_ready() and self.is_complete())
        return self

    def _start(self, up: Callable[[], bool]) -> None:
        with open(self.output, "ab") as output:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "bot"], cwd=ROOT, env=self.environment, stdout=output, stderr=subprocess.STDOUT
            )
        try:
            eventually(up, "the service did not come up whole")
        except BaseException:
            self.process.kill()
            self.process.wait()
            raise

    def is_alive(self) -> bool:
        assert self.process is not None
        assert self.process.poll() is None, self.output.read_text()
        try:
            return bool(httpx.get(f"{self.url}/healthz", timeout=2).status_code == 200)
        except httpx.HTTPError:
            return False

    def is_ready(self) -> bool:
        assert self.process is not None
        assert self.process.poll() is None, self.output.read_text()
        try:
            return bool(httpx.get(f"{self.url}/readyz", timeout=2).status_code == 200)
        except httpx.HTTPError:
            return False

    def is_complete(self) -> bool:
        """Whether every worker is up: ready is the service with the first of them, and the others may still be loading."""
        assert self.process is not None
        assert self.process.poll() is None, self.output.read_text()
        return len(self.worker_pids()) == self.workers and Beats(self.data_dir / "run" / "beats").workers_alive() == self.workers

    def stop(self) -> None:
        for person in self.people:
            person.http.close()
        assert self.process is not None
        self.process.send_signal(signal.SIGINT)
        assert self.process.wait(30) == 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def pids(self) -> list[int]:
        """Process ids: web first, then the workers."""
        beats = Beats(self.data_dir / "run" / "beats")
        return [pid for slot in range(5) if (pid := beats.read(slot).pid)]

    def worker_pids(self) -> list[int]:
        return self.pids()[1:]

    def kill_workers(self, number: signal.Signals) -> None:
        """Send a signal to every worker process that there is at this moment."""
        for pid in self.worker_pids():
            os.kill(pid, number)

    def chat(self, **session: str) -> Person:
        self.people.append(Person(self.url, session))
        return self.people[-1]


class Person:
    """Somebody who chats by the API of the contract."""

    def __init__(self, url: str, session: dict[str, str]) -> None:
        self.http = httpx.Client(base_url=url, timeout=40)
        answer = self.http.post("/api/chat/sessions", json=session)
        assert answer.status_code == 201, answer.text
        self.http.headers["Authorization"] = f"Bearer {answer.json()['token']}"
        self.transcript: list[dict[str, Any]] = []
        self._cursor = ""

    def send(self, **message: Any) -> str:
        """Send a message; its id."""
        message = {"id": str(uuid.uuid4()), **message}
        answer = self.http.post("/api/chat/messages", json=message)
        assert answer.status_code == 202, answer.text
        return str(message["id"])

    def look(self, wait: float = 0) -> None:
        """Read what is new."""
        answer = self.http.get("/api/chat/messages", params={"after": self._cursor, "wait": wait})
        assert answer.status_code == 200, answer.text
        self.transcript += answer.json()["messages"]
        self._cursor = answer.json()["cursor"]

    def replies(self, message_id: str, interim: bool = False) -> list[dict[str, Any]]:
        return [m for m in self.transcript if m.get("in_reply_to") == message_id and m.get("interim", False) == interim]

    def hears(self, message_id: str, interim: bool = False) -> list[dict[str, Any]]:
        """The answer to a message (or its interim answer), waited for."""

        def answer() -> list[dict[str, Any]]:
            self.look(wait=1)
            return self.replies(message_id, interim)

        found: list[dict[str, Any]] = eventually(answer, "no answer came")
        return found

    def says(self, text: str) -> list[dict[str, Any]]:
        """Say something and hear the answer."""
        return self.hears(self.send(text=text))

    def presses(self, title: str) -> list[dict[str, Any]]:
        """Press the newest button of that title."""
        buttons = [b for m in self.transcript for b in m.get("buttons", []) if b["title"] == title]
        assert buttons, f"no button {title}"
        return self.hears(self.send(payload=buttons[-1]["payload"]))
