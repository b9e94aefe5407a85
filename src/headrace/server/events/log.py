"""The log of events: only ever added to, each event once, numbered in the order in which it was written.

Each event has a row in `events` and, for its resource and each related one, a row in `event_resources`, so that
what happened to a resource is found by its id and time.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from uuid import UUID

import msgspec

from headrace.server.events.envelope import IncomingEvent
from headrace.server.store.base import Connection, Dialect, Statement, Topic
from headrace.wire.base import encode_text
from headrace.wire.events import RESOURCE_ID, RESOURCE_ROLE, Event
from headrace.wire.times import to_micros

_NUL = "\\u0000"


class LoggedEvent(msgspec.Struct, frozen=True):
    """An event as the log keeps it, its JSON as text; `related_resources` are the id and role of each of `related`."""

    id: UUID
    occurred: datetime
    event: str
    resource_id: str
    resource: str
    related: str
    related_resources: Sequence[tuple[str, str]]
    payload: str
    follows: UUID | None


ADD_RESOURCES = """INSERT INTO event_resources (resource_id, occurred, seq, position, role)
        SELECT resource_id, occurred, seq, 0, NULL FROM added
        UNION ALL
        SELECT one ->> 'prefect.resource.id', occurred, seq, position, one ->> 'prefect.resource.role'
        FROM added, jsonb_array_elements(related) WITH ORDINALITY AS other (one, position)"""
"""PostgreSQL's part of a WITH that adds the resources of the events that the part named `added` returns."""

_ADD = Statement(
    f"""
    WITH added AS (
        INSERT INTO events (id, occurred, received, event, resource_id, resource, related, payload, follows)
        SELECT id, occurred, $2, event, resource_id, resource::jsonb, related::jsonb, payload, follows
        FROM unnest(
            $1::uuid[], $3::timestamptz[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[], $9::uuid[]
        ) WITH ORDINALITY AS sent (id, occurred, event, resource_id, resource, related, payload, follows, place)
        ORDER BY place
        ON CONFLICT (id) DO NOTHING
        RETURNING seq, occurred, resource_id, related
    ), found AS (
        {ADD_RESOURCES}
    )
    SELECT count(*) FROM added
    """
)
_KNOWN = Statement(
    "SELECT id FROM events WHERE id = ANY($1)",
    sqlite="SELECT id FROM events WHERE id IN (SELECT value FROM json_each($1))",
)
_LAST = Statement("SELECT max(seq) FROM events", sqlite="SELECT seq FROM sqlite_sequence WHERE name = 'events'")
_ADD_EVENT = Statement(
    "INSERT INTO events (seq, id, occurred, received, event, resource_id, resource, related, payload, follows)"
    " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)"
)
_ADD_RESOURCE = Statement(
    "INSERT INTO event_resources (resource_id, occurred, seq, position, role) VALUES ($1, $2, $3, $4, $5)"
)


async def append(
    transaction: Connection, events: Sequence[LoggedEvent | IncomingEvent | Event], received: datetime
) -> int:
    """Write the events that are not in the log yet, in their order, and return how many those are.

    Of events with one id the first is kept. They are in the log, and whoever follows it is told, when the
    caller's transaction commits.
    """
    first = {event.id: event for event in reversed(events)}
    distinct = [
        event if isinstance(event, LoggedEvent) else logged(event)
        for event in (events if len(first) == len(events) else reversed(first.values()))
    ]
    if not distinct:
        return 0
    match transaction.dialect:
        case Dialect.POSTGRES:
            added = await _append_by_arrays(transaction, distinct, received)
        case Dialect.SQLITE:
            added = await _append_by_rows(transaction, distinct, received)
    if added:
        transaction.announce(Topic.EVENTS)
    return added


def logged(event: IncomingEvent | Event) -> LoggedEvent:
    """The event as the log keeps it. NUL characters in its name and labels, where no database has a place for them,
    are left out.
    """
    name, labels, others = event.event, event.resource, event.related
    resource, related = encode_text(labels), encode_text(others)
    if "\0" in name or _NUL in resource or _NUL in related:
        name, labels, others = name.replace("\0", ""), _without_nul(labels), [_without_nul(other) for other in others]
        resource, related = encode_text(labels), encode_text(others)
    return LoggedEvent(
        event.id,
        event.occurred,
        name,
        labels[RESOURCE_ID],
        resource,
        related,
        [(other[RESOURCE_ID], other[RESOURCE_ROLE]) for other in others],
        encode_text(event.payload),
        event.follows,
    )


def _without_nul(labels: Mapping[str, str]) -> dict[str, str]:
    return {name.replace("\0", ""): value.replace("\0", "") for name, value in labels.items()}


async def _append_by_arrays(transaction: Connection, events: Sequence[LoggedEvent], received: datetime) -> int:
    row = await transaction.fetch_one(
        _ADD,
        [event.id for event in events],
        received,
        [event.occurred for event in events],
        [event.event for event in events],
        [event.resource_id for event in events],
        [event.resource for event in events],
        [event.related for event in events],
        [event.payload for event in events],
        [event.follows for event in events],
    )
    return 0 if row is None else row[0]


async def _append_by_rows(transaction: Connection, events: Sequence[LoggedEvent], received: datetime) -> int:
    """SQLite has one writer, which may therefore number the rows itself and need not ask for their numbers."""
    known = {row[0] for row in await transaction.fetch(_KNOWN, [event.id for event in events])}
    new = [event for event in events if str(event.id) not in known] if known else events
    last = await transaction.fetch_one(_LAST)
    numbered = list(enumerate(new, start=1 if last is None else last[0] + 1))
    times, taken_in = [to_micros(event.occurred) for event in new], to_micros(received)
    await transaction.execute_many(
        _ADD_EVENT,
        [
            (
                seq,
                event.id,
                occurred,
                taken_in,
                event.event,
                event.resource_id,
                event.resource,
                event.related,
                event.payload,
                event.follows,
            )
            for (seq, event), occurred in zip(numbered, times, strict=True)
        ],
    )
    await transaction.execute_many(
        _ADD_RESOURCE,
        [
            (resource_id, occurred, seq, position, role)
            for (seq, event), occurred in zip(numbered, times, strict=True)
            for position, (resource_id, role) in enumerate(((event.resource_id, None), *event.related_resources))
        ],
    )
    return len(new)
