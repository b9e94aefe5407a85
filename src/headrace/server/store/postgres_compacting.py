"""Shrinking a PostgreSQL database while servers use it: rows move ahead, ends are cut off, indexes are built anew.

Each function blocks and has connections of its own: it belongs in a tool. Whatever ends it, nothing is lost: the next
one goes on, and takes away what is left of an index that was being built.
"""

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager, suppress
from math import ceil
from time import monotonic
from typing import NamedTuple

from headrace.server.store.locations import PostgresDatabase, locate
from headrace.server.store.postgres_connection import DRIVER_ERRORS, Driver, connect, translate, unusable
from headrace.server.store.postgres_moving import Heap, Moving, heaps
from headrace.server.store.postgres_shrinking import CLEARLY, MOST_VACUUMS, QUIETLY, is_shorter
from headrace.settings import Settings
from headrace.wire.errors import HeadraceError, StoreError

_LOCK = 0x68656164_726F6F6D
"""The advisory lock's number: "headroom" in ASCII."""
_PATIENCE, _LONGEST = 10.0, 24 * 3600.0
_HOLD_ON = "SET lock_timeout = '10min'"
"""For so long it waits for whoever keeps it from a table or an index."""
_LONG = 60.0
"""Seconds for which a transaction may be open without being told of."""
_BETWEEN_TELLINGS = 2.0
_MUCH, _PART_OF_TABLE, _PART_OF_INDEX = 1 << 20, 0.1, 0.3
"""Bytes, and parts of a table or an index, from which on it is worth it."""
_TABLES = """
    SELECT c.oid::regclass::text, pg_has_role(c.relowner, 'USAGE'), pg_get_userbyid(c.relowner),
        CASE WHEN s.n_live_tup + s.n_dead_tup > 0 THEN s.n_live_tup END
    FROM pg_class c LEFT JOIN pg_stat_all_tables s ON s.relid = c.oid
    LEFT JOIN pg_inherits h ON h.inhrelid = c.oid LEFT JOIN pg_class p ON p.oid = h.inhparent
    WHERE c.relnamespace = current_schema()::regnamespace AND c.relkind = 'r'
    AND (c.relname = ANY($1::text[]) OR p.relname = ANY($1::text[])) ORDER BY 1
"""
_INDEXES = """
    SELECT x.oid::regclass::text, pg_relation_size(x.oid), current_setting('block_size')::integer,
        CASE WHEN t.reltuples < 0 THEN x.reltuples ELSE least(x.reltuples, t.reltuples) END,
        (
            SELECT sum(coalesce(s.avg_width * (1 - s.null_frac), 16)) FROM unnest(i.indkey) AS k (attnum)
            LEFT JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = k.attnum
            LEFT JOIN pg_stats s ON s.attname = a.attname AND s.tablename = t.relname AND NOT s.inherited
                AND s.schemaname = t.relnamespace::regnamespace::name
        )
    FROM pg_index i JOIN pg_class x ON x.oid = i.indexrelid JOIN pg_class t ON t.oid = i.indrelid
    JOIN pg_am m ON m.oid = x.relam
    WHERE i.indrelid = $1::text::regclass AND m.amname = 'btree' AND i.indisvalid
"""
"""An index may still be said to have the rows of before: a vacuum that was cut short, or found nothing left to do in
it, leaves its number as it was."""
_LEFT_OVER = """
    SELECT x.oid::regclass::text FROM pg_index i JOIN pg_class x ON x.oid = i.indexrelid
    WHERE NOT i.indisvalid AND x.relname ~ '_cc(new|old)[0-9]*$' AND i.indrelid = ANY($1::text[]::regclass[])
    AND NOT EXISTS (SELECT 1 FROM pg_stat_progress_create_index p WHERE p.relid = i.indrelid) ORDER BY 1
"""
_OLDEST_READER = """
    SELECT pid, floor(extract(epoch FROM clock_timestamp() - xact_start) / 60)::integer, coalesce(application_name, '')
    FROM pg_stat_activity WHERE datname = current_database() AND backend_xmin IS NOT NULL AND pid <> pg_backend_pid()
    AND backend_type = 'client backend' AND xact_start < clock_timestamp() - make_interval(secs => $1)
    ORDER BY xact_start LIMIT 1
"""
_NOTICE_WHEN_WE_DIE = """
    SELECT set_config('client_connection_check_interval', '2s', false)
    WHERE current_setting('server_version_num')::integer >= 140000
"""
_SIZE = "SELECT pg_database_size(current_database())"
_INDEX_FILL = 0.9


