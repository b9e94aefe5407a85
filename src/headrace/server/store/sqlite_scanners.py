"""Reads that may walk many rows, in a few threads, each on a connection that nobody else uses meanwhile."""

import asyncio
import sqlite3
import threading
from collections.abc import AsyncGenerator, Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from headrace.server.store.base import Dialect, Row, Statement, View
from headrace.server.store.sqlite_connection import connect, translate
from headrace.server.store.sqlite_statements import rows
from headrace.wire.errors import InternalError

_THREADS = 3
_INSTRUCTIONS_BETWEEN_CHECKS = 50_000
"""About a millisecond of work."""


class Scanners:
    """Threads and connections, made when they are needed and kept; `timeout` is seconds to wait for a lock."""

    def __init__(self, path: Path, timeout: float) -> None:
        self._path, self._timeout = path, timeout
        self._threads: ThreadPoolExecutor | None = None
        self._under_way: set[_Scan] = set()
        self._lock = threading.Lock()
        self._idle: list[sqlite3.Connection] | None = []

    async def run(self, statement: Statement, values: Sequence[Any]) -> list[Row]:
        """All rows; a cancelled read stops."""
        scan = _Scan(statement, values)
        return await self._ended(scan, self._start(self._run, scan))

    @asynccontextmanager
    async def view(self) -> AsyncGenerator[View]:
        """A connection that sees the same rows from its first read to the block's end."""
        view = _View(self)
        try:
            yield view
        finally:
            view.has_ended = True
            # A read that was cancelled may still be at it in its thread for a moment.
            view.latest.add_done_callback(lambda _: self._end(view))

    async def run_in(self, view: "_View", statement: Statement, values: Sequence[Any]) -> list[Row]:
        """All rows, on the view's connection."""
        scan = _Scan(statement, values)
        view.latest = self._start(self._run_in, view, scan)
        return await self._ended(scan, view.latest)

    def close(self) -> None:
        """Stop the reads under way and close; waits for nothing, so it can be the last thing a process does."""
        with self._lock:
            idle, self._idle = self._idle or [], None
        for db in idle:
            db.close()
        for scan in self._under_way:
            scan.stop()
        if self._threads is not None:
            self._threads.shutdown(wait=False, cancel_futures=True)

    def _start(self, work: Callable[..., list[Row]], *arguments: Any) -> "Future[list[Row]]":
        if self._threads is None:
            self._threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="headrace-scan")
        return self._threads.submit(work, *arguments)

    async def _ended(self, scan: "_Scan", future: "Future[list[Row]]") -> list[Row]:
        self._under_way.add(scan)
        try:
            return await asyncio.wrap_future(future)
        except sqlite3.Error as error:
            raise translate(error) from error
        finally:
            scan.stop()
            self._under_way.discard(scan)

    def _run(self, scan: "_Scan") -> list[Row]:
        db = self._take()
        try:
            return scan.run(db)
        finally:
            self._give_back(db)

    def _run_in(self, view: "_View", scan: "_Scan") -> list[Row]:
        if view.db is None:
            view.db = self._take()
            view.db.execute("BEGIN")
        return scan.run(view.db)

    def _end(self, view: "_View") -> None:
        if view.db is not None:
            view.db.rollback()
            self._give_back(view.db)

    def _take(self) -> sqlite3.Connection:
        with self._lock:
            if self._idle:
                return self._idle.pop()
        return connect(self._path, writes=False, busy_timeout=self._timeout)

    def _give_back(self, db: sqlite3.Connection) -> None:
        with self._lock:
            if self._idle is not None:
                self._idle.append(db)
                return
        db.close()


class _View:
    """A connection inside a transaction, from the first read on. `latest` is the last read that was started."""

    def __init__(self, scanners: Scanners) -> None:
        self._scanners = scanners
        self.db: sqlite3.Connection | None = None
        self.latest: Future[list[Row]] = Future()
        self.latest.set_result([])
        self.has_ended = False

    @property
    def dialect(self) -> Dialect:
        return Dialect.SQLITE

    async def scan(self, statement: Statement, *values: Any) -> list[Row]:
        if self.has_ended:
            raise InternalError("This view has ended: its connection cannot be used any more.")
        return await self._scanners.run_in(self, statement, values)


class _Scan:
    """One read in a thread, which can be stopped from outside, before it has begun too."""

    def __init__(self, statement: Statement, values: Sequence[Any]) -> None:
        self._statement, self._values = statement, values
        self._stopped = False

    def run(self, db: sqlite3.Connection) -> list[Row]:
        db.set_progress_handler(lambda: self._stopped, _INSTRUCTIONS_BETWEEN_CHECKS)
        try:
            return rows(db, self._statement, self._values)
        finally:
            db.set_progress_handler(None, 0)

    def stop(self) -> None:
        self._stopped = True
