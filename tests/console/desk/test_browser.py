"""The desk in real browsers: from the notice to the end of a case, two officers at once, lost lines and sessions, and access for all."""

from __future__ import annotations

import re
import time
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

pytest.importorskip("playwright")
from playwright.sync_api import Page, expect

from bot.cases import desk
from bot.store.schema import console_session
from tests.console.desk.conftest import COOKIE, House, Served
from tests.widget.test_accessibility import violations

pytestmark = pytest.mark.browser

Screens = Callable[..., Any]


def person_says(served: Served, token: str, case_id: str, text: str) -> None:
    """By the chat API; the worker's part, that it was understood, is done here."""
    message = {"id": str(uuid.uuid4()), "text": text}
    answer = httpx.post(f"{served.origin}/api/chat/messages", json=message, headers={"Authorization": f"Bearer {token}"})
    assert answer.status_code == 202
    house = served.house
    where = house.sees(case_id).conversation
    house.does(lambda c: desk.person_wrote(c, house.keys, where, 2, time.time()))


def hears(served: Served, token: str) -> list[str]:
    answer = httpx.get(f"{served.origin}/api/chat/messages", headers={"Authorization": f"Bearer {token}"})
    return [m["text"] for m in answer.json()["messages"]]


def sits(page: Any, served: Served, path: str = "/console/") -> Any:
    """Opens the desk and waits until its line is up."""
    with page.expect_response(re.compile("/console/live")):
        page.goto(served.origin + path)
    return page


def opens(page: Page, case_id: str) -> None:
    page.locator(f"#q-{case_id} a").click()
    expect(page.locator(f'#talk[data-case="{case_id}"]')).to_be_visible()


def takes(page: Page) -> None:
    """Claims the case on the screen."""
    page.get_by_role("button", name="Tomar el caso").click()
    expect(page.get_by_role("button", name="Enviar a la persona")).to_be_visible()


def text_box(page: Page) -> Any:
    return page.locator("orienta-composer textarea")


def test_from_the_notice_to_the_end(served: Served, screens: Screens) -> None:
    ana, luis = sits(screens("ana"), served), sits(screens("luis"), served)
    case_id, token = served.house.opens("agarraron a mi hermano en Phoenix", level=1)
    number = served.house.sees(case_id).number

    # the notice stays until somebody hears it; it says nothing about the person
    expect(ana.locator("#toast-alarm")).to_contain_text(f"Caso {number} en espera, nivel 1")
    ana.get_by_role("button", name="Enterado").click()
    expect(luis.locator("#toast-alarm")).to_have_count(0)

    opens(ana, case_id)
    ana.keyboard.press("Alt+KeyC")
    expect(ana.get_by_role("button", name="Enviar a la persona")).to_be_visible()
    expect(luis.locator(f"#q-{case_id}")).to_contain_text("Lo tiene Ana")
    text_box(ana).fill("Soy Ana. ¿Dónde fue?")
    ana.keyboard.press("Control+Enter")
    expect(ana.locator("li.agent")).to_contain_text("¿Dónde fue?")  # level 1: at once, without the time to undo
    assert "Soy Ana. ¿Dónde fue?" in hears(served, token)

    person_says(served, token, case_id, "afuera del Home Depot")
    expect(ana.locator("li.user").last).to_contain_text("afuera del Home Depot")

    opens(luis, case_id)
    expect(ana.locator("#present")).to_contain_text("Luis también mira")
    ana.keyboard.press("Alt+KeyT")
    ana.get_by_label("A quién").select_option(label="Luis Medina")
    ana.get_by_label("Nota para quien lo reciba").fill("Conoce el centro de Florence")
    ana.locator("#dialog-transfer").get_by_role("button", name="Transferir").click()
    expect(luis.get_by_role("button", name="Aceptar")).to_be_visible()
    expect(luis.locator("li.event q")).to_contain_text("Florence")
    luis.keyboard.press("Alt+KeyC")
    expect(luis.get_by_role("button", name="Enviar a la persona")).to_be_visible()

    luis.keyboard.press("Alt+KeyR")
    luis.get_by_label("Detención", exact=True).check()
    luis.locator("#dialog-resolve").get_by_role("button", name="Resolver").click()
    expect(luis.locator("#head .badge")).to_have_text("Resuelto")
    expect(ana.locator("#head .badge")).to_have_text("Resuelto")
    assert "quedó cerrado" in hears(served, token)[-1]
    for page in (ana, luis):
        assert page.tracked.errors == []
        assert page.tracked.foreign(served.origin) == []


