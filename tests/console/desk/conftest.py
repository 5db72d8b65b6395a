"""A console with officers and cases: spoken to directly, or served on loopback for a real browser."""

from __future__ import annotations

import re
import secrets
import socket
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import uvicorn
from sqlalchemy import Connection, insert, select, update

from bot.cases import desk, queue
from bot.cases.queue import CaseDetail
from bot.console import sessions
from bot.settings import Settings
from bot.store import inbox
from bot.store.claims import NewCase
from bot.store.crypto import Keys
from bot.store.database import Database
from bot.store.inbox import Incoming, Outgoing
from bot.store.schema import audit, conversation, officer
from bot.web.app import create_app
from bot.web.service import Service
from tests.widget.conftest import browser, contexts

__all__ = ["browser", "contexts"]

COOKIE = "orienta_console"
OFFICERS = {
    "ana": ("Ana Robles", "officer", None),
    "luis": ("Luis Medina", "officer", None),
    "dora": ("Dora Soto", "officer", "dallas"),
    "eva": ("Eva Ruiz", "supervisor", None),
}


class House:
    """The database behind the console, with four officers."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.database = Database(settings.database)
        self.database.migrate()
        self.keys = Keys.from_file(settings.keys_path)
        self.tokens: dict[str, str] = {}
        for name in OFFICERS:
            self.hires(name)

    def hires(self, name: str, language: str = "es") -> None:
        full, role, consulates = OFFICERS.get(name, (name, "officer", None))
        now = time.time()
        with self.database.write() as c:
            c.execute(
                insert(officer).values(
                    id=name,
                    email_hash=self.keys.hash(name, "email"),
                    profile=self.keys.seal({"name": full, "email": f"{name}@example.org"}, f"officer:{name}"),
                    role=role,
                    consulates=consulates,
                    language=language,
                    created_at=now,
                )
            )
            self.tokens[name] = sessions.begin(c, self.keys, name, now, now)

    def speaks(self, name: str, language: str) -> None:
        self.does(lambda c: c.execute(update(officer).where(officer.c.id == name).values(language=language)))

    def does(self, step: Callable[[Connection], Any]) -> Any:
        with self.database.write() as c:
            return step(c)

    def opens(self, text: str = "agarraron a mi hermano", level: int = 1, channel: str = "web", **fields: Any) -> tuple[str, str]:
        """A person with a case: (the case's id, the person's token)."""
        token, case_id, now = secrets.token_hex(), secrets.token_hex(16), time.time()
        at = now - float(fields.pop("ago", 0))
        inbound = fields.pop("inbound", at)
        topic, summary = fields.pop("topic", "detention_report"), fields.pop("summary", text)
        number = "".join(secrets.choice("ABCDEFGH") for _ in range(4)) + f"-{secrets.randbelow(10_000):04d}"

        def step(c: Connection) -> None:
            talk = inbox.open_session(c, self.keys, token, "es", at, decided=True)
            c.execute(update(conversation).where(conversation.c.id == talk).values(channel=channel, inbound_at=inbound))
            inbox.add_message(c, self.keys, talk, Incoming(secrets.token_hex(8), text, "es", level), at)
            seq = inbox.next_seq(c, talk) or 0
            answer = Outgoing("Llame a CIAM.", [{"title": "Hablar con alguien", "short": "Hablar", "payload": "p", "action": "human"}])
            inbox.insert_outgoing(c, self.keys, talk, seq, [answer], at, level=level, topic=topic, language="es", in_reply_to="x")
            desk.open_case(c, self.keys, talk, case_id, number, NewCase(topic, level, summary, **fields), "es", channel, at)

        self.does(step)
        return case_id, token

    def sees(self, case_id: str) -> CaseDetail:
        with self.database.read() as c:
            found = queue.one(c, self.keys, case_id)
        assert found is not None
        return found

    def erases(self, case_id: str) -> None:
        where = self.sees(case_id).conversation
        self.does(lambda c: inbox.erase(c, self.keys, where, time.time()))

    def transcript(self, case_id: str) -> list[tuple[str, str]]:
        where = self.sees(case_id).conversation
        with self.database.read() as c:
            rows = inbox.transcript(c, where, 0)
        return [(row["author"], self.keys.open(row["body"], f"message:{where}")["text"]) for row in rows]

    def audited(self) -> list[tuple[str, str, str | None]]:
        """(officer, action, subject) of everything that was noted."""
        with self.database.read() as c:
            return [
                (row.officer_id, row.action, row.subject)
                for row in c.execute(select(audit.c.officer_id, audit.c.action, audit.c.subject).order_by(audit.c.id))
            ]


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    made = House(Settings(data_dir=tmp_path / "var", limits="off", port=1))
    yield made
    made.database.close()


class Seat:
    """One officer's browser without a screen: it sends what the page's scripts send."""

    def __init__(self, client: httpx.Client, token: str) -> None:
        self.client, self.token = client, token
        self._csrf = ""

    def get(self, path: str, fragment: bool = False, **headers: str) -> Any:
        sent = {"Cookie": f"{COOKIE}={self.token}", "Accept": "text/html", **({"HX-Request": "true"} if fragment else {}), **headers}
        return self.client.get(f"/console{path}", headers=sent, follow_redirects=False)

    @property
    def csrf(self) -> str:
        if not self._csrf:
            found = re.search(r'<meta name="csrf" content="([^"]+)"', self.get("/").text)
            assert found
            self._csrf = found[1]
        return self._csrf

    def send(self, path: str, method: str = "POST", json: Any = None, csrf: str | None = None, **fields: str) -> Any:
        sent = {
            "Cookie": f"{COOKIE}={self.token}",
            "HX-Request": "true",
            "X-CSRF": self.csrf if csrf is None else csrf,
            "Accept": "text/html",
        }
        body = {"json": json} if json is not None else {"data": fields or {"csrf": self.csrf}}
        return self.client.request(method, f"/console{path}", headers=sent, follow_redirects=False, **body)


class Served:
    """The console on loopback."""

    def __init__(self, house: House) -> None:
        self.house = house
        with socket.socket() as s:
            s.bind(("127.0.0.1", 0))
            self.port = int(s.getsockname()[1])
        self.origin = f"http://127.0.0.1:{self.port}"
        self.start()

    def start(self) -> None:
        self.app = create_app(self.house.settings)
        config = uvicorn.Config(self.app, port=self.port, log_config=None, timeout_graceful_shutdown=1, ws="none")
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=self._server.run, daemon=True)
        self._thread.start()
        until = time.monotonic() + 60
        while not self._server.started and time.monotonic() < until:
            time.sleep(0.02)
        assert self._server.started

    @property
    def service(self) -> Service:
        found: Service = self.app.state.service
        return found

    def stop(self) -> None:
        self._server.should_exit = True
        self._server.force_exit = True
        self._thread.join(30)


@pytest.fixture
def served(house: House) -> Iterator[Served]:
    running = Served(house)
    yield running
    running.stop()


@pytest.fixture
def seats(served: Served) -> Iterator[Callable[[str], Seat]]:
    with httpx.Client(base_url=served.origin, timeout=60) as client:
        made: dict[str, Seat] = {}

        def seat(name: str) -> Seat:
            return made.setdefault(name, Seat(client, served.house.tokens.get(name, "nothing")))

        yield seat


@pytest.fixture
def screens(contexts: Callable[..., Any], served: Served) -> Callable[..., Any]:
    """An officer's browser: a page that is signed in, whose errors are kept as `page.tracked`."""

    def screen(name: str, **options: Any) -> Any:
        tracked = contexts(**{"viewport": {"width": 1280, "height": 720}} | options)
        tracked.context.add_cookies([{"name": COOKIE, "value": served.house.tokens[name], "url": served.origin}])
        tracked.context.set_default_timeout(15_000)
        page: Any = tracked.context.new_page()
        page.tracked = tracked
        return page

    return screen
