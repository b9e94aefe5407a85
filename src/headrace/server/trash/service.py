"""Removing objects so that they can be restored, and restoring them: a batch of one noun, in one transaction.

A batch may hold anything: what is deleted already, was never there, or is given twice has nothing done to it.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime
from uuid import UUID

from headrace.server.store.base import Connection, View
from headrace.server.store.marks import PURGING
from headrace.server.store.rows import Kind, Reader
from headrace.server.trash import artifacts, deployments, flow_runs, renaming, task_runs
from headrace.server.trash.chosen import chosen, rows_of
from headrace.server.trash.conflicts import Found, find
from headrace.server.trash.named import AUTOMATIONS, BLOCK_DOCUMENTS, FLOWS, VARIABLES
from headrace.server.trash.outcomes import Changed, together
from headrace.server.trash.outcomes import Conflict as Conflict
from headrace.server.trash.outcomes import Removed as Removed
from headrace.server.trash.outcomes import Restored as Restored
from headrace.wire.operations import ConflictResolution, OperationNoun

_Change = Callable[[Connection, UUID, Sequence[UUID], datetime], Awaitable[Changed]]
_REMOVE: Mapping[OperationNoun, _Change] = {
    OperationNoun.FLOWS: FLOWS.remove,
    OperationNoun.FLOW_RUNS: flow_runs.remove,
    OperationNoun.TASK_RUNS: task_runs.remove,
    OperationNoun.DEPLOYMENTS: deployments.remove,
    OperationNoun.ARTIFACTS: artifacts.remove,
    OperationNoun.VARIABLES: VARIABLES.remove,
    OperationNoun.BLOCK_DOCUMENTS: BLOCK_DOCUMENTS.remove,
    OperationNoun.AUTOMATIONS: AUTOMATIONS.remove,
}
_RESTORE: Mapping[OperationNoun, _Change] = {
    OperationNoun.FLOWS: FLOWS.restore,
    OperationNoun.FLOW_RUNS: flow_runs.restore,
    OperationNoun.TASK_RUNS: task_runs.restore,
    OperationNoun.DEPLOYMENTS: deployments.restore,
    OperationNoun.ARTIFACTS: artifacts.restore,
    OperationNoun.VARIABLES: VARIABLES.restore,
    OperationNoun.BLOCK_DOCUMENTS: BLOCK_DOCUMENTS.restore,
    OperationNoun.AUTOMATIONS: AUTOMATIONS.restore,
}


def _by(*, id: UUID, by: UUID) -> tuple[UUID, UUID]:
    return id, by


_OWNED: Reader[tuple[UUID, UUID]] = Reader(_by, {"id": Kind.UUID, "by": Kind.UUID})
_OPERATIONS = {  # none for what is being purged: some of it is gone
    noun: chosen(f"SELECT id, deleted_by FROM {noun.value} WHERE id {{among}} AND deleted_by <> '{PURGING}'")
    for noun in OperationNoun
} | {
    OperationNoun.FLOW_RUNS: chosen(
        f"SELECT id, deleted_by FROM flow_runs WHERE id {{among}} AND deleted_by <> '{PURGING}'"
        f" UNION ALL SELECT id, operation_id FROM hidden_runs WHERE id {{among}} AND operation_id <> '{PURGING}'"
    )
}


async def remove(
    transaction: Connection, operation_id: UUID, noun: OperationNoun, ids: Sequence[UUID], moment: datetime
) -> Removed:
    """Delete those of these objects that are live, with what belongs to each, in the operation's name.

    A flow run takes along its task runs, logs and artifacts; what goes along as items of its own is told by `contents`.
    """
    changed = await _REMOVE[noun](transaction, operation_id, ids, moment)
    done = set(changed.ids)
    return Removed(changed.ids, [id for id in ids if id not in done], together([changed.counts]))


async def restore(
    transaction: Connection,
    operation_id: UUID | None,
    noun: OperationNoun,
    ids: Sequence[UUID],
    moment: datetime,
    on_conflict: ConflictResolution,
) -> Restored:
    """Give back those of these objects that the operation, or whichever, has deleted, as they were.

    What has a conflict stays deleted, unless it is to be renamed.
    """
    restored: list[UUID] = []
    held_back: list[Conflict] = []
    counts: list[Mapping[str, int]] = []
    for by, of_it in await _by_operation(transaction, operation_id, noun, ids):
        theirs = of_it
        if noun is OperationNoun.FLOW_RUNS:
            shown, theirs = await flow_runs.show(transaction, by, theirs, moment)
            restored += shown.ids
            counts.append(shown.counts)
            if not theirs:
                continue
        found = await find(transaction, by, noun, theirs, along=False)
        left = await _left(transaction, noun, found, on_conflict)
        held_back += left
        without = {conflict.id for conflict in left}
        changed = await _RESTORE[noun](transaction, by, [id for id in theirs if id not in without], moment)
        restored += changed.ids
        counts.append(changed.counts)
    dealt_with = {*restored, *(conflict.id for conflict in held_back)}
    return Restored(restored, [id for id in ids if id not in dealt_with], held_back, together(counts))


async def conflicts(
    connection: Connection | View, operation_id: UUID | None, noun: OperationNoun, ids: Sequence[UUID]
) -> list[Conflict]:
    """Why some of these objects cannot be restored; what they belong to comes back along, if it went along."""
    found: list[Conflict] = []
    for by, theirs in await _by_operation(connection, operation_id, noun, ids):
        found += [one.conflict for one in await find(connection, by, noun, theirs, along=True)]
    return found


async def _left(
    transaction: Connection, noun: OperationNoun, found: Sequence[Found], on_conflict: ConflictResolution
) -> list[Conflict]:
    """The conflicts that remain, once what may be renamed is."""
    if on_conflict is not ConflictResolution.RENAME:
        return [one.conflict for one in found]
    return [
        one.conflict
        for one in found
        if not (one.can_rename and await renaming.rename(transaction, noun, one.conflict.id))
    ]


async def _by_operation(
    connection: Connection | View, operation_id: UUID | None, noun: OperationNoun, ids: Sequence[UUID]
) -> list[tuple[UUID, list[UUID]]]:
    """The ids by the operation that has deleted them, the latest first: of two with one name it is the one to have."""
    if operation_id is not None:
        return [(operation_id, list(ids))]
    found: dict[UUID, list[UUID]] = {}
    rows = await rows_of(connection, _OPERATIONS[noun], list(ids))
    for id, by in _OWNED.all(rows, connection.dialect):
        found.setdefault(by, []).append(id)
    return sorted(found.items(), key=lambda item: item[0].int, reverse=True)
