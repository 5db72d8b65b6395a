"""faster-whisper in a process of its own, one for each recording.

A stranger's audio is decoded there by big libraries: the process knows none of our secrets, can be killed when it takes too long, and
gives its memory back. The packages are those of requirements-voice.txt; a model is a folder on this machine, nothing is downloaded.

    python -m bot.voice.whisper MODEL HINT < audio    # prints {"text", "language", "confidence"}
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import math
import os
import sys
from pathlib import Path
from typing import Any

from bot.knowledge.schema import LANGUAGES, Language
from bot.settings import ROOT
from bot.voice import BYTES, NotHeard, Transcript

_KEPT = ("PATH", "HOME", "LANG", "TMPDIR", "LD_LIBRARY_PATH", "OMP_NUM_THREADS")
"""All that the process gets of our environment: tokens and keys stay here."""

SURE = 0.6
"""A language that is less likely than this is taken for what the person spoke so far."""


class Whisper:
    """The transcriber that is used where VOICE_MODEL names a model.

    Args:
        model: the model's folder (CTranslate2 format).
        seconds: how long a recording may take to be put into words.
        command: what is run instead, in tests.
    """

    def __init__(self, model: Path, seconds: float, command: list[str] | None = None) -> None:
        self._command = command or [sys.executable, "-m", "bot.voice.whisper", str(model)]
        self._seconds = seconds

    async def transcribe(self, audio: bytes, kind: str, language_hint: Language) -> Transcript:
        """As bot.voice.Transcriber says; `kind` is of no account, the file tells it by itself."""
        if len(audio) > BYTES:
            raise NotHeard("too big")
        process = await asyncio.create_subprocess_exec(
            *self._command,
            language_hint,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
            cwd=ROOT,
            env={name: os.environ[name] for name in _KEPT if name in os.environ} | {"PYTHONPATH": str(ROOT), "HF_HUB_OFFLINE": "1"},
        )
        try:
            out, _ = await asyncio.wait_for(process.communicate(audio), self._seconds)
        except TimeoutError:
            raise NotHeard("took too long") from None
        finally:
            if process.returncode is None:
                with contextlib.suppress(ProcessLookupError):
                    process.kill()
                await process.wait()
        if process.returncode:
            raise NotHeard(f"ended with {process.returncode}")
        try:
            return _read(json.loads(out))
        except (ValueError, KeyError, TypeError):
            raise NotHeard("no transcript came") from None


def _read(told: dict[str, Any]) -> Transcript:
    language = next((one for one in LANGUAGES if one == told["language"]), None)
    return Transcript(str(told["text"]).strip(), language, float(told["confidence"]))


def main() -> None:
    """In the process: read audio from standard input, print what is said."""
    import io

    from faster_whisper import WhisperModel

    folder, hint = sys.argv[1:3]
    model = WhisperModel(folder, device="cpu", compute_type="int8", local_files_only=True)
    audio = sys.stdin.buffer.read(BYTES + 1)
    pieces, info = model.transcribe(io.BytesIO(audio), vad_filter=True, beam_size=2)
    if info.language_probability < SURE:
        pieces, info = model.transcribe(io.BytesIO(audio), vad_filter=True, beam_size=2, language=hint)
    spoken = list(pieces)
    length = sum(piece.end - piece.start for piece in spoken)
    likely = sum(piece.avg_logprob * (piece.end - piece.start) for piece in spoken) / length if length else -math.inf
    told = {"text": " ".join(piece.text.strip() for piece in spoken), "language": info.language, "confidence": math.exp(likely)}
    print(json.dumps(told))


if __name__ == "__main__":
    main()
