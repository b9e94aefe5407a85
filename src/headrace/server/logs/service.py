"""What can be done with log lines."""

from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from headrace.server.logs import arrivals, queries
from headrace.server.store.base import Connection, Store
from headrace.server.store.hidden import deleted
from headrace.wire.filters import LogFilter
from headrace.wire.ids import uuid7
from headrace.wire.logs import Log, LogCreate
from headrace.wire.sorts import LogSort

_Line = tuple[Any, ...]
"""The values of a line's columns; the last two are its flow run and its task run."""
_BATCH = 1000
_BEGINNING = datetime(1, 1, 1, tzinfo=UTC)
_NO_ID = UUID(int=0)


async def create(store: Store, lines: Sequence[LogCreate], now: datetime) -> None:
    """Keep the lines, all of them or none, but those of deleted runs, which are dropped.

    NUL characters, which PostgreSQL has no place for, are left out.
    """
    if lines:
        rows: list[_Line] = [
            (uuid7(), now, _text(line.name), line.level, _text(line.message), line.timestamp, *_runs(line))
            for line in lines
        ]
        async with store.transaction() as transaction:
            kept = await _of_shown_runs(transaction, rows)
            if kept:
                await transaction.insert_many("logs", queries.COLUMNS, kept)
                await arrivals.note(transaction, [(row[5], row[0]) for row in kept], now)


async def _of_shown_runs(transaction: Connection, rows: list[_Line]) -> list[_Line]:
    """Without the lines of runs that have been deleted."""
    flow_runs = {row[-2] for row in rows if row[-2] is not None}
    task_runs = {row[-1] for row in rows if row[-1] is not None}
    gone = await deleted(transaction, flow_runs, task_runs)
    return [row for row in rows if row[-2] not in gone and row[-1] not in gone] if gone else rows


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
