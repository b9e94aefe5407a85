"""The embedded store: one SQLite file, used through the standard `sqlite3`.

One connection writes and is lent to one transaction at a time. Short reads go to a second connection and see what
is committed. Both run on the event loop, because a statement takes tens of microseconds and a hop to a thread takes
more. `scan` runs in threads, on connections of its own. Where another process holds the file's lock, it is waited
for without blocking the loop.
"""

import asyncio
import sqlite3
from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractAsyncContextManager
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Any, TypeVar

from headrace.server.store import sqlite_schema
from headrace.server.store.base import Connection, Dialect, GivenBack, Row, Space, Statement, Store, View
from headrace.server.store.sqlite_connection import connect, is_busy, patiently, translate
from headrace.server.store.sqlite_scanners import Scanners
from headrace.server.store.sqlite_statements import change, change_many, insertion, rows
from headrace.server.store.sqlite_writer import Writer
from headrace.server.store.topics import Topic
from headrace.wire.errors import InternalError

_SPACE = Statement(
    "SELECT page_size, page_count, freelist_count, auto_vacuum"
    " FROM pragma_page_size, pragma_page_count, pragma_freelist_count, pragma_auto_vacuum"
)
_INCREMENTAL = 2
_MUCH, _MUCH_OF_IT = 16 * 1024 * 1024, 0.05
"""Bytes, and the part of the file, above which empty room goes back by itself; what is less is filled again soon."""

Result = TypeVar("Result")


class SQLiteStore(Store):
    """A store on one SQLite file. `timeout` is how many seconds another process's lock is waited for."""

    def __init__(self, path: Path, *, timeout: float = 10.0) -> None:
        super().__init__()
        self.path, self.timeout = path, timeout
        self._writer: Writer | None = None
        self._reader: sqlite3.Connection | None = None
        self._scanners: Scanners | None = None
        self._shortened = False
        """The file is shorter than it is on the disk, until the log is written back."""

    @property
    def dialect(self) -> Dialect:
        return Dialect.SQLITE

    async def open(self) -> None:
        """Open the file, making or upgrading its schema first where that is needed."""
        try:
            db = await patiently(partial(connect, self.path, writes=True), self.path, self.timeout)
            self._writer = Writer(db, self.path, self.timeout)
            if not await patiently(partial(sqlite_schema.is_current, db), self.path, self.timeout):
                await asyncio.to_thread(sqlite_schema.change, self.path, timeout=self.timeout)
            self._reader = await patiently(partial(connect, self.path, writes=False), self.path, self.timeout)
            self._scanners = Scanners(self.path, self.timeout)
        except BaseException:
            await self.close()
            raise

    async def close(self) -> None:
        scanners, self._scanners = self._scanners, None
        reader, self._reader = self._reader, None
        writer, self._writer = self._writer, None
        if scanners is not None:
            scanners.close()
        if reader is not None:
            reader.close()
        if writer is not None:
            await writer.close()

    async def fetch(self, statement: Statement, *values: Any) -> list[Row]:
        if not statement.reads:
            async with self.transaction() as transaction:
                return await transaction.fetch(statement, *values)
        db = _opened(self._reader)
        try:
            return rows(db, statement, values)
        except sqlite3.Error as error:
            if not is_busy(error):
                raise translate(error) from error
        return await patiently(partial(rows, db, statement, values), self.path, self.timeout)

    async def fetch_one(self, statement: Statement, *values: Any) -> Row | None:
        found = await self.fetch(statement, *values)
        return found[0] if found else None

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
        return _Transaction(_opened(self._writer), self.announce)

    def bulk(self) -> "_BulkTransaction":
        return _BulkTransaction(_opened(self._writer), self.announce)

    async def scan(self, statement: Statement, *values: Any) -> list[Row]:
        return await _opened(self._scanners).run(statement, values)

    def view(self) -> AbstractAsyncContextManager[View]:
        return _opened(self._scanners).view()

    async def give_back(self, table: str, pages: int, rows: int = 0) -> GivenBack:
        (size, _, empty, kind) = (await self.fetch(_SPACE))[0]
        if kind != _INCREMENTAL:
            return GivenBack(0)
        writer = _opened(self._writer)
        try:
            if empty and (cut := await writer.shrink(pages)):
                self._shortened = True
                return GivenBack(cut * size, more=True)
            if self._shortened and await writer.write_all_back():
                self._shortened = False
        except sqlite3.Error as error:
            raise translate(error) from error
        return GivenBack(0, more=self._shortened)

    async def roomy(self) -> list[str]:
        space = await self.space()
        much = space.empty is not None and space.empty > max(_MUCH, space.bytes * _MUCH_OF_IT)
        return ["the file"] if space.shrinks and much else []

    async def space(self) -> Space:
        size, count, empty, kind = (await self.fetch(_SPACE))[0]
        return Space(count * size, empty * size, kind == _INCREMENTAL)


