"""Removing and restoring, each in a transaction of its own."""

from collections.abc import Sequence
from uuid import UUID

from headrace.server.store.base import Store
from headrace.server.trash import service
from headrace.wire.operations import ConflictResolution, OperationNoun
from headrace.wire.times import now


async def remove(store: Store, noun: OperationNoun, ids: Sequence[UUID], operation_id: UUID) -> service.Removed:
    async with store.bulk() as transaction:
        return await service.remove(transaction, operation_id, noun, ids, now())


async def restore(
    store: Store,
    noun: OperationNoun,
    ids: Sequence[UUID],
    operation_id: UUID | None,
    on_conflict: ConflictResolution = ConflictResolution.SKIP,
) -> service.Restored:
    async with store.bulk() as transaction:
        return await service.restore(transaction, operation_id, noun, ids, now(), on_conflict)
