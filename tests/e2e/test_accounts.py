"""From `make run` to a withdrawal that the workers follow."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import httpx
import pyotp
import pytest

from tests.e2e.running import Person, RunningService, eventually

PASSWORD = "sombrilla tortuga 7 canela"


@pytest.fixture
def fresh(tmp_path: Path) -> Iterator[RunningService]:
    running = RunningService(tmp_path, WORKERS="1").start()
    yield running
    running.stop()


def _link(service: RunningService) -> str | None:
    """The sign-up link of the newest start."""
    newest = service.output.read_text().rpartition("Orienta is ready")[2]
    found = re.search(r"^  (http://\S+/console/signup/\S+)$", newest, re.MULTILINE)
    return found[1] if found else None


def _administrator(service: RunningService) -> httpx.Client:
    """Sign up by the printed link."""
    link = eventually(lambda: _link(service), "no link was printed")
    client = httpx.Client(base_url=service.url, timeout=40, headers={"Origin": service.url})
    assert client.post(link, data={"email": "ana@example.org", "name": "Ana Ruiz", "password": PASSWORD}).status_code == 303
    secret = re.search(r'id="secret">([^<]+)<', client.get("/console/signup/factor").text)
    assert secret
    done = client.post("/console/signup/factor", data={"code": pyotp.TOTP(secret[1].replace(" ", "")).now()})
    assert done.status_code == 200
    return client


def test_the_link_of_the_first_start_makes_an_administrator_whose_withdrawal_every_process_follows(fresh: RunningService) -> None:
    person = fresh.chat(language="es")
    before = "\n".join(m["text"] for m in person.says("mi consulado, vivo en Houston Texas"))
    assert "+1 713-" in before
    client = _administrator(fresh)
    csrf = re.search(r'<meta name="csrf" content="([^"]+)">', client.get("/console/content").text)
    assert csrf

    for field in ("phone", "protection_phone"):
        form = {"csrf": csrf[1], "kind": "consulate", "ref": f"houston/{field}", "reason": "It is out of order"}
        assert client.post("/console/content/withdraw", data=form).status_code == 303

    def followed(who: Person) -> bool:
        said = "\n".join(m["text"] for m in who.says("mi consulado, vivo en Houston Texas"))
        return "+1 713-" not in said and "+1 520-623-7874" in said

    eventually(lambda: followed(person), "the worker still gives the old number")
    client.close()

    fresh.stop()
    fresh.start()
    eventually(lambda: fresh.output.read_text().count("Ctrl-C stops it.") == 2, "the second start does not say that it is ready")
    assert _link(fresh) is None
    assert followed(fresh.chat(language="es"))  # a process that starts anew knows it from the start
