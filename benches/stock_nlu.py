"""Our pipeline beside stock Rasa's on the same sentences: `make bench-stock-nlu`, the table as Markdown on standard output.

Each side is trained and measured in processes of its own (side.py), ours in our environment, the others in stock Rasa's. One core,
one message at a time. The whole run takes hours, nearly all of it DIET's training; ARGS="--share 0.03 --epochs 3" takes minutes.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import yaml
from sklearn.metrics import f1_score

from benches.sentences import Sentences
from bot.settings import ROOT
from tests.eval.evaluate import Sentence, one_edit, read

HERE = Path(__file__).parent
STOCK_PYTHON = ROOT / ".venv-stock" / "bin" / "python"
THREADS = (
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "TF_INTRA_OP_PARALLELISM_THREADS",  # these two are the names that Rasa reads
    "TF_INTER_OP_PARALLELISM_THREADS",
    "TF_NUM_INTRAOP_THREADS",  # and these TensorFlow itself
    "TF_NUM_INTEROP_THREADS",
)


@dataclass(frozen=True)
class Side:
    """A pipeline and the environment that it runs in."""

    name: str
    title: str
    config: Path
    ours: bool = False


SIDES = (
    Side("ours", "Orienta", ROOT / "config.yml", ours=True),
    Side("diet", "stock, DIET", HERE / "diet.yml"),
    Side("logistic", "stock, logistic regression", HERE / "logistic.yml"),
)


class SideFailed(RuntimeError):
    """A side's process failed or was killed: its column is left out."""


@dataclass(frozen=True)
class Figures:
    """What was measured of one side."""

    accuracy: float
    macro_f1: float
    noisy: float
    train_wall: float
    train_cpu: float
    model_mb: float
    wall: Sequence[float]
    cpu: Sequence[float]
    rss_mb: float

    @property
    def parse_ms(self) -> list[float]:
        """p50 and p99 by the clock, p50 and p99 of CPU, in milliseconds."""
        return [1000 * float(np.percentile(seconds, of)) for seconds in (self.wall, self.cpu) for of in (50, 99)]


ROWS: tuple[tuple[str, str, Callable[[Figures], float]], ...] = (
    ("accuracy", ".3f", lambda f: f.accuracy),
    ("macro-F1", ".3f", lambda f: f.macro_f1),
    ("noisy accuracy", ".3f", lambda f: f.noisy),
    ("training, s by the clock", ",.0f", lambda f: f.train_wall),
    ("training, s of CPU", ",.0f", lambda f: f.train_cpu),
    ("model, MB", ",.1f", lambda f: f.model_mb),
    ("parse p50, ms by the clock", ".1f", lambda f: f.parse_ms[0]),
    ("parse p99, ms by the clock", ".1f", lambda f: f.parse_ms[1]),
    ("parse p50, ms of CPU", ".1f", lambda f: f.parse_ms[2]),
    ("parse p99, ms of CPU", ".1f", lambda f: f.parse_ms[3]),
    ("memory, MB", ",.0f", lambda f: f.rss_mb),
)


def measure(side: Side, training: Sentences, messages: Sequence[Sentence], epochs: int, folder: Path) -> Figures:
    """Train one side and let it parse the messages; `folder` is empty."""
    (training.write_ours if side.ours else training.write_stock)(folder)
    _write_config(side.config, folder, epochs)
    texts = {"clean": [m.text for m in messages], "noisy": [one_edit(m.text) for m in messages]}
    (folder / "messages.json").write_text(json.dumps(texts), "utf-8")
    trained, parsed = _run(side, "train", folder), _run(side, "measure", folder)
    truth = [m.intent for m in messages]
    return Figures(
        accuracy=_accuracy(truth, parsed["clean"]),
        macro_f1=float(f1_score(truth, parsed["clean"], labels=sorted(set(truth)), average="macro", zero_division=0)),
        noisy=_accuracy(truth, parsed["noisy"]),
        train_wall=trained["wall"],
        train_cpu=trained["cpu"],
        model_mb=trained["bytes"] / 1e6,
        wall=parsed["wall"],
        cpu=parsed["cpu"],
        rss_mb=parsed["rss"] / 1e6,
    )


