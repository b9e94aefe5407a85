"""Deleting a few objects in one request, as Prefect's own routes do: an operation that is over when it is answered."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import msgspec

from headrace.server.operations import ending, freezing, items, queries, service
from headrace.server.operations.authors import Author
from headrace.server.operations.expanding import CONTAINERS
from headrace.server.operations.items import Item
from headrace.server.operations.records import Record
from headrace.server.store.base import Connection, Store, Topic
from headrace.server.trash import contents
from headrace.server.trash import service as trash
from headrace.server.trash.outcomes import together
from headrace.settings import Settings
from headrace.wire.base import encode_text
from headrace.wire.ids import uuid7
from headrace.wire.operations import OperationKind, OperationNoun, OperationOptions, OperationStatus, Target
from headrace.wire.times import now

AT_ONCE = 1_000
"""So many objects that go along are deleted in the same transaction; more follow by themselves, batch by batch."""


async def delete_now(
    store: Store,
    settings: Settings,
    noun: OperationNoun,
    ids: Sequence[UUID],
    author: Author,
) -> list[UUID]:
    """Delete those of these objects that are live, with what belongs to them; returns their ids.

    Subflow runs stay, as Prefect's clients expect. What goes along with flows and deployments, and is too much for one
    transaction, is written down and deleted afterwards.

    What is deleted can be undone as that of any operation. Where there is nothing to delete there is none.
    """
    record = _record(noun, ids, author, now())
    async with store.transaction() as transaction:
        done = await trash.remove(transaction, record.id, noun, sorted(ids, key=_number), record.created)
        if not done.removed:
            return []
        along: list[Item] = []
        if noun in CONTAINERS:  # nothing more can be made in them once they are deleted
            along = await contents.first(transaction, noun, done.removed, children=False, most=AT_ONCE + 1)
        is_over = len(along) <= AT_ONCE
        all_items: list[Item] = [*((noun, id) for id in done.removed), *(along if is_over else ())]
        record = msgspec.structs.replace(
            record,
            frozen=record.created if is_over else None,
            started=record.created,
            total=len(all_items),
            position=len(done.removed),
            changed=len(done.removed),
            counts=dict(done.counts),
        )
        await service.insert(transaction, record, ids=None if is_over else freezing.packed(done.removed))
        await items.add(transaction, record.id, all_items, 0)
        if is_over:
            record = await _delete_along(transaction, record, along)
        await _note(transaction, record)
        if is_over:
            keep = settings.server.trash.keep_seconds
            await ending.finish(transaction, record, OperationStatus.COMPLETED, record.created, keep_seconds=keep)
        transaction.announce(Topic.OPERATIONS)
    if not is_over:
        await _go_on(store, settings, record.id)
    return done.removed


def _record(noun: OperationNoun, ids: Sequence[UUID], author: Author, moment: datetime) -> Record:
    return Record(
        id=uuid7(),
        created=moment,
        kind=OperationKind.DELETE,
        noun=noun,
        status=OperationStatus.RUNNING,
        target=service.told(Target(ids=list(ids))),
        options=OperationOptions(children=False),
        created_by=author.by,
        policy=author.policy,
    )


async def _delete_along(transaction: Connection, record: Record, along: Sequence[Item]) -> Record:
    counts, changed, skipped = [record.counts], record.changed, record.skipped
    for noun in dict.fromkeys(noun for noun, _ in along):
        ids = sorted((id for of, id in along if of is noun), key=_number)
        done = await trash.remove(transaction, record.id, noun, ids, record.created)
        counts.append(dict(done.counts))
        changed, skipped = changed + len(done.removed), skipped + len(done.gone)
    return msgspec.structs.replace(
        record, position=record.total, changed=changed, skipped=skipped, counts=together(counts)
    )


async def _note(transaction: Connection, record: Record) -> None:
    await transaction.execute(
        queries.SET_PROGRESS,
        record.id,
        record.started,
        record.position,
        record.changed,
        record.skipped,
        encode_text(record.counts),
    )


async def _go_on(store: Store, settings: Settings, id: UUID) -> None:
    """Leave the rest to the service, or do it here where a process runs none."""
    from headrace.server.operations.worker import Operations, carry_out_here

    if Operations.of(store) is None:
        await carry_out_here(store, settings, id)


def _number(id: UUID) -> int:
    return id.int
