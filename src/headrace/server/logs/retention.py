"""Ends log lines whose time is over, a stretch of time after another."""

from collections.abc import Sequence
from datetime import datetime, timedelta

import msgspec

from headrace.server.store.base import Connection, Row, Statement, View
from headrace.wire.times import from_micros

BATCH = 5_000
"""Lines that one transaction looks at."""
_LEAST = timedelta(microseconds=1)

_BAND = (
    "CASE WHEN level >= 50 THEN 50 WHEN level >= 40 THEN 40 WHEN level >= 30 THEN 30 WHEN level >= 20 THEN 20"
    " ELSE 10 END"
)
STRETCH = Statement(
    "SELECT timestamp FROM logs WHERE timestamp >= $1 AND timestamp < $2 ORDER BY timestamp, id LIMIT 1 OFFSET $3"
)
_WITHIN = f"DELETE FROM logs WHERE timestamp >= $1 AND timestamp < $2 AND {_BAND}"
END = Statement(f"{_WITHIN} = ANY($3::int[])", sqlite=f"{_WITHIN} IN (SELECT value FROM json_each($3))")
_OLDEST = "SELECT timestamp, {band} AS band, message FROM logs WHERE timestamp < $1 ORDER BY timestamp, id LIMIT $2"
_TOTALS = """
    SELECT count(*), min(timestamp), coalesce(sum(length(message)), 0), (SELECT count(*) FROM oldest)
    FROM oldest WHERE band {any}
"""
TOTALS = Statement(
    f"WITH oldest AS MATERIALIZED ({_OLDEST.format(band=_BAND)}) {_TOTALS.format(any='= ANY($3::int[])')}",
    sqlite=f"WITH oldest AS MATERIALIZED ({_OLDEST.format(band=_BAND)})"
    f" {_TOTALS.format(any='IN (SELECT value FROM json_each($3))')}",
)


class Totals(msgspec.Struct, frozen=True):
    """How many lines are due, at least so many where not all were looked at, and how long their messages are."""

    many: int
    oldest: datetime | None
    characters: int
    capped: bool


async def trim(
    transaction: Connection, since: datetime, before: datetime, levels: Sequence[int]
) -> tuple[int, datetime | None]:
    """End lines of these levels from `since` on: how many, and up to where; None where `before` is reached."""
    row = await transaction.fetch_one(STRETCH, since, before, BATCH - 1)
    upto = before if row is None else min(_moment(row) + _LEAST, before)
    ended = await transaction.execute(END, since, upto, list(levels))
    return ended, None if row is None else upto


async def totals(view: View, before: datetime, levels: Sequence[int], limit: int) -> Totals:
    """What there is of these levels among the oldest lines, of which at most `limit` are looked at."""
    many, oldest, characters, walked = (await view.scan(TOTALS, before, limit, list(levels)))[0]
    return Totals(many, None if oldest is None else _moment((oldest,)), characters, walked == limit)


def _moment(row: Row) -> datetime:
    return from_micros(row[0]) if isinstance(row[0], int) else row[0]
