"""What the service says when it cannot start."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from bot.settings import ROOT


def start(tmp_path: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    settings = {**os.environ, "PORT": "0", "DATA_DIR": str(tmp_path / "var"), **environment}
    return subprocess.run([sys.executable, "-m", "bot"], cwd=ROOT, env=settings, capture_output=True, text=True, timeout=250)


@pytest.mark.parametrize(
    ("environment", "said"),
    [({"PORT": "abc"}, "PORT"), ({"PORT": "99999"}, "PORT"), ({"LIMITS": "maybe"}, "LIMITS"), ({"DATA_DIR": "/dev/null/x"}, "DATA_DIR")],
)
def test_a_setting_that_does_not_fit_is_named_in_one_line(tmp_path: Path, environment: dict[str, str], said: str) -> None:
    ran = start(tmp_path, **environment)

    assert ran.returncode == 1
    assert said in ran.stderr
    assert "Traceback" not in ran.stderr


def test_a_port_in_use_is_named(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        ran = start(tmp_path, PORT=str(taken.getsockname()[1]))

    assert ran.returncode == 1
    assert "is not free" in ran.stderr
