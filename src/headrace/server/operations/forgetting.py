"""What is kept of operations that are over: for a while the list of their items, and longer their record.

What an operation has deleted is purged by its items, and what it has done is undone by them. So they stay as long as
something of that can still come; what went wrong with them is noted with the operation before they go.
"""

from datetime import datetime, timedelta
from uuid import UUID

import msgspec

from headrace.server.operations import items, queries
from headrace.server.store.base import Connection, Store
from headrace.settings.model import ServerOperationsSettings

_AT_ONCE = 50
"""Operations whose items go in one transaction: most have few."""


class Forgotten(msgspec.Struct, frozen=True, kw_only=True):
    """How many items are gone, of how many operations, and how many records of operations."""

    items: int = 0
    operations: int = 0
    records: int = 0


async def forget(store: Store, terms: ServerOperationsSettings, moment: datetime, rows: int) -> Forgotten | None:
    """Remove at most so many items and records that are not kept any more; None if there are none."""
    if terms.keep_items_seconds:
        before = moment - timedelta(seconds=terms.keep_items_seconds)
        async with store.bulk() as transaction:
            found = await _forget_items(transaction, before, moment, rows)
        if found.operations:
            return found
    if terms.keep_seconds:
        before = moment - timedelta(seconds=terms.keep_seconds)
        async with store.bulk() as transaction:
            records = await transaction.execute(queries.REMOVE, before, rows)
        if records:
            return Forgotten(records=records)
    return None


async def forget_some(transaction: Connection, id: UUID, moment: datetime, most: int) -> int:
    """Remove the first items of an operation; how many. From now on nothing can be undone by them."""
    await items.keep_failures(transaction, id)
    await transaction.execute(queries.FORGOTTEN, id, moment)
    return await transaction.execute(queries.FORGET_FIRST_ITEMS, id, most)


async def _forget_items(transaction: Connection, before: datetime, moment: datetime, rows: int) -> Forgotten:
    gone = operations = 0
    for (found,) in await transaction.fetch(queries.FORGETTABLE, before, _AT_ONCE):
        id, left = UUID(str(found)), rows - gone
        if left <= 0:
            break
        if not await _is_forgettable(transaction, id, before):
            continue
        removed = await forget_some(transaction, id, moment, left)
        if removed < left:
            await transaction.execute(queries.EMPTIED, id, moment)
        gone, operations = gone + removed, operations + 1
    return Forgotten(items=gone, operations=operations)


async def _is_forgettable(transaction: Connection, id: UUID, before: datetime) -> bool:
    """Whether it is so still, once nobody can begin to undo what has been done to its items."""
    await transaction.fetch(queries.LOCK_OTHERS, id)
    return await transaction.fetch_one(queries.IS_FORGETTABLE, before, id) is not None
