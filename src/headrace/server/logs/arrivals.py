"""The log of log lines: one row for each batch that was written, which names its lines in their order.

The lines themselves are ordered by their own times, in which a late one comes between older ones; what is new is seen
here. A row is for whoever follows live, so it is kept for some minutes only, and writing removes what is old.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

from headrace.server.store.base import Connection, Statement, Topic
from headrace.server.streams import trims
from headrace.wire.base import encode_text

TABLE = "log_arrivals"
KEPT = timedelta(minutes=15)
"""How long a batch can be followed."""

_ADD = Statement("INSERT INTO log_arrivals (created, lines) VALUES ($1, $2) RETURNING seq")
_EVERY, _SOME = 16, 64
"""Every so many batches, at most so many old ones go."""

_TRIM = Statement(
    f"""
    DELETE FROM log_arrivals WHERE seq IN (
        SELECT seq FROM log_arrivals WHERE created < $1 ORDER BY created LIMIT {_SOME} FOR UPDATE SKIP LOCKED
    ) RETURNING seq
    """,
    sqlite=f"""
    DELETE FROM log_arrivals WHERE seq IN (
        SELECT seq FROM log_arrivals WHERE created < $1 ORDER BY created LIMIT {_SOME}
    ) RETURNING seq
    """,
)


async def note(transaction: Connection, lines: Sequence[tuple[datetime, UUID]], now: datetime) -> None:
    """Note a batch of lines, by time and id, in the transaction that writes them; whoever follows is told."""
    row = await transaction.fetch_one(_ADD, now, encode_text(lines))
    assert row is not None
    if row[0] % _EVERY == 0:
        await _trim(transaction, now)
    transaction.announce(Topic.LOGS)


async def _trim(transaction: Connection, now: datetime) -> None:
    gone = await transaction.fetch(_TRIM, now - KEPT)
    if gone:
        await trims.note(transaction, TABLE, max(row[0] for row in gone), len(gone), now)
