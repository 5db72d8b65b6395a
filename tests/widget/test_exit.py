"""Quick exit: out of sight at once, nothing left on the device, no way back, the case stays."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

pytest.importorskip("playwright")
from playwright.sync_api import expect

from tests.widget.chatting import Widget, storage
from tests.widget.standin import Standin

if TYPE_CHECKING:
    from collections.abc import Callable

    from playwright.sync_api import Page

    from tests.widget.conftest import Tracked

pytestmark = pytest.mark.browser
WORDS = ("orienta", "Eco", "secreto", "migración")


def shifts(page: Page, times: int = 3) -> None:
    for _ in range(times):
        page.keyboard.press("Shift")


def assert_no_trace(page: Page, standin: Standin) -> None:
    """The weather page is there; storage of our origin is empty, and Back brings no chat."""
    page.wait_for_url("https://weather.gov/**")
    history = page.evaluate("history.length")
    page.go_back()
    content = page.content() + page.evaluate("document.querySelector('orienta-chat')?.shadowRoot.textContent ?? ''")
    assert "secreto" not in content
    page.goto(f"{standin.origin}/static/icon.svg")
    kept = storage(page)
    assert kept == {"session": {}, "local": {}, "cookie": ""}
    assert history <= 3


@pytest.mark.parametrize("way", ["button", "shift", "shift in the text box"])
@pytest.mark.parametrize("path", ["/", "/chat"])
def test_exit(page: Page, standin: Standin, way: str, path: str) -> None:
    page.goto("about:blank")
    page.goto(f"{standin.origin}{path}")
    chat = Widget(page)
    if path == "/":
        chat.launcher.click()
    chat.says("un secreto")
    chat.hears("Eco: un secreto")
    (token,) = standin.conversations
    if way == "button":
        chat.exit.click()
    else:
        (chat.box if "box" in way else chat.log).focus()
        shifts(page)
    page.wait_for_url("https://weather.gov/**")
    for _ in range(50):
        if standin.exits:
            break
        page.wait_for_timeout(50)
    assert standin.exits == [token]
    assert standin.erasures == []
    assert_no_trace(page, standin)


def test_exit_does_not_wait_for_a_server_that_hangs(page: Page, standin: Standin) -> None:
    chat = Widget(page).open(standin.origin)
    chat.says("un secreto")
    chat.hears("Eco: un secreto")
    standin.faults.exit_hangs = True
    chat.exit.click()
    page.wait_for_url("https://weather.gov/**", timeout=3000)


def test_exit_works_without_a_line(tracked: Tracked, page: Page, standin: Standin) -> None:
    chat = Widget(page).open(standin.origin)
    chat.says("un secreto")
    chat.hears("Eco: un secreto")
    tracked.context.route(f"{standin.origin}/**", lambda route: route.abort())
    chat.exit.click()
    page.wait_for_url("https://weather.gov/**")


def test_page_is_hidden_in_the_same_task(page: Page, standin: Standin) -> None:
    page.add_init_script(
        """window.fetch = new Proxy(fetch, {apply(target, self, args) {
             if (String(args[0]).endsWith('/exit')) window.order = [document.documentElement.style.visibility, sessionStorage.length];
             return Reflect.apply(target, self, args);
           }})"""
    )
    chat = Widget(page).open(standin.origin)
    chat.says("un secreto")
    chat.hears("Eco: un secreto")
    page.route("https://weather.gov/**", lambda route: None)  # never answered: the page stays to be looked at
    seen = page.evaluate(
        """() => {
          const root = document.querySelector('orienta-chat').shadowRoot;
          root.querySelector('.exit').click();
          const visible = getComputedStyle(document.body).visibility;
          return [visible, sessionStorage.length, window.order, root.textContent.includes('secreto')];
        }"""
    )
    # hidden first, then the call (storage still full), then the storage
    assert seen == ["hidden", 0, ["hidden", 1], False]


def test_shifts_show_progress_and_other_keys_begin_anew(page: Page, standin: Standin) -> None:
    chat = Widget(page).open(standin.origin)
    chat.box.focus()
    shifts(page, 2)
    expect(page.locator("[role=status]").filter(has_text="Salir: 2 de 3")).to_have_count(1)
    expect(page.locator(".shifts")).to_be_visible()
    page.keyboard.type("a")
    expect(page.locator(".shifts")).to_be_hidden()
    shifts(page, 2)
    page.wait_for_timeout(100)
    assert page.url.startswith(standin.origin)


def test_capitals_and_shortcuts_do_not_count(page: Page, standin: Standin) -> None:
    chat = Widget(page).open(standin.origin)
    chat.box.focus()
    for key in ("Shift+H", "Shift+O", "Shift+L", "Shift+A", "Shift+Tab", "Shift+Tab", "Shift+Tab", "Control+Shift"):
        page.keyboard.press(key)
    page.wait_for_timeout(100)
    assert page.url.startswith(standin.origin)


def test_slow_shifts_do_not_count(page: Page, standin: Standin) -> None:
    chat = Widget(page).open(standin.origin)
    chat.box.focus()
    shifts(page, 2)
    page.wait_for_timeout(5200)
    shifts(page, 1)
    page.wait_for_timeout(100)
    assert page.url.startswith(standin.origin)


def test_shifts_do_nothing_on_a_page_whose_chat_was_never_opened(page: Page, standin: Standin) -> None:
    page.goto(standin.origin)
    page.locator(".launcher").wait_for()
    shifts(page)
    page.wait_for_timeout(100)
    assert page.url.startswith(standin.origin)


def test_exit_in_one_tab_takes_the_other_along(tracked: Tracked, page: Page, standin: Standin) -> None:
    chat = Widget(page).open(standin.origin)
    chat.says("un secreto")
    chat.hears("Eco: un secreto")
    with tracked.context.expect_page() as opened:
        page.evaluate("window.open(location.href)")
    other = opened.value
    Widget(other).hears("Eco: un secreto")
    chat.exit.click()
    other.wait_for_url("https://weather.gov/**")


def test_own_exit_address(contexts: Callable[..., Tracked], standin: Standin) -> None:
    tracked = contexts()
    page = tracked.context.new_page()
    standin.page("/calm", "<title>calm</title>")
    host = '<!doctype html><html lang="en"><title>x</title><body><script src="/widget.js" data-exit-url="{}"></script>'
    standin.page("/host", host.format("/calm"))
    Widget(page).open(f"{standin.origin}/host").exit.click()
    page.wait_for_url("**/calm")
    standin.page("/script", host.format("javascript:alert(1)"))
    Widget(page).open(f"{standin.origin}/script").exit.click()
    page.wait_for_url("https://weather.gov/**")
    assert tracked.dialogs == []


def test_back_after_exit_shows_an_empty_closed_widget(page: Page, standin: Standin) -> None:
    """As when the browser kept the page alive (back-forward cache): the event comes to the very page that was left."""
    script = '<script src="/widget.js" data-exit-url="#away"></script>'  # stays, so that there is a page to come back to
    standin.page("/host", f'<!doctype html><html lang="es"><title>x</title><body>{script}')
    chat = Widget(page).open(f"{standin.origin}/host")
    chat.says("hay agentes, un secreto")
    chat.hears("No abra la puerta.")
    chat.exit.click()
    assert page.evaluate("getComputedStyle(document.documentElement).visibility") == "hidden"
    page.evaluate("dispatchEvent(new PageTransitionEvent('pageshow', {persisted: true}))")
    expect(chat.launcher).to_be_visible()
    chat.launcher.click()
    assert chat.texts() == []
    expect(chat.band).to_be_hidden()
    expect(page.locator(".starter").first).to_be_visible()
