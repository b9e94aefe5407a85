"""How headrace talks to one SQLite file: connections and errors."""

import asyncio
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from headrace.wire.chance import CHANCE
from headrace.wire.errors import Conflict, HeadraceError, InternalError, ServiceUnavailable, StorageFull, StoreError

_MEBIBYTE = 1024 * 1024
_CACHED_STATEMENTS = 512
_AUTOMATIC_CHECKPOINT_PAGES = 16_384
_FIRST_PAUSE, _LONGEST_PAUSE = 0.000_5, 0.02

Result = TypeVar("Result")

_SHARED = (
    "PRAGMA auto_vacuum = INCREMENTAL",  # heeded only before the first table: a purge can then give space back
    "PRAGMA journal_mode = WAL",
    "PRAGMA synchronous = NORMAL",  # survives a killed process; a power cut may take the last commits, never the file
    "PRAGMA foreign_keys = ON",
    "PRAGMA temp_store = MEMORY",
    f"PRAGMA journal_size_limit = {64 * _MEBIBYTE}",
    f"PRAGMA cache_size = {-16 * 1024}",
)
_WRITER = (f"PRAGMA wal_autocheckpoint = {_AUTOMATIC_CHECKPOINT_PAGES}",)
_READER = (f"PRAGMA mmap_size = {256 * _MEBIBYTE}", "PRAGMA query_only = ON")


def connect(path: Path, *, writes: bool, busy_timeout: float = 0.0) -> sqlite3.Connection:
    """A connection in autocommit mode, where every transaction is begun and ended by hand.

    `busy_timeout` is in seconds; anything but 0 blocks the calling thread, so it is for threads and tools.
    Raises `StoreError` when the file cannot be used, `sqlite3.OperationalError` when it is busy.
    """
    if not path.parent.is_dir():
        raise StoreError(
            f"The directory {path.parent} of the database {path.name} does not exist: "
            "create it, or set HEADRACE_SERVER_DATABASE_URL to a file elsewhere."
        )
    try:
        db = sqlite3.connect(
            path,
            timeout=busy_timeout,
            isolation_level=None,
            check_same_thread=False,
            cached_statements=_CACHED_STATEMENTS,
        )
    except sqlite3.OperationalError as error:
        raise unusable(path, error) from error
    try:
        for pragma in (*_SHARED, *(_WRITER if writes else _READER)):
            db.execute(pragma).close()
    except sqlite3.Error as error:
        db.close()
        if is_busy(error):
            raise
        raise unusable(path, error) from error
    return db


def unusable(path: Path, error: sqlite3.Error) -> StoreError:
    """One clear line about a file that cannot serve as a database."""
    match _code(error):
        case sqlite3.SQLITE_NOTADB:
            why = "is not a SQLite database"
        case sqlite3.SQLITE_CORRUPT:
            why = f"is damaged ({error})"
        case sqlite3.SQLITE_READONLY:
            why = "cannot be written"
        case sqlite3.SQLITE_CANTOPEN:
            why = "cannot be opened: it is a directory, or its permissions forbid it"
        case _:
            why = f"cannot be used ({error})"
    return StoreError(
        f"The database {path} {why}. Set HEADRACE_SERVER_DATABASE_URL to another file, or move this away."
    )


def is_busy(error: BaseException) -> bool:
    """Whether another connection holds a lock that this one needs; the statement did nothing and can run again."""
    return isinstance(error, sqlite3.OperationalError) and _code(error) in (
        sqlite3.SQLITE_BUSY,
        sqlite3.SQLITE_LOCKED,
        sqlite3.SQLITE_PROTOCOL,
    )


async def patiently(action: Callable[[], Result], path: Path, timeout: float) -> Result:
    """Do it, again and again while another process holds the lock it needs, without blocking the event loop.

    Raises `ServiceUnavailable` after `timeout` seconds, and any other error of the driver as ours.
    """
    loop = asyncio.get_running_loop()
    deadline, pause = loop.time() + timeout, _FIRST_PAUSE
    while True:
        try:
            return action()
        except sqlite3.Error as error:
            if not is_busy(error):
                raise translate(error) from error
            if loop.time() >= deadline:
                raise ServiceUnavailable(
                    f"Another process has kept the database {path} locked for {timeout:g} s. Try again."
                ) from error
        await asyncio.sleep(pause * CHANCE.uniform(0.5, 1.0))
        pause = min(pause * 2, _LONGEST_PAUSE)


def translate(error: sqlite3.Error) -> HeadraceError:
    """The error of ours that says what a driver's error means for a request."""
    code = getattr(error, "sqlite_errorcode", 0)
    if code in (sqlite3.SQLITE_CONSTRAINT_UNIQUE, sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY):
        return Conflict(f"Data integrity conflict. {_taken(str(error))}")
    if code == sqlite3.SQLITE_CONSTRAINT_FOREIGNKEY:
        return Conflict("Data integrity conflict. It refers to an object that does not exist.")
    match code & 0xFF:
        case sqlite3.SQLITE_BUSY | sqlite3.SQLITE_LOCKED:
            return ServiceUnavailable("The database is busy: another process holds its lock. Try again.")
        case sqlite3.SQLITE_FULL:
            return StorageFull("The disk that holds the database is full: free some space.")
        case sqlite3.SQLITE_IOERR:
            return ServiceUnavailable(f"The disk that holds the database fails: {error}.")
        case sqlite3.SQLITE_INTERRUPT:
            return ServiceUnavailable("The query was stopped before it was done.")
        case sqlite3.SQLITE_CORRUPT | sqlite3.SQLITE_NOTADB | sqlite3.SQLITE_READONLY:
            return StoreError(f"The database cannot be used: {error}.")
        case _:
            return InternalError(f"The database refused a statement: {error}.")


def _taken(message: str) -> str:
    """Turn `UNIQUE constraint failed: flow_runs.flow_id, flow_runs.key` into a sentence."""
    columns = [column.strip() for column in message.rpartition(": ")[2].split(",")]
    table = columns[0].partition(".")[0]
    names = " and ".join(column.partition(".")[2] for column in columns)
    return f"Another row of {table} has the same {names}."


def _code(error: sqlite3.Error) -> int:
    return getattr(error, "sqlite_errorcode", 0) & 0xFF