class Index(NamedTuple):
    """One index: bytes of its file, and about how many it would need."""

    name: str
    bytes: int
    needed: int

    @property
    def is_worth_it(self) -> bool:
        gain = self.bytes - self.needed
        return gain >= _MUCH and gain >= _PART_OF_INDEX * self.bytes


class Plan(NamedTuple):
    """What is worth shrinking, as far as the database's statistics tell; the whole of it has so many `bytes` now."""

    bytes: int
    heaps: list[Heap]
    indexes: list[Index]

    @property
    def gain(self) -> int:
        """About how many bytes it gives back."""
        return sum(heap.room for heap in self.heaps) + sum(index.bytes - index.needed for index in self.indexes)


def plan(settings: Settings) -> Plan:
    """Look what there is to shrink, changing nothing. Raises `StoreError` where that could not be done."""

    async def look() -> Plan:
        async with _connected(settings) as (driver, _):
            return await _plan(driver, await _tables(driver))

    return asyncio.run(look())


def compact(settings: Settings, tell: Callable[[str], None]) -> tuple[int, int]:
    """Shrink it, telling what is done; the bytes of the database before and after.

    `KeyboardInterrupt` ends it at any moment, after what was begun is taken back. Raises `StoreError` while another
    one is at it.
    """

    async def work() -> tuple[int, int]:
        async with _connected(settings) as (driver, database):
            pid = await driver.fetchval("SELECT pg_backend_pid()")
            try:
                return await _Compaction(driver, tell).run()
            except asyncio.CancelledError:
                await _take_back(database, pid)
                raise

    return asyncio.run(work())


@asynccontextmanager
async def _connected(settings: Settings) -> AsyncGenerator[tuple[Driver, PostgresDatabase], None]:
    database = locate(settings.server.database.url, settings.home)
    assert isinstance(database, PostgresDatabase)
    try:
        driver = await connect(database, timeout=_PATIENCE)
        await driver.close(timeout=_PATIENCE)
        driver = await connect(database, timeout=_LONGEST)
    except DRIVER_ERRORS as error:
        raise unusable(database, error) from error
    try:
        yield driver, database
    except DRIVER_ERRORS as error:
        raise translate(error) from error
    finally:
        driver.terminate()


async def _tables(driver: Driver) -> dict[str, int | None]:
    """Our tables that have files, with how many rows they are said to have just now."""
    from headrace.server.store.tables import METADATA

    found = await driver.fetch(_TABLES, list(METADATA.tables))
    if not found:
        raise StoreError("The database has no tables of headrace yet.")
    if await driver.fetchval("SELECT pg_is_in_recovery()"):
        raise StoreError("The database is a standby, which only follows another: compact that one.")
    for table, may, owner, _ in found:
        if not may:
            user = await driver.fetchval("SELECT current_user::text")
            raise StoreError(f"Only {owner}, who owns the table {table}, may compact it; {user} is connected.")
    return {table: rows for table, _, _, rows in found}


async def _plan(driver: Driver, tables: dict[str, int | None]) -> Plan:
    worth_it: list[Heap] = []
    indexes: list[Index] = []
    for table, rows in tables.items():
        (heap,) = await heaps(driver, table)
        left = 1.0
        if rows is not None and rows < heap.rows:
            left, heap = rows / heap.rows, heap._replace(rows=float(rows))
        if _is_worth_it(heap):
            worth_it.append(heap)
        indexes += [index for index in await _indexes(driver, table, left) if index.is_worth_it]
    return Plan(await driver.fetchval(_SIZE), worth_it, indexes)


def _is_worth_it(heap: Heap) -> bool:
    return heap.column is not None and heap.room >= _MUCH and heap.room >= _PART_OF_TABLE * heap.pages * heap.page_bytes


async def _indexes(driver: Driver, table: str, left: float = 1.0) -> list[Index]:
    found: list[Index] = []
    for name, size, page, rows, width in await driver.fetch(_INDEXES, table):
        entry = 4 + ceil((8 + width) / 8) * 8
        pages = 1 + ceil(max(rows, 0) * left * entry / ((page - 40) * _INDEX_FILL))
        found.append(Index(name, size, min(pages * page, size) if rows >= 0 else size))
    return found


