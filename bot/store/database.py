"""Connections and transactions. Rule: every writing transaction begins IMMEDIATE, and nothing slow happens inside it."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, Engine, create_engine, event, make_url
from sqlalchemy.exc import OperationalError
from sqlalchemy.pool import QueuePool

BUSY_SECONDS = 0.05
"""One try for SQLite's write lock; between tries the caller shows that it lives."""


class Database:
    """One database, as one process uses it.

    Args:
        url: SQLAlchemy URL.
        waiting: called again and again while the write lock is not to be had (a heartbeat); may raise to give up.
    """

    def __init__(self, url: str, waiting: Callable[[], None] = lambda: None) -> None:
        self.url = make_url(url)
        self.waiting = waiting
        if self.is_sqlite and self.url.database:
            Path(self.url.database).parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        self.engine: Engine = create_engine(self.url, poolclass=QueuePool, **self._engine_options())
        if self.is_sqlite:
            event.listen(self.engine, "connect", _set_up_sqlite)

    @property
    def is_sqlite(self) -> bool:
        return self.url.get_backend_name() == "sqlite"

    def _engine_options(self) -> dict[str, Any]:
        if self.is_sqlite:
            return {"connect_args": {"timeout": BUSY_SECONDS, "check_same_thread": False, "isolation_level": None}}
        # a stopped process must not hold others up: the server ends its transaction
        return {"connect_args": {"options": "-c idle_in_transaction_session_timeout=1000 -c lock_timeout=1000"}}

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """A writing transaction: committed at the end, rolled back whole on any error. Think first, then enter."""
        with self.engine.connect() as connection:
            self._begin_immediate(connection)
            try:
                yield connection
            except BaseException:
                connection.exec_driver_sql("ROLLBACK") if self.is_sqlite else connection.rollback()
                raise
            self._commit(connection)

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """A connection for reading; each statement sees what is committed at that moment."""
        with self.engine.connect() as connection:
            yield connection

    def _begin_immediate(self, connection: Connection) -> None:
        if not self.is_sqlite:
            return
        while True:
            try:
                connection.exec_driver_sql("BEGIN IMMEDIATE")
                return
            except OperationalError as error:
                if not _is_busy(error):
                    raise
                self.waiting()

    def _commit(self, connection: Connection) -> None:
        if not self.is_sqlite:
            connection.commit()
            return
        while True:
            try:
                connection.exec_driver_sql("COMMIT")
                return
            except OperationalError as error:
                if not _is_busy(error):
                    connection.exec_driver_sql("ROLLBACK")
                    raise
                self.waiting()

    def migrate(self) -> None:
        """Bring the schema to the newest version."""
        config = Config()
        config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
        with self.engine.connect() as connection:
            config.attributes["connection"] = connection
            command.upgrade(config, "head")

    def forget_traces(self) -> None:
        """After an erasure: empty the write-ahead log too, so that deleted rows stand in no file."""
        if self.is_sqlite:
            with self.read() as connection:
                connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")

    def close(self) -> None:
        self.engine.dispose()


class News:
    """Tells that somebody committed something; a hint only, everybody looks again after half a second all the same.

    SQLite: `PRAGMA data_version` on one pinned connection outside any transaction.
    """

    def __init__(self, database: Database) -> None:
        self._sqlite: sqlite3.Connection | None = None
        if database.is_sqlite:
            self._sqlite = sqlite3.connect(str(database.url.database), isolation_level=None, check_same_thread=False)
        self._version = -1

    def seen(self) -> bool:
        """True once after each commit of another connection (and the first time)."""
        if self._sqlite is None:
            return True
        version = self._sqlite.execute("PRAGMA data_version").fetchone()[0]
        changed = bool(version != self._version)
        self._version = version
        return changed

    def close(self) -> None:
        if self._sqlite is not None:
            self._sqlite.close()


def _set_up_sqlite(connection: sqlite3.Connection, _: Any) -> None:
    """Autocommit (isolation_level None): SQLAlchemy's own BEGIN would be a deferred one, `Database.write` sends BEGIN IMMEDIATE."""
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "secure_delete=ON"):
        connection.execute(f"PRAGMA {pragma}")


def _is_busy(error: OperationalError) -> bool:
    return isinstance(error.orig, sqlite3.OperationalError) and error.orig.sqlite_errorcode & 0xFF == sqlite3.SQLITE_BUSY
