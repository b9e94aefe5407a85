"""Rows that are marked as deleted, by whom, and rows whose marks are taken back.

The triggers take no notice of an operation's marks; whoever sets or clears them accounts for it (`accounts.py`).
"""

from collections.abc import Sequence
from datetime import datetime
from functools import cache
from uuid import UUID

from headrace.server.store.base import Connection, Row, Statement
from headrace.server.store.histories import SPAN_OF
from headrace.server.store.rows import Kind, Reader
from headrace.server.trash.chosen import chosen


def _id(*, id: UUID) -> UUID:
    return id


IDS = Reader(_id, {"id": Kind.UUID})
"""The ids in rows of one column."""


def _span(table: str) -> tuple[str, str]:
    column = f"{table}.expected_start_time"
    return SPAN_OF[0].format(column), SPAN_OF[1].format(column)


@cache
def _mark(table: str, key: str, returning: str) -> Statement:
    text = f"UPDATE {table} SET deleted_at = $2, deleted_by = $3 WHERE {key} {{among}} AND deleted_at IS NULL"
    return chosen(f"{text} RETURNING {returning}", span=_span(table))


@cache
def _clear(table: str, returning: str) -> Statement:
    text = f"UPDATE {table} SET deleted_at = NULL, deleted_by = NULL WHERE id {{among}} AND deleted_at IS NOT NULL"
    return chosen(f"{text} AND (deleted_by = $2 OR $3) RETURNING {returning}", span=_span(table))


@cache
def _clear_along(table: str, key: str, owner: str, returning: str) -> Statement:
    return chosen(
        f"UPDATE {table} SET deleted_at = NULL, deleted_by = NULL FROM {owner} AS owner"
        f" WHERE owner.id = {table}.{key} AND owner.id {{among}}"
        f" AND owner.deleted_at IS NOT NULL AND (owner.deleted_by = $2 OR $3) AND {table}.deleted_at IS NOT NULL"
        f" AND {table}.deleted_by = owner.deleted_by RETURNING {returning}",
        span=_span(table),
    )


async def mark(
    transaction: Connection,
    table: str,
    ids: Sequence[UUID],
    moment: datetime,
    operation_id: UUID,
    *,
    key: str = "id",
    returning: str | None = None,
) -> list[Row]:
    """Mark the live rows whose `key` is one of the ids."""
    if not ids:
        return []
    return await transaction.fetch(_mark(table, key, returning or f"{table}.id"), list(ids), moment, operation_id)


async def clear(
    transaction: Connection,
    table: str,
    ids: Sequence[UUID],
    operation_id: UUID | None,
    *,
    returning: str | None = None,
) -> list[Row]:
    """Take back the marks of these rows that the operation, or whichever, has set."""
    if not ids:
        return []
    return await transaction.fetch(
        _clear(table, returning or f"{table}.id"), list(ids), operation_id, operation_id is None
    )


async def clear_along(
    transaction: Connection,
    table: str,
    key: str,
    owner: str,
    ids: Sequence[UUID],
    operation_id: UUID | None,
    *,
    returning: str | None = None,
) -> list[Row]:
    """Take back the marks of what belongs to these marked rows of `owner`, and was marked along with them."""
    if not ids:
        return []
    statement = _clear_along(table, key, owner, returning or f"{table}.id")
    return await transaction.fetch(statement, list(ids), operation_id, operation_id is None)


def ids_and_spans(rows: Sequence[Row], connection: Connection) -> tuple[list[UUID], dict[int | None, int]]:
    """From rows of an id and a span: the ids, and how many there are of each span."""
    spans: dict[int | None, int] = {}
    for _, span in rows:
        spans[span] = spans.get(span, 0) + 1
    return IDS.all([row[:1] for row in rows], connection.dialect), spans
