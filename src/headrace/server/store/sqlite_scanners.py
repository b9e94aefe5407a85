"""Reads that may walk many rows, in a few threads, each on a connection that nobody else uses meanwhile."""

import asyncio
import sqlite3
import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from headrace.server.store.base import Row, Statement
from headrace.server.store.sqlite_connection import connect, translate
from headrace.server.store.sqlite_statements import rows

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
        if self._threads is None:
            self._threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="headrace-scan")
        scan = _Scan(statement, values)
        self._under_way.add(scan)
        try:
            return await asyncio.get_running_loop().run_in_executor(self._threads, self._run, scan)
        except sqlite3.Error as error:
            raise translate(error) from error
        finally:
            scan.stop()
            self._under_way.discard(scan)

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

    def _run(self, scan: "_Scan") -> list[Row]:
        db = self._take()
        try:
            return scan.run(db)
        finally:
            self._give_back(db)

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
