"""The transcriber's process: what it is given and may answer, and that it ends. A stand-in speaks for the model, which is not here."""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path

import pytest

from bot.voice import BYTES, NotHeard, Transcript
from bot.voice.whisper import Whisper


def whisper(code: str, seconds: float = 20.0) -> Whisper:
    return Whisper(Path("model"), seconds, [sys.executable, "-c", code])


def hear(transcriber: Whisper, audio: bytes = b"sound") -> Transcript:
    return asyncio.run(transcriber.transcribe(audio, "audio/ogg", "es"))


def test_it_says_what_the_process_heard() -> None:
    code = """
import json, sys
audio = sys.stdin.buffer.read()
print(json.dumps({"text": f" {len(audio)} bytes, {sys.argv[1]} ", "language": "en", "confidence": 0.75}))
"""
    assert hear(whisper(code), b"x" * 1_000_000) == Transcript("1000000 bytes, es", "en", 0.75)


def test_a_language_that_is_not_ours_is_none() -> None:
    assert hear(whisper('print(\'{"text": "olá", "language": "pt", "confidence": 1}\')')).language is None


def test_our_secrets_stay_here(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KEYS", "secret")
    monkeypatch.setenv("TELEGRAM_TOKEN", "secret")
    code = "import json, os; print(json.dumps({'text': json.dumps(sorted(os.environ)), 'language': 'es', 'confidence': 1}))"
    names = json.loads(hear(whisper(code)).text)
    assert "PATH" in names
    assert {"KEYS", "TELEGRAM_TOKEN"} & set(names) == set()


@pytest.mark.parametrize("code", ["raise SystemExit(3)", "print('no JSON')", "print('{}')", "import sys; sys.stdin.close()"])
def test_what_is_no_transcript_is_not_heard(code: str) -> None:
    with pytest.raises(NotHeard):
        hear(whisper(code))


def test_one_that_takes_too_long_is_ended(tmp_path: Path) -> None:
    mark = tmp_path / "pid"
    code = f"import os, time, pathlib; pathlib.Path({str(mark)!r}).write_text(str(os.getpid())); time.sleep(600)"
    with pytest.raises(NotHeard, match="too long"):
        hear(whisper(code, seconds=3.0))
    pid = int(mark.read_text())
    assert not Path(f"/proc/{pid}").exists()


def test_a_recording_that_is_too_big_starts_nothing() -> None:
    with pytest.raises(NotHeard, match="too big"):
        hear(Whisper(Path("model"), 1.0, ["/nonexistent"]), b"x" * (BYTES + 1))
