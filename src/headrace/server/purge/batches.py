"""One batch of what is removed for good: one transaction, which also moves the operation's position.

Whatever dies, the next batch begins where the last one that was committed has ended. Two servers never work on the
same operation, because its row is locked. What is restored in time is not removed: rows are locked while they are
looked at, and only those that are still deleted in the operation's own name go.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime
from itertools import groupby
from uuid import UUID

import msgspec

from headrace.server.operations import forgetting
from headrace.server.purge import queries
from headrace.server.purge.queries import Due, Item
from headrace.server.purge.removal import Removal
from headrace.server.store.base import Connection, Store
from headrace.wire.operations import OperationNoun

_MOST_ITEMS = 1_000
_ITEMS_FOR_A_ROW = 10
"""An item is forgotten in a small part of the time that a row with its indexes takes."""


class Batch(msgspec.Struct, frozen=True, kw_only=True):
    """What one transaction has removed, by table.

    `emptied` tells that nothing of the operation is left but its row. `own_bytes` is the room of the list of its items,
    where the database tells it: it was not taken before the operation, so its end gives nothing back.
    """

    operation_id: UUID
    items: int
    counts: Mapping[str, int]
    emptied: bool = False
    own_bytes: int = 0

    @property
    def rows(self) -> int:
        return sum(self.counts.values())


async def remove(store: Store, moment: datetime, rows: int, items: int) -> Batch | None:
    """Remove at most so many rows, of at most so many items, of the operation that is due first; None if none is."""
    async with store.bulk() as transaction:
        due = await queries.claim(transaction, moment)
        if due is None:
            return None
        removal = Removal(transaction, rows)
        found = await queries.next_items(transaction, due, min(max(items, 1), _MOST_ITEMS))
        if not found:
            return await _clear(transaction, due, removal, moment)
        position = due.purge_position
        for noun, group in groupby(found, key=lambda item: item.noun):
            some = list(group)
            if not await _remove_items(transaction, due, removal, noun, some):
                break
            position = some[-1].position
        await removal.account()
        await queries.move(transaction, due, position, removal.counts.total())
        done = sum(item.position <= position for item in found)
        return Batch(operation_id=due.id, items=done, counts=Counter(removal.counts))


async def _remove_items(
    transaction: Connection, due: Due, removal: Removal, noun: OperationNoun, items: Sequence[Item]
) -> bool:
    """Remove items of one noun; False where some of what belongs to them is left for the next batch."""
    ids = [item.id for item in items]
    hidden = await queries.hidden(transaction, ids, due) if noun is OperationNoun.FLOW_RUNS else []
    marked = await queries.marked(transaction, noun, ids, due)
    if not await removal.remove(noun, sorted({*hidden, *marked}), hidden):
        await queries.hold(transaction, noun, marked, hidden)
        return False
    await queries.unhide(transaction, hidden)
    return True


async def _clear(transaction: Connection, due: Due, removal: Removal, moment: datetime) -> Batch:
    """All items are dealt with: what had to wait for them goes, then the list of them; the operation's row stays."""
    emptied, own = False, 0
    if await removal.remove_left_over(due.id):
        before, most = await queries.empty_bytes(transaction), removal.left * _ITEMS_FOR_A_ROW
        emptied = await forgetting.forget_some(transaction, due.source, moment, most) < most
        own = await queries.empty_bytes(transaction) - before
    await queries.move(transaction, due, due.purge_position, removal.counts.total())
    counts = Counter(removal.counts)
    return Batch(operation_id=due.id, items=0, counts=counts, emptied=emptied, own_bytes=own)
