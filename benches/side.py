"""One side of the comparison in a process of its own: train a pipeline, or measure a trained model. Both through Rasa as a library.

    python side.py train REPORT [--ours]      in a folder with config.yml and data/; writes model.tar.gz there
    python side.py measure REPORT [--ours]    in the same folder; reads model.tar.gz and messages.json

Runs in our environment and in stock Rasa's (Python 3.10), so it imports nothing of ours unless `--ours` says that it may.
What was measured goes into REPORT as JSON: Rasa prints to standard output.
"""

from __future__ import annotations

import asyncio
import json
import logging
import os
import sys
import time
import warnings
from pathlib import Path
from typing import Any

MODEL = "model.tar.gz"
WARM_UP = 50
"""Messages parsed before anything is timed; memory is read after them."""


def prepare(ours: bool) -> None:
    """One core for everybody, and Rasa without its debug lines, whose printing would cost more than some pipelines."""
    os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    warnings.simplefilter("ignore")
    if ours:
        from bot.engine import rasa_light

        rasa_light.install()
    import structlog

    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))


def train() -> dict[str, float]:
    """Train; imports are not part of the time."""
    from rasa.model_training import train_nlu

    wall, cpu = time.perf_counter(), time.process_time()
    if train_nlu("config.yml", "data/nlu.yml", ".", fixed_model_name=MODEL.removesuffix(".tar.gz")) is None:
        raise SystemExit("Rasa trained nothing")
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    return {"wall": wall, "cpu": cpu, "bytes": Path(MODEL).stat().st_size}


async def measure() -> dict[str, Any]:
    """Parse each message by itself, the clean ones and then the noisy ones."""
    from rasa.core.agent import Agent

    agent = Agent.load(MODEL)
    messages: dict[str, list[str]] = json.loads(Path("messages.json").read_text("utf-8"))
    for text in messages["noisy"][:WARM_UP]:
        await agent.parse_message(text)
    report: dict[str, Any] = {"rss": resident_bytes(), "wall": [], "cpu": []}
    for name, texts in messages.items():
        report[name] = []
        for text in texts:
            wall, cpu = time.perf_counter(), time.process_time()
            parsed = await agent.parse_message(text)
            report["wall"].append(time.perf_counter() - wall)
            report["cpu"].append(time.process_time() - cpu)
            report[name].append(parsed["intent"]["name"])
    return report


def resident_bytes() -> int:
    """The memory that this process holds, as Linux counts it."""
    return int(Path("/proc/self/statm").read_text("ascii").split()[1]) * os.sysconf("SC_PAGE_SIZE")


def main() -> None:
    task, report = sys.argv[1], Path(sys.argv[2])
    prepare(ours="--ours" in sys.argv)
    measured = train() if task == "train" else asyncio.run(measure())
    report.write_text(json.dumps(measured), "utf-8")


if __name__ == "__main__":
    main()
