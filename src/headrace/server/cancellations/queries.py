"""Statements on cancellations."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import msgspec

from headrace.server.store.base import Connection, Statement, Store
from headrace.server.store.hidden import shown
from headrace.server.store.rows import ENUM, JSON, Field, Kind, Reader
from headrace.wire.base import encode_text
from headrace.wire.cancellations import Cancellation, RunCounts
from headrace.wire.flow_runs import CreatedBy
from headrace.wire.states import StateType

_FIELDS: dict[str, Field] = {
    "flow_run_id": Kind.UUID,
    "root_id": Kind.UUID,
    "requested_at": Kind.TIME,
    "requested_by": JSON(CreatedBy),
    "deadline": Kind.TIME,
    "told_at": Kind.TIME,
    "told": Kind.TEXT,
    "killed_at": Kind.TIME,
    "killed": Kind.TEXT,
    "final_at": Kind.TIME,
    "final_by": Kind.TEXT,
    "infrastructure": Kind.TEXT,
    "message": Kind.TEXT,
}
_CANCELLATIONS = Reader(Cancellation, _FIELDS)
_COLUMNS = _CANCELLATIONS.columns()
_WITH_STATES = Reader(Cancellation, _FIELDS | {"state_type": ENUM(StateType), "state_name": Kind.TEXT})


class Beginning(msgspec.Struct, frozen=True):
    """A run that is asked to end; one that ends at once is final at the same moment."""

    flow_run_id: UUID
    root_id: UUID
    requested_by: CreatedBy | None
    deadline: datetime | None
    spread: bool
    final: bool
    message: str | None = None


class Unspread(msgspec.Struct, kw_only=True):
    """A run that is being cancelled, of whose inside some has not been asked to end yet."""

    flow_run_id: UUID
    root_id: UUID


class _Count(msgspec.Struct, kw_only=True):
    kind: str
    state_type: StateType
    runs: int


# A run that was cancelled before, and run again since, begins anew.
_BEGIN = Statement(
    """
    INSERT INTO cancellations (
        flow_run_id, root_id, requested_at, requested_by, deadline, spread_at, final_at, final_by, message
    ) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
    ON CONFLICT (flow_run_id) DO UPDATE SET
        root_id = excluded.root_id, requested_at = excluded.requested_at, requested_by = excluded.requested_by,
        deadline = excluded.deadline, spread_at = excluded.spread_at, final_at = excluded.final_at,
        final_by = excluded.final_by, message = excluded.message, infrastructure = 'unknown',
        told_at = NULL, told = NULL, killed_at = NULL, killed = NULL
    """
)
_FINISH = Statement(
    "UPDATE cancellations SET final_at = $2, final_by = $3, message = COALESCE($4, message)"
    " WHERE flow_run_id = $1 AND final_at IS NULL"
)
_FORGET = Statement("DELETE FROM cancellations WHERE flow_run_id = $1")
_TELL = Statement(
    """
    UPDATE cancellations SET told_at = COALESCE(told_at, $2), told = COALESCE(told, $3),
        message = COALESCE($4, message)
    WHERE flow_run_id = $1
    """
)
# Who has killed the processes knows of the request, also if nobody has said so.
_KILL_TEXT = """
    UPDATE cancellations SET told_at = COALESCE(told_at, $2), told = COALESCE(told, $3),
        killed_at = COALESCE(killed_at, $2), killed = COALESCE(killed, $3), message = COALESCE($4, message),
        infrastructure = CASE WHEN infrastructure = 'gone' THEN infrastructure ELSE {} END
    WHERE flow_run_id = $1
