"""Statements on the table `services`: one row for each service, by whichever servers it is run.

Leases go by the clock of the database, so that no server's own clock can prolong or cut one.
"""

from collections.abc import Sequence
from datetime import datetime

import msgspec

from headrace.server.store.base import Connection, Statement
from headrace.server.store.rows import Kind, Reader

FRESH = 15.0
"""Seconds for which a server that has told of its services counts as running them."""

_NOW = "CAST((julianday('now') - 2440587.5) * 86400000000.0 AS INTEGER)"


class ServiceRow(msgspec.Struct, kw_only=True):
    """What is kept of a service; `held` tells whether its lease holds, `fresh` whether a server runs it."""

    name: str
    paused: bool
    holder: str | None
    held_until: datetime | None
    run_requested_at: datetime | None
    ticks: int
    last_tick: datetime | None
    duration: float | None
    lag: float | None
    errors: int
    failures: int
    last_error: str | None
    last_error_at: datetime | None
    held: bool
    fresh: bool


class Telling(msgspec.Struct, frozen=True, kw_only=True):
    """What a server has to tell of a service: `ticks` and `errors` are those since it did so last."""

    name: str
    ticks: int
    last_tick: datetime | None
    duration: float | None
    lag: float | None
    errors: int
    failures: int
    last_error: str | None
    last_error_at: datetime | None


_STORED = {
    "name": Kind.TEXT,
    "paused": Kind.BOOLEAN,
    "holder": Kind.TEXT,
    "held_until": Kind.TIME,
    "run_requested_at": Kind.TIME,
    "ticks": Kind.INTEGER,
    "last_tick": Kind.TIME,
    "duration": Kind.FLOAT,
    "lag": Kind.FLOAT,
    "errors": Kind.INTEGER,
    "failures": Kind.INTEGER,
    "last_error": Kind.TEXT,
    "last_error_at": Kind.TIME,
}
_ROWS = Reader(ServiceRow, _STORED | {"held": Kind.BOOLEAN, "fresh": Kind.BOOLEAN})
_READ = f"""
    SELECT {", ".join(_STORED)}, COALESCE(held_until > {{now}}, FALSE), updated > {{now}} - {{fresh}} FROM services
"""
_ALL = Statement(
    _READ.format(now="clock_timestamp()", fresh=f"interval '{FRESH} seconds'"),
    sqlite=_READ.format(now=_NOW, fresh=int(FRESH * 1_000_000)),
)
# Made by whoever comes first; nobody runs it before a server says so.
_MAKE = Statement(
    "INSERT INTO services (name, updated) VALUES ($1, 'epoch') ON CONFLICT DO NOTHING",
    sqlite="INSERT INTO services (name, updated) VALUES ($1, 0) ON CONFLICT DO NOTHING",
)
# Rows are locked in the order of their names, so that two servers never wait in a circle.
_CLAIM = Statement(
    """
    WITH free AS (
        SELECT name FROM services
        WHERE name = ANY($1::text[]) AND (holder IS NULL OR holder = $2 OR held_until <= clock_timestamp())
        ORDER BY name FOR UPDATE
    )
    UPDATE services s SET holder = $2, held_until = clock_timestamp() + $3::float8 * interval '1 second'
    FROM free WHERE s.name = free.name
    RETURNING s.name
    """,
    sqlite=f"""
    UPDATE services SET holder = $2, held_until = {_NOW} + CAST($3 * 1000000 AS INTEGER)
    WHERE name IN (SELECT value FROM json_each($1)) AND (holder IS NULL OR holder = $2 OR held_until <= {_NOW})
    RETURNING name
    """,
)
_RELEASE = Statement(
    """
    WITH mine AS (SELECT name FROM services WHERE holder = $1 ORDER BY name FOR UPDATE)
    UPDATE services s SET holder = NULL, held_until = NULL FROM mine WHERE s.name = mine.name
    """,
    sqlite="UPDATE services SET holder = NULL, held_until = NULL WHERE holder = $1",
)
_TAKE_REQUESTS = Statement(
    """
    WITH asked AS (
        SELECT name FROM services WHERE name = ANY($1::text[]) AND run_requested_at IS NOT NULL
        ORDER BY name FOR UPDATE
    )
    UPDATE services s SET run_requested_at = NULL FROM asked WHERE s.name = asked.name
    RETURNING s.name
    """,
    sqlite="""
    UPDATE services SET run_requested_at = NULL
    WHERE name IN (SELECT value FROM json_each($1)) AND run_requested_at IS NOT NULL
    RETURNING name
    """,
)
_TELL_TEXT = """
    UPDATE services SET
        ticks = ticks + $2, last_tick = COALESCE($3, last_tick), duration = COALESCE($4, duration),
        lag = COALESCE($5, lag), errors = errors + $6, failures = $7, last_error = COALESCE($8, last_error),
        last_error_at = COALESCE($9, last_error_at), updated = {now}
    WHERE name = $1
"""
_TELL = Statement(_TELL_TEXT.format(now="clock_timestamp()"), sqlite=_TELL_TEXT.format(now=_NOW))
_SET_PAUSED = Statement("UPDATE services SET paused = $2 WHERE name = $1")
_REQUEST_TEXT = "UPDATE services SET run_requested_at = {now} WHERE name = $1"
_REQUEST = Statement(_REQUEST_TEXT.format(now="clock_timestamp()"), sqlite=_REQUEST_TEXT.format(now=_NOW))


async def read(connection: Connection) -> dict[str, ServiceRow]:
    """What is kept of each service, by its name."""
    return {row.name: row for row in _ROWS.all(await connection.fetch(_ALL), connection.dialect)}


async def make(transaction: Connection, names: Sequence[str]) -> None:
    """Give each of these services a row, unless it has one."""
    await transaction.execute_many(_MAKE, [(name,) for name in sorted(names)])


async def claim(connection: Connection, names: Sequence[str], holder: str, seconds: float) -> set[str]:
    """Take or prolong the leases of these services, as far as no other server holds them; which those are."""
    return {name for (name,) in await connection.fetch(_CLAIM, list(names), holder, seconds)}


async def release(connection: Connection, holder: str) -> None:
    """Give back every lease of a server."""
    await connection.execute(_RELEASE, holder)


async def take_requests(connection: Connection, names: Sequence[str]) -> set[str]:
    """Which of these services are asked to run now; nobody else is told of it."""
    return {name for (name,) in await connection.fetch(_TAKE_REQUESTS, list(names))}


async def tell(transaction: Connection, tellings: Sequence[Telling]) -> None:
    """Write what a server has to tell of services, and that it runs them."""
    ordered = sorted(tellings, key=lambda telling: telling.name)
    await transaction.execute_many(_TELL, [msgspec.structs.astuple(telling) for telling in ordered])


async def set_paused(transaction: Connection, name: str, paused: bool) -> None:
    """Keep a service, which has a row, from ticking, or let it tick again."""
    await transaction.execute(_SET_PAUSED, name, paused)


async def request(transaction: Connection, name: str) -> None:
    """Have a service, which has a row, tick once as soon as a server that runs it looks."""
    await transaction.execute(_REQUEST, name)
