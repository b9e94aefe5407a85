"""Deleting many rows without keeping anybody waiting: batch after batch, each in a transaction of its own."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from headrace.server.store.base import Connection, Row, Statement, Store

Following = Callable[[Connection, Sequence[Row]], Awaitable[None]]
"""What else is done in the transaction that deleted these rows."""


async def batch_delete(
    store: Store,
    table: str,
    condition: str,
    *values: Any,
    sqlite: str | None = None,
    key: str = "id",
    returning: str | None = None,
    following: Following | None = None,
    order: str | None = None,
    batch_size: int = 10_000,
    batches: int | None = None,
) -> int:
    """Delete the rows of a table that meet a condition, `batch_size` at a time, and return how many they were.

    The condition is SQL whose `$1` … are `values`, with SQLite's own text where that differs. `key` is the table's
    primary key; `order` says which rows go first. `following` is called in the transaction of each batch with the
    columns `returning` of what it deleted. At most so many `batches`, all of them by default.

        await batch_delete(store, "events", "occurred < $1", cutoff, key="seq", batch_size=1_000)
    """
    statement = _statement(table, condition, sqlite, key, returning or key, order, len(values) + 1)
    deleted = done = 0
    while batches is None or done < batches:
        async with store.bulk() as transaction:
            rows = await transaction.fetch(statement, *values, batch_size)
            if rows and following is not None:
                await following(transaction, rows)
        deleted += len(rows)
        done += 1
        if len(rows) < batch_size:
            break
    return deleted


def _statement(
    table: str, condition: str, sqlite: str | None, key: str, returning: str, order: str | None, limit: int
) -> Statement:
    first = "" if order is None else f" ORDER BY {order}"
    text = (
        f"DELETE FROM {table} WHERE {key} IN"
        f" (SELECT {key} FROM {table} WHERE {{condition}}{first} LIMIT ${limit}) RETURNING {returning}"
    )
    return Statement(text.format(condition=condition), sqlite=text.format(condition=sqlite or condition))
