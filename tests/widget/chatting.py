"""What tests do with the widget, in the words of a person who uses it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from playwright.sync_api import expect

from tests.widget.standin import Standin

if TYPE_CHECKING:
    from playwright.sync_api import Locator, Page

OPEN = re.compile("^(Abrir chat|Open chat)$")
EXIT = re.compile("^(Salir|Exit)$")


class Widget:
    """The widget on one page."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.box = page.get_by_role("textbox")
        self.log = page.get_by_role("log")
        self.launcher = page.get_by_role("button", name=OPEN)
        self.exit = page.get_by_role("button", name=EXIT)
        self.band = page.locator(".band")
        self.line = page.locator(".line")

    def open(self, url: str) -> Widget:
        self.page.goto(url)
        self.launcher.click()
        expect(self.exit).to_be_visible()
        return self

    def says(self, text: str) -> None:
        self.box.fill(text)
        self.box.press("Enter")

    def hears(self, text: str) -> Locator:
        found = self.log.locator("li:not(.user)").filter(has_text=text).first
        expect(found).to_be_visible(timeout=10_000)
        return found

    def press(self, name: str) -> None:
        self.page.get_by_role("button", name=name, exact=True).click()

    def own(self, text: str) -> Locator:
        return self.log.locator("li.user").filter(has_text=text)

    def texts(self) -> list[tuple[str, str]]:
        """(author, text) of every message on the screen, from top to bottom."""
        found: list[list[str]] = self.log.evaluate(
            """log => [...log.querySelectorAll('li:not(.notice)')]
              .map((li) => [li.className, [...li.querySelectorAll('.bubble p')].map((p) => p.textContent).join('\\n')])"""
        )
        return [(author, text) for author, text in found]


def transcript(standin: Standin) -> list[tuple[str, str]]:
    """The same as `Widget.texts`, as the server has it."""
    return [(m["author"], m["text"]) for c in standin.conversations.values() for m in c.messages]


def storage(page: Page) -> dict[str, Any]:
    found: dict[str, Any] = page.evaluate("({session: {...sessionStorage}, local: {...localStorage}, cookie: document.cookie})")
    return found
