"""Runs in work queues: those that are due, and those that hold slots (contract §11.1)."""

from collections.abc import Collection, Sequence
from datetime import datetime
from uuid import UUID

from headrace.server.flow_runs import reading
from headrace.server.store.base import Connection, Row, Statement
from headrace.server.store.hidden import shown
from headrace.server.store.rows import ENUM, Kind, Reader
from headrace.wire.flow_runs import FlowRun
from headrace.wire.states import StateType
from headrace.wire.work_pools import FlowRunSlotSummary

_SUMMARIES = Reader(
    FlowRunSlotSummary,
    {
        "id": Kind.UUID,
        "name": Kind.TEXT,
        "state_type": ENUM(StateType),
        "state_name": Kind.TEXT,
        "start_time": Kind.TIME,
        "state_timestamp": Kind.TIME,
    },
)


def _count(*, id: UUID, slots: int) -> tuple[UUID, int]:
    return id, slots


_COUNTS: Reader[tuple[UUID, int]] = Reader(_count, {"id": Kind.UUID, "slots": Kind.INTEGER})
_ANY = "= ANY($1::uuid[])"
_ANY_SQLITE = "IN (SELECT value FROM json_each($1))"


def _holding(states: Collection[StateType]) -> str:
    names = ", ".join(f"'{state.value}'" for state in states)
    return f"state_type IN ({names}) AND deleted_at IS NULL"


class Slots:
    """What holds the slots of queues: the runs in some states."""

    def __init__(self, *states: StateType) -> None:
        holding = _holding(states)
        by_queue = (
            f"SELECT work_queue_id, count(*) FROM flow_runs WHERE work_queue_id {{}} AND {holding}"
            " GROUP BY work_queue_id"
        )
        self._count = Statement(by_queue.format(_ANY), sqlite=by_queue.format(_ANY_SQLITE))
        # From the queues to their runs: far fewer than all the runs that are in these states.
        by_pool = (
            "SELECT q.work_pool_id, count(*) FROM work_queues q {} flow_runs r ON r.work_queue_id = q.id"
            " WHERE q.work_pool_id {} AND q.deleted_at IS NULL AND r.work_queue_id IS NOT NULL"
            f" AND r.{holding.replace('deleted_at', 'r.deleted_at')} GROUP BY q.work_pool_id"
        )
        self._count_by_pool = Statement(by_pool.format("JOIN", _ANY), sqlite=by_pool.format("CROSS JOIN", _ANY_SQLITE))
        self._runs = Statement(
            f"SELECT {_SUMMARIES.columns()} FROM flow_runs WHERE work_queue_id = $1 AND {holding}"
            " ORDER BY state_timestamp, id LIMIT $2 OFFSET $3"
        )

    async def count(self, connection: Connection, queue_ids: Sequence[UUID]) -> dict[UUID, int]:
        """How many slots each queue has in use."""
        rows = await connection.fetch(self._count, list(queue_ids))
        return dict.fromkeys(queue_ids, 0) | dict(_COUNTS.all(rows, connection.dialect))

    async def count_by_pool(self, connection: Connection, pool_ids: Sequence[UUID]) -> dict[UUID, int]:
        """How many slots each pool has in use, of all its queues."""
        rows = await connection.fetch(self._count_by_pool, list(pool_ids))
        return dict.fromkeys(pool_ids, 0) | dict(_COUNTS.all(rows, connection.dialect))

    async def runs(
        self, connection: Connection, queue_id: UUID, limit: int, offset: int, now: datetime
    ) -> list[FlowRunSlotSummary]:
        """The runs that hold the slots of a queue, the longest in their state first."""
        if limit == 0:
            return []
        rows = await connection.fetch(self._runs, queue_id, limit, offset)
        found = _SUMMARIES.all(rows, connection.dialect)
        for summary in found:
            if summary.state_timestamp is not None:
                summary.time_in_current_state = (now - summary.state_timestamp).total_seconds()
        return found


UNDER_WAY = Slots(StateType.PENDING, StateType.RUNNING)
NOT_ENDED = Slots(StateType.PENDING, StateType.RUNNING, StateType.CANCELLING)

_DUE = f"""
    WHERE flow_runs.work_queue_id = $1 AND flow_runs.state_type = 'SCHEDULED' AND flow_runs.deleted_at IS NULL
        AND {shown("flow_runs.id")}
        AND coalesce(flow_runs.empirical_policy ->> 'retry_type', '') <> 'in_process'{{when}}
    ORDER BY flow_runs.next_scheduled_start_time, flow_runs.id LIMIT $2
"""
_BEFORE = " AND flow_runs.next_scheduled_start_time <= ${}"
_AFTER = " AND flow_runs.next_scheduled_start_time >= ${}"
_WINDOWS = {
    (False, False): Statement(reading.SELECT + _DUE.format(when="")),
    (True, False): Statement(reading.SELECT + _DUE.format(when=_BEFORE.format(3))),
    (False, True): Statement(reading.SELECT + _DUE.format(when=_AFTER.format(3))),
    (True, True): Statement(reading.SELECT + _DUE.format(when=_BEFORE.format(3) + _AFTER.format(4))),
}
_LATE = Statement(
    "SELECT count(*) FROM flow_runs WHERE work_queue_id = $1 AND state_type = 'SCHEDULED' AND state_name = 'Late'"
    " AND deleted_at IS NULL"
)


async def due(
    connection: Connection,
    queue_id: UUID,
    *,
    before: datetime | None,
    after: datetime | None,
    limit: int,
    now: datetime,
) -> list[FlowRun]:
    """The scheduled runs of a queue within a window, the first due first. Runs that retry in their process are not."""
    window = [moment for moment in (before, after) if moment is not None]
    statement = _WINDOWS[before is not None, after is not None]
    rows: Sequence[Row] = await connection.fetch(statement, queue_id, limit, *window)
    return reading.runs(rows, connection.dialect, now)


async def count_late(connection: Connection, queue_id: UUID) -> int:
    """How many runs of a queue are past their time."""
    row = await connection.fetch_one(_LATE, queue_id)
    return 0 if row is None else row[0]