class _Transaction:
    """The writer's connection, from the block's beginning to its end."""

    __slots__ = ("_announce", "_db", "_topics", "_writer")

    def __init__(self, writer: Writer, announce: Callable[[Topic], None]) -> None:
        self._writer, self._announce = writer, announce
        self._topics: set[Topic] = set()
        self._db: sqlite3.Connection | None = None

    @property
    def dialect(self) -> Dialect:
        return Dialect.SQLITE

    async def __aenter__(self) -> Connection:
        self._db = await self._writer.begin()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._db = None
        await self._writer.end(commit=kind is None)
        if kind is None:
            for topic in self._topics:
                self._announce(topic)

    async def fetch(self, statement: Statement, *values: Any) -> list[Row]:
        return self._do(rows, statement, values)

    async def fetch_one(self, statement: Statement, *values: Any) -> Row | None:
        found = self._do(rows, statement, values)
        return found[0] if found else None

    async def execute(self, statement: Statement, *values: Any) -> int:
        return self._do(change, statement, values)

    async def execute_many(self, statement: Statement, rows: Iterable[Sequence[Any]]) -> None:
        self._do(change_many, statement, rows)

    async def insert_many(self, table: str, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
        self._do(change_many, insertion(table, tuple(columns)), rows)

    def announce(self, topic: Topic) -> None:
        self._topics.add(topic)

    def _do(
        self, action: Callable[[sqlite3.Connection, Statement, Any], Result], statement: Statement, values: Any
    ) -> Result:
        if self._db is None:
            raise InternalError("This transaction has ended: its connection cannot be used any more.")
        try:
            return action(self._db, statement, values)
        except sqlite3.Error as error:
            raise translate(error) from error


class _BulkTransaction(_Transaction):
    """The same, with each statement in a thread; the writer's connection is used by one thread at a time."""

    __slots__ = ()

    async def fetch(self, statement: Statement, *values: Any) -> list[Row]:
        return await self._aside(rows, statement, values)

    async def fetch_one(self, statement: Statement, *values: Any) -> Row | None:
        found = await self._aside(rows, statement, values)
        return found[0] if found else None

    async def execute(self, statement: Statement, *values: Any) -> int:
        return await self._aside(change, statement, values)

    async def execute_many(self, statement: Statement, rows: Iterable[Sequence[Any]]) -> None:
        await self._aside(change_many, statement, rows)

    async def insert_many(self, table: str, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
        await self._aside(change_many, insertion(table, tuple(columns)), rows)

    async def _aside(
        self, action: Callable[[sqlite3.Connection, Statement, Any], Result], statement: Statement, values: Any
    ) -> Result:
        work = asyncio.ensure_future(asyncio.to_thread(self._do, action, statement, values))
        try:
            return await asyncio.shield(work)
        except asyncio.CancelledError:
            # The thread cannot be stopped, and what follows would use the connection beside it.
            await asyncio.wait((work,))
            raise


def _opened(part: Result | None) -> Result:
    if part is None:
        raise InternalError("The store is not open: await its open() first, and use it before its close().")
    return part
