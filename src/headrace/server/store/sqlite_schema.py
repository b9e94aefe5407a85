"""Making and changing the schema of a SQLite file. `change` blocks: it belongs in a thread or a tool."""

import sqlite3
from pathlib import Path

from headrace.server.store import plans
from headrace.server.store.base import Dialect
from headrace.server.store.revisions import HEAD
from headrace.server.store.sqlite_connection import connect, is_busy, translate
from headrace.wire.errors import StoreError


def is_current(db: sqlite3.Connection) -> bool:
    """Whether the schema is of the newest revision."""
    return _revision(db) == HEAD


def current(path: Path, *, timeout: float) -> str | None:
    """The schema's revision, or None where the file does not exist or holds nothing."""
    if not path.exists():
        return None
    db = connect(path, writes=False, busy_timeout=timeout)
    try:
        return _revision(db) or None
    finally:
        db.close()


def change(path: Path, *, timeout: float, target: str = "head", reset: bool = False) -> str:
    """Lead the schema to the `target` revision, or make all of it anew, in one transaction; returns the revision.

    Waits up to `timeout` seconds for other processes, which may be doing the same. Raises `StoreError`.
    """
    try:
        db = connect(path, writes=True, busy_timeout=timeout)
        try:
            return _change(db, path, target, reset)
        finally:
            db.close()
    except sqlite3.Error as error:
        if is_busy(error):
            raise StoreError(
                f"The schema of {path} cannot be changed: another process has used it for {timeout:g} s. Stop it first."
            ) from error
        raise translate(error) from error


def _change(db: sqlite3.Connection, path: Path, target: str, reset: bool) -> str:
    db.execute("PRAGMA foreign_keys = OFF")  # so that a table can be rebuilt while others refer to it
    db.execute("BEGIN IMMEDIATE")
    try:
        found, tables = _revision(db), _tables(db)
        if reset:
            statements = plans.to_reset(Dialect.SQLITE, path, found, tables)
        else:
            statements = plans.to_revision(Dialect.SQLITE, path, found, tables, target)
        for statement in statements:
            db.execute(statement)
        _check_references(db, path)
        revision = _revision(db)
        db.execute("COMMIT")
    finally:
        if db.in_transaction:
            db.execute("ROLLBACK")
    return revision or plans.BASE


def _revision(db: sqlite3.Connection) -> str | None:
    """The revision's name; "" where the version table is empty, None where there is none."""
    if "alembic_version" not in _tables(db):
        return None
    row = db.execute("SELECT version_num FROM alembic_version").fetchone()
    return row[0] if row else ""


def _tables(db: sqlite3.Connection) -> list[str]:
    names = db.execute("SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%'")
    return [name for (name,) in names]


def _check_references(db: sqlite3.Connection, path: Path) -> None:
    broken = db.execute("PRAGMA foreign_key_check").fetchone()
    if broken is not None:
        raise StoreError(
            f"The schema of {path} was not changed: rows of {broken[0]} would refer to missing {broken[2]}."
        )
