"""What the log of events says, for tests of the changes that it tells of."""

from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from headrace.server.store.base import Connection, Statement
from headrace.server.store.rows import JSON, Kind, Reader

Json = Any


class Told(msgspec.Struct, kw_only=True):
    """One event of the log."""

    id: UUID
    occurred: datetime
    event: str
    resource: dict[str, str]
    related: list[dict[str, str]]
    payload: Json
    follows: UUID | None

    @property
    def name(self) -> str:
        """What the resource is called."""
        return self.resource["prefect.resource.name"]

    @property
    def around(self) -> list[tuple[str, str | None]]:
        """Role and name of each related resource."""
        return [(one["prefect.resource.role"], one.get("prefect.resource.name")) for one in self.related]


_TOLD = Reader(
    Told,
    {
        "id": Kind.UUID,
        "occurred": Kind.TIME,
        "event": Kind.TEXT,
        "resource": JSON(),
        "related": JSON(),
        "payload": JSON(),
        "follows": Kind.UUID,
    },
)
_ALL = Statement(f"SELECT {_TOLD.columns()} FROM events ORDER BY seq")
_RESOURCES = Statement(
    "SELECT r.resource_id, r.role FROM event_resources r JOIN events e ON e.seq = r.seq AND e.occurred = r.occurred"
    " WHERE e.id = $1 ORDER BY r.position"
)


async def told(connection: Connection, kind: str = "") -> list[Told]:
    """The events of the log in its order; those about one kind of object (`flow-run`), if it is given.

    What is told of operations is left out: each object that is deleted by itself is deleted by one.
    """
    events = _TOLD.all(await connection.fetch(_ALL), connection.dialect)
    begins = f"prefect.{kind}." if kind else ""
    return [one for one in events if one.event.startswith(begins) and not one.event.startswith("headrace.operation.")]


async def names(connection: Connection, kind: str = "") -> list[str]:
    """What happened, in order."""
    return [event.event for event in await told(connection, kind)]


async def found_by(connection: Connection, event: Told) -> list[tuple[str, str | None]]:
    """The ids and roles by which an event is found, its own resource first."""
    return [(row[0], row[1]) for row in await connection.fetch(_RESOURCES, event.id)]
