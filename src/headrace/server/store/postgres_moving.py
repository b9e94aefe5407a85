"""Moving the rows at the end of a PostgreSQL table into free room further ahead, so that a vacuum can cut the end off.

A row moves when it is updated: the new version stays on the row's page while that has room, and goes to where the
free space map has some otherwise, which after a vacuum is as far ahead as there is any. So a step updates the rows of
the last pages, without changing anything, again and again within one transaction until none is left on them. It takes
only rows that nobody holds, and a moment; whoever wants one of them waits for that long. No trigger fires: the column
that is set to itself is one that none listens to.
"""

from collections.abc import Iterable
from math import ceil
from time import perf_counter
from typing import NamedTuple

import asyncpg

from headrace.server.store.postgres_connection import Driver

_FACTS = """
    SELECT c.oid::regclass::text, pg_relation_size(c.oid) / current_setting('block_size')::integer,
        current_setting('block_size')::integer, c.reltuples,
        (
            SELECT sum(s.avg_width * (1 - s.null_frac)) FROM pg_stats s
            WHERE s.schemaname = c.relnamespace::regnamespace::name AND s.tablename = c.relname AND NOT s.inherited
        ),
        coalesce((SELECT split_part(o, '=', 2) FROM unnest(c.reloptions) o WHERE o LIKE 'fillfactor=%')::integer, 100),
        CASE WHEN current_setting('server_version_num')::integer >= 140000 THEN (
            SELECT quote_ident(a.attname) FROM pg_attribute a
            WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = '' AND a.attlen > 0
            AND NOT EXISTS (SELECT 1 FROM pg_index i WHERE i.indrelid = c.oid AND i.indisunique
                AND a.attnum = ANY(i.indkey))
            AND NOT EXISTS (SELECT 1 FROM pg_constraint k WHERE k.contype = 'f' AND k.conrelid = c.oid
                AND a.attnum = ANY(k.conkey))
            AND NOT EXISTS (SELECT 1 FROM pg_trigger t WHERE t.tgrelid = c.oid AND NOT t.tgisinternal
                AND t.tgtype & 16 <> 0 AND (a.attnum = ANY(t.tgattr) OR t.tgattr = ''))
            ORDER BY a.attnum LIMIT 1
        ) END
    FROM pg_class c
    WHERE c.relkind = 'r' AND c.oid IN (
        SELECT relid FROM pg_partition_tree($1::text::regclass) WHERE isleaf UNION SELECT $1::text::regclass
    )
    ORDER BY 1
"""
_FOUND = "SELECT ctid FROM ONLY {table} WHERE ctid >= $1 AND ctid < $2 LIMIT {most}"
_MOVE = "UPDATE ONLY {table} SET {column} = {column} WHERE ctid = ANY({which}) RETURNING ctid"
_UNHELD = "ARRAY(SELECT ctid FROM ONLY {table} WHERE ctid = ANY($1::tid[]) FOR NO KEY UPDATE SKIP LOCKED)"

_HELD = (asyncpg.LockNotAvailableError, asyncpg.DeadlockDetectedError)
_PATIENCE = ("SET lock_timeout = '100ms'", "SET synchronous_commit = off")
"""Nobody is to wait for a row of ours for long; and a move that a crash undoes is no loss."""

_OVERHEAD = 36
"""Bytes of a row beside its values: its header, its place in the page's list, and what alignment takes."""
_PAGE_OVERHEAD = 24
_SLACK = 1.05
_STEP_SECONDS = 0.025
_FEWEST, _MOST_ROWS = 20, 1_000
_MOST_PAGES, _MOST_FOUND = 1_024, 4_000
"""Of one look, which takes a few milliseconds."""
_MOST_ROUNDS = 300
"""More rows than a page can hold."""
_MOST_SWEEPS = 3

Place = tuple[int, int]
"""Where a row lies: its page, and its number on it."""


class Heap(NamedTuple):
    """One table that has a file, with what is known of it without reading it.

    `rows` is as of its last vacuum. `width` is what the values of a row take, None where it was never analyzed.
    `column` is one that can be set to itself unnoticed, None where there is none,
    or where PostgreSQL is older than 14 and would read the whole table to find the rows of a page.
    """

    table: str
    pages: int
    page_bytes: int
    rows: float
    width: float | None
    fill: int
    column: str | None

    @property
    def needed(self) -> int:
        """Pages that its rows would take, without room; all of them where that is not known."""
        if self.width is None or self.rows < 0:
            return self.pages
        of_a_page = (self.page_bytes - _PAGE_OVERHEAD) * self.fill / 100
        return min(ceil(self.rows * (self.width + _OVERHEAD) / of_a_page * _SLACK), self.pages)

    @property
    def room(self) -> int:
        """Bytes that it would be shorter by."""
        return (self.pages - self.needed) * self.page_bytes


