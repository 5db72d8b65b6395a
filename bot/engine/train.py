"""Train the model where its inputs changed: `make train`.

The inputs are Rasa's files, the training sentences, the questions of the facets, and the code of the graph components; their
hash stands beside the model. Answers can change without training.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from bot.settings import MODELS, ROOT

MODEL = "orienta.tar.gz"
MODEL_STATUS = "status.json"
"""Beside the model: `{"degraded": [...]}`, what it had to be trained without."""
ENCODER_MISSING = "understanding: the sentence encoder is missing, n-grams work alone"


def up_to_date(models: Path) -> bool:
    """Whether the model in `models` was trained from today's inputs."""
    stamp = models / "inputs.sha256"
    return (models / MODEL).exists() and stamp.exists() and stamp.read_text("ascii") == inputs_hash()


def train(models: Path) -> None:
    """Train with Rasa and put the model in place in one step, so that a running service never reads half of one.

    Raises:
        RuntimeError: Rasa refused the data or the configuration.
    """
    os.chdir(ROOT)  # Rasa reads its files from here, components and importer are found from here
    before = inputs_hash()
    from bot.engine import quiet, rasa_light

    rasa_light.install()
    quiet.silence()
    from rasa.model_training import train as rasa_train

    models.mkdir(parents=True, exist_ok=True)
    with open(os.devnull, "w") as nowhere, contextlib.redirect_stdout(nowhere), contextlib.redirect_stderr(nowhere):  # progress bars
        result = rasa_train(
            "domain.yml", "config.yml", ["data/nlu", "data/rules.yml"], str(models), force_training=True, fixed_model_name="fresh"
        )
    if result.code != 0 or result.model is None:
        raise RuntimeError('Rasa could not train a model; `make rasa ARGS="data validate"` says more')
    Path(result.model).replace(models / MODEL)
    from bot.engine.nlu import encoder

    degraded = [] if encoder.available() else [ENCODER_MISSING]
    (models / MODEL_STATUS).write_text(json.dumps({"degraded": degraded}), "utf-8")
    (models / "inputs.sha256").write_text(before, "ascii")


def inputs_hash() -> str:
    """SHA-256 over everything that the model is made from."""
    digest = hashlib.sha256()
    for path in _input_files():
        digest.update(str(path.relative_to(ROOT)).encode() + b"\0" + path.read_bytes() + b"\0")
    digest.update(json.dumps(_questions(), ensure_ascii=False, sort_keys=True).encode())
    return digest.hexdigest()


def _input_files() -> Iterator[Path]:
    names = (
        "config.yml",
        "domain.yml",
        "requirements.txt",
        "data/rules.yml",
        "data/spelling.yml",
        "data/followups.yml",
        "data/taxonomy.yml",
    )
    yield from (ROOT / name for name in names)
    yield from sorted((ROOT / "data" / "nlu").rglob("*.yml"))
    yield from sorted((ROOT / "bot" / "engine").rglob("*.py"))


def _questions() -> dict[str, Any]:
    """The questions of all facets: the part of the content files that the model is trained on."""
    found: dict[str, Any] = {}
    for path in sorted((ROOT / "data" / "knowledge").glob("*.yml")):
        topic = yaml.load(path.read_text("utf-8"), Loader=yaml.CSafeLoader)
        found[path.stem] = [[part.get("id"), part.get("questions")] for part in (topic, *(topic.get("facets") or []))]
    return found


def main() -> None:
    if up_to_date(MODELS):
        print("model: up to date", file=sys.stderr)
        return
    print("model: training, about a minute …", file=sys.stderr, flush=True)
    train(MODELS)
    print("model: trained", file=sys.stderr)


if __name__ == "__main__":
    main()