def _write_config(source: Path, folder: Path, epochs: int) -> None:
    config = yaml.safe_load(source.read_text("utf-8"))
    for component in config["pipeline"]:
        if "epochs" in component:
            component["epochs"] = epochs
    (folder / "config.yml").write_text(yaml.safe_dump(config, sort_keys=False), "utf-8")


def _accuracy(truth: Sequence[str], seen: Sequence[str]) -> float:
    return sum(t == s for t, s in zip(truth, seen, strict=True)) / len(truth)


def _run(side: Side, task: str, folder: Path) -> dict[str, Any]:
    """side.py in a process of its own.

    Raises:
        SideFailed: it ended otherwise than well; the end of what it said is in the message.
    """
    print(f"{side.title}: {task} …", file=sys.stderr, flush=True)
    report = folder / f"{task}.json"
    environment = {**os.environ, **dict.fromkeys(THREADS, "1"), "RASA_TELEMETRY_ENABLED": "false", "TF_CPP_MIN_LOG_LEVEL": "3"}
    if not side.ours:
        environment.pop("PYTHONPATH", None)
    python = sys.executable if side.ours else str(STOCK_PYTHON)
    command = [python, str(HERE / "side.py"), task, str(report), *(["--ours"] if side.ours else [])]
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SideFailed(f"{done.stderr[-4000:]}\n{side.title}: {task} failed with {done.returncode}")
    found: dict[str, Any] = json.loads(report.read_text("utf-8"))
    return found


def table(figures: dict[str, Figures], sides: Sequence[Side]) -> str:
    """The figures as Markdown; behind each of the others' figures how many times ours it is."""
    lines = ["| | " + " | ".join(side.title for side in sides) + " |", "|---|" + "---|" * len(sides)]
    for label, form, value in ROWS:
        cells = []
        for side in sides:
            mine = value(figures[side.name])
            ratio = f" ({mine / value(figures['ours']):.2f}×)" if "ours" in figures and not side.ours else ""
            cells.append(f"{mine:{form}}{ratio}")
        lines.append(f"| {label} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def _share(text: str) -> float:
    share = float(text)
    if not 0 < share <= 1:
        raise argparse.ArgumentTypeError("a share lies above 0 and is at most 1")
    return share


def _arguments() -> argparse.Namespace:
    names = [side.name for side in SIDES]
    parser = argparse.ArgumentParser(prog="make bench-stock-nlu", description="Our pipeline beside stock Rasa's on the same sentences.")
    parser.add_argument("--share", type=_share, default=1.0, help="of each intent's sentences and each topic's questions (default: 1.0)")
    parser.add_argument("--epochs", type=int, default=100, help="of DIET (default: 100, as `rasa init` writes it)")
    parser.add_argument("--sides", nargs="+", choices=names, default=names, help="which to measure (default: all)")
    return parser.parse_args()


def main() -> None:
    arguments = _arguments()
    sides = [side for side in SIDES if side.name in arguments.sides]
    training, messages = Sentences.read(arguments.share), read("test")
    print(
        f"Share {arguments.share:g}: {len(training):,} training sentences; {len(messages)} messages; {arguments.epochs} epochs of DIET.\n"
    )
    figures: dict[str, Figures] = {}
    for side in sides:
        folder = Path(tempfile.mkdtemp(prefix="bench-stock-nlu-"))
        try:
            figures[side.name] = measure(side, training, messages, arguments.epochs, folder)
            print(table(figures, [side]), file=sys.stderr, flush=True)
        except SideFailed as failure:  # hours of the others' measuring are not thrown away for it
            print(failure, file=sys.stderr, flush=True)
        finally:
            shutil.rmtree(folder)
    print(table(figures, [side for side in sides if side.name in figures]))
    sys.exit(len(figures) < len(sides))


if __name__ == "__main__":
    main()
