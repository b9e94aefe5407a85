"""Giving the room in a PostgreSQL table back to the disk while others use it, in steps."""

from headrace.server.store.base import GivenBack
from headrace.server.store.locations import PostgresDatabase
from headrace.server.store.postgres_connection import DRIVER_ERRORS, Driver, connect, translate
from headrace.server.store.postgres_moving import Heap, Moving, heaps

_LONGEST_VACUUM = 6 * 3600.0
QUIETLY = ("SET vacuum_cost_delay = '2ms'", "SET vacuum_cost_limit = 400", "SET lock_timeout = '5s'")
"""So that it leaves the disk to others, as autovacuum does, and never stands in anybody's way."""
_MUCH, _LARGE_PART = 4 << 20, 0.2
"""Bytes of room, and the part of a table that they are, from which on rows are moved."""
CLEARLY = ", INDEX_CLEANUP ON"
"""For a vacuum after moves: what has gone from a page takes its place there until no index leads to it any more."""
MOST_VACUUMS = 3
"""After moves: where others use a table without a break, a vacuum gives up cutting its end off after five seconds."""
_TABLE_BYTES = """
    SELECT coalesce(
        (SELECT sum(pg_total_relation_size(relid)) FROM pg_partition_tree($1::text::regclass) WHERE isleaf),
        pg_total_relation_size($1::text::regclass)
    )::bigint
"""


def is_worth_it(heap: Heap) -> bool:
    """Whether the table has so much room that its rows should be moved, and can be."""
    return heap.column is not None and heap.room >= _MUCH and heap.room >= _LARGE_PART * heap.pages * heap.page_bytes


async def is_shorter(driver: Driver, heap: Heap) -> bool:
    """Whether the table's file is shorter than it was."""
    return (
        await driver.fetchval("SELECT pg_relation_size($1::text::regclass)", heap.table) < heap.pages * heap.page_bytes
    )


class Shrinking:
    """Shrinks one table: a vacuum first; where much room is left, steps that move rows, and a vacuum after them.

    At most `rows` are moved, or a few more. It has a connection of its own from the first step until it is closed.
    """

    def __init__(self, database: PostgresDatabase, table: str, rows: int) -> None:
        self._database, self._table, self._rows = database, table, rows
        self._driver: Driver | None = None
        self._left: list[Heap] = []
        self._moving: Moving | None = None
        self._vacuums = self._bytes = self._told = 0

    async def step(self, pages: int) -> GivenBack:
        """Go on, and where that is to move rows, from at most so many pages."""
        try:
            return await self._step(pages)
        except DRIVER_ERRORS as error:
            raise translate(error) from error

    def close(self) -> None:
        """Give the connection up, with whatever it does."""
        if self._driver is not None:
            self._driver.terminate()

    async def _step(self, pages: int) -> GivenBack:
        if self._driver is None:
            self._driver = await connect(self._database, timeout=_LONGEST_VACUUM)
            self._bytes = await self._driver.fetchval(_TABLE_BYTES, self._table)
            given = await self._vacuum(self._driver, self._table)
            self._left = await self._worth_it(self._driver) if self._rows else []
            return GivenBack(given, bool(self._left))
        heap = self._left[0]
        if self._moving is None:
            self._moving, self._vacuums = Moving(self._driver, heap, self._rows), 0
        if not self._vacuums and await self._moving.step(pages):
            return GivenBack(0, True)
        given = 0
        if self._moving.moved:
            given = await self._vacuum(self._driver, heap.table, CLEARLY)
            self._vacuums += 1
            if self._vacuums < MOST_VACUUMS and not await is_shorter(self._driver, heap):
                return GivenBack(given, True)
        self._rows -= self._moving.moved
        self._left = self._left[1:] if self._rows > 0 else []
        self._moving = None
        return GivenBack(given, bool(self._left))

    async def _worth_it(self, driver: Driver) -> list[Heap]:
        found = await heaps(driver, self._table)
        if any(heap.width is None and heap.pages * heap.page_bytes >= _MUCH for heap in found):
            await driver.execute(f"ANALYZE {self._table}")
            found = await heaps(driver, self._table)
        return sorted((heap for heap in found if is_worth_it(heap)), key=lambda heap: -heap.room)

    async def _vacuum(self, driver: Driver, table: str, options: str = "") -> int:
        """The bytes by which all files of it are shorter now than at the beginning, beyond what was told before."""
        for setting in QUIETLY:
            await driver.execute(setting)
        await driver.execute(f"VACUUM (TRUNCATE, PARALLEL 0{options}) {table}")
        given = self._bytes - await driver.fetchval(_TABLE_BYTES, self._table) - self._told
        self._told += max(given, 0)
        return max(given, 0)
