"""What can be done with events that are kept aside."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from uuid import UUID

from headrace.server.events.quarantine import queries
from headrace.server.events.quarantine.entries import Entry
from headrace.server.store.base import Connection, Store, View
from headrace.wire.errors import ObjectNotFound
from headrace.wire.quarantine import QuarantinedEvent, QuarantineSelection


async def add(transaction: Connection, entries: Sequence[Entry], now: datetime) -> None:
    """Keep events aside; one that is there already stays as it is."""
    if entries:
        await transaction.execute_many(
            queries.ADD,
            [
                (
                    entry.id,
                    now,
                    entry.consumer,
                    entry.event_id,
                    entry.event,
                    entry.seq,
                    entry.reason.replace("\0", ""),
                    entry.body,
                    len(entry.body),
                )
                for entry in entries
            ],
        )


async def list_entries(store: Store, wanted: QuarantineSelection, limit: int, offset: int) -> list[QuarantinedEvent]:
    """Those that are chosen, latest first."""
    rows = await store.scan(queries.LIST, *_chosen(wanted), limit, offset)
    return queries.ENTRIES.all(rows, store.dialect)


async def count(store: Store, wanted: QuarantineSelection) -> int:
    """How many are chosen."""
    return (await store.scan(queries.COUNT, *_chosen(wanted)))[0][0]


async def count_by_consumer(view: View) -> Mapping[str, int]:
    """How many there are of each consumer; those that never came into the log under `ingest`."""
    return {row[0]: row[1] for row in await view.scan(queries.COUNT_BY_CONSUMER)}


async def ids(store: Store, wanted: QuarantineSelection) -> list[UUID]:
    """The ids of those that are chosen, oldest first."""
    return [UUID(str(row[0])) for row in await store.scan(queries.IDS, *_chosen(wanted))]


async def drop(store: Store, wanted: QuarantineSelection) -> int:
    """Forget those that are chosen for good; how many they were."""
    return await store.execute(queries.DROP, *_chosen(wanted))


async def read(connection: Connection, id: UUID) -> Entry:
    """One of them, with its body as it came; raises `ObjectNotFound` if it is not there any more."""
    row = await connection.fetch_one(queries.READ, id)
    if row is None:
        raise ObjectNotFound(f"No event is quarantined under {id}: it was replayed or dropped.")
    consumer, event_id, event, seq, reason, body = row
    return Entry(consumer, None if event_id is None else UUID(str(event_id)), event, seq, reason, bytes(body))


async def remove(connection: Connection, id: UUID) -> None:
    """It is done with."""
    await connection.execute(queries.REMOVE, id)


async def explain(connection: Connection, id: UUID, reason: str) -> None:
    """It failed again: this is why."""
    await connection.execute(queries.EXPLAIN, id, reason.replace("\0", ""))


def _chosen(wanted: QuarantineSelection) -> tuple[Sequence[UUID] | None, str | None]:
    return wanted.ids, wanted.consumer
