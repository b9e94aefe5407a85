"""Running one statement on one SQLite connection, at once and to its end."""

import sqlite3
from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import Any

from headrace.server.store.base import Row, Statement
from headrace.server.store.sqlite_values import bind, bind_many


def rows(db: sqlite3.Connection, statement: Statement, values: Sequence[Any] = ()) -> list[Row]:
    """All rows; nothing is left open on the connection."""
    return db.execute(statement.sqlite, bind(statement, values)).fetchall()


def change(db: sqlite3.Connection, statement: Statement, values: Sequence[Any] = ()) -> int:
    """How many rows it changed."""
    return db.execute(statement.sqlite, bind(statement, values)).rowcount


def change_many(db: sqlite3.Connection, statement: Statement, many: Iterable[Sequence[Any]]) -> None:
    """Once for each row of values."""
    db.executemany(statement.sqlite, bind_many(statement, many))


@lru_cache(maxsize=64)
def insertion(table: str, columns: tuple[str, ...]) -> Statement:
    """The statement that adds one row."""
    values = ", ".join(f"${number}" for number in range(1, len(columns) + 1))
    return Statement(f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({values})")
