"""One process that starts the others, replaces what dies or hangs, and stops all of them cleanly.

It holds the listening socket, so that a restart of web refuses nobody, and a lock on DATA_DIR, so that two services never
share one embedded database.
"""

from __future__ import annotations

import fcntl
import logging
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from types import FrameType

from pydantic import ValidationError
from setproctitle import setproctitle

from bot.beats import FRESH, Beats
from bot.logs import set_up
from bot.settings import ROOT, Settings

log = logging.getLogger("orienta.supervisor")

TICK = 0.05
LOCK_PATIENCE = 0.5
"""Seconds that web waits for the write lock before a worker without signs of life is ended for holding it."""
START_SECONDS = 180.0
"""A process that is not ready after this is replaced; on a busy machine a worker takes its time to load."""
PROBE_SECONDS = 1.0
PROBE_TIMEOUT = 3.0
PROBES = 3
"""Probes of web's /healthz that fail in a row before it is replaced."""
STOP_SECONDS = 10.0


@dataclass
class Child:
    """One supervised process.

    Attributes:
        slot: its place in the file of signs of life.
        failures: quick deaths in a row; each doubles the pause before the next start.
    """

    name: str
    slot: int
    start: Callable[[], subprocess.Popen[bytes]]
    process: subprocess.Popen[bytes] | None = None
    started: float = 0.0
    not_before: float = 0.0
    failures: int = 0
    probes_failed: int = 0
    ending: bool = False


class Supervisor:
    """Starts web and workers and keeps them running until told to stop."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        settings.data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._lock = open(settings.data_dir / "lock", "w")  # noqa: SIM115 (held as long as we run)
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise SystemExit(f"another service already runs on {settings.data_dir}") from None
        self.beats = Beats(settings.beats_path)
        self.listening = _listen(settings.host, settings.port)
        self.port: int = self.listening.getsockname()[1]
        self.stopping = False
        self._probe_at = 0.0
        self.web = Child("web", 0, self._start_web)
        self.workers = [Child(f"worker {n}", n, self._worker_starter(n)) for n in range(1, settings.workers + 1)]

    @property
    def children(self) -> list[Child]:
        return [self.web, *self.workers]

    def _start_web(self) -> subprocess.Popen[bytes]:
        fd = self.listening.fileno()
        return subprocess.Popen([sys.executable, "-m", "bot.web", str(fd)], cwd=ROOT, pass_fds=[fd], stdin=subprocess.DEVNULL)

    def _worker_starter(self, slot: int) -> Callable[[], subprocess.Popen[bytes]]:
        return lambda: subprocess.Popen([sys.executable, "-m", "bot.worker", str(slot)], cwd=ROOT, stdin=subprocess.DEVNULL)

    def run(self, on_ready: Callable[[], None]) -> None:
        """Supervise until SIGTERM or Ctrl-C; `on_ready` is called once, when all of it answers."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._stop_wanted)
        told = False
        while not self.stopping:
            for child in self.children:
                self._look_after(child)
            self._free_the_lock()
            self._probe_web()
            if not told and self.beats.read(0).ready and self.beats.workers_alive() >= len(self.workers):
                told = True
                on_ready()
            time.sleep(TICK)
        self._stop_all()

    def _stop_wanted(self, number: int, frame: FrameType | None) -> None:
        self.stopping = True

    def _look_after(self, child: Child) -> None:
        now = time.monotonic()
        if child.process is None:
            if now >= child.not_before:
                self.beats.clear(child.slot)
                child.process, child.started, child.probes_failed, child.ending = child.start(), now, 0, False
            return
        status = child.process.poll()
        if status is not None:
            self._died(child, status)
        elif child in self.workers and self._hangs(child):
            self._end(child, "shows no sign of life")

    def _end(self, child: Child, why: str) -> None:
        """Kill a process, once; its successor starts when it is gone."""
        if child.process is not None and not child.ending:
            log.warning("%s %s: replaced", child.name, why)
            child.ending = True
            child.process.kill()

    def _hangs(self, worker: Child) -> bool:
        beat = self.beats.read(worker.slot)
        if not beat.ready:
            return time.monotonic() - worker.started > START_SECONDS
        return beat.age() > self.settings.hung_seconds

    def _died(self, child: Child, status: int) -> None:
        now = time.monotonic()
        quick = now - child.started < 5.0
        child.failures = child.failures + 1 if quick else 0
        pause = min(0.25 * 2**child.failures, 10.0) if quick else 0.0
        log.warning("%s ended with status %d: a new one starts", child.name, status)
        self.beats.clear(child.slot)
        child.process, child.not_before = None, now + pause

    def _free_the_lock(self) -> None:
        """Web waits for the write lock and a worker shows no sign of life: it was stopped inside a transaction; end it."""
        since = self.beats.read(0).waiting_since
        if not since or time.monotonic() - since < LOCK_PATIENCE:
            return
        for worker in self.workers:
            beat = self.beats.read(worker.slot)
            if worker.process is not None and worker.process.poll() is None and beat.pid and beat.age() > FRESH:
                self._end(worker, "holds up the database")

    def _probe_web(self) -> None:
        """A web process that runs and does not answer is replaced; the probe runs in a thread of its own time limit."""
        now = time.monotonic()
        process = self.web.process
        if now < self._probe_at or process is None or process.poll() is not None or not self.beats.read(0).ready:
            return
        # its loop beats ten times a second: only silence is worth a probe that would hold this loop up
        self._probe_at = now + PROBE_SECONDS
        if self.beats.read(0).age() < FRESH:
            self.web.probes_failed = 0
            return
        self.web.probes_failed = 0 if self._answers() else self.web.probes_failed + 1
        if self.web.probes_failed >= PROBES:
            self._end(self.web, "does not answer")

    def _answers(self) -> bool:
        try:
            with urllib.request.urlopen(
                f"http://{_reachable(self.settings.host)}:{self.port}/healthz", timeout=PROBE_TIMEOUT / PROBES
            ) as answer:
                return bool(answer.status == 200)
        except OSError:
            return False

    def _stop_all(self) -> None:
        running = [c.process for c in self.children if c.process is not None and c.process.poll() is None]
        for process in running:
            process.terminate()
            process.send_signal(signal.SIGCONT)  # a stopped process could not end
        until = time.monotonic() + STOP_SECONDS
        for process in running:
            try:
                process.wait(max(0.1, until - time.monotonic()))
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        self.close()

    def close(self) -> None:
        """Let go of the port and of the data folder."""
        self.listening.close()
        self._lock.close()


