"""What can be done with operations."""

from collections.abc import Mapping
from datetime import datetime
from hashlib import sha256
from typing import Any
from uuid import UUID

import msgspec

from headrace.rules import targets
from headrace.server.operations import claims, events, freezing, items, queries
from headrace.server.operations.authors import Author
from headrace.server.operations.records import RECORDS, Record, shown
from headrace.server.operations.selection import Selection
from headrace.server.store.base import Connection, Store, Topic
from headrace.wire.base import encode, encode_text
from headrace.wire.errors import Conflict, Gone, InvalidRequest, ObjectNotFound
from headrace.wire.ids import uuid7
from headrace.wire.operations import (
    FailureGroup,
    ItemStatus,
    Operation,
    OperationCreate,
    OperationItem,
    OperationKind,
    OperationOptions,
    OperationPreview,
    OperationStatus,
    OperationUndo,
    Preview,
    Target,
)
from headrace.wire.times import now

SHOWN_IDS = 100
"""So many of the ids that a request names are shown with the operation; all of them are its items."""


async def create(
    store: Store, body: OperationCreate, author: Author, moment: datetime, key: str | None = None
) -> Operation:
    """Accept an operation: what it applies to is what matches now, whatever becomes of it until it is dealt with.

    The same `key` stands for the same operation. Raises `InvalidRequest` for a target that cannot be meant, and
    `Conflict` for a key that came with another request, or a preview's token that does not hold any more.
    """
    _check(body)
    fingerprint = sha256(encode(body)).hexdigest()
    if key is not None and (known := await _by_key(store, key, fingerprint)) is not None:
        return shown(known, moment)
    if body.token is not None:
        from headrace.server.operations.preview import hold_to

        await hold_to(store, body)
    if body.target.operation_id is not None and body.kind is OperationKind.RESTORE:
        how = OperationUndo(on_conflict=body.options.on_conflict, reason=body.reason)
        return await undo(store, body.target.operation_id, how, author, moment)
    if body.target.operation_id is not None and body.kind is OperationKind.PURGE:
        from headrace.server.operations import purging

        return await purging.purge(store, body.target.operation_id, _record(body, author, moment, fingerprint), key)
    record = _record(body, author, moment, fingerprint)
    return shown(await _accept(store, record, body.target, key), now())


async def preview(store: Store, asked: OperationPreview) -> Preview:
    """What an operation would do now. Raises `InvalidRequest` for a target that cannot be meant."""
    from headrace.server.operations import preview as previewing

    _check(asked)
    return await previewing.preview(store, asked)


def _check(asked: OperationCreate | OperationPreview) -> None:
    refused = targets.refusal(asked.kind, asked.noun, asked.target, asked.options)
    if refused is not None:
        raise InvalidRequest(refused.message, ("body", *refused.location))


async def read(connection: Connection, id: UUID, moment: datetime) -> Operation:
    """The operation and how far it is, or raise `ObjectNotFound`."""
    return shown(await load(connection, id), moment)


async def load(connection: Connection, id: UUID) -> Record:
    """The operation as it is stored, or raise `ObjectNotFound`."""
    row = await connection.fetch_one(queries.READ, id)
    if row is None:
        raise ObjectNotFound(f"There is no operation {id}.")
    return RECORDS.one(row, connection.dialect)


async def list_operations(
    store: Store, is_open: bool | None, kind: OperationKind | None, limit: int, offset: int, moment: datetime
) -> list[Operation]:
    """Operations, the newest first."""
    rows = await store.scan(queries.LIST, is_open, None if kind is None else kind.value, limit, offset)
    return [shown(record, moment) for record in RECORDS.all(rows, store.dialect)]


async def list_items(store: Store, id: UUID, status: ItemStatus | None, after: int, limit: int) -> list[OperationItem]:
    """The items behind the position `after`, in their order, with how they fared, or raise `Gone`."""
    record = await load(store, id)
    check_items(record)
    return await items.listed(store, record, status, after, limit)


