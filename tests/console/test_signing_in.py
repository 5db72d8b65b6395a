"""Signing up, signing in, sessions and what keeps others out."""

from __future__ import annotations

import re
import subprocess
import sys
import time
from collections.abc import Callable
from types import SimpleNamespace

import httpx
import pyotp
import pytest
from fastapi import Request
from sqlalchemy import func, select, update

from bot.console import accounts, sessions
from bot.console.security import Refused, check_transport
from bot.settings import ROOT
from bot.store.schema import console_session, officer
from tests.console.conftest import PASSWORD, Browser, Office


def _first_token(office: Office) -> str:
    with office.database.write() as c:
        token = accounts.first_link(c, office.keys, time.time())
    assert token
    return token


def _enrol(
    browser: Browser, token: str, email: str = "ana@example.org", name: str = "Ana Ruiz", password: str = PASSWORD
) -> tuple[str, str]:
    """Take up an invitation by its pages; the secret of the second factor and the page of recovery codes."""
    answer = browser.post(f"/console/signup/{token}", {"email": email, "name": name, "password": password})
    assert answer.status_code == 303, answer.text
    page = browser.get("/console/signup/factor").text
    secret = re.search(r'id="secret">([^<]+)<', page)
    assert secret
    plain = secret[1].replace(" ", "")
    done = browser.post("/console/signup/factor", {"code": pyotp.TOTP(plain).now()})
    assert done.status_code == 200, done.text
    return plain, done.text


def test_the_first_administrator_signs_up_by_the_link_and_once(office: Office) -> None:
    token, browser = _first_token(office), office.browser()
    assert "data:image/svg" not in browser.get(f"/console/signup/{token}").text

    _, page = _enrol(browser, token)

    assert len(re.findall(r"<li>[a-z2-9]{5}-[a-z2-9]{5}</li>", page)) == 8
    assert browser.get("/console/officers").status_code == 200
    assert office.browser().get(f"/console/signup/{token}").status_code == 404
    with office.database.write() as c:
        assert accounts.first_link(c, office.keys, time.time()) is None


def test_a_new_link_replaces_the_one_before_and_ends_after_a_day(office: Office) -> None:
    first, second = _first_token(office), _first_token(office)

    with office.database.read() as c:
        assert accounts.invited(c, office.keys, first, time.time()) is None
        assert accounts.invited(c, office.keys, second, time.time()) is not None
        assert accounts.invited(c, office.keys, second, time.time() + accounts.FIRST_LINK + 1) is None


def test_the_command_prints_a_link_only_while_nobody_has_an_account(office: Office) -> None:
    def printed() -> str:
        environment = {"DATA_DIR": str(office.web.service.settings.data_dir), "PATH": "/usr/bin:/bin"}
        return subprocess.run(
            [sys.executable, "-m", "bot.console"], cwd=ROOT, env=environment, capture_output=True, text=True
        ).stdout.strip()

    assert len(printed()) > 40
    office.account("Ana", "administrator")
    assert printed() == ""


def test_signing_in_takes_password_and_code(office: Office) -> None:
    office.account("Ana")
    browser = office.browser()

    answer = browser.post("/console/signin", {"email": " ANA@example.org ", "password": PASSWORD, "next": "/console/account"})
    assert browser.get("/console/account").status_code == 303

    answer = browser.post("/console/signin/code", {"code": office.code("ana@example.org"), "next": "/console/account"})
    assert (answer.status_code, answer.headers["location"]) == (303, "/console/account")
    assert "Ana" in browser.get("/console/account").text


@pytest.mark.parametrize(("email", "password"), [("ana@example.org", "wrong wrong wrong"), ("nobody@example.org", PASSWORD), ("", "")])
def test_every_refusal_says_the_same(office: Office, email: str, password: str) -> None:
    office.account("Ana")
    wanted = office.browser().post("/console/signin", {"email": "ana@example.org", "password": "another wrong one"})

    answer = office.browser().post("/console/signin", {"email": email, "password": password})

    assert answer.status_code == wanted.status_code == 401
    assert answer.text.replace(f'value="{email}"', "") == wanted.text.replace('value="ana@example.org"', "")


