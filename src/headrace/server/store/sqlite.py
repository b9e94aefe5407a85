"""The embedded store: one SQLite file, used through the standard `sqlite3`.

One connection writes, and a lock lends it to one transaction at a time. Short reads go to a second connection
and see what is committed. Both run on the event loop, because a statement takes tens of microseconds and a hop
to a thread takes more. `scan` runs in threads, on connections of its own. Where another process holds the
file's write lock, a transaction waits for it without blocking the loop.
"""

import asyncio
import logging
import random
import sqlite3
import threading
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache, partial
from pathlib import Path
from types import TracebackType
from typing import Any, TypeVar

from headrace.server.store import sqlite_schema
from headrace.server.store.base import Connection, Dialect, Row, Statement, Store
from headrace.server.store.sqlite_connection import connect, is_busy, translate
from headrace.server.store.sqlite_values import bind
from headrace.wire.errors import InternalError, ServiceUnavailable

_SCANNING_THREADS = 3
_FIRST_PAUSE, _LONGEST_PAUSE = 0.000_5, 0.02
_COMMITS_BETWEEN_CHECKPOINTS = 500

_BEGIN = Statement("BEGIN IMMEDIATE")
_COMMIT = Statement("COMMIT")
_ROLLBACK = Statement("ROLLBACK")
_CHECKPOINT = Statement("PRAGMA wal_checkpoint(PASSIVE)")

_log = logging.getLogger(__name__)
Result = TypeVar("Result")


