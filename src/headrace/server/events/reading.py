"""Reads a log in the order of its numbers and never past one that may still commit.

SQLite has one writer: numbers are in the order of commits. PostgreSQL draws a number when a row is inserted, so
that 7 may be seen before a slower transaction commits 6. Whoever draws a number holds a lock of mode
RowExclusiveLock on the table from before it draws until it has ended. So, where a number is missing below one
that was seen, the transactions that hold this lock *after* that was seen are looked up. Once they have ended,
whatever of the numbers up to there is still missing was rolled back, ignored as a duplicate or deleted, and is
passed. Transactions that write other tables are never waited for.
"""

import asyncio
from typing import Literal

import msgspec

from headrace.server.store.base import Connection, Dialect, Row, Statement, Store

Log = Literal["events", "log_arrivals"]

_PAUSE = 0.01

_WRITERS = Statement(
    """
    SELECT virtualtransaction FROM pg_locks
    WHERE locktype = 'relation' AND relation = $1::text::regclass AND mode = 'RowExclusiveLock' AND granted
        AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
        AND pid IS DISTINCT FROM pg_backend_pid()
    """
)


class _Wait(msgspec.Struct, frozen=True):
    """Nothing commits at or below `end` any more once these transactions have ended."""

    end: int
    writers: frozenset[str]


class Reader:
    """Follows one log from `cursor` on; rows are of `columns`, of which the first must be `seq`.

    `cursor` is the last number that was handed out or passed; it may be set, in both directions. The reads of
    one reader must not overlap.
    """

    def __init__(self, store: Store, table: Log, columns: str, cursor: int) -> None:
        self.cursor = cursor
        self._store, self._table = store, table
        self._after = Statement(f"SELECT {columns} FROM {table} WHERE seq > $1 ORDER BY seq LIMIT $2")
        self._newest = Statement(f"SELECT coalesce(max(seq), 0) FROM {table}")
        self._wait: _Wait | None = None

    @property
    def held_up(self) -> bool:
        """Whether there are rows that wait for a number below them; nobody announces when they are free."""
        return self._wait is not None

    async def read(self, limit: int, through: Connection | None = None) -> list[Row]:
        """At most `limit` rows behind the cursor, which moves to the last of them.

        They are read `through` a transaction where one is given. None does not mean that there are none: see
        `held_up`.
        """
        connection = self._store if through is None else through
        rows = await connection.fetch(self._after, self.cursor, limit)
        if connection.dialect is Dialect.POSTGRES and not _follow_each_other(rows, self.cursor):
            end = await self._settled(connection, rows[-1][0])
            if end is not None:
                rows = await connection.fetch(self._after, self.cursor, limit)
            rows = _settled_part(rows, self.cursor, end or 0)
        else:
            self._wait = None
        if rows:
            self.cursor = rows[-1][0]
        return rows

    async def skip(self, through: Connection | None = None) -> bool:
        """Move the cursor to the end of the log without reading it; False while a writer keeps it back."""
        connection = self._store if through is None else through
        newest = (await connection.fetch(self._newest))[0][0]
        if connection.dialect is Dialect.POSTGRES:
            newest = await self._settled(connection, newest)
        if newest is None:
            return False
        self.cursor = max(self.cursor, newest)
        return True

    async def _settled(self, connection: Connection, seen: int) -> int | None:
        """Up to where the log is complete for those who look from now on, or None while a writer is waited for.

        `seen` is a number that was drawn before this is called.
        """
        writers = frozenset(row[0] for row in await connection.fetch(_WRITERS, self._table))
        wait, self._wait = self._wait, None
        if not writers:
            return seen
        if wait is not None and wait.writers & writers:
            self._wait = wait
            return None
        self._wait = _Wait(seen, writers)
        return None if wait is None else wait.end


async def settled_end(store: Store, table: Log) -> int:
    """The end of the log as it is now: nothing commits at or below it any more.

    It waits for the transactions that are writing to the log at this moment, not for later ones.
    """
    reader = Reader(store, table, "seq", 0)
    while True:
        if await reader.skip():
            return reader.cursor
        await asyncio.sleep(_PAUSE)


def _follow_each_other(rows: list[Row], cursor: int) -> bool:
    """Whether no number is missing between the cursor and the last row."""
    return not rows or rows[-1][0] - cursor == len(rows)


def _settled_part(rows: list[Row], cursor: int, end: int) -> list[Row]:
    """The rows up to `end`, and those behind it up to the first number that is missing."""
    last = cursor
    for index, row in enumerate(rows):
        if row[0] > end and row[0] != max(last, end) + 1:
            return rows[:index]
        last = row[0]
    return rows