def test_of_two_officers_one_gets_the_case(served: Served, screens: Screens) -> None:
    case_id, _ = served.house.opens(level=2)
    ana, luis = sits(screens("ana"), served), sits(screens("luis"), served)
    opens(ana, case_id)
    opens(luis, case_id)
    luis.route("**/console/live*", lambda route: route.abort())
    luis.evaluate("document.addEventListener('desk:news', (e) => e.stopImmediatePropagation(), true)")
    takes(ana)
    expect(ana.get_by_role("button", name="Resolver")).to_be_visible()
    if luis.get_by_role("button", name="Tomar el caso").is_visible():
        luis.get_by_role("button", name="Tomar el caso").click()
        expect(luis.locator("#problem")).to_contain_text("Ana Robles ya tomó este caso")

    assert served.house.sees(case_id).officer_id == "ana"
    expect(luis.locator("#head")).to_contain_text("Lo tiene Ana Robles")


def test_a_draft_survives_a_browser_that_dies(served: Served, screens: Screens) -> None:
    case_id, _ = served.house.opens(level=2)
    ana = sits(screens("ana"), served, f"/console/cases/{case_id}")
    takes(ana)
    text_box(ana).press_sequentially("Estoy busca")
    expect(ana.locator('[data-part="saved"]')).to_contain_text("Borrador guardado")
    assert ana.evaluate("localStorage.length + sessionStorage.length") == 0
    ana.close()

    again = sits(screens("ana"), served, f"/console/cases/{case_id}")
    expect(text_box(again)).to_have_value("Estoy busca")
    again.get_by_role("button", name="Nota interna").click()
    expect(text_box(again)).to_have_value("")
    text_box(again).fill("nota")
    again.get_by_role("button", name="Respuesta", exact=True).click()
    expect(text_box(again)).to_have_value("Estoy busca")


def test_a_message_can_be_taken_back_for_three_seconds(served: Served, screens: Screens) -> None:
    case_id, token = served.house.opens(level=2)
    ana = sits(screens("ana"), served, f"/console/cases/{case_id}")
    takes(ana)
    text_box(ana).fill("un error")
    ana.get_by_role("button", name="Enviar a la persona").click()
    ana.get_by_role("button", name="Deshacer").click()
    expect(text_box(ana)).to_have_value("un error")
    text_box(ana).fill("lo correcto")
    ana.get_by_role("button", name="Enviar a la persona").click()
    expect(ana.locator("li.agent")).to_contain_text("lo correcto")

    assert "un error" not in hears(served, token)


def test_a_prepared_reply_is_filled_and_its_gaps_block_sending(served: Served, screens: Screens) -> None:
    case_id, token = served.house.opens(level=1, topic="legal_help", consulate="dallas")
    ana = sits(screens("ana"), served, f"/console/cases/{case_id}")
    takes(ana)
    text_box(ana).press("/")
    ana.get_by_placeholder("Buscar una respuesta").fill("cita con abogado")
    ana.keyboard.press("Enter")
    expect(text_box(ana)).to_have_value(re.compile("⟦abogado⟧"))
    ana.keyboard.press("Control+Enter")
    expect(ana.locator("#problem")).to_contain_text("Llene primero")
    text_box(ana).fill("Tiene cita con la Lic. Peña.")
    ana.keyboard.press("Control+Enter")
    expect(ana.locator("li.agent")).to_contain_text("Lic. Peña")
    assert all("⟦" not in text for text in hears(served, token))


def test_a_megabyte_is_refused_and_stays_in_the_box(served: Served, screens: Screens) -> None:
    case_id, _ = served.house.opens(level=1)
    ana = sits(screens("ana"), served, f"/console/cases/{case_id}")
    takes(ana)
    ana.evaluate(
        "(() => { const box = document.querySelector('orienta-composer textarea');"
        " box.value = 'a'.repeat(1_000_000); box.dispatchEvent(new InputEvent('input', {bubbles: true})); })()"
    )
    ana.get_by_role("button", name="Enviar a la persona").click()

    expect(ana.locator("#problem")).to_contain_text("demasiado largo")
    assert ana.evaluate("document.querySelector('orienta-composer textarea').value.length") == 1_000_000


