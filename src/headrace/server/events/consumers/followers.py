"""Events that wait for the one they follow, as rows, so that they outlive any server.

A follower is parked until its leader has been handled, then it is released, and with it what waits for it: at any
depth, any number of them. One transaction handles a bounded number; of the others those that are free are marked
`ready` and come next. One whose leader never comes is released after the look-back.
"""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from uuid import UUID

import msgspec

from headrace.rules.ordering import arrange
from headrace.server.events.consumers import queries
from headrace.server.events.consumers.entries import ENTRIES, Entry
from headrace.server.store.base import Connection

LOOK_BACK = timedelta(minutes=15)
"""How long after its own arrival an event waits for a leader that is not in the log (contract §6.5)."""


class Wave(msgspec.Struct, frozen=True):
    """What is released, in the order in which it is handled; `partial` if there is more for other transactions."""

    entries: list[Entry]
    partial: bool


async def waiting_test(
    transaction: Connection, consumer: str, entries: Sequence[Entry], end: int, now: datetime
) -> Callable[[Entry], bool]:
    """The test whether an event has to wait for its leader, which is not among the entries.

    It has, if the leader is parked itself or lies behind `end`, where it is sure to be met; and for a while, if the
    leader is not in the log.
    """
    here = {entry.id for entry in entries}
    leaders = {entry.follows for entry in entries if entry.follows is not None} - here
    if not leaders:
        return _never
    rows = await transaction.fetch(queries.LEADERS, consumer, list(leaders), end)
    known = {leader.id: leader.ahead for leader in queries.LEADERS_FOUND.all(rows, transaction.dialect)}
    oldest = now - LOOK_BACK

    def waits(entry: Entry) -> bool:
        ahead = known.get(entry.follows) if entry.follows is not None else False
        return entry.received > oldest if ahead is None else ahead

    return waits


async def park(transaction: Connection, consumer: str, entries: Sequence[Entry]) -> None:
    """Keep events until their leader has been handled."""
    await transaction.execute_many(
        queries.PARK,
        [(consumer, one.seq, one.id, one.follows, one.received, one.occurred) for one in entries],
    )


async def take_ready(transaction: Connection, consumer: str, limit: int) -> list[Entry]:
    """The first of those that wait for nothing any more, in the order in which they are handled."""
    rows = await transaction.fetch(queries.READY, consumer, limit)
    entries = ENTRIES.all(rows, transaction.dialect)
    await _remove(transaction, consumer, entries)
    return arrange(entries, _never).handled


async def release(transaction: Connection, consumer: str, leaders: Sequence[UUID], limit: int) -> Wave:
    """What waited for these leaders, now that they are handled, and what waited for that: about `limit` of it."""
    rows = await transaction.fetch(queries.RELEASED, consumer, list(leaders), limit)
    if not rows:
        return Wave([], partial=False)
    partial = len(rows) >= limit
    if partial:
        # The last level may be cut, and siblings are handled together: it waits for another transaction.
        deepest = rows[-1][-1]
        rows = [row for row in rows if row[-1] < deepest]
    entries = ENTRIES.all([row[:-1] for row in rows], transaction.dialect)
    await _remove(transaction, consumer, entries)
    if partial:
        await transaction.execute(queries.MARK_READY, consumer, [*leaders, *(entry.id for entry in entries)])
    return Wave(arrange(entries, _never).handled, partial)


async def give_up(transaction: Connection, consumer: str, clock: datetime, limit: int) -> int:
    """Release those that have waited long enough for a leader that never came; how many those are.

    `clock` is how far the log has been handled: what was away for an hour has not waited for it.
    """
    await transaction.execute(queries.LOST, consumer)
    released = await transaction.execute(queries.GIVE_UP, consumer, clock - LOOK_BACK, limit)
    return released or await _open_circle(transaction, consumer, clock - 2 * LOOK_BACK)


async def _open_circle(transaction: Connection, consumer: str, before: datetime) -> int:
    """Release one of those that wait for each other in a circle, so that the others come after it."""
    rows = await transaction.fetch(queries.LEADERS_ABOVE, consumer, before)
    above = queries.WAITING.all(rows, transaction.dialect)
    ids = {one.id for one in above}
    if not above or any(one.follows not in ids for one in above):
        return 0
    opening = arrange(above, lambda waiting: True).handled[0]
    return await transaction.execute(queries.MARK_ONE_READY, consumer, opening.seq)


async def _remove(transaction: Connection, consumer: str, entries: Sequence[Entry]) -> None:
    if entries:
        await transaction.execute(queries.REMOVE, consumer, [entry.seq for entry in entries])


def _never(entry: Entry) -> bool:
    return False
