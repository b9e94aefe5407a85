"""Restoring all or nothing: what cannot be restored is found before anything is."""

from uuid import UUID

from headrace.server.operations import claims, ending, items, queries
from headrace.server.operations.records import Record
from headrace.server.store.base import Store, View
from headrace.server.trash import plain
from headrace.server.trash import service as trash
from headrace.server.trash.outcomes import Conflict
from headrace.settings import Settings
from headrace.wire.operations import OperationItem, OperationNoun, OperationStatus
from headrace.wire.times import now

_PAGE = 10_000
_MANY = 1_000
"""After so many conflicts no more are looked for."""


async def fail(store: Store, settings: Settings, record: Record) -> bool:
    """End a restore that has conflicts, and list them; False if there are none, or the operation is another's."""
    if await _comes_back(store, record):
        return False
    async with store.view() as view:
        found = await _find(store, view, record)
    if not found:
        return False
    positions: dict[str, list[int]] = {}
    for item, conflict in found:
        positions.setdefault(conflict.reason, []).append(item.position)
    async with store.transaction() as transaction:
        locked = await claims.lock(transaction, store, record.id)
        if locked is None:
            return False
        for reason, places in positions.items():
            await transaction.execute(queries.TELL, record.source, record.id, places, "conflict", reason)
        locked.failed = len(found)
        await transaction.execute(queries.SET_FAILED, record.id, locked.failed)
        keep = settings.server.trash.keep_seconds
        await ending.finish(
            transaction, locked, OperationStatus.FAILED, now(), keep_seconds=keep, error=_why(len(found))
        )
    return True


async def _comes_back(store: Store, record: Record) -> bool:
    """Whether that all can be restored is known without looking at each item."""
    if record.undoes is None or record.noun is not OperationNoun.FLOW_RUNS:
        return False
    return await plain.comes_back(store, record.undoes, record.total)


def _why(many: int) -> str:
    what = "1 item has a conflict" if many == 1 else f"{many:,} items have conflicts"
    return f"{what}, so that nothing was restored: restore with on_conflict skip to leave them out, or rename."


async def _find(store: Store, view: View, record: Record) -> list[tuple[OperationItem, Conflict]]:
    found: list[tuple[OperationItem, Conflict]] = []
    bound, after = await items.last_position(store, record), 0
    while len(found) < _MANY:
        page = await items.following(store, record, after, bound, _PAGE)
        if not page:
            break
        after = page[-1].position
        by_noun: dict[OperationNoun, dict[UUID, OperationItem]] = {}
        for item in page:
            by_noun.setdefault(item.noun, {})[item.id] = item
        for noun, of_noun in by_noun.items():
            ids = list(of_noun)
            found += [(of_noun[one.id], one) for one in await trash.conflicts(view, record.undoes, noun, ids)]
    return found
