"""Removing objects so that they can be restored, and restoring them: a batch of one noun, in one transaction.

A batch may hold anything: what is deleted already, was never there, or is given twice has nothing done to it.
"""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from headrace.server.store.base import Connection, View
from headrace.server.trash import flow_runs
from headrace.server.trash.outcomes import Changed
from headrace.server.trash.outcomes import Conflict as Conflict
from headrace.server.trash.outcomes import Removed as Removed
from headrace.server.trash.outcomes import Restored as Restored
from headrace.wire.errors import InternalError
from headrace.wire.operations import ConflictResolution, OperationNoun


async def remove(
    transaction: Connection, operation_id: UUID, noun: OperationNoun, ids: Sequence[UUID], moment: datetime
) -> Removed:
    """Delete those of these objects that are live, with what belongs to each, in the operation's name.

    A flow run takes along its task runs, logs and artifacts; its subflow runs are items of their own (`related`).
    """
    changed = await _remove(transaction, operation_id, noun, ids, moment)
    done = set(changed.ids)
    return Removed(changed.ids, [id for id in ids if id not in done], changed.counts)


async def restore(
    transaction: Connection,
    operation_id: UUID | None,
    noun: OperationNoun,
    ids: Sequence[UUID],
    moment: datetime,
    on_conflict: ConflictResolution,
) -> Restored:
    """Give back those of these objects that the operation, or whichever, has deleted, as they were.

    What has a conflict stays deleted.
    """
    found = await conflicts(transaction, operation_id, noun, ids)
    held_back = {conflict.id for conflict in found}
    wanted = [id for id in ids if id not in held_back]
    changed = await _restore(transaction, operation_id, noun, wanted, moment)
    done = set(changed.ids)
    return Restored(changed.ids, [id for id in wanted if id not in done], found, changed.counts)


async def conflicts(
    connection: Connection | View, operation_id: UUID | None, noun: OperationNoun, ids: Sequence[UUID]
) -> list[Conflict]:
    """Why some of these objects cannot be restored."""
    return []


async def _remove(
    transaction: Connection, operation_id: UUID, noun: OperationNoun, ids: Sequence[UUID], moment: datetime
) -> Changed:
    match noun:
        case OperationNoun.FLOW_RUNS:
            return await flow_runs.remove(transaction, operation_id, ids, moment)
        case _:
            raise InternalError(f"{noun} cannot be deleted by an operation.")


async def _restore(
    transaction: Connection, operation_id: UUID | None, noun: OperationNoun, ids: Sequence[UUID], moment: datetime
) -> Changed:
    match noun:
        case OperationNoun.FLOW_RUNS:
            return await flow_runs.restore(transaction, operation_id, ids, moment)
        case _:
            raise InternalError(f"{noun} cannot be restored by an operation.")
