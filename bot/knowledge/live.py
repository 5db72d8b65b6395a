"""The content that this process serves, taken up anew when its files change and pass the check.

A change that does not pass is refused loudly (log, /readyz) and the last good content stays.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from bot.intake import Intake
from bot.knowledge.load import ContentError, Knowledge, load
from bot.knowledge.overlay import Change, overlaid
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
        overlay: reads what officers have withdrawn and corrected; it is asked at each `refresh`.

    Attributes:
        base: what the files say, without the overlay.
    """

    def __init__(self, folder: Path, places: Path | None, overlay: Callable[[], Sequence[Change]] = tuple) -> None:
        self._folder, self._overlay = folder, overlay
        self._seen = self._stamp()
        self.base = self._read(Places.load(places) if places else None)
        self._changes = list(overlay())
        self.current = self._overlaid()

    def _read(self, places: Places | None) -> Content:
        knowledge = load(self._folder)
        return Content(
            knowledge,
            Consulates.load(self._folder / "consulates.yml"),
            Safety.load(self._folder / "safety.yml"),
            Intake.load(self._folder / "intake.yml", set(knowledge.topics)),
            places,
        )

    def _overlaid(self) -> Content:
        knowledge, consulates = overlaid(self.base.knowledge, self.base.consulates, self._changes)
        return replace(self.base, knowledge=knowledge, consulates=consulates)

    def refresh(self) -> bool:
        """Take up changed files, withdrawals and corrections; True where the served content changed."""
        files, changes = self._read_changed_files(), self._read_changes()
        if not files and changes == self._changes:
            return False
        self._changes = changes
        self.current = self._overlaid()
        return True

    def _read_changes(self) -> list[Change]:
        try:
            return list(self._overlay())
        except Exception as error:  # the database is away: what was withdrawn stays withdrawn
            log.error("withdrawals could not be read: %s", type(error).__name__)
            return self._changes

    def _read_changed_files(self) -> bool:
        stamp = self._stamp()
        if stamp == self._seen:
            return False
        self._seen = stamp
        try:
            self.base = self._read(self.base.places)
        except ContentError as error:
            self.base.refused = self.current.refused = error.faults
            log.error("content refused, the last good one is served: %s", "; ".join(error.faults[:5]))
            return False
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