class SQLiteStore(Store):
    """A store on one SQLite file. `timeout` is how many seconds another process's lock is waited for."""

    def __init__(self, path: Path, *, timeout: float = 10.0) -> None:
        self.path, self.timeout = path, timeout
        self._turn = asyncio.Lock()
        self._holder: asyncio.Task[Any] | None = None
        self._writer: sqlite3.Connection | None = None
        self._reader: sqlite3.Connection | None = None
        self._scanners = _Scanners(path, timeout)
        self._commits = 0
        self._checkpoint: asyncio.Task[None] | None = None

    @property
    def dialect(self) -> Dialect:
        return Dialect.SQLITE

    async def open(self) -> None:
        """Open the file, making or upgrading its schema first where that is needed."""
        try:
            self._writer = await self._patiently(partial(connect, self.path, writes=True))
            if not await self._patiently(partial(sqlite_schema.is_current, self._writer)):
                await asyncio.to_thread(sqlite_schema.change, self.path, timeout=self.timeout)
            self._reader = await self._patiently(partial(connect, self.path, writes=False))
        except BaseException:
            await self.close()
            raise

    async def close(self) -> None:
        if self._checkpoint is not None:
            await self._checkpoint
        async with self._turn:
            await self._scanners.close()
            for db in (self._reader, self._writer):
                if db is not None:
                    db.close()
            self._reader = self._writer = None

    async def fetch(self, statement: Statement, *values: Any) -> list[Row]:
        if not statement.reads:
            async with self.transaction() as transaction:
                return await transaction.fetch(statement, *values)
        db = _opened(self._reader)
        try:
            return _rows(db, statement, values)
        except sqlite3.Error as error:
            if not is_busy(error):
                raise translate(error) from error
        return await self._patiently(partial(_rows, db, statement, values))

    async def fetch_one(self, statement: Statement, *values: Any) -> Row | None:
        rows = await self.fetch(statement, *values)
        return rows[0] if rows else None

    async def execute(self, statement: Statement, *values: Any) -> int:
        async with self.transaction() as transaction:
            return await transaction.execute(statement, *values)

    async def execute_many(self, statement: Statement, rows: Iterable[Sequence[Any]]) -> None:
        async with self.transaction() as transaction:
            await transaction.execute_many(statement, rows)

    async def insert_many(self, table: str, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
        async with self.transaction() as transaction:
            await transaction.insert_many(table, columns, rows)

    def transaction(self) -> "_Transaction":
        return _Transaction(self)

    async def scan(self, statement: Statement, *values: Any) -> list[Row]:
        return await self._scanners.run(statement, values)

    async def begin(self) -> sqlite3.Connection:
        """Take the writer and begin; every call is answered by one of `end`. Meant for transactions alone."""
        db = _opened(self._writer)
        task = asyncio.current_task()
        if self._holder is not None and self._holder is task:
            raise InternalError("This task is inside a transaction already: use the connection that it gave.")
        await self._turn.acquire()
        try:
            await self._patiently(partial(_change, db, _BEGIN, ()))
        except BaseException:
            self._turn.release()
            raise
        self._holder = task
        return db

    def end(self, db: sqlite3.Connection, *, commit: bool) -> None:
        """Commit or roll back, and let the next one have its turn."""
        try:
            _end(db, commit)
        except sqlite3.Error as error:
            raise translate(error) from error
        finally:
            self._holder = None
            self._turn.release()
        if commit:
            self._count_commit()

    async def _patiently(self, action: Callable[[], Result]) -> Result:
        """Do it, again and again while another process holds the lock it needs, up to the timeout."""
        deadline = asyncio.get_running_loop().time() + self.timeout
        pause = _FIRST_PAUSE
        while True:
            try:
                return action()
            except sqlite3.Error as error:
                if not is_busy(error):
                    raise translate(error) from error
                if asyncio.get_running_loop().time() >= deadline:
                    raise ServiceUnavailable(
                        f"Another process has kept the database {self.path} locked for {self.timeout:g} s. Try again."
                    ) from error
            await asyncio.sleep(pause * random.uniform(0.5, 1.0))
            pause = min(pause * 2, _LONGEST_PAUSE)

    def _count_commit(self) -> None:
        """Now and then move the log's pages into the file, in a thread, so that no commit has to."""
        self._commits += 1
        if self._commits % _COMMITS_BETWEEN_CHECKPOINTS == 0 and (self._checkpoint is None or self._checkpoint.done()):
            self._checkpoint = asyncio.get_running_loop().create_task(self._write_back())

    async def _write_back(self) -> None:
        async with self._turn:
            try:
                await asyncio.to_thread(_rows, _opened(self._writer), _CHECKPOINT, ())
            except sqlite3.Error as error:
                _log.warning("The database %s could not be checkpointed: %s", self.path, error)


class _Transaction:
    """The writer, lent to one task: a connection from the block's beginning to its end."""

    __slots__ = ("_db", "_store")

    def __init__(self, store: SQLiteStore) -> None:
        self._store = store
        self._db: sqlite3.Connection | None = None

    @property
    def dialect(self) -> Dialect:
        return Dialect.SQLITE

    async def __aenter__(self) -> Connection:
        self._db = await self._store.begin()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        db, self._db = self._lent(), None
        self._store.end(db, commit=kind is None)

    async def fetch(self, statement: Statement, *values: Any) -> list[Row]:
        return self._do(_rows, statement, values)

    async def fetch_one(self, statement: Statement, *values: Any) -> Row | None:
        rows = self._do(_rows, statement, values)
        return rows[0] if rows else None

    async def execute(self, statement: Statement, *values: Any) -> int:
        return self._do(_change, statement, values)

    async def execute_many(self, statement: Statement, rows: Iterable[Sequence[Any]]) -> None:
        self._do(_change_many, statement, rows)

    async def insert_many(self, table: str, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
        self._do(_change_many, _insert(table, tuple(columns)), rows)

    def _do(
        self, action: Callable[[sqlite3.Connection, Statement, Any], Result], statement: Statement, values: Any
    ) -> Result:
        try:
            return action(self._lent(), statement, values)
        except sqlite3.Error as error:
            raise translate(error) from error

    def _lent(self) -> sqlite3.Connection:
        if self._db is None:
            raise InternalError("This transaction has ended: its connection cannot be used any more.")
        return self._db


class _Scanners:
    """A few threads for reads that may walk many rows, each read on a connection that nobody else uses."""

    def __init__(self, path: Path, timeout: float) -> None:
        self._path, self._timeout = path, timeout
        self._threads: ThreadPoolExecutor | None = None
        self._idle: list[sqlite3.Connection] = []

    async def run(self, statement: Statement, values: Sequence[Any]) -> list[Row]:
        if self._threads is None:
            self._threads = ThreadPoolExecutor(_SCANNING_THREADS, thread_name_prefix="headrace-scan")
        scan = _Scan(statement, values)
        try:
            return await asyncio.get_running_loop().run_in_executor(self._threads, self._scan, scan)
        except asyncio.CancelledError:
            scan.stop()
            raise
        except sqlite3.Error as error:
            raise translate(error) from error

    async def close(self) -> None:
        if self._threads is not None:
            await asyncio.to_thread(self._threads.shutdown, cancel_futures=True)
            self._threads = None
        while self._idle:
            self._idle.pop().close()

    def _scan(self, scan: "_Scan") -> list[Row]:
        try:
            db = self._idle.pop()
        except IndexError:
            db = connect(self._path, writes=False, busy_timeout=self._timeout)
        try:
            return scan.run(db)
        finally:
            self._idle.append(db)


class _Scan:
    """One read in a thread, which can be stopped from outside."""

    def __init__(self, statement: Statement, values: Sequence[Any]) -> None:
        self._statement, self._values = statement, values
        self._running: sqlite3.Connection | None = None
        self._lock = threading.Lock()

    def run(self, db: sqlite3.Connection) -> list[Row]:
        with self._lock:
            self._running = db
        try:
            return _rows(db, self._statement, self._values)
        finally:
            with self._lock:
                self._running = None

    def stop(self) -> None:
        with self._lock:
            if self._running is not None:
                self._running.interrupt()


def _opened(db: sqlite3.Connection | None) -> sqlite3.Connection:
    if db is None:
        raise InternalError("The store is not open: await its open() first, and use it before its close().")
    return db


def _rows(db: sqlite3.Connection, statement: Statement, values: Sequence[Any]) -> list[Row]:
    return db.execute(statement.sqlite, bind(statement, values)).fetchall()


def _change(db: sqlite3.Connection, statement: Statement, values: Sequence[Any]) -> int:
    return db.execute(statement.sqlite, bind(statement, values)).rowcount


def _change_many(db: sqlite3.Connection, statement: Statement, rows: Iterable[Sequence[Any]]) -> None:
    db.executemany(statement.sqlite, (bind(statement, row) for row in rows))


def _end(db: sqlite3.Connection, commit: bool) -> None:
    """Leave no transaction behind, whether the commit succeeds, fails, or SQLite has rolled back by itself."""
    try:
        if commit:
            _change(db, _COMMIT, ())
    finally:
        if db.in_transaction:
            _change(db, _ROLLBACK, ())


@lru_cache(maxsize=64)
def _insert(table: str, columns: tuple[str, ...]) -> Statement:
    values = ", ".join(f"${number}" for number in range(1, len(columns) + 1))
    return Statement(f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({values})")
