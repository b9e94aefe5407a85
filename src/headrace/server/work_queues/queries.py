"""Statements on work queues, and the reader of their rows."""

from functools import lru_cache
from uuid import UUID

import msgspec

from headrace.server.filters import Query
from headrace.server.store.base import Statement
from headrace.server.store.rows import ENUM, JSON, Kind, Reader
from headrace.server.work_queues.events import PoolLabels
from headrace.wire.work_queues import QueueFilter, WorkQueue, WorkQueueStatus

QUEUES = Reader(
    WorkQueue,
    {
        "id": Kind.UUID,
        "created": Kind.TIME,
        "updated": Kind.TIME,
        "name": Kind.TEXT,
        "description": Kind.TEXT,
        "is_paused": Kind.BOOLEAN,
        "concurrency_limit": Kind.INTEGER,
        "priority": Kind.INTEGER,
        "work_pool_id": Kind.UUID,
        "filter": JSON(QueueFilter),
        "last_polled": Kind.TIME,
        "status": ENUM(WorkQueueStatus),
        "work_pool_name": Kind.TEXT,
        "active_slots": Kind.INTEGER,
    },
)
_POOL_NAME = "(SELECT work_pools.name FROM work_pools WHERE work_pools.id = work_queues.work_pool_id)"


def _columns(*holding: str) -> str:
    """The columns of a queue; runs in one of the states `holding` take its slots."""
    states = ", ".join(f"'{state}'" for state in holding)
    slots = (
        "CASE WHEN work_queues.concurrency_limit IS NOT NULL THEN (SELECT count(*) FROM flow_runs"
        f" WHERE flow_runs.work_queue_id = work_queues.id AND flow_runs.state_type IN ({states})"
        " AND flow_runs.deleted_at IS NULL) END"
    )
    own = {"work_pool_name": f"{_POOL_NAME} AS work_pool_name", "active_slots": f"{slots} AS active_slots"}
    return ", ".join(own.get(name, f"work_queues.{name}") for name in QUEUES.names)


_LISTED = "{matching} ORDER BY {order} LIMIT {limit} OFFSET {offset}"
_ORDERS = {"PRIORITY": "priority ASC, work_queues.id ASC", "NAME_ASC": "name ASC, work_queues.id ASC"}


class Reads:
    """The ways to read queues; the two sets of routes count different states as taking a slot (contract §3)."""

    def __init__(self, *holding: str) -> None:
        columns = _columns(*holding)
        select = f"SELECT {columns} FROM work_queues WHERE"
        self.by_id = Statement(f"{select} id = $1 AND deleted_at IS NULL")
        self.by_name = Statement(f"{select} work_pool_id = $1 AND name = $2 AND deleted_at IS NULL")
        self.of_pool = Statement(f"{select} work_pool_id = $1 AND deleted_at IS NULL ORDER BY priority, id")
        self.matching = Query("work_queues", columns, _LISTED, orders=_ORDERS, extras=("limit", "offset"))


IN_POOL = Reads("PENDING", "RUNNING")
BY_ITSELF = Reads("PENDING", "RUNNING", "CANCELLING")


def _pair(*, id: UUID, priority: int) -> tuple[UUID, int]:
    return id, priority


class Awaited(msgspec.Struct, frozen=True, kw_only=True):
    """A queue that somebody polls, as it was before."""

    id: UUID
    is_paused: bool
    status: WorkQueueStatus | None


AWAITED = Reader(Awaited, {"id": Kind.UUID, "is_paused": Kind.BOOLEAN, "status": ENUM(WorkQueueStatus)})
INSERT = Statement(
    """
    INSERT INTO work_queues (
        id, created, updated, work_pool_id, name, description, is_paused, concurrency_limit, priority, status, filter
    )
    VALUES ($1, $2, $2, $3, $4, $5, $6, $7, $8, $9, $10)
    ON CONFLICT DO NOTHING
    """
)
_POOL = "SELECT id, name, type FROM work_pools WHERE id = $1"
LOCK_POOL = Statement(  # one at a time changes the order of a pool's queues; SQLite has one writer anyway
    f"{_POOL} FOR UPDATE", sqlite=_POOL
)
POOL = Statement(_POOL)
POOLS = Reader(PoolLabels, {"id": Kind.UUID, "name": Kind.TEXT, "type": Kind.TEXT})


def _id(*, id: UUID) -> UUID:
    return id


IDS = Reader(_id, {"id": Kind.UUID})
PRIORITY_PAIRS: Reader[tuple[UUID, int]] = Reader(_pair, {"id": Kind.UUID, "priority": Kind.INTEGER})
PRIORITIES = Statement(
    "SELECT id, priority FROM work_queues WHERE work_pool_id = $1 AND deleted_at IS NULL ORDER BY priority, id"
)
SET_PRIORITY = Statement("UPDATE work_queues SET priority = $2, updated = $3 WHERE id = $1")
_BY_IDS, _BY_IDS_SQLITE = "id = ANY($1::uuid[])", "id IN (SELECT value FROM json_each($1))"
_OF = "SELECT id, is_paused, status FROM work_queues WHERE {} AND deleted_at IS NULL ORDER BY id"
LOCK = Statement(  # in the order of ids, so that two who poll the same queues never wait in a circle
    f"{_OF.format(_BY_IDS)} FOR UPDATE", sqlite=_OF.format(_BY_IDS_SQLITE)
)
_POLL = """
    UPDATE work_queues SET last_polled = $2, status = CASE WHEN is_paused THEN 'PAUSED' ELSE 'READY' END WHERE {}
"""
_LAPSED = """
    SELECT id FROM work_queues
    WHERE status = 'READY' AND (last_polled IS NULL OR last_polled < $1) AND deleted_at IS NULL
"""
LAPSED = Statement(f"{_LAPSED} ORDER BY id LIMIT $2")
# Whoever has one locked is polling it.
LOCK_LAPSED = Statement(
    f"{_LAPSED} AND id = ANY($2::uuid[]) ORDER BY id FOR NO KEY UPDATE SKIP LOCKED",
    sqlite=f"{_LAPSED} AND id IN (SELECT value FROM json_each($2))",
)
_LAPSE = "UPDATE work_queues SET status = 'NOT_READY' WHERE {}"
LAPSE = Statement(_LAPSE.format(_BY_IDS), sqlite=_LAPSE.format(_BY_IDS_SQLITE))
MARK_POLLED = Statement(_POLL.format(_BY_IDS), sqlite=_POLL.format(_BY_IDS_SQLITE))
DELETE = Statement(
    "DELETE FROM work_queues WHERE id = $1 AND deleted_at IS NULL"
    " AND NOT EXISTS (SELECT 1 FROM work_pools WHERE work_pools.default_queue_id = work_queues.id)"
)


@lru_cache(maxsize=64)
def update(columns: tuple[str, ...]) -> Statement:
    """A statement that sets these columns of a queue; `$1` is its id."""
    settings = ", ".join(f"{column} = ${number}" for number, column in enumerate(columns, start=2))
    return Statement(f"UPDATE work_queues SET {settings} WHERE id = $1 AND deleted_at IS NULL")
