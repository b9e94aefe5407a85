"""Rows that are marked as deleted, by which operation, and rows whose marks are taken back.

The triggers take no notice of an operation's marks; whoever sets or clears them accounts for it (`accounts.py`).
"""

from collections.abc import Sequence
from datetime import datetime
from functools import cache
from uuid import UUID

from headrace.server.store.base import Connection, Row, Statement
from headrace.server.store.histories import SPAN_OF
from headrace.server.store.rows import Kind, Reader
from headrace.server.trash.accounts import Spans
from headrace.server.trash.chosen import LOCK, chosen


def _id(*, id: UUID) -> UUID:
    return id


IDS = Reader(_id, {"id": Kind.UUID})
"""The ids in rows of one column."""


@cache
def _live(table: str) -> Statement:
    return chosen(f"SELECT id FROM {table} WHERE id {{among}} AND deleted_at IS NULL ORDER BY id {{lock}}", lock=LOCK)


@cache
def _mark(table: str, key: str, returning: str) -> Statement:
    text = f"UPDATE {table} SET deleted_at = $2, deleted_by = $3 WHERE {key} {{among}} AND deleted_at IS NULL"
    return chosen(f"{text} RETURNING {returning}", span=_span(table))


@cache
def _clear(table: str, key: str, returning: str) -> Statement:
    text = f"UPDATE {table} SET deleted_at = NULL, deleted_by = NULL WHERE {key} {{among}} AND deleted_by = $2"
    return chosen(f"{text} RETURNING {returning}", span=_span(table))


def _span(table: str) -> tuple[str, str]:
    column = f"{table}.expected_start_time"
    return SPAN_OF[0].format(column), SPAN_OF[1].format(column)


async def lock_live(transaction: Connection, table: str, ids: Sequence[UUID]) -> list[UUID]:
    """Those of these rows that are live; nobody else changes or refers to them until the transaction ends."""
    return IDS.all(await transaction.fetch(_live(table), list(ids)), transaction.dialect)


async def mark(
    transaction: Connection,
    table: str,
    ids: Sequence[UUID],
    moment: datetime,
    operation_id: UUID,
    *,
    key: str = "id",
    returning: str = "id",
) -> list[Row]:
    """Mark the live rows whose `key` is one of the ids."""
    if not ids:
        return []
    return await transaction.fetch(_mark(table, key, returning), list(ids), moment, operation_id)


async def clear(
    transaction: Connection,
    table: str,
    ids: Sequence[UUID],
    operation_id: UUID,
    *,
    key: str = "id",
    returning: str = "id",
) -> list[Row]:
    """Take back the marks that the operation has set of rows whose `key` is one of the ids."""
    if not ids:
        return []
    return await transaction.fetch(_clear(table, key, returning), list(ids), operation_id)


def ids_and_spans(rows: Sequence[Row], connection: Connection) -> tuple[list[UUID], Spans]:
    """From rows of an id and a span: the ids, and how many there are of each span."""
    spans: dict[int | None, int] = {}
    for _, span in rows:
        spans[span] = spans.get(span, 0) + 1
    return IDS.all([row[:1] for row in rows], connection.dialect), spans
