"""Statements on artifacts and their collections, and the readers of their rows.

A collection is the newest artifact of a key, as a copy with an id of its own. Newest is the greatest id, so
that two callers who write the same key at once agree on which it is, and so do those who delete.
"""

from collections.abc import Collection
from functools import lru_cache

from headrace.server.filters.objects import Objects
from headrace.server.store.base import Statement
from headrace.server.store.hidden import shown_of
from headrace.server.store.rows import JSON, Kind, Reader
from headrace.wire.artifacts import Artifact, ArtifactCollection, Metadata

SHOWN = ("type", "data", "description", "metadata_", "flow_run_id", "task_run_id")
_FIELDS: dict[str, Kind | JSON] = {
    "type": Kind.TEXT,
    "data": JSON(),
    "description": Kind.TEXT,
    "metadata_": JSON(Metadata),
    "flow_run_id": Kind.UUID,
    "task_run_id": Kind.UUID,
}
_STAMPS: dict[str, Kind | JSON] = {"id": Kind.UUID, "created": Kind.TIME, "updated": Kind.TIME, "key": Kind.TEXT}

ARTIFACTS = Reader(Artifact, _STAMPS | _FIELDS)
COLLECTIONS = Reader(ArtifactCollection, _STAMPS | {"latest_id": Kind.UUID} | _FIELDS)
_COLUMNS, _COLLECTED = ARTIFACTS.columns(), COLLECTIONS.columns()
_COPIED = ", ".join(SHOWN)


INSERT = Statement(f"INSERT INTO artifacts ({_COLUMNS}) VALUES ($1, $2, $2, $3, $4, $5, $6, $7, $8, $9)")
COLLECT = Statement(
    f"INSERT INTO artifact_collections (id, created, updated, key, latest_id, {_COPIED})"
    " VALUES ($1, $2, $2, $3, $4, $5, $6, $7, $8, $9, $10)"
    " ON CONFLICT (key) WHERE deleted_at IS NULL DO UPDATE SET updated = excluded.updated,"
    f" latest_id = excluded.latest_id, {', '.join(f'{name} = excluded.{name}' for name in SHOWN)}"
    f" WHERE artifact_collections.latest_id < excluded.latest_id RETURNING {_COLLECTED}"
)
BY_ID = Statement(f"SELECT {_COLUMNS} FROM artifacts WHERE id = $1 AND deleted_at IS NULL AND {shown_of('artifacts')}")
LATEST = Statement(
    f"SELECT {ARTIFACTS.columns('a')} FROM artifact_collections AS c JOIN artifacts AS a ON a.id = c.latest_id"
    " WHERE c.key = $1 AND c.deleted_at IS NULL AND a.deleted_at IS NULL"
)

RUNS_OF = Statement("SELECT flow_run_id, task_run_id FROM artifacts WHERE id = $1")


@lru_cache
def change(columns: tuple[str, ...]) -> Statement:
    """Set columns of an artifact; answers its key."""
    live = f"deleted_at IS NULL AND {shown_of('artifacts')}"
    return Statement(f"UPDATE artifacts SET {_assigned(columns, 2)} WHERE id = $1 AND {live} RETURNING key")


@lru_cache
def change_latest(columns: tuple[str, ...]) -> Statement:
    """Set the same columns of the collection of a key, if that artifact is its latest."""
    return Statement(
        f"UPDATE artifact_collections SET {_assigned(columns, 3)}"
        " WHERE latest_id = $1 AND key = $2 AND deleted_at IS NULL"
    )


def _assigned(columns: Collection[str], first: int) -> str:
    return ", ".join(f"{column} = ${number}" for number, column in enumerate(columns, first))


def _orders(table: str) -> dict[str, str]:
    """The sorts; ids grow with time, so the newest made are those with the greatest ids."""
    newest = f"{table}.id DESC"
    return {
        "ID_DESC": newest,
        "CREATED_DESC": newest,
        "UPDATED_DESC": f"{table}.updated DESC, {newest}",
        "KEY_DESC": f"{table}.key DESC NULLS LAST, {newest}",
        "KEY_ASC": f"{table}.key ASC NULLS LAST, {table}.id ASC",
    }


LIST = Objects("artifacts", ARTIFACTS, _orders("artifacts"))
LIST_LATEST = Objects("artifact_collections", COLLECTIONS, _orders("artifact_collections"))
