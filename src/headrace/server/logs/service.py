"""What can be done with log lines."""

from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime
from uuid import UUID

from headrace.server.logs import arrivals, queries
from headrace.server.store.base import Store
from headrace.wire.filters import LogFilter
from headrace.wire.ids import uuid7
from headrace.wire.logs import Log, LogCreate
from headrace.wire.sorts import LogSort

_BATCH = 1000
_BEGINNING = datetime(1, 1, 1, tzinfo=UTC)
_NO_ID = UUID(int=0)


async def create(store: Store, lines: Sequence[LogCreate], now: datetime) -> None:
    """Keep the lines, all of them or none. NUL characters, which PostgreSQL has no place for, are left out."""
    if lines:
        rows = [
            (uuid7(), now, _text(line.name), line.level, _text(line.message), line.timestamp, *_runs(line))
            for line in lines
        ]
        async with store.transaction() as transaction:
            await transaction.insert_many("logs", queries.COLUMNS, rows)
            await arrivals.note(transaction, [(row[5], row[0]) for row in rows], now)


def _runs(line: LogCreate) -> tuple[UUID | None, UUID | None]:
    return line.flow_run_id, line.task_run_id


def _text(text: str) -> str:
    return text.replace("\0", "") if "\0" in text else text


async def list_logs(store: Store, wanted: LogFilter | None, sort: LogSort, limit: int, offset: int) -> list[Log]:
    """The lines that match, from `offset` on."""
    if limit == 0:
        return []
    statement, values = queries.LIST.bind(store.dialect, {"logs": wanted}, sort, limit=limit, offset=offset)
    return queries.LOGS.all(await store.scan(statement, *values), store.dialect)


async def lines_of(store: Store, flow_run_id: UUID) -> AsyncIterator[list[Log]]:
    """All lines of a flow run in the order of their times, in batches."""
    at, last = _BEGINNING, _NO_ID
    while True:
        rows = await store.scan(queries.AFTER, flow_run_id, at, last, _BATCH)
        if rows:
            lines = queries.LOGS.all(rows, store.dialect)
            yield lines
            at, last = lines[-1].timestamp, lines[-1].id
        if len(rows) < _BATCH:
            return
