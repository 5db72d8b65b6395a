"""What every supervised process does first."""

from __future__ import annotations

import ctypes
import hashlib
import os
import signal
import socket
import sys
from pathlib import Path

from setproctitle import setproctitle

_PR_SET_PDEATHSIG = 1
"""prctl(2): the signal that this process gets when its parent dies."""


def begin(title: str) -> None:
    """Show this title in `ps`, and end when the supervisor dies: an orphan would keep the port and the database."""
    setproctitle(title)
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
        if os.getppid() == 1:  # it died before we asked
            os.kill(os.getpid(), signal.SIGTERM)


def node(data_dir: Path) -> str:
    """This machine and data folder, pseudonymously: who may say that a lease's holder is dead for certain."""
    return hashlib.sha256(f"{socket.gethostname()}\0{data_dir.resolve()}".encode()).hexdigest()[:12]
