"""Statements on the connections of task workers, and the reader of their rows."""

from headrace.server.store.base import Statement
from headrace.server.store.rows import JSON, Kind, Reader
from headrace.wire.task_workers import TaskWorker


def _connection(*, identifier: str, task_keys: list[str], last_seen: object) -> TaskWorker:
    return TaskWorker(identifier=identifier, task_keys=task_keys, timestamp=last_seen)  # pyright: ignore


CONNECTIONS = Reader(_connection, {"identifier": Kind.TEXT, "task_keys": JSON(list[str]), "last_seen": Kind.TIME})
COME = Statement("INSERT INTO task_workers (id, identifier, task_keys, last_seen) VALUES ($1, $2, $3, $4)")
SEEN = Statement("UPDATE task_workers SET last_seen = $2 WHERE id = $1")
GONE = Statement("DELETE FROM task_workers WHERE id = $1")
FORGET = Statement("DELETE FROM task_workers WHERE last_seen < $1")
LIST = Statement(
    f"SELECT {CONNECTIONS.columns()} FROM task_workers WHERE last_seen >= $1 ORDER BY identifier, last_seen"
)
