"""Giving the room of what was removed back to the disk, a step at a time, each short enough for others."""

import asyncio
import logging
from collections import Counter
from collections.abc import Mapping

from headrace.server.store.base import Dialect, GivenBack, Store
from headrace.wire.errors import HeadraceError

WORTH_IT = 10_000
"""Rows from which on a table of PostgreSQL is vacuumed; with fewer, autovacuum does it when it sees fit."""

_PAGES_ALONE, _PAGES = 2_000, 200
"""Pages of SQLite's file that are cut off in one step: about 20 ms, or 2 ms where somebody waits."""
_MOST_WAITS = 50
_MOST_MOVED = 100_000
"""Rows of a table that are moved where others have deleted some. Where the purge has, as many as it has removed: so
giving the room back takes no longer than making it."""
_OWN_TABLES = ("operation_items", "hidden_runs")
_FILE = "the file"

_log = logging.getLogger("headrace.server.purge")


class Room:
    """What was removed since its room was given back last; forgotten with the process, and then left to others."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._rows: Counter[str] = Counter()
        self._own_bytes = 0
        self._tables: list[str] = []
        self._most: Mapping[str, int] = {}
        self._waits = 0
        self._step: asyncio.Task[GivenBack] | None = None
        self.given = 0
        """Bytes that were given back since `begin`, less those that only the deletion itself had taken."""
        self.total = 0
        """Bytes that were given back since the process began."""

    def add(self, counts: Mapping[str, int], own_bytes: int) -> None:
        """So many rows of these tables are gone."""
        self._rows.update(counts)
        self._own_bytes += own_bytes

    def begin(self) -> None:
        """What was removed so far is to be given back, in steps."""
        self.given, self._waits, self._most = 0, 0, dict(self._rows)
        match self._store.dialect:
            case Dialect.SQLITE:
                self._tables = [_FILE]
            case Dialect.POSTGRES:
                if self._rows.total() >= WORTH_IT:
                    self._tables = [*_OWN_TABLES, *(table for table, _ in self._rows.most_common())]

    async def look(self) -> bool:
        """See where others have left room that should be given back, retention above all; whether there is any."""
        if not self._tables:
            self._waits = 0
            self._tables = await self._store.roomy()
            self._most = dict.fromkeys(self._tables, _MOST_MOVED)
        return bool(self._tables)

    async def step(self, *, alone: bool) -> bool:
        """Give some back; False when all of it was."""
        if not self._tables:
            return False
        table = self._tables[0]
        pages = _PAGES_ALONE if alone else _PAGES
        self._step = asyncio.create_task(self._store.give_back(table, pages, self._most.get(table, 0)))
        await asyncio.wait((self._step,))
        if self._step.cancelled():
            self._end()
            return False
        try:
            given = self._step.result()
        except HeadraceError as error:
            _log.warning("space_not_given_back", extra={"table": table, "error": str(error)})
            self._end()
            return False
        self.total += given.bytes
        if table not in _OWN_TABLES:
            self.given += given.bytes
        if table == _FILE and given.more and not given.bytes:  # somebody still reads what the file was before
            self._waits += 1
            await asyncio.sleep(0.02)
        if not given.more or self._waits > _MOST_WAITS:
            self._tables.pop(0)
            if not self._tables:
                self._end()
        return True

    def abandon(self) -> None:
        """Give up the step under way where it may take long; whoever waits for it takes it for the last."""
        if self._step is not None and self._store.dialect is Dialect.POSTGRES:
            self._step.cancel()

    def _end(self) -> None:
        self.given = max(self.given - self._own_bytes, 0)
        self._tables.clear()
        self._rows.clear()
        self._own_bytes = 0
