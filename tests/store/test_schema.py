from __future__ import annotations

from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from bot.store.database import Database
from bot.store.schema import metadata


def test_the_migrations_lead_to_the_schema(database: Database) -> None:
    with database.engine.connect() as connection:
        differences = compare_metadata(MigrationContext.configure(connection), metadata)

    assert differences == []


def test_sqlite_is_durable_and_forgets(database: Database) -> None:
    with database.read() as c:
        names = ("journal_mode", "synchronous", "secure_delete", "foreign_keys")
        settings = {name: c.exec_driver_sql(f"PRAGMA {name}").scalar() for name in names}

    assert settings == {"journal_mode": "wal", "synchronous": 2, "secure_delete": 1, "foreign_keys": 1}
