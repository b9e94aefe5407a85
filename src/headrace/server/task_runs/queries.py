"""What is written to task runs that the server orchestrates."""

from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from headrace.rules.bookkeeping import TaskRunChanges
from headrace.rules.facts import EnclosingFlowRun
from headrace.server.states.reading import STATES, current_states
from headrace.server.states.rows import message_and_documents
from headrace.server.store.base import Connection, Statement
from headrace.server.store.hidden import shown
from headrace.server.store.rows import JSON, Kind, Reader
from headrace.wire.base import encode_text
from headrace.wire.flows import Labels
from headrace.wire.states import State
from headrace.wire.task_runs import TaskRun, TaskRunPolicy


class Orchestrated(msgspec.Struct, kw_only=True):
    """The part of a task run that decides about its states."""

    id: UUID
    name: str
    flow_run_id: UUID | None
    task_key: str
    tags: list[str]
    empirical_policy: TaskRunPolicy
    run_count: int
    flow_run_run_count: int
    start_time: datetime | None
    end_time: datetime | None
    expected_start_time: datetime | None
    total_run_time: float
    state: State | None = None


ORCHESTRATED = Reader(
    Orchestrated,
    {
        "id": Kind.UUID,
        "name": Kind.TEXT,
        "flow_run_id": Kind.UUID,
        "task_key": Kind.TEXT,
        "tags": JSON(list[str]),
        "empirical_policy": JSON(TaskRunPolicy),
        "run_count": Kind.INTEGER,
        "flow_run_run_count": Kind.INTEGER,
        "start_time": Kind.TIME,
        "end_time": Kind.TIME,
        "expected_start_time": Kind.TIME,
        "total_run_time": Kind.FLOAT,
    },
)
WIDTH = len(ORCHESTRATED.names)


def _id(*, id: UUID) -> UUID:
    return id


_IDS = Reader(_id, {"id": Kind.UUID})
_LABELS = JSON(Labels)

_LIVE = f"deleted_at IS NULL AND {shown('task_runs.flow_run_id')}"
_FIND = f"SELECT id FROM task_runs WHERE id = $1 AND {_LIVE}"
# The row is locked by itself first: a join that waits for a lock would pair the new run with the old state.
_LOCK = Statement(
    f"{_FIND} FOR NO KEY UPDATE",
    sqlite=_FIND,
)
_LOAD = Statement(
    f"""
    SELECT {ORCHESTRATED.columns("r")}, {STATES.columns("s")}
    FROM task_runs r LEFT JOIN task_run_states s ON s.id = r.state_id
    WHERE r.id = $1
    """
)
_FLOW_RUN = Statement(
    f"""
    SELECT r.run_count, {STATES.columns("s")}
    FROM flow_runs r LEFT JOIN flow_run_states s ON s.id = r.state_id
    WHERE r.id = $1 AND r.deleted_at IS NULL AND {shown("r.id")}
    """
)
_CACHED = Statement(
    f"""
    SELECT {STATES.columns("s")}
    FROM task_run_state_cache c JOIN task_run_states s ON s.id = c.task_run_state_id
    JOIN task_runs t ON t.id = s.task_run_id AND t.deleted_at IS NULL AND {shown("t.flow_run_id")}
    WHERE c.cache_key = $1 AND (c.cache_expiration IS NULL OR c.cache_expiration > $2)
    ORDER BY c.id DESC LIMIT 1
    """
)
_REMEMBER = Statement(
    """
    INSERT INTO task_run_state_cache (id, created, cache_key, cache_expiration, task_run_state_id)
    VALUES ($1, $2, $3, $4, $5)
    """
)
_FAILED = Statement(
    "SELECT id FROM task_runs WHERE flow_run_id = $1 AND state_type = 'FAILED' AND deleted_at IS NULL ORDER BY id"
)
_BY_KEY = Statement(
    """
    SELECT id FROM task_runs
    WHERE flow_run_id IS NOT DISTINCT FROM $1 AND task_key = $2 AND dynamic_key = $3 AND deleted_at IS NULL
    """,
    sqlite="""
    SELECT id FROM task_runs
    WHERE flow_run_id IS $1 AND task_key = $2 AND dynamic_key = $3 AND deleted_at IS NULL
    """,
)

