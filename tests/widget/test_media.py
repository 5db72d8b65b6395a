"""Pictures, files, voice, and what is kept on the telephone: each only after a tap, and gone with the exit."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

pytest.importorskip("playwright")
from playwright.sync_api import expect

from tests.widget.chatting import Widget, storage, transcript
from tests.widget.standin import CARD, Standin, picture

if TYPE_CHECKING:
    from collections.abc import Callable

    from playwright.sync_api import Page

    from tests.widget.conftest import Tracked

pytestmark = pytest.mark.browser

VOICES = """(voices) => {
  window.spoken = [];
  const listeners = [];
  const stub = {
    getVoices: () => voices,
    addEventListener: (name, listener) => listeners.push(listener),
    speak: (it) => { window.spoken.push([it.text, it.lang]); window.last = it; },
    cancel: () => window.last?.onend?.(),
  };
  Object.defineProperty(window, 'speechSynthesis', { value: stub });
  window.SpeechSynthesisUtterance = class {
    constructor(text) { this.text = text; }
    set voice(it) { this.its = it; }
    get voice() { return this.its; }
  };
  window.foundVoices = () => listeners.forEach((listener) => listener());
}"""
RECOGNISER = """(local) => {
  window.recognisers = [];
  window.SpeechRecognition = class {
    static available = async ({ processLocally }) => (processLocally && local ? 'available' : 'unavailable');
    start() { window.recognisers.push(this); }
    stop() { this.onend(); }
    abort() { this.aborted = true; this.onend(); }
  };
}"""
HEARS = "text => window.recognisers.at(-1).onresult({ results: [[{ transcript: text }]] })"


def with_stub(page: Page, stub: str, value: object) -> None:
    page.add_init_script(f"({stub})({json.dumps(value)})")


# --- pictures and files


def test_the_card_is_loaded_after_a_tap_that_names_its_size(page: Page, tracked: Tracked, standin: Standin) -> None:
    chat = Widget(page).open(standin.origin)
    chat.says("tarjeta")
    answer = chat.hears("No abra la puerta.")
    assert not any("card-es" in url for url in tracked.requests)
    answer.get_by_role("button", name="Ver tarjeta, 42 KB").click()
    shown = answer.get_by_role("img")
    expect(shown).to_have_attribute("alt", "No abra la puerta.\nNo firme nada.")
    page.wait_for_function("() => document.querySelector('orienta-chat').shadowRoot.querySelector('img').naturalWidth === 1080")
    assert tracked.foreign(standin.origin) == []  # whatever the address says, it comes from our own place
    assert tracked.errors == []


def test_a_card_that_cannot_be_loaded_can_be_asked_for_again(page: Page, standin: Standin) -> None:
    chat = Widget(page).open(standin.origin)
    page.route(f"**{CARD}", lambda route: route.abort())
    chat.says("tarjeta")
    button = chat.hears("No abra la puerta.").get_by_role("button", name="Ver tarjeta")
    button.click()
    expect(button).to_be_visible()
    page.unroute(f"**{CARD}")
    button.click()
    expect(chat.log.get_by_role("img")).to_be_visible()


def send(page: Page, name: str = "pasaporte de Ana.png", content: bytes = b"picture", kind: str = "image/png") -> None:
    page.locator("input[type=file]").set_input_files({"name": name, "mimeType": kind, "buffer": content})


def test_a_photo_is_uploaded_and_sent(page: Page, standin: Standin) -> None:
    chat = Widget(page).open(standin.origin)
    chat.says("hola")
    chat.hears("Eco: hola")
    send(page, content=b"x" * 120_000)
    expect(chat.own("Foto, 120 KB")).to_contain_text("enviado")
    assert list(standin.files.values()) == [b"x" * 120_000]
    assert len([m for m in standin.only.messages if m.get("file")]) == 1
    assert "Ana" not in chat.log.inner_text()
    page.reload()
    expect(chat.own("Foto, 120 KB")).to_be_visible()


def test_a_photo_waits_for_the_line(page: Page, tracked: Tracked, standin: Standin) -> None:
    chat = Widget(page).open(standin.origin)
    chat.says("hola")
    chat.hears("Eco: hola")
    tracked.context.set_offline(True)
    send(page)
    chat.says("y esto después")
    expect(chat.own("Foto")).to_contain_text("esperando")
    tracked.context.set_offline(False)
    chat.hears("Eco: y esto después")
    sent = [m for m in standin.only.messages if m["author"] == "user"]
    assert [bool(m.get("file")) for m in sent] == [False, True, False]


def test_a_file_that_is_refused_says_so_and_holds_up_nothing(page: Page, standin: Standin) -> None:
    chat = Widget(page).open(standin.origin)
    standin.faults.uploads = [415]
    send(page)
    expect(chat.own("Foto")).to_contain_text("No se pudo (wrong_kind).")
    chat.says("sigo")
    chat.hears("Eco: sigo")
    chat.own("Foto").get_by_role("button").click()
    expect(chat.own("Foto")).to_contain_text("enviado")


def test_a_file_that_is_too_big_is_not_sent(page: Page, standin: Standin, tmp_path: Path) -> None:
    chat = Widget(page).open(standin.origin)
    big = tmp_path / "big.pdf"
    big.write_bytes(b"x" * (10 * 1024 * 1024 + 1))
    page.locator("input[type=file]").set_input_files(big)
    expect(chat.log).to_contain_text("Pasa de 10 MB.")
    assert standin.calls == []


def test_a_file_on_its_way_ends_with_the_page(page: Page, tracked: Tracked, standin: Standin) -> None:
    chat = Widget(page).open(standin.origin)
    chat.says("hola")
    chat.hears("Eco: hola")
    page.route("**/api/chat/files", lambda route: route.abort())
    send(page)
    expect(chat.own("Foto")).to_contain_text("esperando")
    assert "pasaporte" not in json.dumps(storage(page))
    page.reload()
    chat.hears("Eco: hola")
    expect(chat.own("Foto")).to_have_count(0)
    chat.says("otra cosa")
    chat.hears("Eco: otra cosa")


def test_a_file_of_an_officer_is_opened_with_the_token_in_a_header(page: Page, tracked: Tracked, standin: Standin) -> None:
    chat = Widget(page).open(standin.origin)
    chat.says("persona")
    chat.hears("Buenas tardes.")
    standin.files["f1"] = picture()
    standin.put(standin.only, author="agent", text="", language="es", file={"id": "f1", "kind": "image/png", "size": 5000})
    with page.expect_download() as downloading:
        chat.hears("Foto, 5 KB").get_by_role("button", name="Abrir archivo, 5 KB").click()
    assert downloading.value.suggested_filename == "image.png"
    assert downloading.value.path().read_bytes() == picture()
    (token,) = standin.conversations
    assert not any(token in url for url in tracked.requests)
    assert tracked.errors == []


# --- voice


def test_only_a_voice_of_the_device_reads_aloud(page: Page, standin: Standin) -> None:
    with_stub(page, VOICES, [{"lang": "es-MX", "localService": False}, {"lang": "en-US", "localService": True}])
    chat = Widget(page).open(standin.origin)
    chat.says("hola")
    answer = chat.hears("Eco: hola")
    expect(answer.get_by_role("button", name="Escuchar")).to_have_count(0)


def test_a_message_is_read_in_its_language_and_stops_at_a_tap(page: Page, standin: Standin) -> None:
    with_stub(page, VOICES, [{"lang": "es-ES", "localService": True}, {"lang": "es_MX", "localService": True}])
    chat = Widget(page).open(standin.origin)
    chat.says("hola")
    button = chat.hears("Eco: hola").get_by_role("button", name="Escuchar")
    button.click()
    assert page.evaluate("window.spoken") == [["Eco: hola", "es_MX"]]
    expect(button).to_have_attribute("aria-pressed", "true")
    button.click()
    expect(button).to_have_attribute("aria-pressed", "false")
    expect(chat.own("hola").get_by_role("button")).to_have_count(0)


def test_voices_that_are_found_late_count(page: Page, standin: Standin) -> None:
    voices: list[object] = []
    with_stub(page, VOICES, voices)
    chat = Widget(page).open(standin.origin)
    chat.says("hola")
    answer = chat.hears("Eco: hola")
    page.evaluate("() => { speechSynthesis.getVoices().push({ lang: 'es-MX', localService: true }); window.foundVoices(); }")
    expect(answer.get_by_role("button", name="Escuchar")).to_be_visible()


def test_no_recogniser_no_microphone(page: Page, standin: Standin) -> None:
    page.add_init_script("delete window.SpeechRecognition; delete window.webkitSpeechRecognition")
    Widget(page).open(standin.origin)
    expect(page.get_by_role("button", name="Dictar")).to_have_count(0)


def test_speech_that_stays_on_the_device_needs_no_question(page: Page, standin: Standin) -> None:
    with_stub(page, RECOGNISER, True)
    chat = Widget(page).open(standin.origin)
    chat.box.fill("Hola,")
    mic = page.get_by_role("button", name="Dictar")
    mic.click()
    page.wait_for_function("() => window.recognisers.length === 1")
    assert page.evaluate("[window.recognisers[0].processLocally, window.recognisers[0].lang]") == [True, "es-MX"]
    page.evaluate(HEARS, "necesito mi acta")
    expect(chat.box).to_have_value("Hola, necesito mi acta")
    mic.click()
    expect(mic).to_have_attribute("aria-pressed", "false")
    assert standin.calls == []  # the person reads it first


def test_speech_that_leaves_the_device_is_asked_about_first(page: Page, standin: Standin) -> None:
    with_stub(page, RECOGNISER, False)
    chat = Widget(page).open(standin.origin)
    mic = page.get_by_role("button", name="Dictar")
    mic.click()
    expect(page.get_by_text("Su voz la procesa Google o Apple, no nosotros.")).to_be_visible()
    assert page.evaluate("window.recognisers.length") == 0
    chat.press("Usar mi voz")
    page.wait_for_function("() => window.recognisers.length === 1")
    page.evaluate(HEARS, "hola")
    mic.click()
    mic.click()
    page.wait_for_function("() => window.recognisers.length === 2")  # asked once


def test_who_refused_is_not_asked_again(page: Page, standin: Standin) -> None:
    with_stub(page, RECOGNISER, False)
    chat = Widget(page).open(standin.origin)
    page.get_by_role("button", name="Dictar").click()
    chat.press("No usar")
    expect(page.get_by_role("button", name="Dictar")).to_have_count(0)
    page.reload()
    chat.box.wait_for()
    expect(page.get_by_role("button", name="Dictar")).to_have_count(0)
    assert page.evaluate("window.recognisers.length") == 0


# --- what is kept


def test_kept_on_the_telephone_only_after_a_tap(contexts: Callable[..., Tracked], standin: Standin) -> None:
    tracked = contexts()
    page = tracked.context.new_page()
    chat = Widget(page).open(standin.origin)
    chat.says("un secreto")
    chat.hears("Eco: un secreto")
    assert storage(page)["local"] == {}
    page.get_by_role("button", name="Más opciones").click()
    chat.press("Guardar en este teléfono")
    page.close()
    page = tracked.context.new_page()
    chat = Widget(page)
    page.goto(standin.origin)
    chat.hears("Eco: un secreto")
    assert chat.texts() == transcript(standin)
    page.get_by_role("button", name="Más opciones").click()
    chat.press("Guardar en este teléfono")
    assert storage(page)["local"] == {}


def test_exit_takes_what_was_kept(page: Page, standin: Standin) -> None:
    chat = Widget(page).open(standin.origin)
    chat.says("un secreto")
    chat.hears("Eco: un secreto")
    page.get_by_role("button", name="Más opciones").click()
    chat.press("Guardar en este teléfono")
    assert "orienta" in storage(page)["local"]
    chat.exit.click()
    page.wait_for_url("https://weather.gov/**")
    page.goto(f"{standin.origin}/static/icon.svg")
    assert storage(page) == {"session": {}, "local": {}, "cookie": ""}


KEPT = "async () => [(await caches.keys()).length, (await navigator.serviceWorker.getRegistrations()).length]"


def test_the_chat_page_and_a_card_that_was_seen_work_without_a_line(tracked: Tracked, page: Page, standin: Standin) -> None:
    page.goto(f"{standin.origin}/chat")
    page.evaluate("() => navigator.serviceWorker.ready")
    page.wait_for_function("() => navigator.serviceWorker.controller")
    chat = Widget(page)
    chat.says("tarjeta")
    chat.hears("No abra la puerta.").get_by_role("button", name="Ver tarjeta").click()
    expect(chat.log.get_by_role("img")).to_be_visible()
    page.wait_for_function(f"async () => !!(await caches.match('{CARD}'))")
    cached = page.evaluate("async () => (await (await caches.open('orienta-1')).keys()).map((it) => new URL(it.url).pathname).sort()")
    assert set(cached) == {"/chat", "/widget.js", "/static/page.css", "/static/icon.svg", "/static/chat.js", CARD}
    tracked.context.set_offline(True)
    page.reload()
    expect(page.get_by_role("button", name="Está pasando ahora")).to_be_visible()
    expect(chat.line).to_contain_text("911")
    assert page.evaluate(f"async () => (await fetch('{CARD}')).status") == 200
    assert [error for error in tracked.errors if "CSP" in error or "Trusted" in error] == []


def test_exit_and_erasure_take_the_offline_copy_away(tracked: Tracked, page: Page, standin: Standin) -> None:
    page.goto(f"{standin.origin}/chat")
    page.evaluate("() => navigator.serviceWorker.ready")
    Widget(page).exit.click()
    page.wait_for_url("https://weather.gov/**")
    page.goto(f"{standin.origin}/static/icon.svg")
    page.wait_for_function(f"async () => String(await ({KEPT})()) === '0,0'")


def test_a_host_page_gets_no_worker_and_keeps_its_own(page: Page, standin: Standin) -> None:
    chat = Widget(page).open(standin.origin)
    assert page.evaluate(KEPT) == [0, 0]
    page.evaluate(
        """() => navigator.serviceWorker.register(
          window.trustedTypes.createPolicy('host', { createScriptURL: (it) => it }).createScriptURL('/host-sw.js'), { scope: '/' })"""
    )
    page.evaluate("() => navigator.serviceWorker.ready")
    chat.exit.click()
    page.wait_for_url("https://weather.gov/**")
    page.goto(f"{standin.origin}/static/icon.svg")
    assert page.evaluate("async () => (await navigator.serviceWorker.getRegistrations()).length") == 1
