"""What every supervised process does first."""

from __future__ import annotations

import ctypes
import os
import signal
import sys

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
