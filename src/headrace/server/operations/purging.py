"""Removing for good what one operation has deleted, without waiting until it is due."""

from uuid import UUID

import msgspec

from headrace.server.operations import events, queries, service
from headrace.server.operations.records import Record, shown
from headrace.server.store.base import Store, Topic
from headrace.wire.base import encode_text
from headrace.wire.errors import Conflict, Gone
from headrace.wire.operations import Operation, OperationKind, OperationStatus


async def purge(store: Store, id: UUID, purge: Record, key: str | None) -> Operation:
    """Have what an operation has deleted be due now. `purge` is the operation that does so, over at once.

    Raises `Conflict` for an operation that has deleted nothing, or goes on, and `Gone` where nothing is left.
    """
    moment = purge.created
    async with store.transaction() as transaction:
        deleted = await service.lock(transaction, id)
        _check(deleted)
        done = msgspec.structs.replace(
            purge,
            status=OperationStatus.COMPLETED,
            frozen=moment,
            started=moment,
            finished=moment,
            total=deleted.changed,
            changed=deleted.changed,
            counts=deleted.counts,
        )
        if not await service.insert(transaction, done, key):
            raise Conflict(f"The idempotency key {key!r} was used at the same time: send the request again.")
        values = (done.total, done.changed, 0, encode_text(done.counts))
        await transaction.execute(queries.SET_PROGRESS, done.id, moment, *values)
        await transaction.execute(queries.FINISH, done.id, done.status.value, moment, None, None)
        await transaction.execute(queries.PURGE_AT, id, moment)
        await events.tell(transaction, done, OperationStatus.COMPLETED, moment)
        transaction.announce(Topic.PURGE)
    return shown(done, moment)


def _check(deleted: Record) -> None:
    if deleted.kind is not OperationKind.DELETE or (deleted.finished is not None and not deleted.changed):
        raise Conflict(f"Operation {deleted.id} has deleted nothing: there is nothing to remove.")
    if deleted.finished is None:
        raise Conflict(f"Operation {deleted.id} goes on: wait until it has ended, or stop it.")
    if deleted.undone_by is not None and deleted.purge_at is None:  # otherwise some could not be restored
        raise Conflict(f"Operation {deleted.id} was undone by {deleted.undone_by}: there is nothing to remove.")
    if deleted.purged is not None:
        raise Gone(f"What operation {deleted.id} deleted was removed for good already.")
