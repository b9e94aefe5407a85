"""The log of events as something to follow: its rows become items with their place (`streams.tail`)."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import msgspec

from headrace.server.events.reading import Reader as LogReader
from headrace.server.events.reading import settled_end
from headrace.server.store.base import Listener, Row, Statement, Store, Topic
from headrace.server.store.rows import JSON, Kind, Reader
from headrace.server.streams import trims
from headrace.server.streams.positions import Position
from headrace.server.streams.tail import Item
from headrace.wire.base import Wire
from headrace.wire.events import Resource

TABLE = "events"


class FollowedEvent(Wire, kw_only=True):
    """A received event (contract §6.1) whose payload is the JSON it came in."""

    id: UUID
    occurred: datetime
    event: str
    resource: Resource
    related: list[Resource]
    payload: msgspec.Raw
    follows: UUID | None
    received: datetime


def _item(
    *,
    seq: int,
    id: UUID,
    occurred: datetime,
    received: datetime,
    event: str,
    resource: Resource,
    related: list[Resource],
    payload: str,
    follows: UUID | None,
) -> Item[FollowedEvent]:
    raw = payload.encode()
    found = FollowedEvent(
        id=id,
        occurred=occurred,
        event=event,
        resource=resource,
        related=related,
        payload=msgspec.Raw(raw),
        follows=follows,
        received=received,
    )
    return Item(Position(seq), found, _FIXED_BYTES + len(raw) + _LABELS_BYTES * (1 + len(related)))


_FIXED_BYTES, _LABELS_BYTES = 1000, 500
"""About what an event takes in memory, and each resource of it."""

_EVENTS = Reader(
    _item,
    {
        "seq": Kind.INTEGER,
        "id": Kind.UUID,
        "occurred": Kind.TIME,
        "received": Kind.TIME,
        "event": Kind.TEXT,
        "resource": JSON(Resource),
        "related": JSON(list[Resource]),
        "payload": Kind.TEXT,
        "follows": Kind.UUID,
    },
)
_COLUMNS = _EVENTS.columns()
_BETWEEN = Statement(f"SELECT {_COLUMNS} FROM events WHERE seq BETWEEN $1 AND $2 ORDER BY seq LIMIT $3")
_IN_TIME = Statement(
    f"SELECT {_COLUMNS} FROM events WHERE (occurred, seq) > ($1, $2) AND occurred <= $3 AND seq <= $4"
    " ORDER BY occurred, seq LIMIT $5"
)
_FIRST_SINCE = Statement("SELECT min(seq) FROM events WHERE occurred >= $1")


class EventSource:
    """The log of events of one store."""

    batch = 500

    def __init__(self, store: Store) -> None:
        self._store = store

    def listener(self) -> Listener:
        return self._store.announced(Topic.EVENTS)

    async def end(self) -> int:
        return await settled_end(self._store, TABLE)

    def rows(self, after: int) -> LogReader:
        return LogReader(self._store, TABLE, _COLUMNS, after)

    async def between(self, first: int, last: int, limit: int) -> Sequence[Row]:
        return await self._store.scan(_BETWEEN, first, last, limit)

    async def items(self, rows: Sequence[Row]) -> list[Item[FollowedEvent]]:
        return _EVENTS.all(rows, self._store.dialect)

    async def trimmed(self) -> int:
        return await trims.trimmed(self._store, TABLE)

    async def drawn(self) -> int:
        return await trims.drawn(self._store, TABLE)

    async def in_time(
        self, after: datetime, seq: int, until: datetime, last: int, limit: int
    ) -> list[Item[FollowedEvent]]:
        """Events up to row `last` in the order in which they occurred, behind one of that time and number."""
        return await self.items(await self._store.scan(_IN_TIME, after, seq, until, last, limit))

    async def before(self, since: datetime) -> Position | None:
        """A place before every event that occurred at `since` or later; None if there is no such event."""
        rows = await self._store.scan(_FIRST_SINCE, since)
        return None if rows[0][0] is None else Position(rows[0][0] - 1)
