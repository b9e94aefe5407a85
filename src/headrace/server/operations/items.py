"""The items of an operation: its own, or those that the operation which it undoes has changed."""

from collections.abc import Iterable, Sequence
from itertools import groupby
from operator import itemgetter
from uuid import UUID

from headrace.server.operations import queries
from headrace.server.operations.records import RECORDS, Record
from headrace.server.store.base import Connection, Row, Store
from headrace.wire.base import encode_text
from headrace.wire.operations import FailureGroup, ItemStatus, OperationItem, OperationNoun

Item = tuple[OperationNoun, UUID]

_NO_BOUND = 2**62
_GROUPS, _SAMPLES = 100, 5


async def add(transaction: Connection, operation_id: UUID, added: Iterable[Item], before: int) -> None:
    """Add items behind so many others, in their order."""
    for noun, group in groupby(added, itemgetter(0)):
        ids = [id for _, id in group]
        await transaction.execute(queries.ADD_ITEMS, operation_id, before, noun.value, ids)
        before += len(ids)


async def last_position(connection: Connection, record: Record) -> int:
    """Up to which item an operation goes: of another's, up to where what it undoes has come."""
    if record.items_of is None or record.undoes is None:
        return _NO_BOUND
    row = await connection.fetch_one(queries.READ, record.undoes)
    return 0 if row is None else RECORDS.one(row, connection.dialect).position


async def count(store: Store, record: Record) -> int:
    """How many items it has, of an operation that undoes another, which has ended."""
    bound = await last_position(store, record)
    return (await store.scan(queries.COUNT_SOURCE, record.source, record.id, 0, bound))[0][0]


async def following(store: Store, record: Record, after: int, bound: int, limit: int) -> list[OperationItem]:
    """The items behind a position that are to be dealt with for the first time."""
    rows = await store.scan(queries.NEXT, record.source, record.id, after, bound, limit)
    return queries.ITEMS.all(rows, store.dialect)


async def again(store: Store, record: Record, limit: int) -> list[OperationItem]:
    """Items that are to be tried again."""
    rows = await store.scan(queries.AGAIN, record.id, limit)
    return queries.ITEMS.all(rows, store.dialect)


async def listed(
    store: Store, record: Record, status: ItemStatus | None, after: int, limit: int
) -> list[OperationItem]:
    """The items behind a position, in their order, with how they fared."""
    bound = await last_position(store, record)
    return queries.ITEMS.all(await _rows(store, record, status, after, bound, limit), store.dialect)


async def _rows(
    store: Store, record: Record, status: ItemStatus | None, after: int, bound: int, limit: int
) -> Sequence[Row]:
    match status:
        case ItemStatus.FAILED | ItemStatus.SKIPPED | ItemStatus.CONFLICT:
            return await store.scan(queries.LIST_ITEMS_BY_STATUS, record.id, status.value, after, limit)
        case ItemStatus.DONE:
            which, bound = "simple", min(bound, record.position)
        case ItemStatus.PENDING:
            which, after = "simple", max(after, record.position)
        case None:
            which = "any"
    return await store.scan(queries.LIST_ITEMS, record.source, record.id, after, bound, limit, record.position, which)


async def failures(store: Store, id: UUID) -> list[FailureGroup]:
    """What went wrong, by error, the most frequent first, with some of the items; also when these are gone."""
    found = await store.scan(queries.KEPT_FAILURES, id)
    if found and (kept := queries.KEPT.one(found[0], store.dialect)) is not None:
        return kept
    return _grouped(await store.scan(queries.FAILURES, id, _SAMPLES * _GROUPS))


async def keep_failures(transaction: Connection, id: UUID) -> None:
    """Note with the operation what went wrong with its items, which are about to go."""
    if groups := _grouped(await transaction.fetch(queries.FAILURES, id, _SAMPLES * _GROUPS)):
        await transaction.execute(queries.KEEP_FAILURES, id, encode_text(groups))


def _grouped(rows: Sequence[Row]) -> list[FailureGroup]:
    groups: dict[tuple[str, str], FailureGroup] = {}
    for error, status, total, item in rows:
        group = groups.get((error, status))
        if group is None:
            group = FailureGroup(error=error or "", status=ItemStatus(status), count=total, samples=[])
            groups[error, status] = group
        group.samples.append(UUID(str(item)))
    return list(groups.values())[:_GROUPS]
