"""Workers that are stopped (SIGSTOP) at the worst moment, as real processes on a real database file."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

from bot.beats import Beats
from bot.settings import ROOT, Settings
from bot.store.database import Database
from bot.supervisor import Child, Supervisor
from bot.web.writer import Writer
from tests.conftest import Chat
from tests.store.test_claims import commit, must_claim, turn

LATE_WORKER = """
import os, signal, sys, time
from bot.store import claims
from bot.store.claims import ClaimLost, Turn
from bot.store.crypto import Keys
from bot.store.database import Database
from bot.store.inbox import Outgoing

database, keys = Database(sys.argv[1]), Keys.from_json(os.environ["TEST_KEYS"])
with database.write() as c:
    held = claims.claim(c, keys, "late", time.time(), 0.2)
os.kill(os.getpid(), signal.SIGSTOP)
try:
    turn = Turn("es", False, 0, "es", 3, None, None, [Outgoing("tarde")], {"slots": {}, "loop": None})
    with database.write() as c:
        claims.commit(c, keys, held, turn, "late", time.time(), 9)
except ClaimLost:
    sys.exit(7)
"""

STOPPED_IN_A_TRANSACTION = """
import os, signal, sys
from pathlib import Path
from bot.beats import Beats
from bot.store.database import Database

beats, database = Beats(Path(sys.argv[2])), Database(sys.argv[1])
beats.write(1, os.getpid(), True)
with database.write() as c:
    os.kill(os.getpid(), signal.SIGSTOP)
"""


def wait_until(done: Callable[[], bool], seconds: float = 30.0) -> None:
    until = time.monotonic() + seconds
    while not done():
        assert time.monotonic() < until, "it never happened"
        time.sleep(0.02)


def is_stopped(pid: int) -> bool:
    return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] == "T"


def test_a_worker_that_wakes_after_its_lease_commits_nothing(chat: Chat, tmp_path: Path) -> None:
    asked = chat.says("hola")
    keys_text = (tmp_path / "keys" / "keys.json").read_text()
    url = chat.database.url.render_as_string()
    late = subprocess.Popen([sys.executable, "-c", LATE_WORKER, url], cwd=ROOT, env={**os.environ, "TEST_KEYS": keys_text})
    wait_until(lambda: is_stopped(late.pid))
    quick = must_claim(chat, "quick", at=time.time() + 1)

    commit(chat, quick, turn("a tiempo"), "quick")
    late.send_signal(signal.SIGCONT)

    assert late.wait(30) == 7
    assert chat.hears() == [(asked, "a tiempo")]


def test_a_worker_stopped_inside_a_transaction_does_not_hold_up_web(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path, port=0, workers=0)
    database = Database(settings.database)
    database.migrate()
    supervisor = Supervisor(settings)
    stopped = subprocess.Popen([sys.executable, "-c", STOPPED_IN_A_TRANSACTION, settings.database, str(settings.beats_path)], cwd=ROOT)
    supervisor.workers = [Child("worker 1", 1, lambda: stopped, process=stopped)]
    wait_until(lambda: is_stopped(stopped.pid))
    beats = Beats(settings.beats_path)
    writer = Writer(database, lambda waiting: beats.write(0, os.getpid(), True, time.monotonic() if waiting else 0.0))
    done: list[str] = []

    web = threading.Thread(target=lambda: done.append(asyncio.run(writer.write(lambda c: "stored"))))
    web.start()
    while web.is_alive() and stopped.poll() is None:
        supervisor._free_the_lock()
        time.sleep(0.02)
    web.join(30)

    assert done == ["stored"]
    assert stopped.wait(30) == -signal.SIGKILL
    writer.close()
    database.close()
    supervisor.close()
