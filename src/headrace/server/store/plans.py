"""Which statements change a database's schema: decided here, run by each database's own driver."""

from collections.abc import Sequence

from headrace.server.store import snapshot
from headrace.server.store.base import Dialect
from headrace.server.store.revisions import BASE, HEAD, known, resolve
from headrace.wire.errors import StoreError


def to_revision(
    dialect: Dialect, database: object, current: str | None, tables: Sequence[str], target: str
) -> list[str]:
    """What leads from the `current` revision (None: there is no version table) to the `target`.

    `tables` are those the database holds. Raises `StoreError` for a schema of a newer version, and for a database
    without a version that holds tables all the same, because they are somebody else's.
    """
    if current is None and tables:
        raise StoreError(
            f"The database {database} holds tables that are not headrace's ({', '.join(sorted(tables)[:3])} …): "
            "point HEADRACE_SERVER_DATABASE_URL to an empty database."
        )
    start = BASE if current is None else known(current, database) if current else BASE
    end = resolve(target, start)
    if current is None and end == HEAD:
        return snapshot.statements(dialect)
    if start == end:
        return []
    from headrace.server.store.migrations import render

    version = [] if current is not None else [snapshot.VERSION_TABLE]
    return [*version, *render(dialect, start, end), "DELETE FROM alembic_version", *_stamp(end)]


def to_reset(dialect: Dialect, database: object, current: str | None, tables: Sequence[str]) -> list[str]:
    """What drops all of headrace's tables and makes them again, empty."""
    if current is None:
        return to_revision(dialect, database, current, tables, HEAD)
    down = to_revision(dialect, database, current, tables, BASE)
    return [*down, "DROP TABLE alembic_version", *snapshot.statements(dialect)]


def _stamp(revision: str) -> list[str]:
    return [] if revision == BASE else [f"INSERT INTO alembic_version (version_num) VALUES ('{revision}')"]
