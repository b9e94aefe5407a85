"""The schema of the configured database, for tools: which revision it has, and how to change it.

Each function blocks, and raises `StoreError` with one clear line where the database cannot be used.
"""

import asyncio
from typing import assert_never

from headrace.server.store import sqlite_schema
from headrace.server.store.locations import PostgresDatabase, SQLiteFile, locate
from headrace.server.store.revisions import HEAD
from headrace.settings import Settings

__all__ = ["HEAD", "current", "downgrade", "reset", "upgrade"]


def current(settings: Settings) -> str | None:
    """The revision of the database's schema, or None where there is no schema yet."""
    timeout = settings.server.database.timeout
    location = locate(settings.server.database.url, settings.home)
    match location:
        case SQLiteFile(path):
            return sqlite_schema.current(path, timeout=timeout)
        case PostgresDatabase():
            from headrace.server.store import postgres_schema

            return asyncio.run(postgres_schema.current(location, timeout=timeout))
        case _:
            assert_never(location)


def upgrade(settings: Settings, revision: str = "head") -> str:
    """Bring the schema up to a revision (`head`, a revision's name, or `+1`) and return its name."""
    return _change(settings, revision)


def downgrade(settings: Settings, revision: str = "-1") -> str:
    """Take the schema back to a revision (`-1`, a revision's name, or `base` for none at all); data goes with it."""
    return _change(settings, revision)


def reset(settings: Settings) -> str:
    """Drop everything that headrace keeps and begin again with empty tables of the newest revision."""
    return _change(settings, HEAD, reset=True)


def _change(settings: Settings, target: str, *, reset: bool = False) -> str:
    timeout = settings.server.database.timeout
    location = locate(settings.server.database.url, settings.home)
    match location:
        case SQLiteFile(path):
            if settings.server.database.url is None:
                settings.home.mkdir(parents=True, exist_ok=True)
            return sqlite_schema.change(path, timeout=timeout, target=target, reset=reset)
        case PostgresDatabase():
            from headrace.server.store import postgres_schema

            return asyncio.run(postgres_schema.change(location, timeout=timeout, target=target, reset=reset))
        case _:
            assert_never(location)