def test_the_person_erases_everything_while_the_officer_writes(served: Served, screens: Screens) -> None:
    case_id, token = served.house.opens(level=1)
    ana = sits(screens("ana"), served, f"/console/cases/{case_id}")
    takes(ana)
    text_box(ana).fill("Ya hablé con")
    answer = httpx.delete(f"{served.origin}/api/chat/session", headers={"Authorization": f"Bearer {token}"})
    assert answer.status_code == 204
    ana.get_by_role("button", name="Enviar a la persona").click()

    expect(ana.locator("#problem")).to_contain_text("La persona borró sus datos")
    expect(text_box(ana)).to_have_value("Ya hablé con")


def test_a_session_that_ends_mid_sentence_loses_nothing(served: Served, screens: Screens) -> None:
    case_id, _ = served.house.opens(level=1)
    ana = sits(screens("ana"), served, f"/console/cases/{case_id}")
    takes(ana)
    text_box(ana).press_sequentially("Mañana a las")
    expect(ana.locator('[data-part="saved"]')).to_contain_text("Borrador guardado")
    served.house.does(lambda c: c.execute(console_session.delete().where(console_session.c.officer_id == "ana")))
    ana.get_by_role("button", name="Enviar a la persona").click()

    expect(ana.locator("#problem")).to_contain_text("Su sesión terminó")
    expect(text_box(ana)).to_have_value("Mañana a las")


def test_a_lost_line_shows_and_comes_back_after_a_restart(served: Served, screens: Screens) -> None:
    ana = sits(screens("ana"), served)
    served.stop()
    expect(ana.locator("#line")).to_contain_text("Sin conexión desde")
    case_id, _ = served.house.opens(level=2)
    served.start()

    expect(ana.locator("#line")).to_contain_text("Al día", timeout=30_000)
    expect(ana.locator(f"#q-{case_id}")).to_be_visible()
    expect(ana.locator(f"#toast-{case_id}")).to_be_visible()  # the notice that was missed


def test_the_queue_does_not_move_under_the_pointer(served: Served, screens: Screens) -> None:
    first, _ = served.house.opens(level=3)
    ana = sits(screens("ana"), served)
    ana.locator(f"#q-{first} a").hover()
    second, _ = served.house.opens(level=2)
    expect(ana.locator("#queue-new")).to_have_text("1 nuevo ↑")
    assert ana.locator("#queue-list li").evaluate_all("all => all.map(li => li.id)") == [f"q-{first}"]
    ana.locator("#queue-new").click()
    expect(ana.locator("#queue-list li").first).to_have_id(f"q-{second}")

    ana.get_by_role("button", name="Pausar").click()
    served.house.opens(level=2)
    expect(ana.locator("#queue-new")).to_be_visible()
    expect(ana.locator("#queue-list li")).to_have_count(2)
    ana.get_by_role("button", name="En pausa").click()
    expect(ana.locator("#queue-list li")).to_have_count(3)


def test_the_second_tab_gets_the_news_of_the_first_ones_line(served: Served, screens: Screens) -> None:
    first = sits(screens("ana"), served)
    second = first.context.new_page()
    asked: list[str] = []
    second.on("request", lambda request: asked.append(request.url))
    second.goto(f"{served.origin}/console/")
    case_id, _ = served.house.opens(level=2)

    expect(second.locator(f"#q-{case_id}")).to_be_visible()
    assert not [url for url in asked if "/console/live" in url]


def test_the_person_sees_that_the_officer_types(served: Served, screens: Screens) -> None:
    case_id, token = served.house.opens(level=2)
    ana = sits(screens("ana"), served, f"/console/cases/{case_id}")
    takes(ana)
    headers = {"Authorization": f"Bearer {token}"}
    with httpx.stream("GET", f"{served.origin}/api/chat/stream?after=100", headers=headers, timeout=30) as stream:
        text_box(ana).press_sequentially("Est")
        told = []
        for line in stream.iter_lines():
            told.append(line)
            if line == 'data: {"on": true}':
                break
    assert "event: typing" in told


def test_keys_can_be_switched_off(served: Served, screens: Screens) -> None:
    case_id, _ = served.house.opens(level=2)
    ana = sits(screens("ana"), served)
    ana.keyboard.press("Alt+KeyJ")
    expect(ana.locator(f'#talk[data-case="{case_id}"]')).to_be_visible()
    ana.locator("#queue-h").click()
    ana.keyboard.press("?")
    expect(ana.locator("#keys")).to_be_visible()
    ana.keyboard.press("Escape")
    ana.evaluate("document.body.dataset.keys = 'off'")
    ana.keyboard.press("Alt+KeyC")
    assert served.house.sees(case_id).state == "waiting"


