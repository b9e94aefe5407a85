"""From hidden to marked: what is hidden for long, or stands in somebody's way, gets its marks.

Runs that are hidden are still in the indexes of live ones, where reads walk over them, and have their unique keys.
"""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import msgspec

from headrace.server.store.base import Connection
from headrace.server.store.rows import Kind, Reader
from headrace.server.trash import flow_runs
from headrace.server.trash.chosen import chosen


class Hidden(msgspec.Struct, frozen=True, kw_only=True):
    """A hidden run, and the operation that hides it, with when that was asked for."""

    id: UUID
    operation_id: UUID
    since: datetime | None


HIDDEN = Reader(Hidden, {"id": Kind.UUID, "operation_id": Kind.UUID, "since": Kind.TIME})
_OLDEST = f"""
    SELECT {HIDDEN.columns("h").replace("h.since", "o.created")}
    FROM hidden_runs h LEFT JOIN operations o ON o.id = h.operation_id
"""
_FIND = chosen(_OLDEST + " WHERE h.id {among} ORDER BY h.id {lock}", lock=("FOR UPDATE OF h", ""))
_FORGET = chosen("DELETE FROM hidden_runs WHERE id {among}")


async def settle(transaction: Connection, ids: Sequence[UUID], moment: datetime) -> int:
    """Mark those of these runs that are hidden; returns how many."""
    hidden = HIDDEN.all(await transaction.fetch(_FIND, list(ids)), transaction.dialect)
    by_operation: dict[tuple[UUID, datetime], list[UUID]] = {}
    for one in hidden:
        by_operation.setdefault((one.operation_id, one.since or moment), []).append(one.id)
    for (operation_id, since), theirs in by_operation.items():
        await flow_runs.settle(transaction, operation_id, theirs, since)
    if hidden:
        await transaction.execute(_FORGET, [one.id for one in hidden])
    return len(hidden)
