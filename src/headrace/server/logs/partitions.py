"""Log lines lie in partitions of a week each on PostgreSQL, so that a week that is over goes at once, with its room.

Weeks are made some time ahead, by `make`. What belongs to no week that was made, because its time is long past, far
ahead, or no server was there to make it, lies in the default partition: a line is always taken. Each statement that
makes or drops one waits a second at most for others to let go of the table, and is tried again later.
"""

import logging
import re
from datetime import UTC, datetime, timedelta

import msgspec

from headrace.server.store.base import Connection, Dialect, Statement, Store
from headrace.wire.errors import HeadraceError

WEEK = timedelta(days=7)
AHEAD = 4
"""So many weeks to come have a partition."""

_LATE = timedelta(days=14)
"""For so long after its end a week that is empty is kept: lines may still come for it."""
_MONDAY = datetime(2026, 1, 5, tzinfo=UTC)
_NAME = re.compile(r"logs_(\d{8})")
_LIST = Statement(
    "SELECT c.relname FROM pg_inherits AS i JOIN pg_class AS c ON c.oid = i.inhrelid"
    " WHERE i.inhparent = 'logs'::regclass ORDER BY c.relname"
)
_PATIENCE = Statement("SET LOCAL lock_timeout = '1s'")

_log = logging.getLogger("headrace.server.logs")


class Week(msgspec.Struct, frozen=True):
    """The partition of the lines from `begins` on, for a week."""

    name: str
    begins: datetime

    @property
    def ends(self) -> datetime:
        return self.begins + WEEK


def week_of(moment: datetime) -> Week:
    """The week of a moment; weeks begin on Mondays, UTC."""
    begins = _MONDAY + (moment - _MONDAY) // WEEK * WEEK
    return Week(f"logs_{begins:%Y%m%d}", begins)


async def weeks(connection: Connection) -> list[Week]:
    """Those that there are, the oldest first; none on SQLite, which has one table."""
    match connection.dialect:
        case Dialect.SQLITE:
            return []
        case Dialect.POSTGRES:
            found = [_NAME.fullmatch(name) for (name,) in await connection.fetch(_LIST)]
            return [
                Week(name[0], datetime.strptime(name[1], "%Y%m%d").replace(tzinfo=UTC))
                for name in found
                if name is not None
            ]


async def make(store: Store, moment: datetime) -> None:
    """Make the weeks to come. The one that goes on is not made any more: its first lines lie in the default already."""
    if store.dialect is Dialect.SQLITE:
        return
    known = {week.name for week in await weeks(store)}
    for ahead in range(1, AHEAD + 1):
        week = week_of(moment + ahead * WEEK)
        if week.name in known:
            continue
        try:
            await _execute(
                store,
                f"CREATE TABLE IF NOT EXISTS {week.name} PARTITION OF logs"
                f" FOR VALUES FROM ('{week.begins.isoformat()}') TO ('{week.ends.isoformat()}')",
            )
        except HeadraceError as error:  # the table is in use, or the default has lines of that week already
            _log.info("logs_week_not_made", extra={"week": week.name, "error": str(error)})


async def drop(store: Store, before: datetime) -> int:
    """Drop weeks that end before a moment, with all their lines: how many lines that were."""
    removed = 0
    for week in await weeks(store):
        if week.ends > before:
            break
        try:
            removed += await _drop(store, week)
        except HeadraceError as error:
            _log.info("logs_week_not_dropped", extra={"week": week.name, "error": str(error)})
            break
    return removed


async def drop_empty(store: Store, moment: datetime) -> None:
    """Drop weeks long over whose lines have all been removed by now."""
    for week in await weeks(store):
        if week.ends > moment - _LATE:
            break
        if not await store.fetch(Statement(f"SELECT 1 FROM {week.name} LIMIT 1")):
            await _drop(store, week, if_empty=True)


async def _drop(store: Store, week: Week, *, if_empty: bool = False) -> int:
    async with store.transaction() as transaction:
        await transaction.execute(_PATIENCE)
        # Nothing is written to it from here on; the count then is the truth.
        await transaction.execute(Statement(f"LOCK TABLE {week.name} IN SHARE MODE"))
        lines = (await transaction.fetch(Statement(f"SELECT count(*) FROM {week.name}")))[0][0]
        if lines and if_empty:
            return 0
        await transaction.execute(Statement(f"DROP TABLE {week.name}"))
        return lines


async def _execute(store: Store, text: str) -> None:
    async with store.transaction() as transaction:
        await transaction.execute(_PATIENCE)
        await transaction.execute(Statement(text))
