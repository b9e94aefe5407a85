"""Statements on work pools, and the readers of their rows."""

from datetime import datetime
from functools import lru_cache
from uuid import UUID

import msgspec

from headrace.server.filters.objects import Objects
from headrace.server.store.base import Statement
from headrace.server.store.rows import ENUM, JSON, Kind, Reader
from headrace.wire.work_pools import JobTemplate, WorkPool, WorkPoolStatus, WorkPoolStorageConfiguration

POOLS = Reader(
    WorkPool,
    {
        "id": Kind.UUID,
        "created": Kind.TIME,
        "updated": Kind.TIME,
        "name": Kind.TEXT,
        "description": Kind.TEXT,
        "type": Kind.TEXT,
        "base_job_template": JSON(JobTemplate),
        "is_paused": Kind.BOOLEAN,
        "concurrency_limit": Kind.INTEGER,
        "status": ENUM(WorkPoolStatus),
        "default_queue_id": Kind.UUID,
        "storage_configuration": JSON(WorkPoolStorageConfiguration),
    },
)
_COLUMNS = POOLS.columns()

LISTED = Objects("work_pools", POOLS, {"NAME_ASC": "name ASC"})
BY_NAME = Statement(f"SELECT {_COLUMNS} FROM work_pools WHERE name = $1 AND deleted_at IS NULL")
INSERT = Statement(
    f"""
    INSERT INTO work_pools (
        id, created, updated, name, description, type, base_job_template, is_paused, concurrency_limit,
        storage_configuration
    )
    VALUES ($1, $2, $2, $3, $4, $5, $6, $7, $8, $9)
    ON CONFLICT (name) WHERE deleted_at IS NULL DO NOTHING
    RETURNING {_COLUMNS}
    """
)
SET_DEFAULT_QUEUE = Statement("UPDATE work_pools SET default_queue_id = $2 WHERE id = $1")
_SET_STATUS = """
    UPDATE work_pools SET status = $2, last_transitioned_status_at = $3, last_status_event_id = $4
    WHERE id = $1 AND status {is_other} $2 AND deleted_at IS NULL
"""
SET_STATUS = Statement(_SET_STATUS.format(is_other="IS DISTINCT FROM"), sqlite=_SET_STATUS.format(is_other="IS NOT"))
_LAST_STATUS = "SELECT last_status_event_id, last_transitioned_status_at FROM work_pools WHERE id = $1"
LAST_STATUS = Statement(f"{_LAST_STATUS} FOR NO KEY UPDATE", sqlite=_LAST_STATUS)
LOCK = Statement(
    f"SELECT {_COLUMNS} FROM work_pools WHERE name = $1 AND deleted_at IS NULL FOR UPDATE",
    sqlite=f"SELECT {_COLUMNS} FROM work_pools WHERE name = $1 AND deleted_at IS NULL",
)
LEFT = Statement(
    """
    SELECT p.name FROM work_pools p
    WHERE p.status = 'READY' AND p.type <> $1 AND p.deleted_at IS NULL AND NOT EXISTS (
        SELECT 1 FROM workers w WHERE w.work_pool_id = p.id AND w.status = 'ONLINE' AND w.deleted_at IS NULL
    ) ORDER BY p.id LIMIT $2
    """
)
ANY_ONLINE = Statement(
    "SELECT 1 FROM workers WHERE work_pool_id = $1 AND status = 'ONLINE' AND deleted_at IS NULL LIMIT 1"
)
DELETE = Statement("DELETE FROM work_pools WHERE id = $1 AND deleted_at IS NULL")


@lru_cache(maxsize=64)
def update(columns: tuple[str, ...]) -> Statement:
    """A statement that sets these columns of a pool; `$1` is its id."""
    settings = ", ".join(f"{column} = ${number}" for number, column in enumerate(columns, start=2))
    return Statement(f"UPDATE work_pools SET {settings} WHERE id = $1 AND deleted_at IS NULL")


class StatusEvent(msgspec.Struct, frozen=True, kw_only=True):
    """The event that told of a pool's status last, and when; None where there was none."""

    id: UUID | None
    at: datetime | None


STATUS_EVENTS = Reader(StatusEvent, {"id": Kind.UUID, "at": Kind.TIME})


class Place(msgspec.Struct, frozen=True, kw_only=True):
    """Where runs are sent: a queue of a pool, and what the pool's workers make jobs from."""

    work_pool_id: UUID
    work_pool_name: str
    work_queue_id: UUID
    work_queue_name: str
    base_job_template: JobTemplate


PLACES = Reader(
    Place,
    {
        "work_pool_id": Kind.UUID,
        "work_pool_name": Kind.TEXT,
        "work_queue_id": Kind.UUID,
        "work_queue_name": Kind.TEXT,
        "base_job_template": JSON(JobTemplate),
    },
)
_PLACES = """
    SELECT p.id, p.name, q.id, q.name, p.base_job_template
    FROM work_pools p JOIN work_queues q ON q.work_pool_id = p.id
    WHERE p.deleted_at IS NULL AND q.deleted_at IS NULL AND
"""
PLACE_OF_QUEUE = Statement(f"{_PLACES} q.id = $1")
DEFAULT_PLACE = Statement(f"{_PLACES} p.name = $1 AND q.id = p.default_queue_id")
PLACE_BY_NAMES = Statement(f"{_PLACES} p.name = $1 AND q.name = $2")


class PoolOfQueue(msgspec.Struct, frozen=True, kw_only=True):
    """The pool that a queue is of."""

    queue_id: UUID
    id: UUID
    name: str


OWNERS = Reader(PoolOfQueue, {"queue_id": Kind.UUID, "id": Kind.UUID, "name": Kind.TEXT})
_OWNERS = """
    SELECT q.id, p.id, p.name FROM work_queues q JOIN work_pools p ON p.id = q.work_pool_id
    WHERE q.deleted_at IS NULL AND p.deleted_at IS NULL AND q.id
"""
OF_QUEUES = Statement(
    f"{_OWNERS} = ANY($1::uuid[])",
    sqlite=f"{_OWNERS} IN (SELECT value FROM json_each($1))",
)