class _Compaction:
    """One run of it, on one connection."""

    def __init__(self, driver: Driver, tell: Callable[[str], None]) -> None:
        self._driver, self._tell = driver, tell
        self._told_at = 0.0

    async def run(self) -> tuple[int, int]:
        driver = self._driver
        if not await driver.fetchval("SELECT pg_try_advisory_lock($1)", _LOCK):
            raise StoreError("Somebody else compacts the database just now.")
        await driver.fetch(_NOTICE_WHEN_WE_DIE)
        before = await driver.fetchval(_SIZE)
        tables = list(await _tables(driver))
        await self._take_away(await _left_over(driver, tables))
        await self._warn_of_readers()
        for table in tables:
            await self._shrink(table)
        for table in tables:
            for index in await _indexes(driver, table):
                if index.is_worth_it:
                    await self._rebuild(index, tables)
        return before, await driver.fetchval(_SIZE)

    async def _warn_of_readers(self) -> None:
        for pid, minutes, name in await self._driver.fetch(_OLDEST_READER, _LONG):
            self._tell(
                f"A transaction has been open for {minutes} min (process {pid} of the database, {name or 'unnamed'}): "
                "what was deleted since then keeps its room, and indexes wait for it to end."
            )

    async def _shrink(self, table: str) -> None:
        """Vacuum the table; where much room is left, move rows and vacuum it again."""
        if (await heaps(self._driver, table))[0].pages < 8:
            return
        await self._vacuum(table, "TRUNCATE, ANALYZE")
        (heap,) = await heaps(self._driver, table)
        if not _is_worth_it(heap):
            return
        self._tell(f"{table}: moving rows ahead, to give back about {heap.room / 1e6:,.1f} MB")
        moving = Moving(self._driver, heap)
        began = monotonic()
        while await moving.step():
            await asyncio.sleep(min(monotonic() - began, 0.1))  # servers want to work too
            began = monotonic()
            if began >= self._told_at:
                self._told_at = began + _BETWEEN_TELLINGS
                self._tell(f"… {moving.progress:.0%}, {moving.moved:,} rows moved")
        for _ in range(MOST_VACUUMS):
            await self._vacuum(table, f"TRUNCATE{CLEARLY}")
            if await is_shorter(self._driver, heap):
                break
        (after,) = await heaps(self._driver, table)
        given = (heap.pages - after.pages) * heap.page_bytes
        self._tell(f"{table}: {moving.moved:,} rows moved, {given / 1e6:,.1f} MB given back")

    async def _vacuum(self, table: str, options: str) -> None:
        for setting in (*QUIETLY, _HOLD_ON):
            await self._driver.execute(setting)
        await self._driver.execute(f"VACUUM ({options}, PARALLEL 0) {table}")

    async def _rebuild(self, index: Index, tables: list[str]) -> None:
        """Build it anew beside the old one, which serves until then."""
        self._tell(f"{index.name}: building {index.bytes / 1e6:,.1f} MB anew")
        await self._driver.execute(_HOLD_ON)
        try:
            await self._driver.execute(f"REINDEX INDEX CONCURRENTLY {index.name}")
        except DRIVER_ERRORS as error:
            failed: HeadraceError = translate(error)
            if self._driver.is_closed():
                raise failed from error
            await self._take_away(await _left_over(self._driver, tables))
            self._tell(f"{index.name} stays as it is: {failed}")
            return
        after = await self._driver.fetchval("SELECT pg_relation_size($1::text::regclass)", index.name)
        self._tell(f"{index.name}: {(index.bytes - after) / 1e6:,.1f} MB given back")

    async def _take_away(self, indexes: list[str]) -> None:
        for name in indexes:
            self._tell(f"{name}: taking away what is left of an index that was not finished")
            await self._driver.execute(f"DROP INDEX CONCURRENTLY IF EXISTS {name}")


async def _left_over(driver: Driver, tables: list[str]) -> list[str]:
    return [row[0] for row in await driver.fetch(_LEFT_OVER, tables)]


async def _take_back(database: PostgresDatabase, pid: int) -> None:
    """End what the other connection does, and take away what it leaves of an index; later, where that fails."""
    with suppress(*DRIVER_ERRORS):
        driver = await connect(database, timeout=_PATIENCE)
        try:
            await driver.fetchval("SELECT pg_terminate_backend($1)", pid)
            async with asyncio.timeout(_PATIENCE):
                while await driver.fetchval("SELECT 1 FROM pg_stat_activity WHERE pid = $1", pid):  # noqa: ASYNC110 (nothing tells of it)
                    await asyncio.sleep(0.05)
            for name in await _left_over(driver, list(await _tables(driver))):
                await driver.execute(f"DROP INDEX CONCURRENTLY IF EXISTS {name}")
        finally:
            driver.terminate()
