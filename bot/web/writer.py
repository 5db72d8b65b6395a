"""Group commit: everything that web writes goes through one thread, as many wishes a transaction as have gathered.

Each wish runs in a savepoint of its own: a bad one fails alone. A wish is done when the transaction is on disk.
"""

from __future__ import annotations

import asyncio
import queue
import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any, TypeVar

from sqlalchemy import Connection

from bot.store.database import Database

T = TypeVar("T")
Wish = tuple[Callable[[Connection], Any], "Future[Any]"]
AT_ONCE = 256
"""Wishes in one transaction at the most: it stays short."""


class Writer:
    """The writing thread of the web process.

    Args:
        database: its `waiting` is called while the write lock is not to be had.
        began: called with True before a transaction begins, with False once it has the lock.
    """

    def __init__(self, database: Database, began: Callable[[bool], None] = lambda waiting: None) -> None:
        self._database, self._began = database, began
        self._wishes: queue.SimpleQueue[Wish | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="writer", daemon=True)
        self._thread.start()

    async def write(self, wish: Callable[[Connection], T]) -> T:
        """Run `wish` inside a writing transaction; returns once it is committed."""
        future: Future[T] = Future()
        self._wishes.put((wish, future))
        return await asyncio.wrap_future(future)

    def close(self) -> None:
        self._wishes.put(None)
        self._thread.join(5)

    def _run(self) -> None:
        while (first := self._wishes.get()) is not None:
            batch = [first]
            while len(batch) < AT_ONCE and not self._wishes.empty():
                more = self._wishes.get()
                if more is None:
                    self._commit(batch)
                    return
                batch.append(more)
            self._commit(batch)

    def _commit(self, batch: list[Wish]) -> None:
        results: list[tuple[Future[Any], Any]] = []
        try:
            self._began(True)
            with self._database.write() as connection:
                self._began(False)
                for wish, future in batch:
                    if future.set_running_or_notify_cancel():
                        self._grant(connection, wish, future, results)
        except Exception as error:  # the transaction as a whole: nobody's wish is on disk
            for _, future in batch:
                if not future.done():
                    future.set_exception(error)
            return
        finally:
            self._began(False)
        for future, result in results:
            future.set_result(result)

    @staticmethod
    def _grant(
        connection: Connection, wish: Callable[[Connection], Any], future: Future[Any], results: list[tuple[Future[Any], Any]]
    ) -> None:
        connection.exec_driver_sql("SAVEPOINT wish")
        try:
            results.append((future, wish(connection)))
        except Exception as error:
            connection.exec_driver_sql("ROLLBACK TO wish")
            future.set_exception(error)
        finally:
            connection.exec_driver_sql("RELEASE wish")