async def heaps(driver: Driver, table: str) -> list[Heap]:
    """The table, or its partitions."""
    return [Heap(*row) for row in await driver.fetch(_FACTS, table)]


class Moving:
    """Moves rows of one table that was just vacuumed, `most` at most (None: as many as there are), in steps.

    Its end tells no more than that it is over: the table is to be vacuumed then.
    """

    def __init__(self, driver: Driver, heap: Heap, most: int | None = None) -> None:
        assert heap.column is not None
        self._driver, self._heap, self._most = driver, heap, most
        names = {"table": heap.table, "column": heap.column}
        self._find = _FOUND.format(**names, most=_MOST_FOUND)
        self._begin = _MOVE.format(**names, which=_UNHELD.format(**names))
        self._again = _MOVE.format(**names, which="$1::tid[]")
        self._end: int = heap.pages
        self._floor: int = heap.needed
        self._pages, self._share = 64, 100
        self._sweeps, self._met, self._full = 1, False, False
        self.moved = 0

    @property
    def progress(self) -> float:
        """Which part of the pages that are to be left was looked through, from 0 to 1."""
        to_leave = self._heap.pages - self._heap.needed
        return min((self._heap.pages - self._end) / to_leave, 1.0) if to_leave and self._sweeps == 1 else 1.0

    async def step(self, pages: int = _MOST_PAGES) -> bool:
        """Clear the last pages, at most so many, of rows; False when that was the last step.

        Raises one of `DRIVER_ERRORS`; the connection is of no use then.
        """
        if self._end <= self._floor:
            return await self._another_sweep()
        if self._end == self._heap.pages and self._sweeps == 1:
            for setting in _PATIENCE:
                await self._driver.execute(setting)
        begin = max(self._end - min(self._pages, max(pages, 1)), self._floor)
        found: list[Place] = [row[0] for row in await self._driver.fetch(self._find, (begin, 0), (self._end, 0))]
        if len(found) == _MOST_FOUND and self._end - begin > 1:
            self._pages = max((self._end - begin) // 2, 1)
            return True
        chosen = _last(found, self._share)
        if not chosen:
            self._pages = min(self._pages * 2, _MOST_PAGES)
        elif len(chosen) < len(found):
            begin = chosen[0][0]
        if chosen and not await self._clear(chosen, begin):
            self._floor, self._full = self._end, True  # what is behind is cleared once more, and no more than that
        self._end = begin
        return True

    async def _clear(self, places: list[Place], begin: int) -> bool:
        """Move these rows; False where there is no room for them ahead, or enough were moved."""
        self._met = True
        began = perf_counter()
        room = await self._move(places, begin)
        took = perf_counter() - began
        factor = min(max(_STEP_SECONDS / max(took, 1e-6), 0.5), 1.5)
        self._share = min(max(round(min(self._share, len(places)) * factor), _FEWEST), _MOST_ROWS)
        return room and (self._full or self._most is None or self.moved < self._most)

    async def _move(self, places: list[Place], begin: int) -> bool:
        """Do so in one transaction, or not at all: False where a row landed behind, and the file could not end there.

        Where a row that one of them refers to stays held, they are left for the next sweep.
        """
        sources = {page for page, _ in places}
        await self._driver.execute("BEGIN")
        try:
            landed = left = await self._places(self._begin, places)
            for _ in range(_MOST_ROUNDS):
                left = [place for place in left if place[0] >= begin]
                if not left or any(page not in sources for page, _ in left):
                    break
                left = await self._places(self._again, left)
        except _HELD:
            await self._driver.execute("ROLLBACK")
            return True
        await self._driver.execute("ROLLBACK" if left else "COMMIT")
        self.moved += 0 if left else len(landed)
        return not left

    async def _places(self, statement: str, places: list[Place]) -> list[Place]:
        return [row[0] for row in await self._driver.fetch(statement, places)]

    async def _another_sweep(self) -> bool:
        """Whether to look again for rows that somebody held, or has put there since."""
        if not self._met or self._sweeps == _MOST_SWEEPS:
            return False
        self._sweeps, self._met = self._sweeps + 1, False
        heap = next(heap for heap in await heaps(self._driver, self._heap.table) if heap.table == self._heap.table)
        self._end = heap.pages
        return self._end > self._floor


def _last(places: Iterable[Place], share: int) -> list[Place]:
    """Those of the last pages, whole pages of them, until there are enough."""
    ordered = sorted(places)
    if len(ordered) <= share:
        return ordered
    page = ordered[-share][0]
    return [place for place in ordered if place[0] >= page]
