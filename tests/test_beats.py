from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from bot.beats import Beats
from bot.settings import ROOT

WRITER = """
import sys
from pathlib import Path
from bot.beats import Beats
beats = Beats(Path(sys.argv[1]))
while True:
    beats.write(1, 4711, True)
"""


def test_a_reader_never_sees_half_a_sign_of_life(tmp_path: Path) -> None:
    beats = Beats(tmp_path / "beats")
    beats.write(1, 4711, True)
    writer = subprocess.Popen([sys.executable, "-c", WRITER, str(tmp_path / "beats")], cwd=ROOT)
    seen = {(beats.read(1).pid, beats.read(1).ready, beats.read(1).at > 0) for _ in range(200_000)}
    writer.kill()
    writer.wait()

    assert seen == {(4711, True, True)}


def test_a_starting_worker_counts_as_dead(tmp_path: Path) -> None:
    beats = Beats(tmp_path / "beats")
    beats.write(1, 1, False)
    assert not beats.any_worker_alive()
    beats.write(2, 2, True)
    assert beats.workers_alive() == 1
    beats.clear(2)
    assert not beats.any_worker_alive()