def test_a_code_counts_once(office: Office) -> None:
    office.account("Ana")
    code = office.code("ana@example.org")
    answers = []
    for _ in range(2):
        browser = office.browser()
        browser.post("/console/signin", {"email": "ana@example.org", "password": PASSWORD})
        answers.append(browser.post("/console/signin/code", {"code": code}).status_code)

    assert answers == [303, 401]


def test_a_recovery_code_counts_once(office: Office) -> None:
    office.account("Ana")
    answers = []
    for _ in range(2):
        browser = office.browser()
        browser.post("/console/signin", {"email": "ana@example.org", "password": PASSWORD})
        answers.append(browser.post("/console/signin/code", {"code": "AAAAA aaaaa"}).status_code)

    assert answers == [303, 401]
    assert "recovery_code_used" in [act for _, act, _ in office.acts()]


def test_the_step_between_opens_nothing_after_it_was_used(office: Office) -> None:
    office.account("Ana")
    browser = office.browser()
    browser.post("/console/signin", {"email": "ana@example.org", "password": PASSWORD})
    kept = dict(browser.http.cookies)
    browser.post("/console/signin/code", {"code": office.code("ana@example.org")})

    other = office.browser()
    other.http.cookies.update(kept)
    answer = other.post("/console/signin/code", {"code": office.code("ana@example.org")})

    assert answer.headers["location"].startswith("/console/signin?")


def test_failures_lock_the_account_with_growing_waits(office: Office) -> None:
    officer_id, now = office.account("Ana"), time.time()
    waits = []
    with office.database.write() as c:
        for _ in range(12):
            at = now
            assert accounts.charge(c, officer_id, at) is not None
            until = c.scalar(select(officer.c.locked_until).where(officer.c.id == officer_id))
            waits.append(round(until - at) if until else 0)
            assert until is None or accounts.charge(c, officer_id, until - 0.1) is None
            now = (until or now) + 0.1

    assert waits == [0, 0, 0, 0, 5, 15, 45, 120, 300, 900, 900, 900]


def test_a_locked_account_refuses_the_right_password_too(office: Office) -> None:
    office.account("Ana")
    for _ in range(5):
        office.browser().post("/console/signin", {"email": "ana@example.org", "password": "wrong wrong wrong"})

    answer = office.browser().post("/console/signin", {"email": "ana@example.org", "password": PASSWORD})

    assert answer.status_code == 401


def test_the_right_password_does_not_wipe_out_wrong_codes(office: Office) -> None:
    """Who has the password must not get endless tries at the code by entering it again and again."""
    officer_id = office.account("Ana")
    for _ in range(4):
        browser = office.browser()
        browser.post("/console/signin", {"email": "ana@example.org", "password": PASSWORD})
        assert browser.post("/console/signin/code", {"code": "000000"}).status_code == 401

    with office.database.read() as c:
        assert c.scalar(select(officer.c.failures).where(officer.c.id == officer_id)) == 4


def test_many_tries_of_one_address_are_slowed_down(offices: Callable[..., Office]) -> None:
    office = offices(limits="on")
    answers = [office.browser().post("/console/signin", {"email": "x@example.org", "password": "y"}).status_code for _ in range(40)]

    assert 429 in answers
    assert set(answers) == {401, 429}


def test_without_a_second_factor_only_the_demo_lets_in(offices: Callable[..., Office], tmp_path_factory: pytest.TempPathFactory) -> None:
    strict, demo = offices(), offices(data_dir=tmp_path_factory.mktemp("demo"), demo="on")
    for office in (strict, demo):
        office.account("Ana", factor=False)

    assert strict.browser().sign_in("ana@example.org").status_code == 401
    assert demo.browser().sign_in("ana@example.org").status_code == 303


@pytest.mark.parametrize("options", [{"host": "0.0.0.0"}, {"public_url": "https://orienta.example"}])
def test_the_demo_stays_on_loopback(offices: Callable[..., Office], options: dict[str, str]) -> None:
    with pytest.raises(ValueError, match="loopback"):
        offices(demo="on", **options)


