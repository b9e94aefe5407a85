"""How headrace talks to one PostgreSQL database: connections and errors."""

import re
from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import Any, Protocol, cast

import asyncpg

from headrace.server.store.base import Row
from headrace.server.store.locations import PostgresDatabase
from headrace.wire.errors import (
    Conflict,
    HeadraceError,
    InternalError,
    ServiceUnavailable,
    StorageFull,
    StoreError,
    Unprocessable,
)

_CACHED_STATEMENTS = 512
_SESSION = {
    "application_name": "headrace",
    "jit": "off",  # compiling costs more than any of our statements takes
    "timezone": "UTC",
}
_KEY = re.compile(r"Key \((?P<columns>.+?)\)=")

DRIVER_ERRORS = (asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError, OSError)
"""What asyncpg raises: `OSError` where the network fails or time is up, `InternalClientError` where a
connection is lost in the middle of an answer."""

_LOST = (
    asyncpg.PostgresConnectionError,
    asyncpg.AdminShutdownError,
    asyncpg.CrashShutdownError,
    asyncpg.CannotConnectNowError,
    asyncpg.InternalClientError,
    OSError,
)
_PASSING = (
    TimeoutError,
    asyncpg.QueryCanceledError,
    asyncpg.DeadlockDetectedError,
    asyncpg.SerializationError,
    asyncpg.LockNotAvailableError,
    asyncpg.InsufficientResourcesError,
    asyncpg.ReadOnlySQLTransactionError,
    asyncpg.InvalidCachedStatementError,
)
_UNKEEPABLE = (asyncpg.UntranslatableCharacterError, asyncpg.CharacterNotInRepertoireError)


class Driver(Protocol):
    """The part of asyncpg's connection that headrace uses."""

    async def fetch(self, query: str, *args: Any) -> list[Row]: ...
    async def fetchrow(self, query: str, *args: Any) -> Row | None: ...
    async def fetchval(self, query: str, *args: Any) -> Any: ...
    async def execute(self, query: str, *args: Any) -> str: ...
    async def executemany(self, command: str, args: Iterable[Sequence[Any]]) -> None: ...
    async def copy_records_to_table(
        self, table_name: str, *, records: Iterable[Sequence[Any]], columns: Sequence[str]
    ) -> str: ...
    async def close(self, *, timeout: float | None = None) -> None: ...
    def terminate(self) -> None: ...
    def is_closed(self) -> bool: ...


async def connect(database: PostgresDatabase, *, timeout: float) -> Driver:
    """A new connection whose statements may take `timeout` seconds each; raises one of `DRIVER_ERRORS`."""
    open_connection = cast(Callable[..., Awaitable[Driver]], asyncpg.connect)  # pyright: ignore[reportUnknownMemberType]
    return await open_connection(
        database.url,
        timeout=timeout,
        command_timeout=timeout,
        statement_cache_size=_CACHED_STATEMENTS,
        max_cached_statement_lifetime=0,
        server_settings=_SESSION,
    )


def unusable(database: PostgresDatabase, error: Exception) -> StoreError:
    """One clear line about a database that cannot be connected to."""
    match error:
        case asyncpg.InvalidCatalogNameError():
            why = "does not exist: create it, or name another one in HEADRACE_SERVER_DATABASE_URL"
        case asyncpg.InvalidAuthorizationSpecificationError():
            why = "refuses the user: check the name and password in HEADRACE_SERVER_DATABASE_URL"
        case TimeoutError():
            why = "does not answer: check the host and port in HEADRACE_SERVER_DATABASE_URL"
        case OSError():
            why = f"cannot be reached ({error.strerror or error}): start it, or check HEADRACE_SERVER_DATABASE_URL"
        case _:
            why = f"cannot be used ({error})"
    return StoreError(f"The database {database} {why}.")


def is_lost(error: BaseException) -> bool:
    """Whether the connection is gone; what it was doing may be tried on a new one, if it only reads."""
    if isinstance(error, asyncpg.InterfaceError):
        return "closed" in str(error)
    return isinstance(error, _LOST) and not isinstance(error, TimeoutError)


def translate(error: Exception) -> HeadraceError:
    """The error of ours that says what a driver's error means for a request."""
    if isinstance(error, asyncpg.UniqueViolationError):
        return Conflict(f"Data integrity conflict. {_taken(error)}")
    if isinstance(error, asyncpg.ForeignKeyViolationError):
        return Conflict("Data integrity conflict. It refers to an object that does not exist.")
    if isinstance(error, _UNKEEPABLE):
        return Unprocessable("A text holds a NUL character, which the database cannot keep: leave it out.")
    if isinstance(error, asyncpg.DiskFullError):
        return StorageFull(f"The disk that holds the database is full: {error}. Free some space.")
    if is_lost(error) or isinstance(error, _PASSING):
        return ServiceUnavailable(f"The database is busy or away: {error or type(error).__name__}. Try again.")
    return InternalError(f"The database refused a statement: {error}.")


def _taken(error: Any) -> str:
    found = _KEY.match(error.detail or "")
    names = found["columns"].replace(", ", " and ") if found else "key"
    return f"Another row of {error.table_name} has the same {names}."
