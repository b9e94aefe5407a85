"""What both databases offer: statements, connections and the store itself.

Statements are written once, in PostgreSQL's `$1` style, and run on the raw drivers. A statement that
cannot be the same text on both gives SQLite's own text beside it. Values go in and come out as Python
types: `UUID`, aware `datetime`, `str`, `int`, `float`, `bool`, `None`; JSON documents as JSON text
(`wire.base.encode_text`), both ways. Each store translates to what its database keeps: ids as text and
times as integer microseconds in SQLite, uuid and timestamptz in PostgreSQL.

A list of such values is one value too: an array in PostgreSQL (`id = ANY($1::uuid[])`), a JSON array in
SQLite (`id IN (SELECT value FROM json_each($1))`).
"""

import re
from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from contextlib import AbstractAsyncContextManager
from enum import StrEnum
from typing import Any, NamedTuple, Protocol

from headrace.server.store.topics import Announcements, Listener, Topic

Row = Sequence[Any]
"""One row, read by position. Its values are the database's own: pass it through a `rows.Reader`."""

_PLACEHOLDER = re.compile(r"\$(\d+)")
_READ = re.compile(r"\s*(SELECT|WITH|VALUES|EXPLAIN)\b", re.IGNORECASE)
_WRITE = re.compile(r"\b(INSERT|UPDATE|DELETE|MERGE)\b", re.IGNORECASE)


class Dialect(StrEnum):
    SQLITE = "sqlite"
    POSTGRES = "postgresql"


class Statement:
    """One SQL statement with `$1`, `$2` … placeholders, in the text each database wants.

    `reads` tells whether it only reads; such a statement may run again after a lost connection. `order` lists
    the values that SQLite's bare `?` placeholders take, as indexes, or is None where it is simply all in turn.

    >>> FLOW_BY_NAME = Statement("SELECT id FROM flows WHERE name = $1 AND deleted_at IS NULL")
    """

    __slots__ = ("order", "postgres", "reads", "sqlite")

    def __init__(self, text: str, *, sqlite: str | None = None) -> None:
        own = text if sqlite is None else sqlite
        order = tuple(int(number) - 1 for number in _PLACEHOLDER.findall(own))
        self.postgres = text
        self.sqlite = _PLACEHOLDER.sub("?", own)
        self.order = None if order == tuple(range(len(order))) else order
        self.reads = _READ.match(text) is not None and _WRITE.search(text) is None

    def __repr__(self) -> str:
        return f"Statement({self.postgres!r})"


class GivenBack(NamedTuple):
    """So many bytes were given back to the disk; `more` tells that there are more to give."""

    bytes: int
    more: bool = False


class Space(NamedTuple):
    """What a database takes on the disk, and how much of that is empty (None: it cannot be told).

    One that does not `shrink` fills its empty room again, but never gives it back by itself.
    """

    bytes: int
    empty: int | None
    shrinks: bool = True


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

    async def insert_many(self, table: str, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
        """Add many new rows by the database's fastest way (COPY in PostgreSQL); a taken key is an error."""
        ...

    def announce(self, topic: Topic) -> None:
        """Wake whoever waits for the topic in this process, once this transaction has committed."""
        ...


class View(Protocol):
    """Reads the database as it was when its first statement ran, whatever is written meanwhile."""

    @property
    def dialect(self) -> Dialect: ...

    async def scan(self, statement: Statement, *values: Any) -> list[Row]:
        """All rows; on SQLite read off the event loop."""
        ...


class Store(Connection, ABC):
    """One database. Statements outside `transaction()` each commit by themselves.

    Errors: a broken unique or foreign key raises `wire.errors.Conflict`, a database that is busy or
    away past its patience `ServiceUnavailable`, one that cannot be used at all `StoreError`.
    """

    def __init__(self) -> None:
        self._announcements = Announcements()

    def announce(self, topic: Topic) -> None:
        """Wake whoever waits for the topic, at once."""
        self._announcements.announce(topic)

    def announced(self, topic: Topic) -> Listener:
        """Something to wait on for what is announced from now on."""
        return self._announcements.listen(topic)

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
    def bulk(self) -> AbstractAsyncContextManager[Connection]:
        """A write transaction whose statements change thousands of rows, for changes that come in batches.

        On SQLite they run off the event loop, so that others go on reading; who wants to write waits.
        """

    @abstractmethod
    async def scan(self, statement: Statement, *values: Any) -> list[Row]:
        """Like `fetch`, for reads that may walk many rows: on SQLite they run off the event loop."""

    @abstractmethod
    def view(self) -> AbstractAsyncContextManager[View]:
        """Several reads of one moment. Keep it short: until it ends, the database keeps what others replace."""

    @abstractmethod
    async def give_back(self, table: str, pages: int, rows: int = 0) -> GivenBack:
        """Give some of the room that deleted rows have left back to the disk.

        On SQLite at most so many pages of the file, whichever table they were of; when there are no more, the log is
        written back, so that the file is as short as it says. On PostgreSQL the table is vacuumed at the first call,
        which gives back what is empty at the end of its files. If much room is left further ahead, each further call
        moves the rows of at most so many of its last pages there, which takes a moment, until `rows` of them have
        moved; at the last one it is vacuumed again. Others read and write meanwhile.
        """

    @abstractmethod
    async def space(self) -> Space:
        """How large the database is."""

    @abstractmethod
    async def roomy(self) -> list[str]:
        """Where deleted rows have left so much room by now that it should be given back: for `give_back`.

        Whoever deleted them: retention does too, and users by hand.
        """
