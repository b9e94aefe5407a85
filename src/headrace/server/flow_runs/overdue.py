"""Flow runs whose deadline has passed, claimed by whoever ends them: several servers never take the same."""

from collections.abc import Collection
from datetime import datetime
from uuid import UUID

import msgspec

from headrace.server.flow_runs import batches
from headrace.server.flow_runs.batches import IDS, Orchestrated
from headrace.server.store.base import Connection, Statement
from headrace.server.store.rows import Kind, Reader
from headrace.wire.states import StateType

# The plus keeps SQLite from walking all runs of these types: it has no statistics that tell how few are overdue.
_CLAIM_TEXT = """
    SELECT id FROM flow_runs WHERE deadline <= $1 AND deleted_at IS NULL AND {}
    ORDER BY deadline, id LIMIT $3
"""
_CLAIM = Statement(
    _CLAIM_TEXT.format("state_type = ANY($2::text[])") + " FOR NO KEY UPDATE SKIP LOCKED",
    sqlite=_CLAIM_TEXT.format("+state_type IN (SELECT value FROM json_each($2))"),
)
_NEXT_TEXT = """
    SELECT deadline FROM flow_runs WHERE deadline > $1 AND deadline <= $2 AND deleted_at IS NULL AND {}
    ORDER BY deadline LIMIT 1
"""
_NEXT = Statement(
    _NEXT_TEXT.format("state_type = ANY($3::text[])"),
    sqlite=_NEXT_TEXT.format("+state_type IN (SELECT value FROM json_each($3))"),
)


# Who was awaited while the server was away is given time to be heard of: at least as long as a lease lasts.
_LOST_TEXT = """
    SELECT id, deadline, lease_seconds, lease_holder FROM flow_runs
    WHERE deadline <= $1 AND deleted_at IS NULL AND {state_type} IN ('RUNNING', 'PENDING', 'SCHEDULED')
        AND coalesce(lease_seconds, 0) <= {up}
    ORDER BY deadline, id LIMIT $3
"""
_LOST = Statement(
    _LOST_TEXT.format(state_type="state_type", up="$2::float8") + " FOR NO KEY UPDATE SKIP LOCKED",
    sqlite=_LOST_TEXT.format(state_type="+state_type", up="$2"),
)
# Those that nobody fetches have no deadline, so that making a run costs nothing for it.
_STUCK_TEXT = """
    SELECT id FROM flow_runs
    WHERE state_type = 'PENDING' AND deadline IS NULL AND state_timestamp <= $1 AND deleted_at IS NULL
    ORDER BY id LIMIT $2
"""
_STUCK = Statement(_STUCK_TEXT + " FOR NO KEY UPDATE SKIP LOCKED", sqlite=_STUCK_TEXT)
_CLAIMS = Statement(
    "SELECT count(*) FROM flow_run_states WHERE flow_run_id = $1 AND type = 'PENDING' AND name = 'Pending'"
)


class Lost(msgspec.Struct, kw_only=True):
    """A run that was not heard of in time; who held its lease, if it had one, and for how long it lasted each time."""

    id: UUID
    deadline: datetime
    lease_seconds: float | None
    lease_holder: str | None


_LOST_RUNS = Reader(
    Lost,
    {"id": Kind.UUID, "deadline": Kind.TIME, "lease_seconds": Kind.FLOAT, "lease_holder": Kind.TEXT},
)


def _deadline(*, deadline: datetime) -> datetime:
    return deadline


_DEADLINES: Reader[datetime] = Reader(_deadline, {"deadline": Kind.TIME})


async def claim(
    transaction: Connection, types: Collection[StateType], moment: datetime, limit: int
) -> list[Orchestrated]:
    """Runs in states of these types whose deadline has passed, the longest overdue first, in the order of ids.

    They are locked until the transaction ends; those that somebody is changing at this moment are left out.
    """
    rows = await transaction.fetch(_CLAIM, moment, [type.value for type in types], limit)
    return await batches.load(transaction, IDS.all(rows, transaction.dialect))


async def claim_lost(transaction: Connection, moment: datetime, up_seconds: float, limit: int) -> list[Lost]:
    """Runs that go on, are claimed or wait in a process, and were not heard of in time; locked as by `claim`.

    `up_seconds` is for how long they could have been heard of.
    """
    return _LOST_RUNS.all(await transaction.fetch(_LOST, moment, up_seconds, limit), transaction.dialect)


async def claim_stuck(transaction: Connection, before: datetime, limit: int) -> list[UUID]:
    """Pending runs without a deadline that have been so since before a moment, locked as by `claim`."""
    return IDS.all(await transaction.fetch(_STUCK, before, limit), transaction.dialect)


async def times_claimed(connection: Connection, id: UUID) -> int:
    """How often somebody has claimed a run."""
    row = await connection.fetch_one(_CLAIMS, id)
    return 0 if row is None else row[0]


async def seconds_to_next(
    connection: Connection, types: Collection[StateType], moment: datetime, until: datetime
) -> float:
    """How long it is to the next deadline of such runs, or to `until` if none comes before."""
    rows = await connection.fetch(_NEXT, moment, until, [type.value for type in types])
    due = next(iter(_DEADLINES.all(rows, connection.dialect)), until)
    return (due - moment).total_seconds()
