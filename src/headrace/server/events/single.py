"""One new event, written together with its cause as cheaply as each database can.

`log.append` takes any number of events, some of which may be known. Here is the one that a run's new state makes: its
id is new, and on PostgreSQL it is part of the statement that writes the state.
"""

from datetime import datetime
from functools import lru_cache
from typing import Any

from headrace.server.events.log import ADD_RESOURCES, LoggedEvent
from headrace.server.store.base import Connection, Statement, Topic
from headrace.wire.times import to_micros

_COLUMNS = "id, occurred, received, event, resource_id, resource, related, payload, follows"


def with_event(cause: str, id: str, occurred: str, received: str, first: int) -> str:
    """PostgreSQL's part of a WITH that writes an event if the part named `cause` has written a row.

    `id`, `occurred` and `received` are placeholders of the statement; those from `first` on are the values of `rest`.
    """
    event, resource_id, resource, related, payload, follows = (f"${number}" for number in range(first, first + 6))
    return f"""
        added AS (
            INSERT INTO events ({_COLUMNS})
            SELECT {id}, {occurred}, {received}, {event}::text, {resource_id}::text, {resource}::jsonb,
                {related}::jsonb, {payload}::text, {follows}::uuid
            FROM {cause} ON CONFLICT (id) DO NOTHING RETURNING seq, occurred, resource_id, related
        ), found AS (
            {ADD_RESOURCES}
        )"""


def rest(event: LoggedEvent) -> tuple[Any, ...]:
    """What `with_event` takes by itself: all but the id and the times."""
    return (event.event, event.resource_id, event.resource, event.related, event.payload, event.follows)


_ADD = Statement(
    f"INSERT INTO events ({_COLUMNS}) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) ON CONFLICT (id) DO NOTHING"
)


async def add(transaction: Connection, event: LoggedEvent, received: datetime) -> None:
    """Write an event on SQLite, in the transaction of its cause."""
    occurred = to_micros(event.occurred)  # as SQLite keeps it, for both statements
    if not await transaction.execute(_ADD, event.id, occurred, to_micros(received), *rest(event)):
        return
    others = [text for pair in event.related_resources for text in pair]
    await transaction.execute(_add_resources(len(event.related_resources)), occurred, event.resource_id, *others)
    transaction.announce(Topic.EVENTS)


@lru_cache(maxsize=256)
def _add_resources(others: int) -> Statement:
    """Adds the resources of the event that was written last; rows of a table without row ids do not count as such."""
    rows = ["($2, $1, last_insert_rowid(), 0, NULL)"]
    rows += [f"(${2 * n + 1}, $1, last_insert_rowid(), {n}, ${2 * n + 2})" for n in range(1, others + 1)]
    return Statement(
        f"INSERT INTO event_resources (resource_id, occurred, seq, position, role) VALUES {', '.join(rows)}"
    )
