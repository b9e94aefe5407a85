"""Statements on workers, and the reader of their rows."""

from headrace.server.filters.objects import Objects
from headrace.server.store.base import Statement
from headrace.server.store.rows import Kind, Reader
from headrace.wire.workers import Worker

WORKERS = Reader(
    Worker,
    {
        "id": Kind.UUID,
        "created": Kind.TIME,
        "updated": Kind.TIME,
        "name": Kind.TEXT,
        "work_pool_id": Kind.UUID,
        "last_heartbeat_time": Kind.TIME,
        "heartbeat_interval_seconds": Kind.INTEGER,
    },
)
LISTED = Objects("workers", WORKERS, {"HEARTBEAT_DESC": "last_heartbeat_time DESC, id DESC"})
BEAT = Statement(
    """
    INSERT INTO workers (
        id, created, updated, work_pool_id, name, last_heartbeat_time, heartbeat_interval_seconds, status
    )
    VALUES ($1, $2, $2, $3, $4, $2, $5, 'ONLINE')
    ON CONFLICT (work_pool_id, name) WHERE deleted_at IS NULL DO UPDATE
    SET updated = excluded.updated, last_heartbeat_time = excluded.last_heartbeat_time, status = excluded.status,
        heartbeat_interval_seconds = COALESCE(excluded.heartbeat_interval_seconds, workers.heartbeat_interval_seconds)
    """
)
_MARK_OFFLINE = """
    UPDATE workers SET status = 'OFFLINE' WHERE status = 'ONLINE' AND deleted_at IS NULL
    AND (last_heartbeat_time IS NULL OR last_heartbeat_time <= {since})
"""
MARK_OFFLINE = Statement(
    _MARK_OFFLINE.format(
        since="$1::timestamptz - $2::integer * COALESCE(heartbeat_interval_seconds, $3) * interval '1 second'"
    ),
    sqlite=_MARK_OFFLINE.format(since="$1 - $2 * COALESCE(heartbeat_interval_seconds, $3) * 1000000"),
)
OF_POOL = Statement(f"SELECT {WORKERS.columns()} FROM workers WHERE work_pool_id = $1 AND deleted_at IS NULL")
DELETE = Statement("DELETE FROM workers WHERE work_pool_id = $1 AND name = $2 AND deleted_at IS NULL")
