"""The production store: PostgreSQL through asyncpg, on a small pool of connections."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Sequence
from contextlib import suppress
from types import TracebackType
from typing import Any, TypeVar

from headrace.server.store import postgres_schema
from headrace.server.store.base import Connection, Dialect, GivenBack, Row, Space, Statement, Store, View
from headrace.server.store.locations import PostgresDatabase
from headrace.server.store.postgres_connection import DRIVER_ERRORS, Driver, connect, is_lost, translate, unusable
from headrace.server.store.postgres_shrinking import Shrinking
from headrace.server.store.topics import Topic
from headrace.wire.errors import InternalError, ServiceUnavailable

_CLOSING = 5.0
"""Seconds a connection gets to say goodbye."""

_ROOMY = Statement(
    """
    SELECT relname FROM pg_stat_user_tables
    WHERE schemaname = current_schema() AND n_dead_tup > 10000 AND n_dead_tup > n_live_tup / 20
        AND coalesce(greatest(last_vacuum, last_autovacuum), '-infinity') < now() - interval '5 minutes'
    ORDER BY n_dead_tup DESC
    """
)
"""Autovacuum waits for a fifth of a table to be dead, which on a large one comes too late to be quick."""
_DATABASE_BYTES = Statement("SELECT pg_database_size(current_database())")

Result = TypeVar("Result")


class PostgresStore(Store):
    """A store on one PostgreSQL database.

    `timeout` is how many seconds a statement may take, and how long a free connection is waited for. With
    `migrate`, opening brings the schema up to date; without, an older schema is refused.
    """

    def __init__(
        self, database: PostgresDatabase, *, timeout: float = 10.0, pool_size: int = 10, migrate: bool = True
    ) -> None:
        super().__init__()
        self.database, self.timeout = database, timeout
        self._migrate = migrate
        self._pool = _Pool(database, pool_size, timeout)
        self._shrinking: dict[str, Shrinking] = {}
        """Tables whose room is being given back, between two steps."""

    @property
    def dialect(self) -> Dialect:
        return Dialect.POSTGRES

    async def open(self) -> None:
        try:
            connection = await connect(self.database, timeout=self.timeout)
            try:
                await postgres_schema.prepare(connection, self.database, migrate=self._migrate)
            except BaseException:
                connection.terminate()
                raise
        except DRIVER_ERRORS as error:
            raise unusable(self.database, error) from error
        self._pool.open(connection)

    async def close(self) -> None:
        for shrinking in self._shrinking.values():
            shrinking.close()
        self._shrinking.clear()
        await self._pool.close()

    async def fetch(self, statement: Statement, *values: Any) -> list[Row]:
        return await self._run(lambda driver: driver.fetch(statement.postgres, *values), again=statement.reads)

    async def fetch_one(self, statement: Statement, *values: Any) -> Row | None:
        return await self._run(lambda driver: driver.fetchrow(statement.postgres, *values), again=statement.reads)

    async def execute(self, statement: Statement, *values: Any) -> int:
        return _changed(await self._run(lambda driver: driver.execute(statement.postgres, *values)))

    async def execute_many(self, statement: Statement, rows: Iterable[Sequence[Any]]) -> None:
        await self._run(lambda driver: driver.executemany(statement.postgres, rows))

    async def insert_many(self, table: str, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
        await self._run(lambda driver: driver.copy_records_to_table(table, records=rows, columns=columns))

    async def scan(self, statement: Statement, *values: Any) -> list[Row]:
        return await self.fetch(statement, *values)

    def transaction(self) -> "_Transaction":
        return _Transaction(self)

    def bulk(self) -> "_Transaction":
        return self.transaction()

    def view(self) -> "_View":
        return _View(self)

    async def give_back(self, table: str, pages: int, rows: int = 0) -> GivenBack:
        shrinking = self._shrinking.pop(table, None) or Shrinking(self.database, table, rows)
        given = GivenBack(0)
        try:
            given = await shrinking.step(pages)
        finally:
            if given.more and self._pool.is_open:
                self._shrinking[table] = shrinking
            else:
                shrinking.close()
        return given

    async def roomy(self) -> list[str]:
        return [row[0] for row in await self.fetch(_ROOMY)]

    async def space(self) -> Space:
        row = await self.fetch_one(_DATABASE_BYTES)
        assert row is not None
        return Space(row[0], None)

    async def begin(self, statement: str) -> Driver:
        """A connection inside a new transaction, to be given back to `end`. Meant for transactions alone."""
        while True:
            driver, fresh = await self._pool.take()
            try:
                await driver.execute(statement)
            except DRIVER_ERRORS as error:
                self._pool.drop(driver)
                if fresh or not is_lost(error):
                    raise translate(error) from error
            except BaseException:
                self._pool.drop(driver)
                raise
            else:
                return driver

    async def end(self, driver: Driver, *, commit: bool) -> None:
        """Commit or roll back and give the connection back, or drop it, which rolls back too."""
        try:
            await driver.execute("COMMIT" if commit else "ROLLBACK")
        except DRIVER_ERRORS as error:
            self._pool.drop(driver)
            if commit:
                raise translate(error) from error
        except BaseException:
            self._pool.drop(driver)
            raise
        else:
            self._pool.give_back(driver)

    async def _run(self, action: Callable[[Driver], Awaitable[Result]], *, again: bool = False) -> Result:
        """Do it on a free connection; on another one if that one turns out to be lost and it may be done `again`."""
        while True:
            driver, fresh = await self._pool.take()
            try:
                return await action(driver)
            except DRIVER_ERRORS as error:
                if fresh or not again or not is_lost(error):
                    raise translate(error) from error
            finally:
                self._pool.give_back(driver)


class _Transaction:
    """One connection, lent from the block's beginning to its end."""

    __slots__ = ("_driver", "_store", "_topics")

    def __init__(self, store: PostgresStore) -> None:
        self._store = store
        self._topics: set[Topic] = set()
        self._driver: Driver | None = None

    @property
    def dialect(self) -> Dialect:
        return Dialect.POSTGRES

    async def __aenter__(self) -> Connection:
        self._driver = await self._store.begin("BEGIN")
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        driver, self._driver = self._lent(), None
        await self._store.end(driver, commit=kind is None)
        if kind is None:
            for topic in self._topics:
                self._store.announce(topic)

    async def fetch(self, statement: Statement, *values: Any) -> list[Row]:
        return await self._do(self._lent().fetch(statement.postgres, *values))

    async def fetch_one(self, statement: Statement, *values: Any) -> Row | None:
        return await self._do(self._lent().fetchrow(statement.postgres, *values))

    async def execute(self, statement: Statement, *values: Any) -> int:
        return _changed(await self._do(self._lent().execute(statement.postgres, *values)))

    async def execute_many(self, statement: Statement, rows: Iterable[Sequence[Any]]) -> None:
        await self._do(self._lent().executemany(statement.postgres, rows))

    async def insert_many(self, table: str, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
        await self._do(self._lent().copy_records_to_table(table, records=rows, columns=columns))

    def announce(self, topic: Topic) -> None:
        self._topics.add(topic)

    async def _do(self, action: Awaitable[Result]) -> Result:
        try:
            return await action
        except DRIVER_ERRORS as error:
            raise translate(error) from error

    def _lent(self) -> Driver:
        if self._driver is None:
            raise InternalError("This transaction has ended: its connection cannot be used any more.")
        return self._driver


class _View:
    """One connection, lent from the block's beginning to its end, that sees what its first statement saw."""

    __slots__ = ("_driver", "_store")

    def __init__(self, store: PostgresStore) -> None:
        self._store = store
        self._driver: Driver | None = None

    @property
    def dialect(self) -> Dialect:
        return Dialect.POSTGRES

    async def __aenter__(self) -> View:
        self._driver = await self._store.begin("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        driver, self._driver = self._driver, None
        assert driver is not None
        await self._store.end(driver, commit=False)

    async def scan(self, statement: Statement, *values: Any) -> list[Row]:
        if self._driver is None:
            raise InternalError("This view has ended: its connection cannot be used any more.")
        try:
            return await self._driver.fetch(statement.postgres, *values)
        except DRIVER_ERRORS as error:
            raise translate(error) from error


class _Pool:
    """Connections that are free, made when there is none and fewer than `size` are out."""

    def __init__(self, database: PostgresDatabase, size: int, timeout: float) -> None:
        self._database, self._timeout = database, timeout
        self._free: list[Driver] = []
        self._places = asyncio.Semaphore(size)
        self._open = False

    @property
    def is_open(self) -> bool:
        return self._open

    def open(self, driver: Driver) -> None:
        """Begin, with a first connection."""
        self._open = True
        self._free.append(driver)

    async def take(self) -> tuple[Driver, bool]:
        """A connection, and whether it is brand new. Each is given to `give_back` or `drop` once."""
        if not self._open:
            raise InternalError("The store is not open: await its open() first, and use it before its close().")
        await self._place()
        while self._free:
            driver = self._free.pop()
            if not driver.is_closed():
                return driver, False
        try:
            return await connect(self._database, timeout=self._timeout), True
        except BaseException as error:
            self._places.release()
            if isinstance(error, DRIVER_ERRORS):
                raise translate(error) from error
            raise

    def give_back(self, driver: Driver) -> None:
        if not self._open:
            driver.terminate()
        elif not driver.is_closed():
            self._free.append(driver)
        self._places.release()

    def drop(self, driver: Driver) -> None:
        """Give back a connection that must not be used again."""
        driver.terminate()
        self._places.release()

    async def close(self) -> None:
        """Close what is free; what is still out is closed when it comes back."""
        self._open = False
        while self._free:
            driver = self._free.pop()
            with suppress(*DRIVER_ERRORS):
                await driver.close(timeout=_CLOSING)

    async def _place(self) -> None:
        if not self._places.locked():
            await self._places.acquire()
            return
        try:
            async with asyncio.timeout(self._timeout):
                await self._places.acquire()
        except TimeoutError as error:
            raise ServiceUnavailable(
                f"All connections to the database have been in use for {self._timeout:g} s. Try again."
            ) from error


def _changed(status: str) -> int:
    """How many rows a command tag such as `INSERT 0 1` or `UPDATE 3` speaks of."""
    count = status.rpartition(" ")[2]
    return int(count) if count.isdigit() else 0
