"""Browser fixtures of the widget's tests. Without a browser they are skipped, except where CI or REQUIRE_BROWSER=1 asks for it."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.widget.standin import Standin

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext, Dialog, Page

CHROMIUM = os.environ.get("CHROMIUM") or shutil.which("chromium") or "/usr/bin/chromium"
FLAGS = [
    "--no-sandbox",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
NEEDED = os.environ.get("CI") == "true" or os.environ.get("REQUIRE_BROWSER") == "1"


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Chromium for the tests of one file: Playwright keeps an event loop running meanwhile, which other tests must not meet."""
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        _missing("Playwright is missing: pip install -r requirements-dev.txt")
    if not Path(CHROMIUM).exists():
        _missing("no chromium: apt-get install chromium, or set CHROMIUM to its path")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser
        browser.close()


def _missing(what: str) -> None:
    if NEEDED:
        pytest.fail(what)
    pytest.skip(what)


@pytest.fixture
def standin() -> Iterator[Standin]:
    with Standin().running() as running:
        yield running


class Tracked:
    """A browser context that remembers every request, dialog, console error and policy violation of its pages."""

    def __init__(self, context: BrowserContext) -> None:
        self.context = context
        self.requests: list[str] = []
        self.errors: list[str] = []
        self.dialogs: list[str] = []
        context.on("request", lambda request: self.requests.append(request.url))
        context.on("page", self._watch)
        context.add_init_script(
            "document.addEventListener('securitypolicyviolation', (e) => console.error('CSP: ' + e.violatedDirective + ' ' + e.blockedURI))"
        )
        # The exit page is somebody else's: it is stood in for, and no test leaves the machine.
        context.route(
            "https://weather.gov/**", lambda route: route.fulfill(body="<title>Weather</title><p>Sunny</p>", content_type="text/html")
        )

    def _watch(self, page: Page) -> None:
        page.on("pageerror", lambda error: self.errors.append(str(error)))
        page.on("console", lambda message: self.errors.append(message.text) if message.type == "error" else None)
        page.on("dialog", self._dismiss)

    def _dismiss(self, dialog: Dialog) -> None:
        self.dialogs.append(dialog.message)
        dialog.dismiss()

    def foreign(self, *own: str) -> list[str]:
        """Requests to anywhere but the given origins (and the exit page)."""
        return [url for url in self.requests if not url.startswith((*own, "https://weather.gov/", "data:"))]


@pytest.fixture
def contexts(browser: Browser) -> Iterator[Callable[..., Tracked]]:
    """Makes contexts: language, viewport and so on as Playwright names them."""
    made: list[Tracked] = []

    def make(**options: Any) -> Tracked:
        settings = {"locale": "es-MX", "timezone_id": "America/Los_Angeles", "viewport": {"width": 390, "height": 780}} | options
        tracked = Tracked(browser.new_context(**settings))
        tracked.context.set_default_timeout(8000)
        made.append(tracked)
        return tracked

    yield make
    for tracked in made:
        tracked.context.close()


@pytest.fixture
def tracked(contexts: Callable[..., Tracked]) -> Tracked:
    return contexts()


@pytest.fixture
def page(tracked: Tracked) -> Page:
    return tracked.context.new_page()
