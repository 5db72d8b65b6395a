"""What must be there before the service starts: content that passes its check, the packed places, the model, the database."""

from __future__ import annotations

import subprocess
import sys
import time

from bot.knowledge import ContentError, load
from bot.settings import ROOT, Settings
from bot.store.crypto import Keys
from bot.store.database import Database


def prepare(settings: Settings) -> None:
    """Bring everything up to date; each step that takes time says so.

    Raises:
        SystemExit: the content does not pass its check, or a step failed.
    """
    try:
        knowledge = load(settings.content_dir)
    except ContentError as error:
        raise SystemExit(f"the content does not pass its check:\n{error}") from None
    for warning in knowledge.warnings:
        print("content:", warning, file=sys.stderr)
    # each in a process of its own: what they import would stay in the supervisor's memory
    _step("language table", "bot.language.build")
    _step("places", "bot.places.build")
    _step("rights card", "bot.cards.build")
    _step("model", "bot.engine.train")
    started = time.monotonic()
    if not settings.keys:
        Keys.from_file(settings.keys_path)
    database = Database(settings.database)
    database.migrate()
    database.close()
    if time.monotonic() - started > 2:
        print("database: migrated", file=sys.stderr)


def _step(name: str, module: str) -> None:
    if subprocess.run([sys.executable, "-m", module], cwd=ROOT, stdin=subprocess.DEVNULL).returncode:
        raise SystemExit(f"{name}: could not be built")
