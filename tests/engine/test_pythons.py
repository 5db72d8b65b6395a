"""The engine on the other Pythons that this machine has: installs, validates and understands as on ours."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from bot.settings import ROOT

MINORS = (11, 12, 13)


def other_pythons() -> list[Path]:
    """Interpreters of the supported versions besides the one that runs this, from PATH and from pyenv."""
    found = {}
    versions = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")) / "versions"
    for minor in MINORS:
        on_path = shutil.which(f"python3.{minor}")
        candidates = [str(p) for p in sorted(versions.glob(f"3.{minor}.*/bin/python"))] + ([on_path] if on_path else [])
        for candidate in candidates:
            if minor != sys.version_info.minor and subprocess.run([candidate, "-c", ""], capture_output=True).returncode == 0:
                found[minor] = Path(candidate)
                break
    return list(found.values())


@pytest.mark.timeout(900)  # an environment is made
@pytest.mark.parametrize(
    "python", other_pythons() or [pytest.param(None, marks=pytest.mark.skip(reason="this machine has one Python only"))], ids=str
)
def test_the_engine_runs_on_another_python(python: Path) -> None:
    version = subprocess.run([str(python), "-c", "import sys; print(sys.version_info.minor)"], capture_output=True, text=True, check=True)
    environment = ROOT / f".venv-3.{version.stdout.strip()}"
    its_python = environment / "bin" / "python"
    if not (environment / "ready").exists():
        subprocess.run([str(python), "-m", "venv", "--clear", str(environment)], check=True)
        pip = [str(its_python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps", "--require-hashes"]
        subprocess.run([*pip, "-r", "requirements.txt"], cwd=ROOT, check=True)
        subprocess.run([*pip, "--ignore-requires-python", "-r", "requirements-rasa.txt"], cwd=ROOT, check=True)
        (environment / "ready").touch()

    validated = subprocess.run(
        [str(its_python), "-m", "bot.engine.rasa_light", "data", "validate", "--data", "data/nlu", "data/rules.yml"],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert validated.returncode == 0, validated.stdout[-2000:] + validated.stderr[-2000:]
    sentences = "la migra está tocando la puerta\nwhere is my consulate in Houston\n"
    ours, its = (
        subprocess.run([str(p), "-m", "bot.engine.parse"], cwd=ROOT, input=sentences, capture_output=True, text=True, check=True).stdout
        for p in (sys.executable, its_python)
    )
    assert [_rounded(line) for line in its.splitlines()] == [_rounded(line) for line in ours.splitlines()]


def _rounded(line: str) -> dict[str, object]:
    """The last digits of a confidence may differ between builds of numpy."""
    raw: dict[str, object] = json.loads(line)
    return {**raw, "confidence": round(float(str(raw["confidence"])), 2)}