async def list_failures(store: Store, id: UUID) -> list[FailureGroup]:
    """What went wrong, by error, the most frequent first, with some of the items."""
    await load(store, id)
    return await items.failures(store, id)


async def abort(store: Store, id: UUID, moment: datetime) -> Operation:
    """Stop an operation before its next batch; what is done stays done. Raises `Conflict` if it has ended already."""
    async with store.transaction() as transaction:
        record = await lock(transaction, id)
        if record.status is OperationStatus.ABORTED:
            return shown(record, moment)
        if record.finished is not None:
            raise Conflict(f"Operation {id} has ended already ({record.status}): undo it, if it can be undone.")
        await transaction.execute(queries.ABORT, id, True)
        transaction.announce(Topic.OPERATIONS)
    return await read(store, id, moment)


async def retry_failed(store: Store, id: UUID, moment: datetime) -> Operation:
    """Try the items again that failed or had a conflict. Raises `Conflict` for one that goes on, or was stopped."""
    async with store.transaction() as transaction:
        record = await lock(transaction, id)
        if record.finished is None:
            raise Conflict(f"Operation {id} goes on: wait until it has ended, then try again what failed.")
        if record.status is OperationStatus.ABORTED:
            raise Conflict(f"Operation {id} was stopped, and is not gone on with: begin a new one for what is left.")
        if not record.failed:
            return shown(record, moment)
        if record.status is OperationStatus.FAILED:
            raise Conflict(f"Operation {id} was given up as a whole, and has done nothing: begin a new one.")
        if record.undone_by is not None:
            raise Conflict(f"Operation {id} was undone by {record.undone_by}: what failed is not tried again.")
        check_items(record)
        await transaction.execute(queries.TRY_AGAIN, id)
        await transaction.execute(queries.REOPEN, id, False, encode_text(record.options))
        await events.tell(transaction, record, OperationStatus.RUNNING, moment)
        transaction.announce(Topic.OPERATIONS)
    return await read(store, id, moment)


async def undo(store: Store, id: UUID, how: OperationUndo, author: Author, moment: datetime) -> Operation:
    """Begin the operation that takes back what another one did, or find the one that was begun before.

    Where that one has left some items, for instance because of conflicts, another is begun for those. One that still
    goes on is stopped first. Raises `Conflict` for what cannot be undone, and `Gone` where it has been
    removed for good.
    """
    async with store.transaction() as transaction:
        record = await lock(transaction, id)
        if record.undone_by is not None:
            before = await load(transaction, record.undone_by)
            if before.finished is None or not before.failed:
                return shown(before, moment)
        opposite = opposite_of(record)
        undoing = Record(
            id=uuid7(),
            created=moment,
            kind=opposite,
            noun=record.noun,
            status=OperationStatus.ACCEPTED,
            target={"operation_id": str(id)},
            items_of=record.source,
            options=OperationOptions(on_conflict=how.on_conflict),
            reason=how.reason,
            created_by=author.by,
            undoes=id,
        )
        await insert(transaction, undoing)
        await transaction.execute(queries.UNDONE_BY, id, undoing.id, None)
        if record.finished is None:
            await transaction.execute(queries.ABORT, id, True)
        await events.tell(transaction, undoing, OperationStatus.ACCEPTED, moment)
        transaction.announce(Topic.OPERATIONS)
    return shown(undoing, moment)


def opposite_of(record: Record) -> OperationKind:
    opposite = record.opposite
    if opposite is None:
        raise Conflict(f"What {record.kind} has done cannot be undone: operation {record.id} stays as it is.")
    if record.purged is not None or record.purge_position:
        raise Gone(f"What operation {record.id} deleted has been, or is being, removed for good.")
    if record.finished is not None and not record.changed:
        raise Conflict(f"Operation {record.id} has changed nothing: there is nothing to undo.")
    check_items(record)
    return opposite


