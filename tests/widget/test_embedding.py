"""On other people's pages: their style sheets, their policy, their origin; and nobody's markup in a message."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

pytest.importorskip("playwright")
from playwright.sync_api import expect

from tests.widget.chatting import Widget
from tests.widget.standin import Standin

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Page

    from tests.widget.conftest import Tracked

pytestmark = pytest.mark.browser


@pytest.fixture
def host() -> Iterator[Standin]:
    """A site of another origin."""
    with Standin().running() as running:
        yield running


def policy(origin: str) -> str:
    ours = f"script-src {origin}; connect-src {origin}; img-src {origin}"
    return f"default-src 'none'; {ours}; require-trusted-types-for 'script'; trusted-types 'none'"


def test_foreign_origin_with_a_strict_policy(tracked: Tracked, page: Page, host: Standin, standin: Standin) -> None:
    html = (
        f'<!doctype html><html lang="es"><title>Sitio</title><body><h1>Sitio</h1><script src="{standin.origin}/widget.js" async></script>'
    )
    host.page("/host", html, policy(standin.origin))
    chat = Widget(page).open(f"{host.origin}/host")
    chat.press("Está pasando ahora")
    chat.hears("No abra la puerta.")
    chat.says("¿Cuál es mi consulado?")
    chat.hears("Este es su consulado.")
    page.get_by_role("button", name="Más opciones").click()
    chat.press("Volver al chat")
    assert page.locator(".panel").evaluate("el => getComputedStyle(el).position") == "fixed"
    (token,) = standin.conversations
    chat.exit.click()
    page.wait_for_url("https://weather.gov/**")
    for _ in range(50):
        if standin.exits:
            break
        page.wait_for_timeout(50)
    assert standin.exits == [token]
    assert tracked.errors == []
    assert tracked.foreign(host.origin, standin.origin) == []


@pytest.mark.parametrize("path", ["/", "/chat"])
def test_our_own_pages_ask_nobody_else(tracked: Tracked, page: Page, standin: Standin, path: str) -> None:
    page.goto(standin.origin + path)
    chat = Widget(page)
    if path == "/":
        chat.launcher.click()
    chat.says("¿Cuál es mi consulado?")
    chat.hears("Este es su consulado.")
    assert tracked.foreign(standin.origin) == []
    assert tracked.errors == []


def test_hostile_style_sheet_changes_nothing(page: Page, standin: Standin) -> None:
    hostile = (
        "* {all: unset !important; font-size: 62.5% !important; color: red !important} "
        "html {font-size: 62.5%} div, button {position: static !important}"
    )
    for name, style in (("calm", ""), ("hostile", hostile)):
        standin.page(
            f"/{name}", f'<!doctype html><html lang="es"><title>x</title><style>{style}</style><body><script src="/widget.js"></script>'
        )
    looks = []
    for name in ("calm", "hostile"):
        page.goto(f"{standin.origin}/{name}")
        page.evaluate("sessionStorage.clear()")
        chat = Widget(page).open(f"{standin.origin}/{name}")
        looks.append(
            page.locator(".root").evaluate(
                """root => ['.panel', '.starter', '.exit', 'textarea', 'h2'].map((name) => {
                  const it = root.querySelector(name);
                  const { fontSize, fontFamily, color, backgroundColor, position } = getComputedStyle(it);
                  const { x, y, width, height } = it.getBoundingClientRect();
                  return [name, fontSize, fontFamily, color, backgroundColor, position, x, y, width, height];
                })"""
            )
        )
        chat.exit.click()
        page.wait_for_url("https://weather.gov/**")
    assert looks[0] == looks[1]


HTML = [
    "<img src=x onerror=alert(1)>",
    "<script>alert(1)</script>",
    '"><svg onload=alert(1)>',
    "</li></ol><iframe src=javascript:alert(1)></iframe>",
    "<b>fuerte</b> &lt;i&gt; &amp;",
    '[enlace](javascript:alert(1)) https://x.example/"onmouseover=alert(1)',
]


@pytest.mark.parametrize("payload", HTML)
def test_markup_in_messages_is_text(tracked: Tracked, page: Page, standin: Standin, payload: str) -> None:
    chat = Widget(page).open(standin.origin)
    chat.says(payload)
    chat.hears("Eco:")
    place = {"lat": 1.5, "lon": 2.5, "name": payload, "address": payload}
    standin.put(standin.only, text=payload, level=1, buttons=[{"title": payload, "payload": payload}], location=place, author="agent")
    answer = chat.log.locator("li.agent")
    expect(answer.get_by_role("button")).to_have_text(payload)
    assert chat.texts()[0] == ("user", payload)
    assert chat.texts()[-1] == ("agent", payload)
    assert (
        chat.log.evaluate(
            "log => log.querySelectorAll('img, script, iframe, b, i:not(.dots i), [onload], [onmouseover], [onerror]').length"
        )
        == 0
    )
    assert tracked.dialogs == []


def test_script_twice_makes_one_widget(page: Page, standin: Standin) -> None:
    script = '<script src="/widget.js"></script>'
    standin.page("/host", f'<!doctype html><html lang="es"><title>x</title><body>{script}{script}')
    page.goto(f"{standin.origin}/host")
    page.locator(".launcher").wait_for()
    assert page.locator("orienta-chat").count() == 1


def test_host_element_asks_session_replay_to_look_away(page: Page, standin: Standin) -> None:
    page.goto(standin.origin)
    page.locator(".launcher").wait_for()
    element = page.locator("orienta-chat")
    for name in ("data-private", "data-hj-suppress", "data-clarity-mask", "data-dd-privacy", "data-sentry-block"):
        assert element.get_attribute(name) is not None
    assert element.get_attribute("translate") == "no"


def test_frame_mode_keeps_the_chat_from_the_host_and_exits_as_one(tracked: Tracked, page: Page, host: Standin, standin: Standin) -> None:
    host.page(
        "/host",
        f'<!doctype html><html lang="en"><title>x</title><body><script src="{standin.origin}/widget.js" data-mode="frame"></script>',
    )
    page.goto(f"{host.origin}/host")
    launcher = page.get_by_role("button", name="Open chat")
    launcher.click()
    frame = page.frame_locator("iframe")
    frame.get_by_role("button", name="Someone was detained").click()
    expect(frame.get_by_role("log")).to_contain_text("Call CIAM now.")
    assert page.evaluate("document.querySelector('orienta-chat').shadowRoot.textContent").count("CIAM") == 0
    frame.get_by_role("button", name="Close chat").click()
    expect(launcher).to_be_visible()
    launcher.click()
    (token,) = standin.conversations
    frame.get_by_role("button", name="Exit").click()
    page.wait_for_url("https://weather.gov/**")
    assert standin.exits == [token]


def test_frame_mode_exits_by_shift_from_the_host_page(page: Page, host: Standin, standin: Standin) -> None:
    host.page(
        "/host",
        f'<!doctype html><html lang="en"><title>x</title><body><script src="{standin.origin}/widget.js" data-mode="frame"></script>'
        "<button>host</button>",
    )
    page.goto(f"{host.origin}/host")
    page.get_by_role("button", name="Open chat").click()
    frame = page.frame_locator("iframe")
    frame.get_by_role("button", name="Someone was detained").click()
    expect(frame.get_by_role("log")).to_contain_text("Call CIAM now.")
    (token,) = standin.conversations
    page.get_by_role("button", name="host").focus()
    for _ in range(3):
        page.keyboard.press("Shift")
    page.wait_for_url("https://weather.gov/**")
    assert standin.exits == [token]