_INSERT_RUN = f"""
    INSERT INTO task_runs (
        id, created, updated, name, flow_run_id, task_key, dynamic_key, state_id, state_type, state_name,
        state_timestamp, run_count, expected_start_time, next_scheduled_start_time, start_time, end_time,
        total_run_time, flow_run_run_count, cache_key, cache_expiration, task_version, empirical_policy, tags,
        task_inputs, labels
    )
    SELECT $1, $2, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17,
        $18, $19, $20, $21, $22, $23, {{labels}}
    FROM (SELECT 1) AS one LEFT JOIN flow_runs f ON f.id = $4 AND f.deleted_at IS NULL AND {shown("f.id")}
    WHERE f.id IS NOT NULL OR {{outside}}
    ON CONFLICT DO NOTHING
    RETURNING labels
"""
_INSERT = Statement(
    _INSERT_RUN.format(labels="COALESCE(f.labels, '{}') || $24::jsonb", outside="$4::uuid IS NULL"),
    sqlite=_INSERT_RUN.format(labels="json_patch(COALESCE(f.labels, '{}'), $24)", outside="$4 IS NULL"),
)
ADD_STATE = Statement(
    """
    INSERT INTO task_run_states (id, created, task_run_id, type, name, timestamp, message, data, state_details)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
    """
)

# Every column dates from the new state, so no stamps of older reports are kept. Whoever executed the run does so no
# more, unless it is told that it may.
_ENTER = Statement(
    """
    UPDATE task_runs SET
        updated = $2, state_id = $3, state_type = $4, state_name = $5, state_timestamp = $6, run_count = $7,
        expected_start_time = $8, next_scheduled_start_time = $9, start_time = $10, end_time = $11,
        total_run_time = $12, flow_run_run_count = $13, field_stamps = NULL, deadline = NULL, lease_id = NULL
    WHERE id = $1
    """
)
_LEASE = Statement("UPDATE task_runs SET deadline = $2, lease_id = $3 WHERE id = $1")
_RENEW = Statement(
    "UPDATE task_runs SET deadline = $3"
    " WHERE id = ANY($1::uuid[]) AND lease_id = ANY($2::uuid[]) AND deleted_at IS NULL RETURNING id",
    sqlite="UPDATE task_runs SET deadline = $3 WHERE id IN (SELECT value FROM json_each($1))"
    " AND lease_id IN (SELECT value FROM json_each($2)) AND deleted_at IS NULL RETURNING id",
)
_OVER = "FROM task_runs WHERE deadline <= $1 AND deadline IS NOT NULL AND lease_id IS NOT NULL AND deleted_at IS NULL"
_ANY_LEASE_OVER = Statement(f"SELECT 1 {_OVER} LIMIT 1")
_LEASES_OVER = Statement(
    f"SELECT id {_OVER} ORDER BY deadline LIMIT $2 FOR NO KEY UPDATE SKIP LOCKED",
    sqlite=f"SELECT id {_OVER} ORDER BY deadline LIMIT $2",
)
_BEGINNINGS = Statement("SELECT count(*) FROM task_run_states WHERE task_run_id = $1 AND type = 'PENDING'")
_RENAME = Statement(f"UPDATE task_runs SET updated = $2, name = COALESCE($3, name) WHERE id = $1 AND {_LIVE}")
_DELETED = Statement(f"SELECT 1 FROM task_runs WHERE id = $1 AND NOT ({_LIVE})")


async def create(transaction: Connection, run: TaskRun, state: State, changes: TaskRunChanges) -> Labels | None:
    """Add a run with its first state, and return its labels: its flow run's, and its own over them.

    None if nothing was written: there is no such flow run, or the id or the natural key is taken.
    """
    row = await transaction.fetch_one(
        _INSERT,
        run.id,
        run.created,
        run.name,
        run.flow_run_id,
        run.task_key,
        run.dynamic_key,
        *bookkeeping(changes),
        run.cache_key,
        run.cache_expiration,
        run.task_version,
        encode_text(run.empirical_policy),
        encode_text(run.tags),
        encode_text(run.task_inputs),
        encode_text(run.labels),
    )
    if row is None:
        return None
    await _insert_state(transaction, run.id, state, changes.state_timestamp)
    return _LABELS.decoder.decode(f"[{row[0]}]")[0]


async def load(transaction: Connection, id: UUID) -> Orchestrated | None:
    """What the rules have to know about a run; its row is locked until the transaction ends."""
    if await transaction.fetch_one(_LOCK, id) is None:
        return None
    row = await transaction.fetch_one(_LOAD, id)
    if row is None:
        return None
    run = ORCHESTRATED.one(row[:WIDTH], transaction.dialect)
    run.state = current_states([row], WIDTH, transaction.dialect)[0]
    return run


