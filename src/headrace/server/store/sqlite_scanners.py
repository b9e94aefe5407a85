"""Reads that may walk many rows, in a few threads, each on a connection that nobody else uses meanwhile."""

import asyncio
import sqlite3
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
        self._idle: list[sqlite3.Connection] = []

    async def run(self, statement: Statement, values: Sequence[Any]) -> list[Row]:
        """All rows; a cancelled read stops."""
        if self._threads is None:
            self._threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="headrace-scan")
        scan = _Scan(statement, values)
        try:
            return await asyncio.get_running_loop().run_in_executor(self._threads, self._run, scan)
        except asyncio.CancelledError:
            scan.stop()
            raise
        except sqlite3.Error as error:
            raise translate(error) from error

    async def close(self) -> None:
        """Wait for the reads under way, then close."""
        if self._threads is not None:
            await asyncio.to_thread(self._threads.shutdown, cancel_futures=True)
            self._threads = None
        while self._idle:
            self._idle.pop().close()

    def _run(self, scan: "_Scan") -> list[Row]:
        try:
            db = self._idle.pop()
        except IndexError:
            db = connect(self._path, writes=False, busy_timeout=self._timeout)
        try:
            return scan.run(db)
        finally:
            self._idle.append(db)


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
