"""What others may ask of a consumer's place in the log."""

from collections.abc import Sequence
from datetime import datetime

from headrace.server.events.consumers import queries
from headrace.server.events.consumers.entries import ENTRIES, Entry
from headrace.server.store.base import Connection, Store

_LAST = "\U0010ffff"
"""Sorts behind whatever comes after a prefix."""


async def lock(transaction: Connection, consumer: str, now: datetime) -> datetime:
    """Keep the consumer from going on until the transaction ends, and tell how far in time it has come.

    That is `now` where every event is handled, and when the first of the others was received where some are not.
    """
    row = await transaction.fetch_one(queries.LOCK, consumer)
    if row is None:
        return now
    place = queries.PLACES.one(row, transaction.dialect)
    ahead = await transaction.fetch_one(queries.NEXT, place.seq)
    return now if ahead is None else min(now, queries.AHEAD.one(ahead, transaction.dialect).received)


async def read(connection: Connection, seq: int) -> Entry | None:
    """The event with that number in the log, if it is still there."""
    row = await connection.fetch_one(queries.BY_SEQ, seq)
    return None if row is None else ENTRIES.one(row, connection.dialect)


async def page(
    store: Store, prefixes: Sequence[str] | None, after: tuple[datetime, int], until: datetime, limit: int
) -> list[Entry]:
    """Events as they occurred, from behind a time and number on; only of names that begin with a prefix, if given."""
    bounds = [bound for prefix in prefixes or () for bound in (prefix, prefix + _LAST)]
    statement = queries.page(None if prefixes is None else len(prefixes))
    return ENTRIES.all(await store.scan(statement, *after, until, limit, *bounds), store.dialect)