async def enter(transaction: Connection, id: UUID, state: State, changes: TaskRunChanges, moment: datetime) -> None:
    """Write a state, and the columns of its run that go with it."""
    await transaction.execute(_ENTER, id, moment, *bookkeeping(changes))
    await _insert_state(transaction, id, state, moment)


async def lease(transaction: Connection, id: UUID, lease_id: UUID, until: datetime | None) -> None:
    """Let a run be in somebody's hands until then."""
    await transaction.execute(_LEASE, id, until, lease_id)


async def release(transaction: Connection, id: UUID) -> None:
    """Let a run be in nobody's hands."""
    await transaction.execute(_LEASE, id, None, None)


async def renew(connection: Connection, ids: list[UUID], lease_ids: list[UUID], until: datetime) -> set[UUID]:
    """Move on the leases of runs, and return those that are still held under them."""
    return set(_IDS.all(await connection.fetch(_RENEW, ids, lease_ids, until), connection.dialect))


async def any_lease_over(connection: Connection, moment: datetime) -> bool:
    """Whether a lease has ended, looked up without a lock."""
    return await connection.fetch_one(_ANY_LEASE_OVER, moment) is not None


async def leases_over(transaction: Connection, moment: datetime, most: int) -> list[UUID]:
    """Runs whose leases have ended, locked until the transaction ends."""
    return _IDS.all(await transaction.fetch(_LEASES_OVER, moment, most), transaction.dialect)


async def beginnings(connection: Connection, id: UUID) -> int:
    """How often a run has become Pending."""
    row = await connection.fetch_one(_BEGINNINGS, id)
    assert row is not None
    return row[0]


async def was_deleted(connection: Connection, id: UUID) -> bool:
    """Whether there is a run with this id that is deleted and can be restored."""
    return await connection.fetch_one(_DELETED, id) is not None


async def exists(connection: Connection, id: UUID) -> bool:
    return await connection.fetch_one(_LOCK, id) is not None


async def id_by_key(connection: Connection, flow_run_id: UUID | None, task_key: str, dynamic_key: str) -> UUID | None:
    """The run with a natural key."""
    rows = await connection.fetch(_BY_KEY, flow_run_id, task_key, dynamic_key)
    return next(iter(_IDS.all(rows, connection.dialect)), None)


async def flow_run(connection: Connection, id: UUID) -> EnclosingFlowRun | None:
    """The flow run that encloses a task run, as its policy sees it."""
    row = await connection.fetch_one(_FLOW_RUN, id)
    if row is None:
        return None
    return EnclosingFlowRun(id=id, run_count=row[0], state=current_states([row], 1, connection.dialect)[0])


async def cached_state(connection: Connection, cache_key: str, moment: datetime) -> State | None:
    """The newest state that is kept under a cache key and has not expired."""
    row = await connection.fetch_one(_CACHED, cache_key, moment)
    return None if row is None else STATES.one(row, connection.dialect)


async def remember(connection: Connection, id: UUID, cache_key: str, expiration: datetime | None, state: State) -> None:
    """Keep a state under a cache key."""
    await connection.execute(_REMEMBER, id, state.timestamp, cache_key, expiration, state.id)


async def failed(connection: Connection, flow_run_id: UUID) -> list[UUID]:
    """The failed task runs of a flow run."""
    return _IDS.all(await connection.fetch(_FAILED, flow_run_id), connection.dialect)


async def rename(connection: Connection, id: UUID, name: str | None, moment: datetime) -> bool:
    """Set a run's name, or only when it was changed. False if there is no such run."""
    return await connection.execute(_RENAME, id, moment, name) > 0


async def _insert_state(transaction: Connection, id: UUID, state: State, moment: datetime) -> None:
    await transaction.execute(
        ADD_STATE,
        state.id,
        moment,
        id,
        state.type.value,
        state.name,
        state.timestamp,
        *message_and_documents(state),
    )


def bookkeeping(changes: TaskRunChanges) -> tuple[Any, ...]:
    """What a state sets of its run, in the order of the statements above."""
    return (
        changes.state_id,
        changes.state_type.value,
        changes.state_name,
        changes.state_timestamp,
        changes.run_count,
        changes.expected_start_time,
        changes.next_scheduled_start_time,
        changes.start_time,
        changes.end_time,
        changes.total_run_time,
        changes.flow_run_run_count,
    )
