"""Bad lines and bad servers: nothing is lost, nothing doubled, and the person knows."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

pytest.importorskip("playwright")
from playwright.sync_api import expect

from tests.widget.chatting import Widget, storage, transcript
from tests.widget.standin import Standin

if TYPE_CHECKING:
    from playwright.sync_api import Page

    from tests.widget.conftest import Tracked

pytestmark = pytest.mark.browser


def assert_same(chat: Widget, standin: Standin) -> None:
    """The screen shows what the server has: in its order, once."""
    expect(chat.log.locator("li:not(.notice)")).to_have_count(len(transcript(standin)))
    assert chat.texts() == transcript(standin)


def test_offline_messages_wait_and_go_out_in_order(tracked: Tracked, page: Page, standin: Standin) -> None:
    chat = Widget(page).open(standin.origin)
    chat.says("uno")
    chat.hears("Eco: uno")
    tracked.context.set_offline(True)
    expect(chat.line).to_contain_text("Sin internet. Lo que escriba se guarda y saldrá solo.")
    expect(chat.line.get_by_role("link", name="911")).to_be_visible()
    for text in ("dos", "tres", "cuatro"):
        chat.says(text)
        expect(chat.own(text)).to_contain_text("esperando conexión")
    expect(chat.log).to_contain_text("Eco: uno")
    tracked.context.set_offline(False)
    chat.hears("Eco: cuatro")
    expect(chat.line).to_be_empty()
    assert standin.said() == ["uno", "dos", "tres", "cuatro"]
    assert_same(chat, standin)


def test_offline_from_the_start_survives_a_reload(tracked: Tracked, page: Page, standin: Standin) -> None:
    chat = Widget(page).open(standin.origin)
    standin.faults.down = True
    chat.says("sin línea")
    expect(chat.own("sin línea")).to_contain_text("esperando conexión")
    expect(chat.line).to_contain_text("El servicio no contesta.")
    page.reload()
    expect(chat.own("sin línea")).to_contain_text("esperando conexión")
    standin.faults.down = False
    chat.hears("Eco: sin línea")
    assert standin.said() == ["sin línea"]
    assert_same(chat, standin)


def test_lost_acknowledgement_does_not_double(page: Page, standin: Standin) -> None:
    chat = Widget(page).open(standin.origin)
    standin.faults.lost_replies = 3
    chat.says("una vez")
    chat.hears("Eco: una vez")
    expect(chat.own("una vez")).to_contain_text("enviado")
    page.wait_for_timeout(3000)
    assert standin.said() == ["una vez"]
    assert_same(chat, standin)


def test_errors_of_the_server_are_tried_again(page: Page, standin: Standin) -> None:
    chat = Widget(page).open(standin.origin)
    standin.faults.posts = [500, 503, 502]
    chat.says("insiste")
    chat.hears("Eco: insiste")
    expect(chat.own("insiste")).to_contain_text("enviado")


def test_too_fast_waits_as_told(page: Page, standin: Standin) -> None:
    chat = Widget(page).open(standin.origin)
    standin.faults.posts = [429]
    chat.says("rápido")
    expect(chat.own("rápido")).to_contain_text("esperando")
    expect(chat.line).to_be_empty()
    chat.hears("Eco: rápido")


def test_refused_message_can_be_tapped_to_try_again_and_holds_up_nothing(page: Page, standin: Standin) -> None:
    chat = Widget(page).open(standin.origin)
    standin.faults.posts = [422]
    chat.says("rechazado")
    chat.says("siguiente")
    chat.hears("Eco: siguiente")
    expect(chat.own("rechazado")).to_contain_text("No se pudo (bad_request).")
    page.reload()
    expect(chat.own("rechazado")).to_contain_text("No se pudo (bad_request).")
    chat.own("rechazado").get_by_role("button", name="no se pudo, toque para reintentar").click()
    chat.hears("Eco: rechazado")
    assert_same(chat, standin)


def test_a_message_that_the_server_never_takes_fails_in_the_end(page: Page, standin: Standin) -> None:
    page.add_init_script("Math.random = () => 0")
    chat = Widget(page).open(standin.origin)
    standin.faults.posts = [500] * 6
    chat.says("veneno")
    expect(chat.own("veneno")).to_contain_text("no se pudo, toque para reintentar")


def test_too_long_a_text_stays_in_the_box(page: Page, standin: Standin) -> None:
    chat = Widget(page).open(standin.origin)
    chat.says("x" * 20_001)
    chat.hears("Es muy largo.")
    assert len(chat.box.input_value()) == 20_001
    assert standin.calls == []


def test_replayed_answers_are_shown_once(page: Page, standin: Standin) -> None:
    standin.faults.duplicates = True
    chat = Widget(page).open(standin.origin)
    chat.says("uno")
    chat.hears("Eco: uno")
    chat.says("dos")
    chat.hears("Eco: dos")
    assert_same(chat, standin)


@pytest.mark.parametrize("fault", ["silent_stream", "short_stream"])
def test_without_a_usable_stream_it_polls(page: Page, standin: Standin, fault: str) -> None:
    setattr(standin.faults, fault, True)
    chat = Widget(page).open(standin.origin)
    chat.says("uno")
    chat.hears("Eco: uno")
    chat.says("dos")
    chat.hears("Eco: dos")
    assert_same(chat, standin)
    assert "GET /api/chat/messages" in standin.calls


def test_restart_of_the_server_is_bridged(page: Page, standin: Standin) -> None:
    chat = Widget(page).open(standin.origin)
    chat.says("antes")
    chat.hears("Eco: antes")
    standin.faults.down = True
    standin.put(standin.only, text="Durante", level=3)  # ends the stream
    expect(chat.line).to_contain_text("El servicio no contesta.")
    chat.says("en medio")
    standin.faults.down = False
    chat.hears("Durante")
    chat.hears("Eco: en medio")
    assert_same(chat, standin)


def test_unknown_token_begins_anew_with_what_was_written(page: Page, standin: Standin) -> None:
    chat = Widget(page).open(standin.origin)
    chat.says("antes")
    chat.hears("Eco: antes")
    page.keyboard.press("Escape")
    lost = standin.only
    standin.conversations.clear()
    lost.wake()
    chat.launcher.click()
    chat.hears("La conversación anterior terminó.")
    chat.says("después")
    chat.hears("Eco: después")
    assert standin.said() == ["después"]
    assert_same(chat, standin)


def test_token_that_ends_while_a_message_waits_keeps_the_message(page: Page, standin: Standin) -> None:
    chat = Widget(page).open(standin.origin)
    chat.says("antes")
    chat.hears("Eco: antes")
    standin.faults.down = True
    standin.only.wake()
    chat.says("no me pierdas")
    expect(chat.own("no me pierdas")).to_contain_text("esperando conexión")
    standin.conversations.clear()
    standin.faults.down = False
    chat.hears("Eco: no me pierdas")
    assert standin.said() == ["no me pierdas"]
    assert_same(chat, standin)


def test_two_tabs_show_the_same(tracked: Tracked, page: Page, standin: Standin) -> None:
    chat = Widget(page).open(standin.origin)
    chat.says("uno")
    chat.hears("Eco: uno")
    with tracked.context.expect_page() as opened:
        page.evaluate("window.open(location.href)")
    other = Widget(opened.value)
    other.hears("Eco: uno")
    other.says("dos")
    chat.hears("Eco: dos")
    chat.says("tres")
    other.hears("Eco: tres")
    assert_same(chat, standin)
    assert_same(other, standin)


def test_a_copied_tab_with_waiting_messages_sends_them_once(tracked: Tracked, page: Page, standin: Standin) -> None:
    chat = Widget(page).open(standin.origin)
    chat.says("uno")
    chat.hears("Eco: uno")
    standin.faults.down = True
    chat.says("dos")
    expect(chat.own("dos")).to_contain_text("esperando conexión")
    with tracked.context.expect_page() as opened:
        page.evaluate("window.open(location.href)")
    other = Widget(opened.value)
    expect(other.own("dos")).to_be_visible()
    standin.faults.down = False
    chat.hears("Eco: dos")
    other.hears("Eco: dos")
    page.wait_for_timeout(500)
    assert standin.said() == ["uno", "dos"]
    assert_same(chat, standin)
    assert_same(other, standin)


def test_erasing_without_a_line_is_done_later(page: Page, standin: Standin) -> None:
    chat = Widget(page).open(standin.origin)
    chat.says("un secreto")
    chat.hears("Eco: un secreto")
    standin.faults.down = True
    page.get_by_role("button", name="Más opciones").click()
    chat.press("Borrar mis datos")
    chat.press("Sí, borrar todo")
    chat.hears("Borrando…")
    assert chat.texts() == []
    page.reload()
    standin.faults.down = False
    chat.hears("Listo. Se borró todo lo que escribió.")
    assert len(standin.erasures) == 1


def test_without_storage_it_works_from_memory(page: Page, standin: Standin, tracked: Tracked) -> None:
    page.add_init_script(
        """for (const name of ['sessionStorage', 'localStorage'])
             Object.defineProperty(window, name, {get() { throw new DOMException('no', 'SecurityError'); }})"""
    )
    chat = Widget(page).open(standin.origin)
    chat.says("hola")
    chat.hears("Eco: hola")
    chat.exit.click()
    page.wait_for_url("https://weather.gov/**")
    assert tracked.errors == []


def test_token_stands_in_no_address_and_texts_in_no_storage(tracked: Tracked, page: Page, standin: Standin) -> None:
    chat = Widget(page).open(standin.origin)
    chat.says("un secreto")
    chat.hears("Eco: un secreto")
    (token,) = standin.conversations
    assert not any(token in url for url in tracked.requests)
    assert "secreto" not in str(storage(page))
    assert page.evaluate("history.state") is None


def test_wrong_clock_changes_no_order(page: Page, standin: Standin) -> None:
    page.clock.install(time="2030-01-01T00:00:00Z")
    chat = Widget(page).open(standin.origin)
    for text in ("uno", "dos"):
        chat.says(text)
        chat.hears(f"Eco: {text}")
    assert_same(chat, standin)
