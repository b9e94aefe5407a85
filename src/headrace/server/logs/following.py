"""The log of log lines as something to follow: batches become items, one for each line (`streams.tail`)."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from uuid import UUID

import msgspec

from headrace.server.events.reading import Reader as LogReader
from headrace.server.events.reading import settled_end
from headrace.server.logs import queries
from headrace.server.logs.arrivals import TABLE
from headrace.server.store.base import Dialect, Listener, Row, Statement, Store, Topic
from headrace.server.streams import trims
from headrace.server.streams.positions import WHOLE, Position
from headrace.server.streams.tail import Item
from headrace.wire.base import encode_text
from headrace.wire.logs import Log
from headrace.wire.times import to_micros

_COLUMNS = "seq, created, lines"
BETWEEN = Statement(f"SELECT {_COLUMNS} FROM log_arrivals WHERE seq BETWEEN $1 AND $2 ORDER BY seq LIMIT $3")
FIRST_SINCE = Statement(  # not the least number whose time fits: for that the log would be read from its beginning
    "SELECT min(seq) FROM (SELECT seq FROM log_arrivals WHERE created >= $1 OFFSET 0) AS recent",
    sqlite="SELECT min(+seq) FROM log_arrivals WHERE created >= $1",
)
_FIXED_BYTES = 800
"""About what a line takes in memory beside its text."""

_Name = tuple[datetime, UUID]
_read_names = msgspec.json.Decoder(list[_Name]).decode


class LogSource:
    """The log lines of one store in the order of their arrival."""

    batch = 16

    def __init__(self, store: Store) -> None:
        self._store = store

    def listener(self) -> Listener:
        return self._store.announced(Topic.LOGS)

    async def end(self) -> int:
        return await settled_end(self._store, TABLE)

    def rows(self, after: int) -> LogReader:
        return LogReader(self._store, TABLE, _COLUMNS, after)

    async def between(self, first: int, last: int, limit: int) -> Sequence[Row]:
        return await self._store.scan(BETWEEN, first, last, limit)

    async def items(self, rows: Sequence[Row]) -> list[Item[Log]]:
        """The lines of each batch in their order; lines that are deleted by now are left out."""
        batches = [(int(row[0]), _read_names(row[2])) for row in rows]
        lines = await self._lines(name for _, names in batches for name in names)
        return [
            Item("log", position, line, _FIXED_BYTES + 3 * len(line.message))
            for seq, names in batches
            for position, (_, id) in zip(_positions(seq, names), names, strict=True)
            if (line := lines.get(id)) is not None
        ]

    async def trimmed(self) -> int:
        return await trims.trimmed(self._store, TABLE)

    async def drawn(self) -> int:
        return await trims.drawn(self._store, TABLE)

    async def before(self, since: datetime) -> Position | None:
        """A place before every batch written at `since` or later; None if there is none."""
        rows = await self._store.scan(FIRST_SINCE, since)
        return None if rows[0][0] is None else Position(rows[0][0] - 1)

    async def _lines(self, names: Iterable[_Name]) -> dict[UUID, Log]:
        match self._store.dialect:
            case Dialect.POSTGRES:
                known = list(names)
                rows = await self._store.fetch(queries.NAMED, [time for time, _ in known], [id for _, id in known])
            case Dialect.SQLITE:
                known = [(to_micros(time), id) for time, id in names]
                rows = await self._store.scan(queries.NAMED, encode_text(known))
        return {line.id: line for line in queries.LOGS.all(rows, self._store.dialect)}


def _positions(seq: int, names: Sequence[_Name]) -> list[Position]:
    """The place of each line of a batch; that of the last is behind the whole batch."""
    return [*(Position(seq, part) for part in range(len(names) - 1)), Position(seq, WHOLE)]
