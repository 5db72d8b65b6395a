"""Sign-in with a provider, against one that speaks HTTP on loopback."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest
from joserfc import jwt
from joserfc.jwk import OctKey, RSAKey
from sqlalchemy import select

from bot.console import accounts
from bot.store.schema import console_session, officer
from tests.console.conftest import Browser, Office
from tests.console.standin_oidc import CLIENT, SECRET, Provider


@pytest.fixture
def provider() -> Iterator[Provider]:
    with Provider().running() as running:
        yield running


@pytest.fixture
def office(offices: Callable[..., Office], provider: Provider) -> Office:
    return offices(oidc_issuer=provider.issuer, oidc_client_id=CLIENT, oidc_client_secret=SECRET)


def _invite(office: Office, email: str = "ana@example.org") -> str:
    with office.database.write() as c:
        return accounts.invite(c, office.keys, email, "officer", None, None, "es", time.time())[0]


def _comes_back(browser: Browser, provider: Provider, start: str = "/console/oidc/start?next=/console/account") -> httpx.Response:
    away = browser.get(start)
    assert away.status_code == 303, away.text
    assert away.headers["location"].startswith(f"{provider.issuer}/authorize?")
    code, state = provider.authorise(away.headers["location"])
    return browser.get(f"/console/oidc/back?code={code}&state={state}")


def test_the_way_there_carries_state_nonce_and_pkce(office: Office, provider: Provider) -> None:
    _invite(office)
    _comes_back(office.browser(), provider)

    assert provider.asked["code_challenge_method"] == "S256"
    assert provider.asked["response_type"] == "code"
    assert set(provider.asked["scope"].split()) == {"openid", "email", "profile"}
    assert min(len(provider.asked[name]) for name in ("state", "nonce", "code_challenge")) >= 32


def test_our_second_factor_follows(office: Office, provider: Provider) -> None:
    office.account("Ana")
    browser = office.browser()

    answer = _comes_back(browser, provider)
    assert answer.headers["location"] == "/console/signin/code?next=/console/account"
    assert browser.get("/console/account").status_code == 303

    answer = browser.post("/console/signin/code", {"code": office.code("ana@example.org"), "next": "/console/account"})
    assert answer.headers["location"] == "/console/account"
    assert browser.get("/console/account").status_code == 200


def test_an_invited_person_sets_up_the_factor_first(office: Office, provider: Provider) -> None:
    _invite(office)
    browser = office.browser()

    answer = _comes_back(browser, provider)

    assert answer.headers["location"] == "/console/signup/factor"
    assert 'id="secret"' in browser.get("/console/signup/factor").text
    assert browser.get("/console/account").status_code == 303


@pytest.mark.parametrize(
    ("trusted", "amr", "inside"),
    [("on", ["pwd", "otp"], True), ("on", ["mfa"], True), ("on", ["pwd"], False), ("on", None, False), ("off", ["pwd", "otp"], False)],
)
def test_the_provider_s_second_factor_counts_where_it_is_trusted_and_was_asked_for(
    offices: Callable[..., Office], provider: Provider, trusted: str, amr: list[str] | None, inside: bool
) -> None:
    office = offices(oidc_issuer=provider.issuer, oidc_client_id=CLIENT, oidc_client_secret=SECRET, oidc_trust_mfa=trusted)
    officer_id = _invite(office)
    provider.claims = {"amr": amr}
    browser = office.browser()

    answer = _comes_back(browser, provider)

    assert (answer.headers["location"] == "/console/account") is inside
    assert (browser.get("/console/account").status_code == 200) is inside
    with office.database.read() as c:
        row = accounts.row_of(c, officer_id)
    assert row is not None
    assert (row.invite_hash is None) is inside


def test_a_silent_sign_in_is_no_fresh_proof(offices: Callable[..., Office], provider: Provider) -> None:
    office = offices(oidc_issuer=provider.issuer, oidc_client_id=CLIENT, oidc_client_secret=SECRET, oidc_trust_mfa="on")
    _invite(office)
    browser = office.browser()
    provider.claims = {"amr": ["mfa"], "auth_time": int(time.time()) - 7200}
    _comes_back(browser, provider)
    with office.database.read() as c:
        assert c.scalars(select(console_session.c.confirmed_at)).one() < time.time() - 7000

    browser.get("/console/account")
    provider.claims = {"amr": ["mfa"], "auth_time": int(time.time())}
    _comes_back(browser, provider, browser.get("/console/confirm?next=/console/account").headers["location"])

    assert provider.asked["prompt"] == "login"
    with office.database.read() as c:
        assert c.scalars(select(console_session.c.confirmed_at)).one() > time.time() - 60


@pytest.mark.parametrize(
    "claims",
    [
        {"nonce": "another"},
        {"nonce": None},
        {"aud": "somebody else"},
        {"aud": [CLIENT, "somebody else"]},
        {"aud": None},
        {"iss": "https://evil.example"},
        {"exp": 1},
        {"exp": None},
        {"iat": 1},
        {"sub": None},
        {"email_verified": False},
        {"email_verified": "true"},
        {"email_verified": None},
        {"email": None},
        {"email": ["ana@example.org"]},
        {"email": "stranger@example.org"},
    ],
)
def test_a_token_that_does_not_fit_opens_nothing(office: Office, provider: Provider, claims: dict[str, Any]) -> None:
    office.account("Ana")
    provider.claims = claims
    browser = office.browser()

    answer = _comes_back(browser, provider)

    assert answer.status_code == 403
    assert browser.get("/console/signin/code").headers["location"].startswith("/console/signin?")
    assert office.acts()[-1][1] == "signin_refused"


def test_a_token_under_another_key_opens_nothing(office: Office, provider: Provider) -> None:
    office.account("Ana")
    provider.signs_with = RSAKey.generate_key(2048, {"kid": "one"})

    assert _comes_back(office.browser(), provider).status_code == 403


@pytest.mark.parametrize("header", [{"alg": "none"}, {"alg": "HS256"}])
def test_a_token_that_anybody_can_make_opens_nothing(
    office: Office, provider: Provider, header: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    office.account("Ana")
    now = int(time.time())

    def forged(form: dict[str, str], authorization: str) -> dict[str, Any]:
        claims = {"iss": provider.issuer, "aud": CLIENT, "iat": now, "exp": now + 300, "nonce": provider.asked["nonce"], **provider.person}
        if header["alg"] == "none":
            head, body = (jwt.encode({"alg": "HS256"}, claims, OctKey.import_key("x" * 32)).split(".")[:2], "")
            token = f"eyJhbGciOiJub25lIn0.{head[1]}.{body}"
        else:
            token = jwt.encode({**header, "kid": "one"}, claims, OctKey.import_key(provider.key.as_pem(private=False).hex()))
        return {"access_token": "x", "token_type": "Bearer", "id_token": token}

    monkeypatch.setattr(provider, "token", forged)

    assert _comes_back(office.browser(), provider).status_code == 403


def test_a_code_comes_back_once(office: Office, provider: Provider) -> None:
    office.account("Ana")
    browser = office.browser()
    away = browser.get("/console/oidc/start")
    kept = dict(browser.http.cookies)
    code, state = provider.authorise(away.headers["location"])
    assert browser.get(f"/console/oidc/back?code={code}&state={state}").status_code == 303

    browser.http.cookies.update(kept)  # somebody kept cookie and address
    assert browser.get(f"/console/oidc/back?code={code}&state={state}").status_code == 403
    assert provider.refused == 0  # it was not even asked

    other = office.browser()  # the code alone, under a sign-in of one's own
    other.get("/console/oidc/start")
    assert other.get(f"/console/oidc/back?code={code}&state={state}").status_code == 403


def test_another_s_way_back_is_refused(office: Office, provider: Provider) -> None:
    """Somebody sends the officer their own code: the state does not fit."""
    office.account("Ana")
    attacker, victim = office.browser(), office.browser()
    code, state = provider.authorise(attacker.get("/console/oidc/start").headers["location"])
    victim.get("/console/oidc/start")

    assert victim.get(f"/console/oidc/back?code={code}&state={state}").status_code == 403
    assert office.browser().get(f"/console/oidc/back?code={code}&state={state}").status_code == 403


def test_a_disabled_account_stays_out(office: Office, provider: Provider) -> None:
    office.account("Zoe", "administrator")
    officer_id = office.account("Ana")
    with office.database.write() as c:
        accounts.disable(c, officer_id, time.time())

    assert _comes_back(office.browser(), provider).status_code == 403


def test_a_provider_that_is_away_says_so(offices: Callable[..., Office]) -> None:
    office = offices(oidc_issuer="http://127.0.0.1:9", oidc_client_id=CLIENT)

    assert office.browser().get("/console/oidc/start").status_code == 403


def test_without_a_provider_there_is_no_way(offices: Callable[..., Office]) -> None:
    office = offices()

    assert office.browser().get("/console/oidc/start").status_code == 404
    assert "oidc" not in office.browser().get("/console/signin").text


def test_a_new_e_mail_address_makes_no_account(office: Office, provider: Provider) -> None:
    provider.person["email"] = "stranger@example.org"

    answer = _comes_back(office.browser(), provider)

    assert "invitación" in answer.text
    with office.database.read() as c:
        assert c.execute(select(officer)).all() == []
