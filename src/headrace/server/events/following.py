"""The log of events as something to follow: its rows become items with their place (`streams.tail`)."""

import logging
from collections.abc import Sequence
from datetime import datetime

import msgspec

from headrace.server.events import queries
from headrace.server.events.queries import Place, Window
from headrace.server.events.reading import Reader, settled_end
from headrace.server.events.rows import columns, read_rows
from headrace.server.store.base import Listener, Row, Statement, Store, Topic
from headrace.server.streams import trims
from headrace.server.streams.positions import Position
from headrace.server.streams.tail import Item
from headrace.wire.events import ReceivedEvent
from headrace.wire.filters import EventFilter, EventOrder

TABLE = "events"
_log = logging.getLogger("headrace.server.streams")

BETWEEN = Statement(f"SELECT {columns('e')} FROM events AS e WHERE seq BETWEEN $1 AND $2 ORDER BY seq LIMIT $3")
FIRST_SINCE = Statement(  # not the least number whose time fits: for that the log would be read from its beginning
    "SELECT min(seq) FROM (SELECT seq FROM events WHERE occurred >= $1 OFFSET 0) AS recent",
    sqlite="SELECT min(+seq) FROM events WHERE occurred >= $1",
)
_FIXED_BYTES = 1000


class EventSource:
    """The log of events of one store."""

    batch = 500

    def __init__(self, store: Store) -> None:
        self._store = store

    def listener(self) -> Listener:
        return self._store.announced(Topic.EVENTS)

    async def end(self) -> int:
        return await settled_end(self._store, TABLE)

    def rows(self, after: int) -> Reader:
        return Reader(self._store, TABLE, columns(TABLE), after)

    async def between(self, first: int, last: int, limit: int) -> Sequence[Row]:
        return await self._store.scan(BETWEEN, first, last, limit)

    async def items(self, rows: Sequence[Row]) -> list[Item[ReceivedEvent]]:
        """The events of the rows; one that somebody has made unreadable is logged and left out, alone."""
        try:
            return self._items(rows)
        except msgspec.DecodeError as error:
            if len(rows) > 1:
                return [item for row in rows for item in await self.items([row])]
            _log.error("event_unreadable", extra={"seq": rows[0][0], "error": str(error)})
            return []

    def _items(self, rows: Sequence[Row]) -> list[Item[ReceivedEvent]]:
        events = read_rows(rows, self._store.dialect)
        return [Item("event", Position(row[0]), event, _size(row)) for row, event in zip(rows, events, strict=True)]

    async def trimmed(self) -> int:
        return await trims.trimmed(self._store, TABLE)

    async def drawn(self) -> int:
        return await trims.drawn(self._store, TABLE)

    async def page(
        self, wanted: EventFilter, window: Window, after: Place | None, limit: int
    ) -> list[Item[ReceivedEvent]]:
        """What matches, in the order in which it occurred, from after a place on."""
        ascending = msgspec.structs.replace(wanted, order=EventOrder.ASC)
        statement, values = queries.page(self._store.dialect, ascending, window, limit, after)
        return await self.items(await self._store.scan(statement, *values))

    async def before(self, since: datetime) -> Position | None:
        """A place before every event that occurred at `since` or later; None if there is no such event."""
        rows = await self._store.scan(FIRST_SINCE, since)
        return None if rows[0][0] is None else Position(rows[0][0] - 1)


def _size(row: Row) -> int:
    """About what the event of a row takes in memory."""
    return _FIXED_BYTES + 3 * sum(len(value) for value in row if isinstance(value, str))
