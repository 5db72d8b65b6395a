"""Voice messages put into words: the most used form among people who read little.

__init__.py   what a transcriber is       whisper.py   faster-whisper, in a process of its own       listen.py   the task in web
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from bot.knowledge.schema import Language

BYTES = 16 * 1024 * 1024
"""A voice message at the most; WhatsApp lets no bigger one through."""


class NotHeard(RuntimeError):
    """A recording could not be put into words: too big, too long, broken, or no speech. Its text never holds what was said."""


@dataclass(frozen=True)
class Transcript:
    """What was said.

    Attributes:
        language: what it was said in; None where it is neither of ours.
        confidence: 0 to 1, how sure the words are.
    """

    text: str
    language: Language | None
    confidence: float


class Transcriber(Protocol):
    """Puts a recording into words."""

    async def transcribe(self, audio: bytes, kind: str, language_hint: Language) -> Transcript:
        """What is said in a recording.

        Args:
            audio: the file's content, at most `BYTES`.
            kind: its media type.
            language_hint: what the person spoke so far.

        Raises:
            NotHeard: it cannot be put into words.
        """
        ...