def check_items(record: Record) -> None:
    """Raise `Gone` where it is not known any more what the operation applied to."""
    if record.forgotten is not None:
        raise Gone(
            f"What operation {record.id} applied to is not kept any more, since {record.forgotten:%Y-%m-%d %H:%M}:"
            " how many and what failed are."
        )


async def _accept(store: Store, record: Record, target: Target, key: str | None) -> Record:
    """Store it, with a view of the moment for who freezes it; or find the one that came with the same key."""
    ids = None if target.ids is None else freezing.packed(target.ids)
    if ids is None:
        Selection.of(record.kind, record.noun, target).check(store.dialect)
    # What ids name is known; what filters match is seen now, and read when the answer is out.
    moment = await freezing.Moment(store).open() if ids is None else None
    accepted = False
    try:
        async with store.transaction() as transaction:
            is_new = await insert(transaction, record, key, ids, claims.holder(store))
            if is_new:
                await events.tell(transaction, record, OperationStatus.ACCEPTED, record.created)
        accepted = is_new
    finally:
        if not accepted and moment is not None:
            await moment.close()
    if accepted:
        freezing.begin(store, record, moment)
        return record
    known = None if key is None else await _by_key(store, key, record.fingerprint or "")
    assert known is not None
    return known


async def insert(
    transaction: Connection,
    record: Record,
    key: str | None = None,
    ids: bytes | None = None,
    holder: str | None = None,
) -> bool:
    """Store a new operation; False if there is one with that key."""
    row = await transaction.fetch_one(
        queries.INSERT,
        record.id,
        record.created,
        record.kind.value,
        record.noun.value,
        record.status.value,
        encode_text(record.target),
        ids,
        record.items_of,
        encode_text(record.options),
        record.reason,
        None if record.created_by is None else encode_text(record.created_by),
        record.policy,
        key,
        record.fingerprint,
        record.undoes,
        record.frozen,
        record.total,
        holder,
        None if holder is None else now() + claims.LEASE,
    )
    return row is not None


def _record(body: OperationCreate, author: Author, moment: datetime, fingerprint: str) -> Record:
    return Record(
        id=uuid7(),
        created=moment,
        kind=body.kind,
        noun=body.noun,
        status=OperationStatus.ACCEPTED,
        target=told(body.target),
        options=body.options,
        reason=body.reason,
        created_by=author.by,
        policy=author.policy,
        fingerprint=fingerprint,
    )


def told(target: Target) -> dict[str, Any]:
    """What was asked for, as it is shown: of many ids the first."""
    if target.ids is not None:
        return {"ids": [str(id) for id in target.ids[:SHOWN_IDS]], "count": len(target.ids)}
    given: Mapping[str, Any] = msgspec.to_builtins(target)
    return {name: _without_nulls(value) for name, value in given.items() if value not in (None, False)}


def _without_nulls(value: Any) -> Any:
    match value:
        case dict():
            return {name: _without_nulls(inner) for name, inner in value.items() if inner is not None}  # pyright: ignore[reportUnknownVariableType]
        case _:
            return value


async def _by_key(connection: Connection, key: str, fingerprint: str) -> Record | None:
    """The operation that came with a key. Raises `Conflict` if it came with another request."""
    row = await connection.fetch_one(queries.READ_BY_KEY, key)
    if row is None:
        return None
    record = RECORDS.one(row, connection.dialect)
    if record.fingerprint != fingerprint:
        raise Conflict(
            f"The idempotency key {key!r} came with another request, which operation {record.id} is for:"
            " use a new key for a new operation."
        )
    return record


async def lock(transaction: Connection, id: UUID) -> Record:
    """The same, locked."""
    row = await transaction.fetch_one(queries.LOCK, id)
    if row is None:
        raise ObjectNotFound(f"There is no operation {id}.")
    return RECORDS.one(row, transaction.dialect)
