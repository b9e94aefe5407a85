"""What was made in flows and deployments between when their deletion was accepted and when they were deleted."""

from uuid import UUID

from headrace.server.operations import items, queries
from headrace.server.operations.expanding import CONTAINERS
from headrace.server.operations.items import Item
from headrace.server.operations.records import Record
from headrace.server.store.base import Connection
from headrace.server.trash import contents
from headrace.wire.operations import OperationKind, OperationNoun

_MOST = 5_000
"""Runs that are added at once."""


async def add(transaction: Connection, record: Record) -> int:
    """Make items of what is left in deleted flows and deployments, so that nothing is without its flow; how many.

    Nothing more can be made in them by now; if there is very much, the rest is added in the next rounds. The
    operation's row is locked.
    """
    if record.kind is not OperationKind.DELETE or record.noun not in CONTAINERS or record.items_of is not None:
        return 0
    left: dict[UUID, Item] = {}
    owners: dict[OperationNoun, list[UUID]] = {}
    for noun, id in await transaction.fetch(queries.CONTAINERS, record.id):
        owners.setdefault(OperationNoun(noun), []).append(UUID(str(id)))
    for noun, ids in owners.items():
        for item in await contents.first(transaction, noun, ids, children=record.options.children, most=_MOST):
            left.setdefault(item[1], item)
    if not left:
        return 0
    row = await transaction.fetch_one(queries.LAST_ITEM, record.id)
    last = 0 if row is None else row[0]
    await items.add(transaction, record.id, left.values(), last)
    await transaction.execute(queries.GROW, record.id, len(left))
    return len(left)
