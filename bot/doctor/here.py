"""What stands on this machine: the data folder, keys, database, content, model, voice. Nothing is made or changed."""

from __future__ import annotations

import importlib.util
import json
import os
import stat
from collections.abc import Iterator
from pathlib import Path

from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import create_engine, text
from sqlalchemy.exc import SQLAlchemyError

from bot import cards
from bot.doctor import Finding, note, off, ok, wrong
from bot.engine.train import MODEL, MODEL_STATUS, up_to_date
from bot.knowledge import ContentError, load
from bot.knowledge.schema import LANGUAGES
from bot.settings import MODELS, ROOT, Settings
from bot.store.crypto import Keys, KeysError

MIGRATIONS = ROOT / "bot" / "store" / "migrations"


def look(settings: Settings) -> Iterator[Finding]:
    """Everything that needs no network."""
    yield _data(settings)
    yield _keys(settings)
    yield _database(settings)
    yield from _content(settings)
    yield from _model()
    yield _voice(settings)
    yield from _alerts(settings)


def _data(settings: Settings) -> Finding:
    folder = settings.data_dir
    nearest = next(path for path in (folder, *folder.absolute().parents) if path.exists())
    if not os.access(nearest, os.W_OK):
        return wrong("data", f"Nothing can be written to DATA_DIR ({nearest}).", "Give the service's user the folder.")
    return ok("data", "DATA_DIR can be written to.")


def _keys(settings: Settings) -> Finding:
    path = settings.keys_path
    try:
        if settings.keys:
            Keys.from_json(settings.keys)
            return ok("keys", "The keys come from KEYS.")
        if not path.exists():
            return note("keys", "There are no keys yet.", "The first `make run` makes them; then back them up, away from the database.")
        Keys.from_json(path.read_text("utf-8"))
    except (KeysError, OSError) as error:
        why = str(error) if isinstance(error, KeysError) else type(error).__name__
        return wrong("keys", f"The keys cannot be used: {why}.", "Bring back the file from its backup: without it nothing can be read.")
    if stat.S_IMODE(path.stat().st_mode) & 0o077:
        return wrong("keys", "Others on this machine can read the keys file.", "chmod 600 on KEYS_FILE.")
    return ok("keys", "The keys are there and nobody else can read them.")


def _database(settings: Settings) -> Finding:
    sqlite = settings.database.startswith("sqlite")
    if sqlite and not settings.database_url and not (settings.data_dir / "db" / "orienta.db").exists():
        return note("database", "There is no database yet.", "The first `make run` makes it.")
    try:
        engine = create_engine(settings.database)
        try:
            with engine.connect() as c:
                now = MigrationContext.configure(c).get_current_revision()
                whole = c.execute(text("PRAGMA quick_check(1)")).scalar() if sqlite else "ok"
        finally:
            engine.dispose()
    except (SQLAlchemyError, ImportError) as error:
        return wrong("database", f"The database cannot be opened ({type(error).__name__}).", "Check DATABASE_URL and that it runs.")
    if whole != "ok":
        return wrong("database", "The database file is damaged.", "Stop the service and restore a backup (docs/operations.md).")
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    head = ScriptDirectory.from_config(config).get_current_head()
    if now != head:
        return note("database", f"The database stands at {now or 'nothing'}, the code wants {head}.", "The next `make run` migrates it.")
    return ok("database", "The database opens and fits the code.")


def _content(settings: Settings) -> Iterator[Finding]:
    try:
        knowledge = load(settings.content_dir)
    except ContentError as error:
        for fault in error.faults[:10]:
            yield wrong("content", f"{fault}.", "Correct the file; until then the last good content is served.")
        return
    for warning in knowledge.warnings[:10]:
        yield note("content", f"{warning}.", "Read its sources again and set `checked`.")
    yield ok("content", f"{len(knowledge.topics)} topics and {len(knowledge.hotlines)} lines pass their check.")
    missing = [path.name for language in LANGUAGES for path in (cards.picture(language), cards.print_out(language)) if not path.exists()]
    if missing:
        yield note("card", f"The rights card is not built ({', '.join(missing)}).", "The next `make run` builds it.")


def _model() -> Iterator[Finding]:
    if not (MODELS / MODEL).exists():
        yield note("model", "There is no trained model yet.", "`make train`, or the next `make run`.")
    elif not up_to_date(MODELS):
        yield note("model", "The model is older than its training data.", "`make train`, or the next `make run`.")
    else:
        yield ok("model", "The model is there and current.")
    status = MODELS / MODEL_STATUS
    if status.exists():
        for trouble in json.loads(status.read_text("utf-8")).get("degraded", []):
            yield note("model", f"{trouble}.", "The service works, but understands less.")


def _voice(settings: Settings) -> Finding:
    folder = settings.voice_model
    if folder is None:
        return off("voice", "Voice messages are answered with the request to write.", "VOICE_MODEL turns them on (docs/channels.md).")
    if not (Path(folder) / "model.bin").is_file():
        return wrong("voice", "VOICE_MODEL is no folder of a faster-whisper model.", "Name the folder that holds model.bin.")
    if importlib.util.find_spec("faster_whisper") is None:
        return wrong("voice", "faster-whisper is not installed.", ".venv/bin/pip install --require-hashes -r requirements-voice.txt")
    return ok("voice", "Voice messages are put into words here.")


def _alerts(settings: Settings) -> Iterator[Finding]:
    if settings.alert_email and not settings.smtp_url:
        yield wrong("alerts", "ALERT_EMAIL is set and SMTP_URL is not.", "Set SMTP_URL, or no e-mail can be sent.")
    elif not settings.alert_email and not settings.alert_webhook:
        yield note("alerts", "A case in danger that nobody takes raises an alert in the console only.", "Set ALERT_EMAIL or ALERT_WEBHOOK.")
