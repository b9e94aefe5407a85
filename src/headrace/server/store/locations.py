"""Where a database is, read from its URL."""

from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from headrace.wire.errors import StoreError

_FORMS = "sqlite:///PATH or postgresql://USER:PASSWORD@HOST:PORT/NAME"


@dataclass(frozen=True, slots=True)
class SQLiteFile:
    """A file; its folder must exist."""

    path: Path


@dataclass(frozen=True, slots=True)
class PostgresDatabase:
    """A database server's address in the form that asyncpg reads, password included."""

    url: str

    def __str__(self) -> str:
        return masked(self.url)


Location = SQLiteFile | PostgresDatabase


def locate(url: str | None, home: Path) -> Location:
    """What a database URL names; None is the embedded database in `home`.

    Reads `sqlite:///relative`, `sqlite:////absolute`, `postgresql://…` and `postgres://…`, each with or without
    the name of a driver (`sqlite+aiosqlite`, `postgresql+asyncpg`). Raises `StoreError` for anything else.
    """
    if url is None:
        return SQLiteFile(home / "headrace.db")
    scheme, colon, _ = url.partition("://")
    match scheme.partition("+")[0]:
        case "sqlite" if colon:
            return _file(url)
        case "postgresql" | "postgres" if colon:
            return _database(url)
        case _:
            raise StoreError(f"The database URL {masked(url)!r} is of no known form: write {_FORMS}.")


def _file(url: str) -> SQLiteFile:
    path = url.partition("://")[2].partition("?")[0]
    if not path.startswith("/") or path in ("/", "/:memory:"):
        raise StoreError(f"The database URL {url!r} names no file: write sqlite:////absolute/path/to/headrace.db.")
    return SQLiteFile(Path(path[1:]).expanduser())


def _database(url: str) -> PostgresDatabase:
    parts = urlsplit(url)
    if not parts.path.strip("/"):
        raise StoreError(f"The database URL {masked(url)!r} names no database: write {_FORMS}.")
    return PostgresDatabase(f"postgresql://{url.partition('://')[2]}")


def masked(url: str) -> str:
    """The URL without its password."""
    front, at, back = url.rpartition("@")
    scheme, slashes, user = front.partition("://")
    return f"{scheme}{slashes}{user.partition(':')[0]}{at}{back}" if at else url