# --- sessions ------------------------------------------------------------------------------------------------------------------


def test_the_cookie_is_kept_from_scripts_and_from_plain_http(offices: Callable[..., Office]) -> None:
    office = offices(public_url="https://orienta.example")
    office.account("Ana")
    browser = office.browser()
    browser.http.headers["X-Forwarded-Proto"] = "https"
    browser.http.base_url = browser.http.base_url.copy_with()
    answer = browser.post("/console/signin", {"email": "ana@example.org", "password": PASSWORD})
    for cookie in answer.headers.get_list("set-cookie"):
        name, value = cookie.partition(";")[0].split("=", 1)
        browser.http.headers["Cookie"] = f"{name}={value}"
    answer = browser.post("/console/signin/code", {"code": office.code("ana@example.org")})

    cookie = next(c for c in answer.headers.get_list("set-cookie") if c.startswith("__Host-orienta="))
    assert {"HttpOnly", "Secure", "Path=/", "SameSite=lax"} <= {part.strip() for part in cookie.split(";")}
    assert "Domain" not in cookie
    assert answer.headers["strict-transport-security"]


def test_a_session_gets_a_new_token_at_every_sign_in(office: Office) -> None:
    browser = office.signed_in("Ana")
    first = browser.http.cookies["orienta_console"]

    browser.sign_in("ana@example.org")

    assert browser.http.cookies["orienta_console"] != first
    with office.database.read() as c:
        assert c.scalar(select(func.count()).select_from(console_session)) == 1


@pytest.mark.parametrize(("column", "seconds"), [("seen_at", sessions.IDLE), ("created_at", sessions.LONGEST)])
def test_a_session_ends(office: Office, column: str, seconds: float) -> None:
    browser = office.signed_in("Ana")
    with office.database.write() as c:
        c.execute(update(console_session).values({column: time.time() - seconds - 1}))

    answer = browser.get("/console/account?x=1")
    assert (answer.status_code, answer.headers["location"]) == (303, "/console/signin?next=/console/account%3Fx%3D1")
    assert browser.get("/console/session", headers={"Accept": "application/json"}).status_code == 401
    fragment = browser.get("/console/account", headers={"HX-Request": "true", "HX-Current-URL": f"{office.origin}/console/account"})
    assert fragment.status_code == 401
    assert "/console/signin?next=/console/account" in fragment.text


def test_asking_how_long_does_not_extend_and_asking_to_stay_does(office: Office) -> None:
    browser = office.signed_in("Ana")
    with office.database.write() as c:
        c.execute(update(console_session).values(seen_at=time.time() - 1000))

    assert browser.get("/console/session").json()["left"] < 810
    assert browser.post("/console/session", headers={"X-CSRF": browser.csrf}).json()["left"] > 1790


def test_own_sessions_are_listed_and_ended(office: Office) -> None:
    browser, other = office.signed_in("Ana"), office.browser()
    other.sign_in("ana@example.org")
    named = re.findall(r'name="session" value="([0-9a-f]{24})"', browser.get("/console/account").text)
    assert len(named) == 1

    browser.post("/console/account/sessions/end", {"session": named[0]})

    assert other.get("/console/account").status_code == 303
    assert browser.get("/console/account").status_code == 200


def test_a_new_password_ends_the_other_sessions(office: Office) -> None:
    browser, other = office.signed_in("Ana"), office.browser()
    other.sign_in("ana@example.org")

    answer = browser.post("/console/account/password", {"old": PASSWORD, "new": "cuatro palabras nuevas aqui"})

    assert answer.status_code == 303
    assert other.get("/console/account").status_code == 303
    assert office.browser().sign_in("ana@example.org").status_code == 401
    assert office.browser().sign_in("ana@example.org", "cuatro palabras nuevas aqui").status_code == 303


def test_signing_out_ends_the_session(office: Office) -> None:
    browser = office.signed_in("Ana")
    token = browser.http.cookies["orienta_console"]

    answer = browser.post("/console/signout")

    assert "storage" in answer.headers["clear-site-data"]
    browser.http.cookies.set("orienta_console", token)
    assert browser.get("/console/account").status_code == 303


