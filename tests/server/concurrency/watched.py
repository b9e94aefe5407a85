"""A store that notes the statements it runs."""

from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

from headrace.server.store.base import Connection, Dialect, GivenBack, Row, Space, Statement, Store, View
from headrace.server.store.topics import Listener, Topic


class Watched(Store):
    """Passes everything on to another store or to its transactions; `seen` are the statements, in order."""

    def __init__(self, inner: Any, seen: list[str] | None = None) -> None:
        super().__init__()
        self._inner = inner
        self.seen: list[str] = [] if seen is None else seen

    @property
    def dialect(self) -> Dialect:
        return self._inner.dialect

    async def open(self) -> None:
        await self._inner.open()

    async def close(self) -> None:
        await self._inner.close()

    async def fetch(self, statement: Statement, *values: Any) -> list[Row]:
        self.seen.append(statement.postgres)
        return await self._inner.fetch(statement, *values)

    async def fetch_one(self, statement: Statement, *values: Any) -> Row | None:
        self.seen.append(statement.postgres)
        return await self._inner.fetch_one(statement, *values)

    async def execute(self, statement: Statement, *values: Any) -> int:
        self.seen.append(statement.postgres)
        return await self._inner.execute(statement, *values)

    async def execute_many(self, statement: Statement, rows: Iterable[Sequence[Any]]) -> None:
        self.seen.append(statement.postgres)
        await self._inner.execute_many(statement, rows)

    async def insert_many(self, table: str, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
        self.seen.append(f"COPY {table}")
        await self._inner.insert_many(table, columns, rows)

    def announce(self, topic: Topic) -> None:
        self._inner.announce(topic)

    def announced(self, topic: Topic) -> Listener:
        return self._inner.announced(topic)

    async def scan(self, statement: Statement, *values: Any) -> list[Row]:
        self.seen.append(statement.postgres)
        return await self._inner.scan(statement, *values)

    def view(self) -> AbstractAsyncContextManager[View]:
        return self._inner.view()

    def transaction(self) -> AbstractAsyncContextManager[Connection]:
        return self._transaction()

    async def give_back(self, table: str, pages: int, rows: int = 0) -> GivenBack:
        return await self._inner.give_back(table, pages, rows)

    async def roomy(self) -> list[str]:
        return await self._inner.roomy()

    async def space(self) -> Space:
        return await self._inner.space()

    def bulk(self) -> AbstractAsyncContextManager[Connection]:
        return self._transaction()

    @asynccontextmanager
    async def _transaction(self) -> AsyncIterator[Connection]:
        self.seen.append("BEGIN")
        async with self._inner.transaction() as transaction:
            yield Watched(transaction, self.seen)
