"""Statements on log lines, and the reader of their rows."""

from headrace.server.filters import Query
from headrace.server.store.base import Statement
from headrace.server.store.hidden import shown_of
from headrace.server.store.rows import Kind, Reader
from headrace.wire.logs import Log

_STORED = {
    "id": Kind.UUID,
    "created": Kind.TIME,
    "name": Kind.TEXT,
    "level": Kind.INTEGER,
    "message": Kind.TEXT,
    "timestamp": Kind.TIME,
    "flow_run_id": Kind.UUID,
    "task_run_id": Kind.UUID,
}
LOGS = Reader(Log, _STORED)

COLUMNS = LOGS.names
LIST = Query(
    "logs",
    LOGS.columns(),
    "{matching} ORDER BY {order} LIMIT {limit} OFFSET {offset}",
    orders={"TIMESTAMP_ASC": "timestamp ASC, id ASC", "TIMESTAMP_DESC": "timestamp DESC, id DESC"},
    extras=("limit", "offset"),
)

# A line has no mark of its own: it goes with its runs.
_SHOWN = f"""
    {shown_of("l")}
    AND NOT EXISTS (SELECT 1 FROM flow_runs r WHERE r.id = l.flow_run_id AND r.deleted_at IS NOT NULL)
    AND NOT EXISTS (SELECT 1 FROM task_runs t WHERE t.id = l.task_run_id AND t.deleted_at IS NOT NULL)
"""
AFTER = Statement(
    f"""
    SELECT {LOGS.columns("l")} FROM logs l
    WHERE l.flow_run_id = $1 AND (l.timestamp, l.id) > ($2, $3) AND {_SHOWN} ORDER BY l.timestamp, l.id LIMIT $4
    """
)
NAMED = Statement(
    f"""
    SELECT {LOGS.columns("l")} FROM unnest($1::timestamptz[], $2::uuid[]) AS named (timestamp, id)
    JOIN logs l ON l.timestamp = named.timestamp AND l.id = named.id WHERE {_SHOWN}
    """,
    sqlite=f"""
    SELECT {LOGS.columns("l")} FROM json_each($1) AS named CROSS JOIN logs l
    ON l.timestamp = named.value ->> 0 AND l.id = named.value ->> 1 WHERE {_SHOWN}
    """,
)
