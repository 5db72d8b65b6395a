"""A talk with the widget as it goes when nothing is wrong."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest

pytest.importorskip("playwright")
from playwright.sync_api import expect

from tests.widget.chatting import Widget, storage, transcript
from tests.widget.standin import Standin

if TYPE_CHECKING:
    from collections.abc import Callable

    from playwright.sync_api import Page

    from tests.widget.conftest import Tracked

pytestmark = pytest.mark.browser


def test_first_paint_offers_three_buttons_and_asks_nothing_of_the_server(page: Page, standin: Standin) -> None:
    Widget(page).open(standin.origin)
    names = page.locator(".starter").all_inner_texts()
    assert names == ["Está pasando ahora", "Detuvieron a alguien", "Tengo una pregunta"]
    assert standin.calls == []


def test_first_button_is_sent_as_text_and_answered_with_buttons(page: Page, standin: Standin) -> None:
    chat = Widget(page).open(standin.origin)
    chat.press("Está pasando ahora")
    answer = chat.hears("No abra la puerta.")
    assert standin.said() == ["Está pasando ahora: agentes de migración están aquí"]
    expect(chat.own("Está pasando ahora")).to_contain_text("enviado")
    assert answer.get_by_role("button").all_inner_texts() == ["Ya entraron", "Hay niños", "Hablar con CIAM"]
    chat.press("Hay niños")
    chat.hears("Eco: Hay niños")
    assert "Ya entraron" not in chat.log.inner_text()
    assert chat.texts() == transcript(standin)


def test_level_1_shows_the_telephones_at_once_and_keeps_them(page: Page, standin: Standin) -> None:
    chat = Widget(page).open(standin.origin)
    expect(chat.band).to_be_hidden()
    standin.faults.down = True
    chat.press("Detuvieron a alguien")
    expect(chat.band).to_be_visible()
    links = chat.band.get_by_role("link")
    assert [link.get_attribute("href") for link in links.all()] == ["tel:911", "tel:+15206237874"]
    standin.faults.down = False
    chat.hears("Llame a CIAM ahora.")
    chat.says("respuesta larga")
    chat.hears("Línea 30")
    chat.log.evaluate("log => log.scrollTop = log.scrollHeight")
    expect(chat.band).to_be_in_viewport()


def test_typed_level_1_brings_the_band(page: Page, standin: Standin) -> None:
    chat = Widget(page).open(standin.origin)
    chat.says("hay agentes afuera")
    chat.hears("No abra la puerta.")
    expect(chat.band).to_be_visible()


def test_switching_the_language_changes_widget_and_assistant(page: Page, standin: Standin) -> None:
    chat = Widget(page).open(standin.origin)
    chat.press("English")
    assert page.locator(".starter").all_inner_texts() == ["It’s happening now", "Someone was detained", "I have a question"]
    expect(page.get_by_role("textbox", name="Write your message")).to_be_visible()
    assert standin.calls == []
    chat.press("Someone was detained")
    chat.hears("Call CIAM now.")
    assert standin.only.language == "en"
    chat.press("Español")
    chat.hears("Eco: Español, por favor")
    assert standin.only.language == "es"
    expect(page.get_by_role("button", name="Salir", exact=True)).to_be_visible()


def test_every_message_has_its_language(page: Page, standin: Standin) -> None:
    chat = Widget(page).open(standin.origin)
    chat.press("Tengo una pregunta")
    chat.hears("¿Qué quiere saber?")
    chat.press("English")
    chat.hears("Eco: English")
    langs = chat.log.locator("li").evaluate_all("all => all.map((li) => li.lang)")
    assert langs == ["es", "es", "en", "en"]


def test_consulate_card_has_telephone_and_way(page: Page, standin: Standin) -> None:
    chat = Widget(page).open(standin.origin)
    chat.says("¿Cuál es mi consulado?")
    answer = chat.hears("Este es su consulado.")
    card = answer.locator(".card")
    expect(card).to_contain_text("Consulado en Los Ángeles")
    expect(card.get_by_role("link", name="+1 213-351-6800")).to_have_attribute("href", "tel:+12133516800")
    way = card.get_by_role("link", name="Cómo llegar")
    expect(way).to_have_attribute("href", "https://www.google.com/maps/dir/?api=1&destination=34.0573,-118.2734")
    expect(way).to_have_attribute("rel", "noopener noreferrer")
    site = answer.locator(".bubble").get_by_role("link", name="https://www.gob.mx/sre")
    expect(site).to_have_attribute("href", "https://www.gob.mx/sre")


@pytest.mark.parametrize(
    ("text", "links"),
    [
        ("Llame al 911.", ["tel:911"]),
        ("CIAM: +1 520-623-7874 (24 horas)", ["tel:+15206237874"]),
        ("México: +52 55 3686 5100, ext. 3", ["tel:+525536865100"]),
        ("1-888-373-7888 o (520) 623-7874.", ["tel:+18883737888", "tel:+15206237874"]),
        ("Vea https://locator.ice.gov/odls/#/search).", ["https://locator.ice.gov/odls/#/search"]),
        ("Caso 20261124, número A 123456789, 9110, 77002-1234, javascript:alert(1) http://x.example", []),
    ],
)
def test_numbers_and_addresses_can_be_tapped(page: Page, standin: Standin, text: str, links: list[str]) -> None:
    chat = Widget(page).open(standin.origin)
    chat.says("hola")
    chat.hears("Eco: hola")
    standin.put(standin.only, text=text, level=3)
    answer = chat.hears(text)
    assert [link.get_attribute("href") for link in answer.get_by_role("link").all()] == links


def test_a_long_address_shows_whose_it_is(page: Page, standin: Standin) -> None:
    chat = Widget(page).open(standin.origin)
    chat.says("hola")
    chat.hears("Eco: hola")
    url = "https://www.google.com/maps/dir/?api=1&destination=3200+Rogerdale+Rd%2C+Houston"
    standin.put(standin.only, text=f"Cómo llegar: {url}\nConfirme antes de ir.", level=3)
    link = chat.hears("Confirme antes de ir.").get_by_role("link")
    expect(link).to_have_text("https://www.google.com/…")
    expect(link).to_have_attribute("href", url)


def test_officer_has_another_bubble_and_a_label(page: Page, standin: Standin) -> None:
    chat = Widget(page).open(standin.origin)
    page.get_by_role("button", name="Más opciones").click()
    chat.press("Hablar con una persona")
    chat.hears("Ana, oficial de CIAM, está con usted.")
    answer = chat.hears("Buenas tardes.")
    expect(answer.locator(".who")).to_have_text("Oficial")
    expect(answer).to_have_class("agent")


def test_dots_while_the_assistant_works(page: Page, standin: Standin) -> None:
    standin.faults.slow = 1.5
    chat = Widget(page).open(standin.origin)
    chat.says("hola")
    expect(page.locator(".dots")).to_be_visible()
    chat.hears("Eco: hola")
    expect(page.locator(".dots")).to_be_hidden()


def test_reload_restores_conversation_draft_and_place(page: Page, standin: Standin) -> None:
    chat = Widget(page).open(standin.origin)
    chat.press("Está pasando ahora")
    chat.hears("No abra la puerta.")
    chat.box.fill("a medias")
    page.reload()
    chat.hears("No abra la puerta.")
    expect(chat.box).to_have_value("a medias")
    expect(chat.band).to_be_visible()
    assert chat.texts() == transcript(standin)
    assert len(standin.conversations) == 1


def test_closed_widget_counts_what_is_unread_across_a_reload(page: Page, standin: Standin) -> None:
    chat = Widget(page).open(standin.origin)
    chat.says("hola")
    chat.hears("Eco: hola")
    page.keyboard.press("Escape")
    expect(chat.launcher).to_be_focused()
    standin.put(standin.only, text="Una noticia", level=3)
    expect(page.locator(".badge")).to_have_text("1")
    page.reload()
    expect(page.locator(".badge")).to_have_text("1")
    chat.launcher.click()
    chat.hears("Una noticia")
    page.keyboard.press("Escape")
    expect(page.locator(".badge")).to_be_hidden()


def test_answer_begins_at_the_top_and_does_not_move_who_reads_above(page: Page, standin: Standin) -> None:
    chat = Widget(page).open(standin.origin)
    chat.says("respuesta larga")
    answer = chat.hears("Línea 30")
    top = answer.evaluate("li => li.getBoundingClientRect().top - li.closest('.log').getBoundingClientRect().top")
    assert 0 <= top <= 24
    chat.log.hover()
    page.mouse.wheel(0, 10_000)
    page.wait_for_timeout(200)
    page.mouse.wheel(0, -400)
    page.wait_for_timeout(200)
    before = chat.log.evaluate("log => log.scrollTop")
    standin.put(standin.only, text="Algo nuevo", level=3)
    pill = page.get_by_role("button", name="Nueva respuesta ↓")
    expect(pill).to_be_visible()
    assert chat.log.evaluate("log => log.scrollTop") == before
    pill.click()
    expect(chat.hears("Algo nuevo")).to_be_in_viewport()
    expect(pill).to_be_hidden()


def test_erasing_needs_a_second_tap_and_leaves_nothing(page: Page, standin: Standin) -> None:
    chat = Widget(page).open(standin.origin)
    chat.press("Detuvieron a alguien")
    chat.hears("Llame a CIAM ahora.")
    page.get_by_role("button", name="Más opciones").click()
    chat.press("Borrar mis datos")
    assert standin.erasures == []
    chat.press("Sí, borrar todo")
    chat.hears("Listo. Se borró todo lo que escribió.")
    assert len(standin.erasures) == 1
    assert chat.texts() == []
    assert 'token":""' in storage(page)["session"]["orienta"]
    expect(page.locator(".starter").first).to_be_visible()
    chat.says("otra cosa")
    chat.hears("Eco: otra cosa")


def test_erasing_asked_for_in_the_chat_is_told(page: Page, standin: Standin) -> None:
    chat = Widget(page).open(standin.origin)
    chat.says("borra mis datos")
    chat.hears("¿Borro todo")
    chat.press("Sí")
    chat.hears("Listo. Se borró todo lo que escribió.")
    assert chat.texts() == []


def test_letters_grow_and_stay_so(page: Page, standin: Standin) -> None:
    Widget(page).open(standin.origin)
    size = "el => parseFloat(getComputedStyle(el).fontSize)"
    before = page.locator(".starter").first.evaluate(size)
    page.get_by_role("button", name="Más opciones").click()
    page.get_by_role("button", name="Más grande").click()
    page.reload()
    assert page.locator(".starter").first.evaluate(size) == before * 1.5


def test_chat_page_is_the_same_chat_under_a_neutral_name(page: Page, standin: Standin) -> None:
    page.goto(f"{standin.origin}/chat")
    chat = Widget(page)
    assert page.title() == "Orienta"
    assert page.get_by_role("heading", level=1).all_inner_texts() == ["Orienta"]
    chat.press("Está pasando ahora")
    chat.hears("No abra la puerta.")
    page.keyboard.press("Escape")
    expect(chat.box).to_be_visible()


@pytest.mark.parametrize("path", ["/", "/chat"])
def test_pages_help_without_script(contexts: Callable[..., Tracked], standin: Standin, path: str) -> None:
    page = contexts(java_script_enabled=False).context.new_page()
    page.goto(standin.origin + path)
    assert page.title() == "Orienta"
    for href in ("tel:911", "tel:+15206237874", "https://weather.gov/"):
        expect(page.locator(f"a[href='{href}']").first).to_be_visible()
    expect(page.get_by_text("No abra. Pida ver el papel firmado por un juez.")).to_be_visible()
    numbers = set(re.findall(r"tel:([+\d]+)", page.content()))
    assert numbers == {"911", "+15206237874"}


@pytest.mark.parametrize(
    ("attributes", "check"),
    [
        ('data-lang="en"', lambda page: page.get_by_role("button", name="Open chat").is_visible()),
        ('data-position="left"', lambda page: page.locator(".launcher").bounding_box()["x"] == 16),
        ('data-theme="dark"', lambda page: page.locator(".root").get_attribute("data-dark") == ""),
        ('data-color="#ffcc00"', lambda page: _colors(page) == ("rgb(255, 204, 0)", "rgb(6, 34, 27)")),
        ('data-color="#7a1f5c"', lambda page: _colors(page) == ("rgb(122, 31, 92)", "rgb(255, 255, 255)")),
        ('data-color="red"', lambda page: _colors(page) == ("rgb(11, 83, 69)", "rgb(255, 255, 255)")),
    ],
)
def test_attributes(page: Page, standin: Standin, attributes: str, check: Callable[[Any], bool]) -> None:
    standin.page("/host", f'<!doctype html><html lang="es"><title>x</title><body><script src="/widget.js" {attributes}></script>')
    page.goto(f"{standin.origin}/host")
    page.locator(".launcher").wait_for()
    assert check(page)


def _colors(page: Page) -> tuple[str, str]:
    found = page.locator(".launcher").evaluate("el => [getComputedStyle(el).backgroundColor, getComputedStyle(el).color]")
    return (found[0], found[1])


def test_topic_puts_a_button_first(page: Page, standin: Standin) -> None:
    standin.page(
        "/host", '<!doctype html><html lang="es"><title>x</title><body><script src="/widget.js" data-topic="labor_rights"></script>'
    )
    chat = Widget(page).open(f"{standin.origin}/host")
    assert page.locator(".starter").all_inner_texts()[0] == "Problemas de trabajo"
    chat.press("Problemas de trabajo")
    chat.hears("Eco: Tengo un problema en mi trabajo")
