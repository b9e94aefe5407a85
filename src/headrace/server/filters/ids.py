"""The ids that filters match, for changes of many objects at once."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from headrace.server.filters.query import Query
from headrace.server.store.base import Connection
from headrace.server.store.rows import Kind, Reader
from headrace.wire.filters import Filter

_NOUNS = ("flows", "flow_runs", "task_runs", "deployments", "work_pools", "work_queues", "artifacts", "variables")
_IDS = {
    noun: Query(noun, f"{noun}.id", f"{{matching}} ORDER BY {noun}.id DESC LIMIT {{limit}}", extras=("limit",))
    for noun in _NOUNS
}
_READER: Reader[Any] = Reader(dict, {"id": Kind.UUID})


async def matching_ids(
    connection: Connection, noun: str, filters: Mapping[str, Filter | None], limit: int
) -> list[UUID]:
    """The newest `limit` ids of a noun that match."""
    statement, values = _IDS[noun].bind(connection.dialect, filters, limit=limit)
    rows = await connection.fetch(statement, *values)
    return [found["id"] for found in _READER.all(rows, connection.dialect)]