"""
_KILL = Statement(_KILL_TEXT.format("$5::text"), sqlite=_KILL_TEXT.format("$5"))
_READ = Statement(
    f"""
    SELECT {_CANCELLATIONS.columns("c")}, r.state_type, r.state_name
    FROM cancellations c JOIN flow_runs r ON r.id = c.flow_run_id WHERE c.flow_run_id = $1
    AND r.deleted_at IS NULL AND {shown("r.id")}
    """
)
_SEVERAL_TEXT = f"SELECT {_COLUMNS} FROM cancellations WHERE flow_run_id {{}}"
_SEVERAL = Statement(
    _SEVERAL_TEXT.format("= ANY($1::uuid[])"), sqlite=_SEVERAL_TEXT.format("IN (SELECT value FROM json_each($1))")
)
_UNSPREAD = Reader(Unspread, {"flow_run_id": Kind.UUID, "root_id": Kind.UUID})
_FIND_UNSPREAD = Statement(
    f"""
    SELECT {_UNSPREAD.columns()} FROM cancellations WHERE final_at IS NULL AND spread_at IS NULL
    AND NOT EXISTS (SELECT 1 FROM flow_runs r WHERE r.id = cancellations.flow_run_id AND r.deleted_at IS NOT NULL)
    ORDER BY requested_at LIMIT $1
    """
)
_SPREAD = Statement("UPDATE cancellations SET spread_at = $2 WHERE flow_run_id = $1")
_COUNTS = Reader(_Count, {"kind": Kind.TEXT, "state_type": ENUM(StateType), "runs": Kind.INTEGER})
_COUNT_TEXT = f"""
    WITH RECURSIVE tree (id) AS (
        SELECT id FROM flow_runs WHERE id = $1
        UNION
        SELECT c.id FROM tree JOIN task_runs t ON t.flow_run_id = tree.id AND t.deleted_at IS NULL
        JOIN flow_runs c ON c.parent_task_run_id = t.id AND c.deleted_at IS NULL AND {shown("c.id")}
    )
    SELECT 'flow_runs', r.state_type, count(*) FROM tree JOIN flow_runs r ON r.id = tree.id
    WHERE r.state_type IS NOT NULL GROUP BY r.state_type
    UNION ALL
    SELECT 'task_runs', t.state_type, count(*) FROM tree {{}} task_runs t ON t.flow_run_id = tree.id
    WHERE t.state_type IS NOT NULL AND t.deleted_at IS NULL GROUP BY t.state_type
"""
_COUNT = Statement(_COUNT_TEXT.format("JOIN"), sqlite=_COUNT_TEXT.format("CROSS JOIN"))  # which begins with the tree


async def begin(transaction: Connection, beginnings: Sequence[Beginning], moment: datetime) -> None:
    """Note that these runs are asked to end."""
    rows = [
        (
            one.flow_run_id,
            one.root_id,
            moment,
            None if one.requested_by is None else encode_text(one.requested_by),
            one.deadline,
            moment if one.spread else None,
            moment if one.final else None,
            SERVER if one.final else None,
            one.message,
        )
        for one in beginnings
    ]
    if rows:
        await transaction.execute_many(_BEGIN, rows)


SERVER = "server"
"""Who ended a run that the server has ended by itself."""


async def finish(
    transaction: Connection, flow_run_ids: Sequence[UUID], by: str, moment: datetime, message: str | None = None
) -> None:
    """Note that these runs have come to their end."""
    if flow_run_ids:
        await transaction.execute_many(_FINISH, [(id, moment, by, message) for id in flow_run_ids])


async def forget(transaction: Connection, flow_run_id: UUID) -> None:
    """The run goes on after all."""
    await transaction.execute(_FORGET, flow_run_id)


async def tell(connection: Connection, id: UUID, by: str, message: str | None, moment: datetime) -> bool:
    """Note that somebody has heard of the request. False if there is none."""
    return await connection.execute(_TELL, id, moment, by, message) > 0


async def kill(
    connection: Connection, id: UUID, by: str, infrastructure: str, message: str | None, moment: datetime
) -> bool:
    """Note that somebody has ended the run's processes. False if its end was never asked for."""
    return await connection.execute(_KILL, id, moment, by, message, infrastructure) > 0


async def read(connection: Connection, id: UUID) -> Cancellation | None:
    """How the cancelling of a run goes, with its state but without what is inside it."""
    row = await connection.fetch_one(_READ, id)
    return None if row is None else _WITH_STATES.one(row, connection.dialect)


async def several(connection: Connection, ids: Sequence[UUID]) -> dict[UUID, Cancellation]:
    """The same of several runs, without their states."""
    rows = await connection.fetch(_SEVERAL, list(ids)) if ids else []
    return {one.flow_run_id: one for one in _CANCELLATIONS.all(rows, connection.dialect)}


async def unspread(connection: Connection, limit: int) -> list[Unspread]:
    """The runs of whose inside some has not been asked to end yet, the longest first."""
    return _UNSPREAD.all(await connection.fetch(_FIND_UNSPREAD, limit), connection.dialect)


async def note_spread(transaction: Connection, id: UUID, moment: datetime) -> None:
    """All inside the run has been asked to end."""
    await transaction.execute(_SPREAD, id, moment)


async def counts(store: Store, id: UUID) -> RunCounts:
    """The runs of the tree below a run, by the type of their state."""
    found = _COUNTS.all(await store.scan(_COUNT, id), store.dialect)
    by_kind: dict[str, dict[StateType, int]] = {"flow_runs": {}, "task_runs": {}}
    for one in found:
        by_kind[one.kind][one.state_type] = one.runs
    return RunCounts(flow_runs=by_kind["flow_runs"], task_runs=by_kind["task_runs"])
