"""Every page of accounts and administration in a real browser: axe, keyboard, small and large screens, both languages, light and dark."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

pytest.importorskip("playwright")
from playwright.sync_api import expect
from sqlalchemy import update

from bot.cases import withdrawals
from bot.console import accounts
from bot.store.schema import console_session
from tests.console.conftest import PASSWORD, Office
from tests.widget.conftest import browser, contexts, page, tracked  # noqa: F401 (fixtures)
from tests.widget.test_accessibility import violations

if TYPE_CHECKING:
    from playwright.sync_api import Page

    from tests.widget.conftest import Tracked

pytestmark = pytest.mark.browser

PAGES = (
    "/console/account",
    "/console/officers",
    "/console/audit",
    "/console/roster",
    "/console/content",
    "/console/content?q=cita",
    "/console/content/part?kind=facet&ref=appointment/book",
    "/console/content/part?kind=hotline&ref=ciam",
    "/console/confirm",
)
SIZES = ((390, 780), (1280, 720))


def _sign_in(page: Page, office: Office, name: str) -> None:  # noqa: F811
    page.goto(f"{office.origin}/console/signin?next=/console/account")
    page.locator("#email").fill(f"{name}@example.org")
    page.locator("#password").fill(PASSWORD)
    page.keyboard.press("Enter")
    page.locator("#code").fill(office.code(f"{name}@example.org"))
    page.keyboard.press("Enter")
    page.wait_for_url(f"{office.origin}/console/account")


def _filled(office: Office) -> str:
    """An office with something on every page; the id of an officer."""
    office.account("Ana", "administrator")
    beto = office.account("Beto", consulates=["dallas"], team="noche")
    with office.database.write() as c:
        accounts.invite(c, office.keys, "caro@example.org", "officer", None, None, "es", time.time())
        withdrawals.withdraw(c, "facet", "appointment/book", {"es": "Llame.", "en": "Call."}, "moved", beto, time.time())
        number = withdrawals.withdraw(c, "hotline", "mi_consulado", None, "no answer", beto, time.time())
        withdrawals.lift(c, number, time.time())
    return beto


def _widths(page: Page) -> None:  # noqa: F811
    wide = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    assert wide <= 0, f"{page.url} is {wide} px too wide"


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("language", ["es", "en"])
def test_axe_finds_nothing_on_any_page(office: Office, contexts: Callable[..., Tracked], language: str, scheme: str) -> None:  # noqa: F811
    beto = _filled(office)
    tracked = contexts(color_scheme=scheme, locale="en-US" if language == "en" else "es-MX")  # noqa: F811
    page = tracked.context.new_page()  # noqa: F811
    dora = office.account("Dora")
    with office.database.write() as c:
        token = accounts.reinvite(c, office.keys, dora, time.time(), new_factor=True)
    found: dict[str, list[str]] = {}

    def look() -> None:
        page.wait_for_load_state()
        for width, height in SIZES:
            page.set_viewport_size({"width": width, "height": height})
            _widths(page)
            if wrong := violations(page):
                found[f"{page.url} {width}"] = wrong

    for _ in _pages(page, office, token, beto, language):
        look()

    assert found == {}
    assert tracked.foreign(office.origin) == []
    assert [e for e in tracked.errors if "status of 4" not in e] == []


def _pages(page: Page, office: Office, token: str, beto: str, language: str) -> Iterator[None]:  # noqa: F811
    page.goto(f"{office.origin}/console/signup/dead")
    yield
    page.goto(f"{office.origin}/console/signup/{token}")
    yield
    page.locator("#name").fill("Dora")
    page.locator("#password").fill("corta corta 12")
    page.locator("#password").fill("dora dora dora")
    page.locator("form[action*=signup] button").click()
    expect(page.get_by_role("alert")).to_be_visible()
    yield
    page.locator("#password").fill(PASSWORD)
    page.locator("form[action*=signup] button").click()
    page.wait_for_url(f"{office.origin}/console/signup/factor")
    yield
    page.goto(f"{office.origin}/console/signin")
    yield
    page.locator("#email").fill("ana@example.org")
    page.locator("#password").fill("wrong wrong wrong")
    page.keyboard.press("Enter")
    expect(page.get_by_role("alert")).to_be_visible()
    yield
    page.locator("#password").fill(PASSWORD)
    page.keyboard.press("Enter")
    page.locator("#code").wait_for()
    yield
    page.locator("#code").fill(office.code("ana@example.org"))
    page.keyboard.press("Enter")
    page.wait_for_url(f"{office.origin}/console/")
    if language == "en":
        page.goto(f"{office.origin}/console/account")
        page.get_by_role("button", name="English").click()
        expect(page.locator("html")).to_have_attribute("lang", "en")
    for path in (*PAGES, f"/console/officers/{beto}"):
        page.goto(office.origin + path)
        yield


def test_an_account_is_made_and_used_by_keyboard_alone(office: Office, page: Page) -> None:  # noqa: F811
    import pyotp

    with office.database.write() as c:
        token = accounts.first_link(c, office.keys, time.time())
    page.goto(f"{office.origin}/console/signup/{token}")

    def tab_to(selector: str) -> None:
        for _ in range(30):
            page.keyboard.press("Tab")
            if page.evaluate("(s) => document.activeElement.matches(s)", selector):
                assert page.evaluate("getComputedStyle(document.activeElement).outlineWidth") == "3px"
                return
        raise AssertionError(f"Tab does not reach {selector}")

    for field, text in (("#email", "ana@example.org"), ("#name", "Ana"), ("#password", PASSWORD)):
        tab_to(field)
        page.keyboard.type(text)
    page.keyboard.press("Enter")
    secret = (page.locator("#secret").text_content() or "").replace(" ", "")
    tab_to("#code")
    page.keyboard.type(pyotp.TOTP(secret).now())
    page.keyboard.press("Enter")
    page.locator("#codes").wait_for()

    page.goto(f"{office.origin}/console/account")
    tab_to('form[action$="signout"] button')
    page.keyboard.press("Enter")
    page.wait_for_url(f"{office.origin}/console/signin?done=signed_out")


def test_the_end_of_the_session_is_told_in_time_and_a_key_extends_it(office: Office, page: Page) -> None:  # noqa: F811
    office.account("Ana")
    _sign_in(page, office, "ana")
    with office.database.write() as c:
        c.execute(update(console_session).values(seen_at=time.time() - 1700))
    page.goto(f"{office.origin}/console/account")  # a visit counts: the session is whole again
    expect(page.locator("console-session [role=alert]")).to_have_count(0)
    with office.database.write() as c:
        c.execute(update(console_session).values(seen_at=time.time() - 1700))

    page.evaluate("document.querySelector('console-session').look()")
    alert = page.locator("console-session [role=alert]")
    expect(alert).to_contain_text("2 min")
    assert violations(page) == []
    page.keyboard.press("Shift")

    expect(alert).to_have_count(0)
    with office.database.read() as c:
        assert c.execute(console_session.select()).one().seen_at > time.time() - 60


def test_a_session_that_ended_leads_back_to_the_same_page(office: Office, page: Page) -> None:  # noqa: F811
    office.account("Ana", "supervisor")
    _sign_in(page, office, "ana")
    page.goto(f"{office.origin}/console/content?q=cita")
    with office.database.write() as c:
        c.execute(console_session.delete())

    page.evaluate("document.querySelector('console-session').look()")
    page.get_by_role("link", name="Volver a entrar").click()
    page.locator("#email").fill("ana@example.org")
    page.locator("#password").fill(PASSWORD)
    page.keyboard.press("Enter")
    page.locator("#code").fill(office.code("ana@example.org"))
    page.keyboard.press("Enter")

    page.wait_for_url(f"{office.origin}/console/content?q=cita")


def test_times_are_those_of_the_officer_s_zone(office: Office, page: Page) -> None:  # noqa: F811
    office.account("Ana")
    _sign_in(page, office, "ana")
    shown: Any = page.evaluate("[...document.querySelectorAll('time')].map(t => [t.textContent, t.dateTime])")

    assert shown
    assert all("UTC" not in text for text, _ in shown)


@pytest.mark.parametrize("setting", [{"forced_colors": "active"}, {"reduced_motion": "reduce"}])
def test_forced_colours_and_no_motion(office: Office, contexts: Callable[..., Tracked], setting: dict[str, str]) -> None:  # noqa: F811
    page = contexts(**setting).context.new_page()  # noqa: F811
    page.goto(f"{office.origin}/console/signin")

    assert page.evaluate("document.getAnimations().length") == 0
    assert page.evaluate("getComputedStyle(document.querySelector('main button')).borderTopWidth") == "1px"


def test_the_page_is_small(office: Office) -> None:
    import gzip

    static = Path(__file__).parent.parent.parent / "bot" / "console" / "static"
    sizes = {kind: sum(len(gzip.compress(f.read_bytes(), 9)) for f in static.rglob(f"*.{kind}")) for kind in ("js", "css")}
    print(sizes)

    assert sizes["js"] <= 40_000
    assert sizes["css"] <= 20_000
