"""What both databases offer: statements, connections and the store itself.

Statements are written once, in PostgreSQL's `$1` style, and run on the raw drivers. A statement that
cannot be the same text on both gives SQLite's own text beside it. Values go in and come out as Python
types: `UUID`, aware `datetime`, `str`, `int`, `float`, `bool`, `None`; JSON documents as JSON text
(`wire.base.encode_text`), both ways. Each store translates to what its database keeps: ids as text and
times as integer microseconds in SQLite, uuid and timestamptz in PostgreSQL.
"""

import re
from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from contextlib import AbstractAsyncContextManager
from enum import StrEnum
from typing import Any, Protocol

Row = Sequence[Any]
"""One row, read by position. Its values are the database's own: pass it through a `rows.Reader`."""

_PLACEHOLDER = re.compile(r"\$(\d+)")


class Dialect(StrEnum):
    SQLITE = "sqlite"
    POSTGRES = "postgresql"


class Statement:
    """One SQL statement with `$1`, `$2` … placeholders, in the text each database wants.

    >>> FLOW_BY_NAME = Statement("SELECT id FROM flows WHERE name = $1 AND deleted_at IS NULL")
    """

    __slots__ = ("postgres", "sqlite")

    def __init__(self, text: str, *, sqlite: str | None = None) -> None:
        self.postgres = text
        self.sqlite = _PLACEHOLDER.sub(r"?\1", text if sqlite is None else sqlite)

    def __repr__(self) -> str:
        return f"Statement({self.postgres!r})"


class Connection(Protocol):
    """Runs statements: inside a transaction, or one by one on the store itself."""

    @property
    def dialect(self) -> Dialect: ...

    async def fetch(self, statement: Statement, *values: Any) -> list[Row]:
        """All rows. For statements whose work is small and bounded: looked up by a key, or written."""
        ...

    async def fetch_one(self, statement: Statement, *values: Any) -> Row | None:
        """The first row, or None."""
        ...

    async def execute(self, statement: Statement, *values: Any) -> int:
        """Run it and return how many rows it changed."""
        ...

    async def execute_many(self, statement: Statement, rows: Iterable[Sequence[Any]]) -> None:
        """Run it once for each row of values, in one round trip where the database can."""
        ...


class Store(Connection, ABC):
    """One database. Statements outside `transaction()` each commit by themselves.

    Errors: a broken unique or foreign key raises `wire.errors.Conflict`, a database that is busy or
    away past its patience `ServiceUnavailable`, one that cannot be used at all `StoreError`.
    """

    @abstractmethod
    async def open(self) -> None:
        """Connect and check the schema's version; raises `StoreError` with one clear line."""

    @abstractmethod
    async def close(self) -> None:
        """Give everything back; safe to call twice."""

    @abstractmethod
    def transaction(self) -> AbstractAsyncContextManager[Connection]:
        """A write transaction: commits when the block ends, rolls back when it raises.

        On SQLite it is the one writer, so nothing slow belongs inside.
        """

    @abstractmethod
    async def scan(self, statement: Statement, *values: Any) -> list[Row]:
        """Like `fetch`, for reads that may walk many rows: on SQLite they run off the event loop."""
