"""Events to write into the log, and the log as it was written."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import msgspec

from headrace.server.events.envelope import IncomingEvent
from headrace.server.store.base import Connection, Statement

EPOCH = datetime(2026, 1, 1, tzinfo=UTC)
_IDS = Statement("SELECT id FROM events ORDER BY seq")
_RESOURCES = Statement(
    "SELECT r.resource_id, r.position, r.role FROM event_resources r JOIN events e ON e.seq = r.seq"
    " AND e.occurred = r.occurred WHERE e.id = $1 ORDER BY r.position"
)
_ORPHANS = Statement("SELECT count(*) FROM event_resources r WHERE NOT EXISTS (SELECT 1 FROM events WHERE seq = r.seq)")


def make_event(number: int, *, second: float = 0, **fields: Any) -> IncomingEvent:
    """Event number n (which is its id), about resource `r.n`."""
    told = {
        "id": UUID(int=number),
        "occurred": EPOCH + timedelta(seconds=second),
        "event": "made",
        "resource": {"prefect.resource.id": f"r.{number}"},
    }
    return msgspec.json.decode(msgspec.json.encode(told | fields), type=IncomingEvent)


def related(id: str, role: str, **labels: str) -> dict[str, str]:
    return {"prefect.resource.id": id, "prefect.resource.role": role, **labels}


async def numbers(connection: Connection) -> list[int]:
    """The events of the log, in its order."""
    return [UUID(str(row[0])).int for row in await connection.fetch(_IDS)]


async def resources(connection: Connection, number: int) -> list[tuple[str, int, str | None]]:
    """The resources by which an event is found: id, position and role."""
    return [tuple(row) for row in await connection.fetch(_RESOURCES, UUID(int=number))]


async def orphans(connection: Connection) -> int:
    """Rows of resources whose event is gone."""
    row = await connection.fetch_one(_ORPHANS)
    assert row is not None
    return row[0]