def _reachable(host: str) -> str:
    if host in ("0.0.0.0", ""):
        return "127.0.0.1"
    return f"[{host}]" if ":" in host else host


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listening = socket.socket(family, socket.SOCK_STREAM)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((host, port))
    except OSError as error:
        raise SystemExit(f"port {port} is not free ({os.strerror(error.errno or 0)}); PORT=… chooses another") from None
    listening.listen(2048)
    listening.set_inheritable(True)
    return listening


def _first_link() -> str | None:
    """A new sign-up token for the first administrator, while nobody has an account. Made in a process of its own, as in bot/prepare.py."""
    done = subprocess.run([sys.executable, "-m", "bot.console"], cwd=ROOT, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True)
    return done.stdout.strip() or None


def address(supervisor: Supervisor) -> str:
    """The service's own address, as it is reached from outside where a setting says so."""
    return supervisor.settings.public_url or f"http://{_reachable(supervisor.settings.host)}:{supervisor.port}"


def addresses(supervisor: Supervisor) -> str:
    """What stands where, for whoever started it."""
    url = address(supervisor)
    return (
        f"\nOrienta is ready\n  chat      {url}/\n  full page {url}/chat\n"
        f"  console   {url}/console/\n  API       {url}/api/docs\n  state     {url}/readyz"
    )


def main() -> None:
    """`make run`: prepare what is missing, then supervise."""
    from bot.prepare import prepare

    setproctitle("orienta supervisor")
    try:
        settings = Settings()
    except ValidationError as error:
        wrong = ", ".join(": ".join([*(str(part).upper() for part in e["loc"][:1]), e["msg"]]) for e in error.errors())
        raise SystemExit(f"a setting does not fit (docs/settings.md): {wrong}") from None
    set_up(settings.log_level)
    try:
        settings.data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
        prepare(settings)
    except OSError as error:
        raise SystemExit(f"DATA_DIR {settings.data_dir} cannot be used: {os.strerror(error.errno or 0)}") from None
    supervisor = Supervisor(settings)
    token = _first_link()

    def tell() -> None:
        print(addresses(supervisor), flush=True)
        if token:
            link = f"{address(supervisor)}/console/signup/{token}"
            print(f"Nobody has an account yet. The first administrator's link, good for a day and once:\n  {link}", flush=True)
        print("Ctrl-C stops it.", flush=True)

    supervisor.run(tell)


if __name__ == "__main__":
    main()
