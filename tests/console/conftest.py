"""The console as served by the web process, and officers who use it over HTTP."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import httpx
import pyotp
import pytest
from argon2 import PasswordHasher
from sqlalchemy import select, update

from bot.console import accounts, passwords
from bot.console.accounts import NewAccount, Role
from bot.knowledge import live
from bot.knowledge.load import load
from bot.settings import Settings
from bot.store.database import Database
from bot.store.schema import audit, officer
from tests.web.conftest import Web

PASSWORD = "sombrilla tortuga 7 canela"
_load = cache(load)
_cheap = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """The parameters of passwords are tested once, in test_passwords, and the content is read once for all services."""
    passwords._nobody.cache_clear()
    monkeypatch.setattr(passwords, "_hasher", _cheap)
    monkeypatch.setattr(live, "load", _load)


class Browser:
    """One officer's browser: keeps cookies, knows the page's CSRF token."""

    def __init__(self, office: Office) -> None:
        self.office = office
        self.http = httpx.Client(base_url=office.origin, timeout=60)
        self.csrf = ""

    def get(self, path: str, **options: Any) -> httpx.Response:
        answer = self.http.get(path, **options)
        found = re.search(r'<meta name="csrf" content="([^"]+)">', answer.text)
        if found:
            self.csrf = found[1]
        return answer

    def post(self, path: str, data: dict[str, Any] | None = None, **options: Any) -> httpx.Response:
        """A form of our own page, as a browser sends it."""
        headers = {"Origin": self.office.origin, "Sec-Fetch-Site": "same-origin"} | options.pop("headers", {})
        return self.http.post(path, data={"csrf": self.csrf} | (data or {}), headers=headers, **options)

    def sign_in(self, email: str, password: str = PASSWORD) -> httpx.Response:
        """Both steps; the answer to the last one that was taken."""
        answer = self.post("/console/signin", {"email": email, "password": password})
        if answer.status_code == 303 and "/signin/code" in answer.headers["location"]:
            answer = self.post("/console/signin/code", {"code": self.office.code(email)})
        if answer.status_code == 303:
            self.get("/console/account")
        return answer


class Office:
    """The console's service, and accounts made without pages."""

    def __init__(self, web: Web) -> None:
        self.web = web
        self.origin = str(web.http.base_url).rstrip("/")
        self.keys, self.database = web.service.keys, web.service.database
        self.secrets: dict[str, str] = {}
        self._browsers: list[Browser] = []

    def account(self, name: str, role: Role = "officer", consulates: list[str] | None = None, factor: bool = True, team: str = "") -> str:
        """An account that was taken up; its e-mail address is NAME@example.org. Returns its id."""
        email, secret = f"{name.lower()}@example.org", passwords.new_secret() if factor else None
        chosen = NewAccount(name, email, _cheap.hash(PASSWORD), secret, 0, ["aaaaa-aaaaa"])
        with self.database.write() as c:
            officer_id, token = accounts.invite(c, self.keys, email, role, consulates, team, "es", time.time())
            accounts.take_up(c, self.keys, token, chosen, time.time())
        if secret:
            self.secrets[email] = secret
        return officer_id

    def code(self, email: str) -> str:
        """A code that was not used: where this half minute's was, the account is told to forget it."""
        with self.database.write() as c:
            c.execute(update(officer).where(officer.c.email_hash == self.keys.hash(email, "email")).values(totp_step=0))
        return pyotp.TOTP(self.secrets[email]).now()

    def browser(self) -> Browser:
        made = Browser(self)
        self._browsers.append(made)
        return made

    def signed_in(self, name: str, role: Role = "officer", **options: Any) -> Browser:
        self.account(name, role, **options)
        browser = self.browser()
        assert browser.sign_in(f"{name.lower()}@example.org").status_code == 303
        return browser

    def acts(self) -> list[tuple[str | None, str, str | None]]:
        """(officer, action, subject) of the audit log, in order."""
        with self.database.read() as c:
            return [(row.officer_id, row.action, row.subject) for row in c.execute(select(audit).order_by(audit.c.id))]

    def close(self) -> None:
        for browser in self._browsers:
            browser.http.close()


@pytest.fixture
def offices(tmp_path: Path) -> Iterator[Callable[..., Office]]:
    """Makes offices, with settings."""
    made: list[Office] = []

    def make(**options: Any) -> Office:
        known: dict[str, Any] = {"data_dir": tmp_path, "limits": "off", "interim_seconds": 3600.0}
        settings = Settings(**known | options)
        database = Database(settings.database)
        database.migrate()
        database.close()
        made.append(Office(Web(settings)))
        return made[-1]

    yield make
    for office in made:
        office.close()
        office.web.close()


@pytest.fixture
def office(offices: Callable[..., Office]) -> Office:
    return offices()
