"""Making and changing the schema of a PostgreSQL database, under a lock that lets two servers start at once."""

from typing import TYPE_CHECKING

from headrace.server.store import plans
from headrace.server.store.base import Dialect

if TYPE_CHECKING:
    from asyncpg import Connection

_LOCK = 0x68656164_72616365  # "headrace" in ASCII
_TABLES = """
    SELECT c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE n.nspname = current_schema() AND c.relkind IN ('r', 'p')
"""


async def current(connection: "Connection[Any]") -> str | None:
    """The schema's revision; "" where the version table is empty, None where there is none."""
    if await connection.fetchval("SELECT to_regclass('alembic_version')") is None:
        return None
    return await connection.fetchval("SELECT version_num FROM alembic_version") or ""


async def change(connection: "Connection[Any]", label: str, *, target: str = "head", reset: bool = False) -> str:
    """Lead the schema to the `target` revision, or make all of it anew, in one transaction; returns the revision."""
    async with connection.transaction():
        await connection.execute("SELECT pg_advisory_xact_lock($1)", _LOCK)
        found = await current(connection)
        tables = [name for (name,) in await connection.fetch(_TABLES)]
        if reset:
            statements = plans.to_reset(Dialect.POSTGRES, label, found, tables)
        else:
            statements = plans.to_revision(Dialect.POSTGRES, label, found, tables, target)
        for statement in statements:
            await connection.execute(statement)
        return await current(connection) or plans.BASE
