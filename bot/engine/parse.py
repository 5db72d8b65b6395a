"""`make parse`: one message a line on standard input, one JSON object a line on standard output."""

from __future__ import annotations

import json
import sys

from bot.engine.agent import Engine
from bot.engine.train import MODEL
from bot.engine.understanding import Understanding
from bot.safety import Safety
from bot.settings import MODELS, Settings


def as_json(meaning: Understanding) -> str:
    """The line that the contract promises."""
    return json.dumps(
        {
            "text": meaning.text,
            "intent": meaning.intent,
            "confidence": round(meaning.confidence, 4),
            "language": meaning.language,
            "level": meaning.level,
            "entities": [{key: e[key] for key in ("entity", "value", "start", "end")} for e in meaning.entities],
            "facet": meaning.facet,
            "sure": meaning.sure,
        },
        ensure_ascii=False,
    )


def main() -> None:
    settings = Settings()
    engine = Engine.load(MODELS / MODEL, Safety.load(settings.content_dir / "safety.yml"))
    for line in sys.stdin.buffer:
        text = line.decode("utf-8", "replace").rstrip("\r\n")
        sys.stdout.buffer.write(as_json(engine.understand(text)).encode("utf-8", "replace") + b"\n")
        sys.stdout.buffer.flush()


if __name__ == "__main__":
    main()
