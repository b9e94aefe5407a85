"""What retention has removed from a log, and how far its numbers have come.

A number that is missing in a log may have belonged to a transaction that was rolled back. So whoever trims a log
notes the highest number that it removed, in the same transaction.
"""

from datetime import datetime
from typing import Literal

from headrace.server.store.base import Connection, Statement, Store

Log = Literal["events", "log_arrivals"]

_NOTE = Statement(
    """
    INSERT INTO log_trims (log, seq, removed, updated) VALUES ($1, $2, $3, $4)
    ON CONFLICT (log) DO UPDATE SET seq = greatest(log_trims.seq, excluded.seq),
        removed = log_trims.removed + excluded.removed, updated = excluded.updated
    """,
    sqlite="""
    INSERT INTO log_trims (log, seq, removed, updated) VALUES ($1, $2, $3, $4)
    ON CONFLICT (log) DO UPDATE SET seq = max(log_trims.seq, excluded.seq),
        removed = log_trims.removed + excluded.removed, updated = excluded.updated
    """,
)
_TRIMMED = Statement("SELECT seq FROM log_trims WHERE log = $1")
_DRAWN = Statement(
    "SELECT coalesce(pg_sequence_last_value(pg_get_serial_sequence($1, 'seq')::regclass), 0)",
    sqlite="SELECT seq FROM sqlite_sequence WHERE name = $1",
)


async def note(transaction: Connection, log: Log, highest: int, removed: int, now: datetime) -> None:
    """Keep in mind that `removed` rows are gone, and that `highest` is the last of them."""
    await transaction.execute(_NOTE, log, highest, removed, now)


async def trimmed(store: Store, log: Log) -> int:
    """The highest number that was removed, 0 if none was."""
    row = await store.fetch_one(_TRIMMED, log)
    return 0 if row is None else row[0]


async def drawn(store: Store, log: Log) -> int:
    """The highest number that was ever given to a row, 0 if none was."""
    row = await store.fetch_one(_DRAWN, log)
    return 0 if row is None else row[0]
