"""Statements on the queue.

A row is a task run that is Scheduled and meant for a worker. While somebody has it, its `delivery_id` says who, and
`available_at` is when others may have it; one condition finds both what waits and what was left behind.
"""

from headrace.server.store.base import Statement
from headrace.server.store.rows import Kind, Reader
from headrace.wire.background_tasks import TaskQueueLine

OFFER = Statement(
    """
    INSERT INTO task_queue (task_run_id, task_key, place, available_at) VALUES ($1, $2, $3, $4)
    ON CONFLICT (task_run_id) DO UPDATE
    SET place = excluded.place, available_at = excluded.available_at, delivery_id = NULL
    """
)
WITHDRAW = Statement(
    "DELETE FROM task_queue WHERE task_run_id = ANY($1::uuid[])",
    sqlite="DELETE FROM task_queue WHERE task_run_id IN (SELECT value FROM json_each($1))",
)
SCHEDULED = Statement(
    "SELECT id FROM task_runs WHERE id = ANY($1::uuid[]) AND state_type = 'SCHEDULED' AND deleted_at IS NULL",
    sqlite="SELECT id FROM task_runs WHERE id IN (SELECT value FROM json_each($1)) AND state_type = 'SCHEDULED'"
    " AND deleted_at IS NULL",
)

_FIRST = "(SELECT min(q.available_at) FROM task_queue q WHERE q.task_key = k.{key} AND q.place = p.place)"
_PLACES = "(SELECT 0 AS place UNION ALL SELECT 1) p"
FIRST_TIMES = Statement(
    f"SELECT k.key, p.place, {_FIRST.format(key='key')} FROM unnest($1::text[]) k (key) CROSS JOIN {_PLACES}",
    sqlite=f"SELECT k.value, p.place, {_FIRST.format(key='value')} FROM json_each($1) k CROSS JOIN {_PLACES}",
)
"""For each key and place the time of the first run, or null."""

_NEXT = """
    SELECT task_run_id FROM task_queue WHERE task_key = $1 AND place = $2 AND available_at <= $3
    ORDER BY available_at, task_run_id LIMIT 1
"""
_TAKE = """
    UPDATE task_queue SET delivery_id = $4, available_at = $5, deliveries = deliveries + 1
    WHERE task_run_id = ({next}) RETURNING task_run_id
"""
TAKE = Statement(_TAKE.format(next=f"{_NEXT} FOR UPDATE SKIP LOCKED"), sqlite=_TAKE.format(next=_NEXT))
"""Give the first run of a key and place that is available at $3 to the delivery $4, until $5."""

_OWN = "UPDATE task_queue SET {change} WHERE {mine}"
_MINE = "task_run_id = ANY($1::uuid[]) AND delivery_id = ANY($2::uuid[])"
_MINE_SQLITE = "task_run_id IN (SELECT value FROM json_each($1)) AND delivery_id IN (SELECT value FROM json_each($2))"
_LATER = "available_at = $3"
HOLD = Statement(
    _OWN.format(change=_LATER, mine=_MINE),
    sqlite=_OWN.format(change=_LATER, mine=_MINE_SQLITE),
)
_FREE = "available_at = $3, place = 0, delivery_id = NULL"
GIVE_BACK = Statement(
    _OWN.format(change=_FREE, mine=_MINE),
    sqlite=_OWN.format(change=_FREE, mine=_MINE_SQLITE),
)
BEGIN = Statement("DELETE FROM task_queue WHERE task_run_id = $1 AND delivery_id = $2")

LINES = Reader(
    TaskQueueLine,
    {
        "task_key": Kind.TEXT,
        "waiting": Kind.INTEGER,
        "later": Kind.INTEGER,
        "delivered": Kind.INTEGER,
        "oldest": Kind.TIME,
        "deliveries": Kind.INTEGER,
    },
)
_IS_WAITING = "available_at <= $1"
LIST = Statement(
    f"""
    SELECT task_key, count(*) FILTER (WHERE {_IS_WAITING}),
        count(*) FILTER (WHERE NOT {_IS_WAITING} AND delivery_id IS NULL),
        count(*) FILTER (WHERE NOT {_IS_WAITING} AND delivery_id IS NOT NULL),
        min(available_at) FILTER (WHERE {_IS_WAITING}), max(deliveries)
    FROM task_queue GROUP BY task_key ORDER BY task_key
    """
)
