"""Processes killed, stopped and hung under a conversation: nothing is lost, nothing is doubled, danger is answered."""

from __future__ import annotations

import os
import shutil
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from bot.settings import ROOT
from tests.e2e.running import Person, RunningService, eventually


@pytest.fixture
def service(tmp_path: Path) -> Iterator[RunningService]:
    content = tmp_path / "content"
    shutil.copytree(ROOT / "data", content, ignore=shutil.ignore_patterns("nlu", "places"))
    running = RunningService(tmp_path, CONTENT_DIR=str(content)).start()
    yield running
    running.stop()


def answered_once(person: Person, ids: list[str]) -> None:
    for sent in ids:
        person.hears(sent)
    person.look()
    order = [m["in_reply_to"] for m in person.transcript if m["author"] == "bot" and not m.get("interim")]
    assert list(dict.fromkeys(order)) == ids
    for sent in ids:  # one answer: its messages stand together
        assert len({m["at"] for m in person.replies(sent)}) == 1


def test_each_message_is_answered_once_and_in_order_while_workers_are_killed(service: RunningService) -> None:
    person = service.chat(language="es")
    ids = []
    for number in range(24):
        ids.append(person.send(text=f"quiero sacar mi pasaporte {number}"))
        if number % 8 == 3:
            service.kill_workers(signal.SIGKILL)
        time.sleep(0.05)

    answered_once(person, ids)


def test_with_all_workers_stopped_danger_is_answered_and_full_answers_come_back(service: RunningService) -> None:
    person = service.chat(language="es")
    person.says("hola buenas tardes")
    eventually(service.is_complete, "a worker is missing")  # one that is only loading would answer before the interim is due
    service.kill_workers(signal.SIGSTOP)
    danger = person.send(text="la migra está tocando la puerta de mi casa")
    interim = person.hears(danger, interim=True)

    assert len(interim) == 1
    assert (interim[0]["level"], interim[0]["language"]) == (1, "es")
    assert "topic" not in interim[0]
    assert "911" in interim[0]["text"]
    assert "520-623-7874" in interim[0]["text"]
    full = person.hears(danger)
    assert full[0]["topic"] == "encounter_now"


def test_with_all_workers_killed_again_and_again_everybody_hears_something(service: RunningService) -> None:
    people = [service.chat(language=language) for language in ("es", "en")]
    for _ in range(2):
        service.kill_workers(signal.SIGKILL)
        time.sleep(0.3)
    asked = [people[0].send(text="necesito un pasaporte nuevo"), people[1].send(text="i need a new passport")]

    for person, sent in zip(people, asked, strict=True):
        person.hears(sent)
        assert len(person.replies(sent, interim=True)) <= 1


def test_a_hung_web_is_replaced_and_nothing_acknowledged_is_lost(service: RunningService) -> None:
    person = service.chat(language="es")
    sent = person.send(text="quiero sacar mi pasaporte")
    web = service.pids()[0]
    os.kill(web, signal.SIGSTOP)

    eventually(lambda: service.pids()[:1] not in ([], [web]), "web was not replaced")
    answered_once(person, [sent])


def test_everything_survives_a_hard_stop_of_the_whole_service(service: RunningService) -> None:
    person = service.chat(language="es")
    person.says("hola buenas tardes")
    service.kill_workers(signal.SIGSTOP)
    sent = person.send(text="quiero sacar mi pasaporte")
    assert service.process is not None
    for pid in [*service.pids(), service.process.pid]:
        os.kill(pid, signal.SIGKILL)
    service.process.wait()
    service.start()

    assert person.hears(sent)[0]["topic"] == "documents"


def test_changed_content_is_taken_up_and_broken_content_is_refused(service: RunningService) -> None:
    person = service.chat(language="es")
    path = Path(service.environment["CONTENT_DIR"]) / "knowledge" / "thank.yml"
    good = path.read_text()
    before = person.says("muchas gracias por todo")[0]["text"]
    first_line = before.splitlines()[0]
    path.write_text(good.replace(first_line, "Estamos para servirle."))

    eventually(lambda: "Estamos para servirle." in person.says("muchas gracias por todo")[0]["text"], "the change was not taken up")
    time.sleep(3)  # each process looks by itself; the others must have seen the good change before the bad one comes
    path.write_text(good.replace("en:", "fr:"))
    eventually(lambda: httpx.get(f"{service.url}/readyz").json()["degraded"], "the fault was not told")
    assert "Estamos para servirle." in person.says("muchas gracias por todo")[0]["text"]
    path.write_text(good)
    eventually(lambda: not httpx.get(f"{service.url}/readyz").json()["degraded"], "the mended file was not taken up")


def test_nothing_that_was_said_stands_in_any_output(service: RunningService) -> None:
    person = service.chat(language="es")
    person.says("me llamo Zenaida Xochitl y detuvieron a mi esposo Nezahualpilli")
    service.kill_workers(signal.SIGKILL)
    person.says("Xochitl otra vez, mi teléfono es 555 0100 199")

    everything = service.output.read_bytes() + b"".join(p.read_bytes() for p in service.data_dir.rglob("*") if p.is_file())
    for secret in (b"Zenaida", b"Xochitl", b"Nezahualpilli", b"0100 199"):
        assert secret not in everything


def test_the_words_that_always_work_do_so_with_every_worker_dead(tmp_path: Path) -> None:
    """Web itself switches the language, opens a case, stops notices and erases, once it is asked to."""
    service = RunningService(tmp_path, WORKERS="0").start_without_workers()
    try:
        person = service.chat(language="es")
        english = person.says("English")
        assert english[0]["language"] == "en"
        handed = person.says("quiero hablar con una persona")
        assert (handed[0]["topic"], handed[0]["level"]) == ("human_handoff", 2)
        assert "520-623-7874" in handed[0]["text"]
        assert "911" in person.says("STOP")[0]["text"]
        asked = person.says("borra mis datos")
        assert [b["title"] for b in asked[0]["buttons"]] == ["Yes", "No"]
        assert person.presses("No")
        person.says("borra mis datos")
        person.send(text="sí")
        eventually(lambda: person.http.get("/api/chat/messages").status_code == 401, "nothing was erased")
    finally:
        service.stop()
