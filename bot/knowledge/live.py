"""The content that this process serves, taken up anew when its files change and pass the check.

A change that does not pass is refused loudly (log, /readyz) and the last good content stays.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from pathlib import Path

from bot.intake import Intake
from bot.knowledge.load import ContentError, Knowledge, load
from bot.knowledge.render import Consulates
from bot.places import Places
from bot.safety import Safety

log = logging.getLogger("orienta.content")


@dataclass
class Content:
    """Everything that is served, at one moment.

    Attributes:
        refused: faults of the newest files, where they are not served.
    """

    knowledge: Knowledge
    consulates: Consulates
    safety: Safety
    intake: Intake
    places: Places | None
    refused: list[str] = field(default_factory=list)


class LiveContent:
    """Watches the content folder; `current` is always a whole, checked set.

    Args:
        folder: data/.
        places: the packed places file; None in web, which finds no places.
    """

    def __init__(self, folder: Path, places: Path | None) -> None:
        self._folder = folder
        self._seen = self._stamp()
        self.current = self._read(Places.load(places) if places else None)

    def _read(self, places: Places | None) -> Content:
        knowledge = load(self._folder)
        return Content(
            knowledge,
            Consulates.load(self._folder / "consulates.yml"),
            Safety.load(self._folder / "safety.yml"),
            Intake.load(self._folder / "intake.yml", set(knowledge.topics)),
            places,
        )

    def refresh(self) -> bool:
        """Take up changed files; True where the served content changed."""
        stamp = self._stamp()
        if stamp == self._seen:
            return False
        self._seen = stamp
        try:
            fresh = self._read(self.current.places)
        except ContentError as error:
            self.current.refused = error.faults
            log.error("content refused, the last good one is served: %s", "; ".join(error.faults[:5]))
            return False
        self.current = fresh
        log.warning("content: changed files taken up")
        return True

    def _stamp(self) -> tuple[tuple[str, int, int], ...]:
        files = [self._folder / name for name in ("hotlines.yml", "phrases.yml", "consulates.yml", "safety.yml", "intake.yml", "card.yml")]
        files += sorted((self._folder / "knowledge").glob("*.yml"))
        return tuple((f.name, f.stat().st_mtime_ns, f.stat().st_size) for f in files if f.exists())


_live: LiveContent | None = None


def serve(live: LiveContent) -> None:
    """Make this the process's content."""
    global _live
    _live = live


def content() -> Content:
    """The process's content as it is now.

    Raises:
        RuntimeError: `serve` was not called yet.
    """
    if _live is None:
        raise RuntimeError("no content is served in this process")
    return _live.current