# --- other sites, and fresh proof ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("data", "headers"),
    [
        ({"csrf": ""}, {}),
        ({"csrf": "x" * 32}, {}),
        ({}, {"Origin": "https://evil.example"}),
        ({}, {"Origin": "null"}),
        ({}, {"Sec-Fetch-Site": "cross-site"}),
    ],
)
def test_forms_of_other_sites_are_refused(office: Office, data: dict[str, str], headers: dict[str, str]) -> None:
    browser = office.signed_in("Ana")

    answer = browser.post("/console/account/settings", {"name": "Mallory"} | data, headers=headers)

    assert answer.status_code == 403
    assert "Mallory" not in browser.get("/console/account").text


def test_another_site_cannot_sign_somebody_in(office: Office) -> None:
    office.account("Ana")

    answer = office.browser().post(
        "/console/signin", {"email": "ana@example.org", "password": PASSWORD}, headers={"Origin": "https://evil.example"}
    )

    assert answer.status_code == 403


def test_what_is_delicate_wants_a_fresh_proof(office: Office) -> None:
    browser = office.signed_in("Ana", "administrator")
    with office.database.write() as c:
        c.execute(update(console_session).values(confirmed_at=time.time() - 601))
    assert browser.get("/console/audit/csv").headers["location"].startswith("/console/confirm?next=/console/audit/csv")
    assert browser.post("/console/officers/invite", {"email": "b@example.org", "role": "officer"}).status_code == 403

    browser.post("/console/confirm", {"code": "000000"})
    assert browser.get("/console/audit/csv").status_code == 303
    browser.post("/console/confirm", {"code": office.code("ana@example.org")})

    assert browser.get("/console/audit/csv").status_code == 200


@pytest.mark.parametrize(
    "given", ["https://evil.example/", "//evil.example", "/console//evil", "/console/\\evil", "/chat", "/console/signout"]
)
def test_the_way_on_stays_in_the_console(office: Office, given: str) -> None:
    office.account("Ana")
    browser = office.browser()
    browser.post("/console/signin", {"email": "ana@example.org", "password": PASSWORD, "next": given})

    answer = browser.post("/console/signin/code", {"code": office.code("ana@example.org"), "next": given})

    assert answer.headers["location"] == "/console/"


def test_pages_carry_their_headers_and_hold_nothing_inline(office: Office) -> None:
    browser = office.signed_in("Ana", "administrator")
    for path in ("/console/account", "/console/officers", "/console/audit", "/console/roster", "/console/content", "/console/signin"):
        answer = browser.get(path)
        assert answer.status_code == 200, path
        assert "'unsafe" not in answer.headers["content-security-policy"]
        assert "frame-ancestors 'none'" in answer.headers["content-security-policy"]
        assert answer.headers["cache-control"] == "no-store"
        assert not re.search(r"<script(?![^>]* src=)|<style| style=| on[a-z]+=\"", answer.text), path
        assert not re.search(r"(?:src|href)=\"https?:", answer.text), path


def test_what_is_far_too_long_is_refused_clearly(office: Office) -> None:
    browser = office.signed_in("Ana")

    answer = browser.post("/console/account/settings", {"name": "x" * 3_000_000})

    assert answer.status_code == 413
    assert "demasiado largo" in answer.text
    assert browser.get("/console/account").status_code == 200


def test_over_plain_http_only_this_machine_is_let_in(office: Office) -> None:
    with httpx.Client(base_url=office.origin, headers={"Host": "orienta.example"}) as client:
        assert client.get("/console/signin").status_code == 200  # through a proxy on this machine

    stands = SimpleNamespace(state=SimpleNamespace(service=office.web.service))
    scope = {"type": "http", "method": "GET", "path": "/", "query_string": b"", "scheme": "http", "app": stands}
    elsewhere = Request(scope | {"client": ("203.0.113.9", 4), "server": ("h", 80), "headers": [(b"host", b"orienta.example")]})
    with pytest.raises(Refused, match="insecure"):
        check_transport(elsewhere)
    check_transport(Request(dict(elsewhere.scope) | {"scheme": "https"}))
