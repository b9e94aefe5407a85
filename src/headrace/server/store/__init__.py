"""One `Store` over SQLite and PostgreSQL: `make_store` picks, `base` says what it offers."""

from typing import TYPE_CHECKING, assert_never

from headrace.server.store.base import Store
from headrace.server.store.locations import PostgresDatabase, SQLiteFile, locate

if TYPE_CHECKING:
    from headrace.settings import Settings

__all__ = ["make_store"]


def make_store(settings: "Settings") -> Store:
    """The store of the configured database, not opened yet. Only its own driver is imported.

    Makes the home folder, which the default database lives in. Raises `StoreError` for a URL of an unknown form.
    """
    database = settings.server.database
    location = locate(database.url, settings.home)
    match location:
        case SQLiteFile(path):
            from headrace.server.store.sqlite import SQLiteStore

            if database.url is None:
                settings.home.mkdir(parents=True, exist_ok=True)
            return SQLiteStore(path, timeout=database.timeout)
        case PostgresDatabase():
            from headrace.server.store.postgres import PostgresStore

            return PostgresStore(
                location,
                timeout=database.timeout,
                pool_size=database.connection_pool_size,
                migrate=database.migrate_on_start,
            )
        case _:
            assert_never(location)
