"""Making and changing the schema of a PostgreSQL database, under a lock that lets several servers start at once."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from headrace.server.store import plans
from headrace.server.store.base import Dialect
from headrace.server.store.locations import PostgresDatabase
from headrace.server.store.postgres_connection import DRIVER_ERRORS, Driver, connect, unusable
from headrace.server.store.revisions import BASE, HEAD, known
from headrace.wire.errors import StoreError

_LOCK = 0x68656164_72616365
"""The advisory lock's number: "headrace" in ASCII."""
_TABLES = """
    SELECT c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE n.nspname = current_schema() AND c.relkind IN ('r', 'p')
"""


async def prepare(connection: Driver, database: PostgresDatabase, *, migrate: bool) -> None:
    """Make sure the schema is of the newest revision: bring it there with `migrate`, or raise `StoreError`."""
    found = await _revision(connection)
    if found == HEAD:
        return
    if migrate:
        await _change(connection, database, "head", False)
        return
    has = "no schema" if not found else f"the schema of revision {known(found, database)!r}"
    raise StoreError(
        f"The database {database} has {has}, and this headrace needs {HEAD!r}: "
        "run `headrace server database upgrade`, or set HEADRACE_SERVER_DATABASE_MIGRATE_ON_START=true."
    )


async def current(database: PostgresDatabase, *, timeout: float) -> str | None:
    """The schema's revision, or None where there is no schema."""
    async with _connected(database, timeout) as connection:
        return await _revision(connection) or None


async def change(database: PostgresDatabase, *, timeout: float, target: str = "head", reset: bool = False) -> str:
    """Lead the schema to the `target` revision, or make all of it anew, in one transaction; returns the revision."""
    async with _connected(database, timeout) as connection:
        return await _change(connection, database, target, reset)


@asynccontextmanager
async def _connected(database: PostgresDatabase, timeout: float) -> AsyncGenerator[Driver, None]:
    try:
        connection = await connect(database, timeout=timeout)
        try:
            yield connection
        finally:
            await connection.close(timeout=timeout)
    except DRIVER_ERRORS as error:
        raise unusable(database, error) from error


async def _change(connection: Driver, database: PostgresDatabase, target: str, reset: bool) -> str:
    await connection.execute("BEGIN")
    try:
        await connection.execute("SELECT pg_advisory_xact_lock($1)", _LOCK)
        tables = await _tables(connection)
        found = await _revision(connection)
        if reset:
            statements = plans.to_reset(Dialect.POSTGRES, database, found, tables)
        else:
            statements = plans.to_revision(Dialect.POSTGRES, database, found, tables, target)
        for statement in statements:
            await connection.execute(statement)
        revision = await _revision(connection)
    except BaseException:
        connection.terminate()
        raise
    await connection.execute("COMMIT")
    return revision or BASE


async def _revision(connection: Driver) -> str | None:
    """The revision's name; "" where the version table is empty, None where there is none."""
    if "alembic_version" not in await _tables(connection):
        return None
    return await connection.fetchval("SELECT version_num FROM alembic_version") or ""


async def _tables(connection: Driver) -> list[str]:
    """Read from the catalogue, because `to_regclass` may not see yet what another server has just committed."""
    return [row[0] for row in await connection.fetch(_TABLES)]
