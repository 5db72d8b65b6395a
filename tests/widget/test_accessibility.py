"""For everybody: axe-core in every state, keyboard, speech, large letters, small screens, forced colours, no motion."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

pytest.importorskip("playwright")
from playwright.sync_api import expect

from tests.widget.chatting import Widget
from tests.widget.standin import Standin

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from playwright.sync_api import Page

    from tests.widget.conftest import Tracked

pytestmark = pytest.mark.browser

AXE = (Path(__file__).parent / "vendor" / "axe.min.js").read_text("utf-8")
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
TEXTS = {
    "es": {
        "menu": "Más opciones",
        "erase": "Borrar mis datos",
        "detained": "Detuvieron a alguien",
        "card": "¿Cuál es mi consulado?",
        "rights": "tarjeta",
        "view": "Ver tarjeta, 42 KB",
    },
    "en": {
        "menu": "More options",
        "erase": "Erase my data",
        "detained": "Someone was detained",
        "card": "Which is my consulate?",
        "rights": "rights card",
        "view": "See card, 42 KB",
    },
}


def violations(page: Page) -> list[str]:
    """What axe-core finds on the page, shadow roots included."""
    if not page.evaluate("'axe' in window"):
        page.evaluate(AXE)
    found: dict[str, Any] = page.evaluate("(tags) => axe.run(document, {runOnly: tags, resultTypes: ['violations']})", RULES)
    return [f"{v['id']}: {n['target']} {n['failureSummary']}" for v in found["violations"] for n in v["nodes"]]


def states(page: Page, tracked: Tracked, standin: Standin, language: str) -> Iterator[str]:
    """Takes the widget through its states and names each."""
    words = TEXTS[language]
    chat = Widget(page)
    page.goto(standin.origin)
    chat.launcher.wait_for()
    yield "closed"
    chat.launcher.click()
    if language == "en":
        chat.press("English")
    yield "open"
    chat.press(words["detained"])
    expect(chat.log.locator("li.bot")).to_have_count(1)
    yield "level 1 with buttons"
    chat.says(words["card"])
    expect(chat.log.locator(".card")).to_have_count(1)
    yield "card"
    chat.says(words["rights"])
    chat.log.get_by_role("button", name=words["view"]).wait_for()
    yield "picture before the tap"
    chat.press(words["view"])
    expect(chat.log.get_by_role("img")).to_be_visible()
    yield "picture"
    page.locator("input[type=file]").set_input_files({"name": "a.png", "mimeType": "image/png", "buffer": b"picture"})
    chat.own("KB").get_by_role("time").wait_for()
    yield "file"
    standin.show_typing(standin.only, True)
    page.locator(".dots").wait_for()
    yield "typing"
    chat.says("person, persona")
    expect(chat.log.locator("li.agent")).to_have_count(1)
    yield "officer"
    page.get_by_role("button", name=words["menu"]).click()
    yield "menu"
    chat.press(words["erase"])
    yield "erase"
    page.keyboard.press("Escape")
    standin.faults.posts = [422]
    chat.says("no")
    expect(chat.own("no").get_by_role("button")).to_be_visible()
    yield "failed"
    tracked.context.set_offline(True)
    chat.says("hola")
    expect(chat.line).not_to_be_empty()
    yield "offline"
    tracked.context.set_offline(False)


@pytest.mark.parametrize("language", ["es", "en"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [320, 1280])
def test_axe_finds_nothing(contexts: Callable[..., Tracked], standin: Standin, width: int, scheme: str, language: str) -> None:
    tracked = contexts(viewport={"width": width, "height": 720}, color_scheme=scheme, reduced_motion="reduce")
    page = tracked.context.new_page()
    found = {state: violations(page) for state in states(page, tracked, standin, language)}
    assert {state: what for state, what in found.items() if what} == {}


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_on_the_chat_page(contexts: Callable[..., Tracked], standin: Standin, scheme: str) -> None:
    page = contexts(color_scheme=scheme, reduced_motion="reduce").context.new_page()
    page.goto(f"{standin.origin}/chat")
    chat = Widget(page)
    chat.press("Detuvieron a alguien")
    chat.hears("Llame a CIAM ahora.")
    assert violations(page) == []
    page.get_by_role("button", name="Más opciones").click()
    assert violations(page) == []


def test_sizes_overflow_and_focus_in_every_state(contexts: Callable[..., Tracked], standin: Standin) -> None:
    """Targets of 44 px; at 320 px nothing is wider than the screen; also with letters of 200 % and with wide text spacing."""
    tracked = contexts(viewport={"width": 320, "height": 640}, reduced_motion="reduce")
    page = tracked.context.new_page()
    for state in states(page, tracked, standin, "es"):
        assert page.evaluate(SMALL_TARGETS) == [], state
        for style in (
            "",
            "html{font-size:200%}",
            "*{line-height:1.5!important;letter-spacing:.12em!important;word-spacing:.16em!important}",
        ):
            page.evaluate(ADD_STYLE, style)
            assert page.evaluate(OVERFLOW) == [], (state, style)
        page.evaluate(ADD_STYLE, "")


SMALL_TARGETS = """() => [...document.querySelector('orienta-chat').shadowRoot.querySelectorAll('button, a, textarea')]
  .filter((it) => it.checkVisibility())
  .map((it) => [it.className + ' ' + it.textContent, it.getBoundingClientRect()])
  .filter(([, box]) => box.width < 24 || box.height < 44)
  .map(([name, box]) => `${name} ${box.width}x${box.height}`)"""
ADD_STYLE = """(text) => {
  const root = document.querySelector('orienta-chat').shadowRoot;
  for (const place of [document, root]) {
    const sheet = new CSSStyleSheet();
    sheet.replaceSync(text);
    place.adoptedStyleSheets = [...place.adoptedStyleSheets.slice(0, place === root ? 1 : 0), sheet];
  }
}"""
OVERFLOW = """() => {
  const root = document.querySelector('orienta-chat').shadowRoot;
  const seen = [...root.querySelectorAll('.root *')].filter((it) => it.checkVisibility() && !it.closest('.sr, svg'));
  const wide = seen.filter((it) => it.getBoundingClientRect().right > innerWidth + 1 || it.getBoundingClientRect().left < -1);
  const cut = seen.filter((it) => getComputedStyle(it).overflow === 'hidden' && it.scrollHeight > it.clientHeight + 2);
  return [...wide, ...cut].map((it) => `${it.tagName}.${it.className} ${it.textContent.slice(0, 40)}`)
    .concat(document.documentElement.scrollWidth > innerWidth ? ['page'] : []);
}"""

FOCUSED = """() => {
  let it = document.activeElement;
  while (it?.shadowRoot?.activeElement) it = it.shadowRoot.activeElement;
  if (!it || it === document.body || !it.getRootNode().host) return null;
  const { x, y, width, height } = it.getBoundingClientRect();
  const style = getComputedStyle(it);
  const hit = it.getRootNode().elementFromPoint(x + width / 2, y + height / 2);
  return {
    name: it.getAttribute('aria-label') || it.textContent.trim(),
    ring: it.matches(':focus-visible') && parseFloat(style.outlineWidth) >= 2,
    uncovered: it === hit || it.contains(hit),
  };
}"""


def test_a_whole_talk_by_keyboard(contexts: Callable[..., Tracked], standin: Standin) -> None:
    page = contexts(viewport={"width": 1280, "height": 800}).context.new_page()
    page.goto(standin.origin)
    chat = Widget(page)
    chat.launcher.focus()
    page.keyboard.press("Enter")
    names = []
    for _ in range(10):
        page.keyboard.press("Tab")
        focused = page.evaluate(FOCUSED)
        if focused is None:
            break
        assert focused["ring"], focused
        assert focused["uncovered"], focused
        names.append(focused["name"])
    order = [
        "Salir",
        "English",
        "Más opciones",
        "Cerrar chat",
        "Conversación",
        "Está pasando ahora",
        "Detuvieron a alguien",
        "Tengo una pregunta",
    ]
    assert names == [*order, "911", "Seguridad"]
    for expected in ("Escriba su mensaje", "Mandar foto o documento", "Dictar", "Enviar"):
        page.keyboard.press("Tab")
        assert page.evaluate(FOCUSED)["name"] == expected
    page.keyboard.press("Tab")
    assert page.evaluate(FOCUSED) is None  # nothing traps
    for _ in range(9):
        page.keyboard.press("Shift+Tab")
    assert page.evaluate(FOCUSED)["name"] == "Está pasando ahora"
    page.keyboard.press("Enter")
    chat.hears("No abra la puerta.")
    assert page.evaluate(FOCUSED)["name"] == "Conversación"
    page.keyboard.press("Tab")
    assert page.evaluate(FOCUSED)["name"] == "Ya entraron"
    page.keyboard.press("Space")
    chat.hears("Eco: Ya entraron")
    page.keyboard.press("Tab")
    page.keyboard.type("gracias")
    page.keyboard.press("Shift+Enter")
    page.keyboard.type("adiós")
    page.keyboard.press("Enter")
    chat.hears("Eco: gracias")
    assert standin.said()[-1] == "gracias\nadiós"
    page.keyboard.press("Escape")
    expect(chat.launcher).to_be_focused()


def test_menu_by_keyboard(page: Page, standin: Standin) -> None:
    Widget(page).open(standin.origin)
    menu = page.get_by_role("button", name="Más opciones")
    menu.focus()
    page.keyboard.press("Enter")
    assert page.evaluate(FOCUSED)["name"] == "Volver al chat"
    expect(menu).to_have_attribute("aria-expanded", "true")
    page.keyboard.press("Escape")
    expect(menu).to_be_focused()
    expect(menu).to_have_attribute("aria-expanded", "false")


def test_each_answer_is_spoken_once_and_nothing_else(page: Page, standin: Standin) -> None:
    page.add_init_script(
        """addEventListener('DOMContentLoaded', () => {
          window.spoken = [];
          const watch = () => {
            const root = document.querySelector('orienta-chat')?.shadowRoot;
            if (!root) return void setTimeout(watch, 10);
            const live = (node) => {
              const element = node.nodeType === 1 ? node : node.parentElement;
              const place = element?.closest('[aria-live], [role=status], [role=alert], [role=log]');
              return place && place.getAttribute('aria-live') !== 'off';
            };
            const hear = (node) => live(node) && window.spoken.push(node.textContent);
            new MutationObserver((all) => all.forEach((one) => one.addedNodes.forEach(hear)))
              .observe(root, { childList: true, subtree: true });
          };
          watch();
        })"""
    )
    chat = Widget(page).open(standin.origin)
    chat.press("Está pasando ahora")
    chat.hears("No abra la puerta.")
    chat.says("persona")
    chat.hears("Buenas tardes.")
    spoken = page.evaluate("window.spoken.filter(Boolean)")
    door, officer, hello = (m["text"] for m in standin.only.messages if m["author"] != "user")
    assert spoken == [f"{door} 3 opciones", officer, hello]
    assert page.locator("[aria-live=polite] p").first.get_attribute("lang") == "es"
    page.reload()
    chat.hears("Buenas tardes.")
    page.wait_for_timeout(300)
    assert page.evaluate("window.spoken.filter(Boolean)") == []
    standin.put(standin.only, text="Sigo aquí", author="agent")
    chat.hears("Sigo aquí")
    assert page.evaluate("window.spoken.filter(Boolean)") == ["Sigo aquí"]


def test_structure_as_assistive_technology_sees_it(page: Page, standin: Standin) -> None:
    chat = Widget(page).open(standin.origin)
    chat.press("Está pasando ahora")
    answer = chat.hears("No abra la puerta.")
    expect(answer.locator("time")).to_be_visible()
    page.locator("time").evaluate_all("all => all.forEach((time) => (time.textContent = '14:05'))")
    expect(page.get_by_role("region", name="Orienta")).to_match_aria_snapshot(
        """
        - region "Orienta":
          - heading "Orienta" [level=2]
          - button "Salir"
          - button "English"
          - button "Más opciones"
          - button "Cerrar chat"
          - group "Emergencia":
            - link "Llame al 911"
            - link "Llame a CIAM"
          - status
          - log "Conversación":
            - list:
              - listitem:
                - text: "Usted:"
                - paragraph: "Está pasando ahora: agentes de migración están aquí"
                - time: 14:05
                - text: enviado
              - listitem:
                - text: "Orienta:"
                - paragraph: No abra la puerta.
                - paragraph: "Hable sin abrir: pida ver el papel firmado por un juez."
                - paragraph: Puede guardar silencio.
                - group "Opciones":
                  - button "Ya entraron"
                  - button "Hay niños"
                  - button "Hablar con CIAM"
                - time: 14:05
          - textbox "Escriba su mensaje"
          - button "Enviar"
        """
    )


def test_no_motion_where_none_is_wanted(contexts: Callable[..., Tracked], standin: Standin) -> None:
    page = contexts(reduced_motion="reduce").context.new_page()
    chat = Widget(page).open(standin.origin)
    chat.says("hola")
    chat.hears("Eco: hola")
    standin.show_typing(standin.only, True)
    page.locator(".dots").wait_for()
    assert page.evaluate("document.querySelector('orienta-chat').shadowRoot.getAnimations().length") == 0


def test_borders_remain_in_forced_colours(contexts: Callable[..., Tracked], standin: Standin) -> None:
    page = contexts(forced_colors="active").context.new_page()
    chat = Widget(page).open(standin.origin)
    chat.press("Está pasando ahora")
    chat.hears("No abra la puerta.")
    for name in (".bubble", ".choice", ".exit", ".send", "textarea"):
        assert page.locator(name).first.evaluate("el => parseFloat(getComputedStyle(el).borderTopWidth)") >= 1, name


def test_focus_that_leaves_a_full_screen_panel_closes_it(contexts: Callable[..., Tracked], standin: Standin) -> None:
    standin.page("/host", '<!doctype html><html lang="es"><title>x</title><body><script src="/widget.js"></script><button>después</button>')
    page = contexts(viewport={"width": 320, "height": 640}).context.new_page()
    chat = Widget(page)
    page.goto(f"{standin.origin}/host")
    chat.launcher.click()
    page.locator("button", has_text="después").evaluate("button => document.body.append(button)")
    page.get_by_role("button", name="Enviar").focus()
    page.keyboard.press("Tab")
    expect(page.get_by_role("button", name="después")).to_be_focused()
    expect(chat.launcher).to_be_visible()
