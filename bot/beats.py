"""Signs of life of embedded processes, in a small memory-mapped file and not in the database: a worker stopped inside a
transaction would stop everybody's signs with it.

One slot a process, slot 0 is web. Times are CLOCK_MONOTONIC, which all processes of a machine share.
"""

from __future__ import annotations

import mmap
import time
from dataclasses import dataclass
from pathlib import Path

SLOTS = 65
_FIELDS = 4
_BYTES = 8
"""Each field is one aligned number of eight bytes, so that a reader never sees half of one (struct.pack_into would zero them first)."""
FRESH = 1.0
"""Seconds after which a sign of life is too old to count on."""


@dataclass(frozen=True)
class Beat:
    """One slot as it stands.

    Attributes:
        pid: process id, 0 where the slot was never used.
        ready: the process has loaded all it needs; a starting worker counts as dead.
        at: when its working loop last turned.
        waiting_since: since when it has waited for the database's write lock; 0 where it does not.
    """

    pid: int
    ready: bool
    at: float
    waiting_since: float

    def age(self) -> float:
        return time.monotonic() - self.at

    def alive(self) -> bool:
        return self.ready and self.age() <= FRESH


class Beats:
    """The file, as every process of the service has it mapped."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        size = SLOTS * _FIELDS * _BYTES
        with open(path, "a+b") as file:
            if file.tell() < size:
                file.truncate(size)
            mapped = memoryview(mmap.mmap(file.fileno(), size))
        self._whole, self._times = mapped.cast("q"), mapped.cast("d")

    def write(self, slot: int, pid: int, ready: bool, waiting_since: float = 0.0) -> None:
        """This process's working loop has turned just now."""
        first = slot * _FIELDS
        self._whole[first], self._whole[first + 1] = pid, int(ready)
        self._times[first + 2], self._times[first + 3] = time.monotonic(), waiting_since

    def read(self, slot: int) -> Beat:
        first = slot * _FIELDS
        pid, ready = self._whole[first], bool(self._whole[first + 1])
        return Beat(pid, ready, self._times[first + 2], self._times[first + 3])

    def clear(self, slot: int) -> None:
        """The process of this slot is gone, or is about to start."""
        first = slot * _FIELDS
        self._whole[first + 1] = self._whole[first] = 0
        self._times[first + 2] = self._times[first + 3] = 0.0

    def workers_alive(self) -> int:
        """How many workers are ready and turned their loop within `FRESH` seconds."""
        return sum(self.read(slot).alive() for slot in range(1, SLOTS))

    def any_worker_alive(self) -> bool:
        return self.workers_alive() > 0
