"""What triggers remember, read into a ledger before events are handled and written back after."""

from collections.abc import Collection, Iterable
from datetime import datetime
from uuid import UUID

from headrace.rules.triggers.buckets import Bucket
from headrace.rules.triggers.ledgers import BucketKey, Ledger
from headrace.rules.triggers.plans import Watch
from headrace.server.automations.evaluation import queries
from headrace.server.store.base import Connection
from headrace.wire.base import encode_text
from headrace.wire.firings import Firing


async def still_there(transaction: Connection, automations: Collection[UUID]) -> set[UUID]:
    """Those of the automations that are switched on now, and stay so until the transaction has ended."""
    rows = await transaction.fetch(queries.STILL_THERE, list(automations))
    return {present.id for present in queries.PRESENT.all(rows, transaction.dialect)}


async def read(transaction: Connection, places: Iterable[BucketKey], watches: Iterable[Watch]) -> Ledger:
    """The buckets of these triggers and keys, and what the triggers that these are a part of have had."""
    wanted = set(places)
    buckets: dict[BucketKey, Bucket] = {}
    if wanted:
        ids, keys = {id for id, _ in wanted}, {key for _, key in wanted}
        rows = await transaction.fetch(queries.READ_BUCKETS, list(ids), list(keys))
        stored = queries.BUCKETS.all(rows, transaction.dialect)
        buckets = {(one.trigger_id, one.key): one.as_bucket() for one in stored}
    return Ledger(buckets, await _children(transaction, {parent.id for watch in watches for parent in watch.parents}))


async def overdue(
    transaction: Connection, watches: Collection[Watch], clock: datetime, limit: int
) -> tuple[Ledger, list[BucketKey]]:
    """The windows of these triggers that are over, the earliest first, and a ledger that holds them."""
    rows = await transaction.fetch(queries.OVERDUE, [watch.trigger_id for watch in watches], clock, limit)
    stored = queries.BUCKETS.all(rows, transaction.dialect)
    places = [(one.trigger_id, one.key) for one in stored]
    concerned = {one.trigger_id for one in stored}
    parents = {parent.id for watch in watches if watch.trigger_id in concerned for parent in watch.parents}
    buckets = {place: one.as_bucket() for place, one in zip(places, stored, strict=True)}
    return Ledger(buckets, await _children(transaction, parents)), places


async def write(transaction: Connection, ledger: Ledger, now: datetime) -> None:
    """Keep what has changed."""
    kept: list[tuple[object, ...]] = []
    gone: list[BucketKey] = []
    for place, (watch, bucket) in ledger.changed_buckets.items():
        if bucket is None:
            gone.append(place)
        else:
            last = None if bucket.last_event is None else encode_text(bucket.last_event)
            kept.append((watch.automation.id, *place, bucket.since, bucket.until, bucket.count, last, now))
    if gone:
        await transaction.execute_many(queries.DROP_BUCKET, gone)
    if kept:
        await transaction.execute_many(queries.KEEP_BUCKET, kept)
    if ledger.changed_parents:
        await _write_children(transaction, ledger)


async def _children(transaction: Connection, parents: Collection[UUID]) -> dict[UUID, dict[UUID, Firing]]:
    if not parents:
        return {}
    found: dict[UUID, dict[UUID, Firing]] = {}
    rows = await transaction.fetch(queries.READ_CHILDREN, list(parents))
    for one in queries.CHILD_FIRINGS.all(rows, transaction.dialect):
        found.setdefault(one.parent_trigger_id, {})[one.firing.trigger.id] = one.firing
    return found


async def _write_children(transaction: Connection, ledger: Ledger) -> None:
    changed = ledger.changed_parents.items()
    await transaction.execute_many(queries.DROP_CHILDREN, [(parent,) for parent, _ in changed])
    await transaction.execute_many(
        queries.KEEP_CHILD,
        [
            (automation.id, parent, child, firing.id, firing.triggered, encode_text(firing))
            for parent, (automation, firings) in changed
            for child, firing in firings.items()
        ],
    )