def test_nothing_that_is_written_is_executed(served: Served, screens: Screens) -> None:
    evil = "<img src=x onerror=alert(1)>"
    case_id, token = served.house.opens(evil, level=1, summary=evil, intake={"what": evil}, interpreter=evil)
    ana = sits(screens("ana"), served, f"/console/cases/{case_id}")
    takes(ana)
    person_says(served, token, case_id, evil)
    expect(ana.locator("li.user").last).to_contain_text(evil)

    assert ana.locator("#work img").count() == 0
    assert ana.tracked.dialogs == []
    assert ana.tracked.errors == []


# --- everybody's access ------------------------------------------------------------------------------------------------------------


def fill_house(house: House) -> str:
    """Cases of every kind; the id of the one with everything."""
    house.opens(level=2, topic="labor_rights", channel="telegram", ago=4000)
    house.opens(level=3, topic="documents", ago=100)
    other, _ = house.opens(level=1, channel="whatsapp", interpreter="Mixteco", incomplete=True, ago=500)
    house.does(lambda c: desk.claim(c, house.keys, other, "luis", time.time()))
    case_id, _ = house.opens(
        level=1,
        channel="whatsapp",
        consulate="phoenix",
        inbound=time.time() - 23 * 3600,
        intake={"person_name": "Juan Pérez López", "place": "Phoenix", "contact": "602 555 0143"},
    )
    house.does(lambda c: desk.claim(c, house.keys, case_id, "eva", time.time()))
    house.does(lambda c: desk.reply(c, house.keys, case_id, "eva", "¿Dónde fue?", time.time()))
    house.does(lambda c: desk.note(c, house.keys, case_id, "eva", "Habla mixteco", time.time()))
    return case_id


@pytest.mark.parametrize("language", ["es", "en"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 1280])
def test_axe_finds_nothing(served: Served, screens: Screens, width: int, scheme: str, language: str) -> None:
    case_id = fill_house(served.house)
    served.house.speaks("eva", language)
    page = sits(screens("eva", viewport={"width": width, "height": 720}, color_scheme=scheme, reduced_motion="reduce"), served)
    found = {"queue": violations(page)}
    page.locator(".filters summary").click()
    found["filters"] = violations(page)
    sits(page, served, f"/console/cases/{case_id}")
    expect(page.locator("orienta-composer textarea")).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    found["case"] = violations(page)
    page.locator('[data-mode="note"]').click()
    found["note"] = violations(page)
    for name in ("transfer", "resolve"):
        page.locator(f'[data-dialog="dialog-{name}"]').click()
        found[name] = violations(page)
        page.keyboard.press("Escape")
    page.locator('[data-mode="reply"]').click()
    page.keyboard.press("Control+KeyK")
    expect(page.locator(".choice").first).to_be_visible()
    found["palette"] = violations(page)
    page.keyboard.press("Escape")
    page.goto(f"{served.origin}/console/figures")
    page.locator("details summary").first.click()
    found["figures"] = violations(page)
    page.goto(f"{served.origin}/console/cases/nothing")
    found["problem"] = violations(page)

    assert {state: what for state, what in found.items() if what} == {}


def test_everything_that_matters_is_on_the_screen(served: Served, screens: Screens) -> None:
    case_id = fill_house(served.house)
    page = sits(screens("eva"), served, f"/console/cases/{case_id}")
    for part in ("#queue-list li >> nth=0", "#head", "li.agent", '[data-part="send"]', ".window", "#person .known"):
        expect(page.locator(part).first).to_be_in_viewport()


def test_what_one_presses_is_large_enough(served: Served, screens: Screens) -> None:
    case_id = fill_house(served.house)
    page = sits(screens("eva"), served, f"/console/cases/{case_id}")
    small = page.evaluate(
        """() => [...document.querySelectorAll('a, button, select, input, summary, textarea')].filter(e => {
             const box = e.getBoundingClientRect();
             return box.width && e.checkVisibility() && !e.matches('.skip') && (box.height < 24 || box.width < 24);
           }).map(e => e.outerHTML.slice(0, 120))"""
    )
    assert small == []


def test_the_cookie_is_the_only_thing_kept(served: Served, screens: Screens) -> None:
    case_id = fill_house(served.house)
    page = sits(screens("eva"), served, f"/console/cases/{case_id}")

    assert [cookie["name"] for cookie in page.context.cookies()] == [COOKIE]
    assert page.evaluate("localStorage.length + sessionStorage.length") == 0
    assert not Path(page.evaluate("location.pathname")).suffix
