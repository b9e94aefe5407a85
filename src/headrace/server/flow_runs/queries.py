"""What is written to flow runs, in as few round trips as each database allows."""

from collections.abc import Mapping
from datetime import datetime
from functools import lru_cache
from typing import Any
from uuid import UUID

import msgspec

from headrace.rules.bookkeeping import FlowRunChanges
from headrace.rules.deadlines import Deadline
from headrace.server.events import single
from headrace.server.events.log import LoggedEvent
from headrace.server.states.reading import STATES, current_states
from headrace.server.states.rows import Documents, message_and_documents
from headrace.server.store.base import Connection, Dialect, Statement, Topic
from headrace.server.store.hidden import shown
from headrace.server.store.rows import JSON, Kind, Reader
from headrace.wire.base import encode_text
from headrace.wire.flow_runs import CreatedBy, FlowRun, FlowRunPolicy
from headrace.wire.flows import Labels
from headrace.wire.states import State


class Orchestrated(msgspec.Struct, kw_only=True):
    """The part of a flow run that its states and their events hang on.

    `updated` tells whether somebody wrote since.
    """

    id: UUID
    created: datetime
    updated: datetime
    name: str
    flow_id: UUID
    tags: list[str]
    work_queue_id: UUID | None
    created_by: CreatedBy | None
    auto_scheduled: bool
    run_count: int
    start_time: datetime | None
    end_time: datetime | None
    expected_start_time: datetime | None
    total_run_time: float
    empirical_policy: FlowRunPolicy
    deployment_id: UUID | None
    parent_task_run_id: UUID | None
    infrastructure_pid: str | None
    state: State | None = None

    def after(self, state: State, changes: FlowRunChanges, moment: datetime) -> "Orchestrated":
        """The run once a state has been entered."""
        return Orchestrated(
            id=self.id,
            created=self.created,
            updated=moment,
            name=self.name,
            flow_id=self.flow_id,
            tags=self.tags,
            work_queue_id=self.work_queue_id,
            created_by=self.created_by,
            auto_scheduled=self.auto_scheduled,
            run_count=changes.run_count,
            start_time=changes.start_time,
            end_time=changes.end_time,
            expected_start_time=changes.expected_start_time,
            total_run_time=changes.total_run_time,
            empirical_policy=changes.empirical_policy or self.empirical_policy,
            deployment_id=self.deployment_id,
            parent_task_run_id=self.parent_task_run_id,
            infrastructure_pid=self.infrastructure_pid,
            state=state,
        )


ORCHESTRATED = Reader(
    Orchestrated,
    {
        "id": Kind.UUID,
        "created": Kind.TIME,
        "updated": Kind.TIME,
        "name": Kind.TEXT,
        "flow_id": Kind.UUID,
        "tags": JSON(list[str]),
        "work_queue_id": Kind.UUID,
        "created_by": JSON(CreatedBy),
        "auto_scheduled": Kind.BOOLEAN,
        "run_count": Kind.INTEGER,
        "start_time": Kind.TIME,
        "end_time": Kind.TIME,
        "expected_start_time": Kind.TIME,
        "total_run_time": Kind.FLOAT,
        "empirical_policy": JSON(FlowRunPolicy),
        "deployment_id": Kind.UUID,
        "parent_task_run_id": Kind.UUID,
        "infrastructure_pid": Kind.TEXT,
    },
)
WIDTH = len(ORCHESTRATED.names)


def _id(*, id: UUID) -> UUID:
    return id


_LOAD = Statement(
    f"""
    SELECT {ORCHESTRATED.columns("r")}, {STATES.columns("s")}
    FROM flow_runs r LEFT JOIN flow_run_states s ON s.id = r.state_id
    WHERE r.id = $1 AND r.deleted_at IS NULL AND {shown("r.id")}
    """
)

_LIVE = f"deleted_at IS NULL AND {shown('flow_runs.id')}"
_FIND = f"SELECT id FROM flow_runs WHERE id = $1 AND {_LIVE}"
# The row is locked by itself first: a join that waits for a lock would pair the new run with the old state.
_LOCK = Statement(
    f"{_FIND} FOR NO KEY UPDATE",
    sqlite=_FIND,
)

# The flow is locked as its foreign key would be, so that no run is made of one that is just being deleted.
_INSERT_RUN = """
    INSERT INTO flow_runs (
        id, created, updated, name, flow_id, state_id, state_type, state_name, state_timestamp, run_count,
        expected_start_time, next_scheduled_start_time, start_time, end_time, total_run_time, empirical_policy,
        deployment_id, flow_version, parameters, idempotency_key, context, tags, parent_task_run_id,
        infrastructure_document_id, job_variables, deployment_version, work_queue_id, work_queue_name, auto_scheduled,
        created_by, labels, deadline, lease_seconds
    )
    SELECT $1, $2, $2, $3, f.id, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15,
        $16, $17, $18, $19, $20, $21, $22, $23, $24, $25, $26, $27, $28, $29, {labels}, $31, $32
    FROM flows f WHERE f.id = $4 AND f.deleted_at IS NULL {lock}
    ON CONFLICT DO NOTHING
    RETURNING labels
"""
_INSERT_STATE = """
    INSERT INTO flow_run_states (id, created, flow_run_id, type, name, timestamp, message, data, state_details)
"""

_CREATE = Statement(
    f"""
    WITH run AS ({_INSERT_RUN.format(labels="COALESCE(f.labels, '{}') || $30::jsonb", lock="FOR KEY SHARE")}),
    {single.with_event("run", id="$5", occurred="$8", received="$2", first=36)},
    state AS ({_INSERT_STATE} SELECT $5, $2, $1, $6, $7, $8, $33::text, $34::jsonb, $35::jsonb FROM run)
    SELECT labels FROM run
    """,
    sqlite=_INSERT_RUN.format(labels="json_patch(COALESCE(f.labels, '{}'), $30)", lock=""),
)
ADD_STATE = Statement(f"{_INSERT_STATE} VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)")

ENTER_RUN = """
    UPDATE flow_runs SET
        updated = $2, state_id = $5, state_type = $6, state_name = $7, state_timestamp = $8, run_count = $9,
        expected_start_time = $10, next_scheduled_start_time = $11, start_time = $12, end_time = $13,
        total_run_time = $14, empirical_policy = COALESCE($15, empirical_policy),
        deadline = $16, lease_seconds = $17, lease_holder = NULL
    WHERE id = $1 AND state_id IS NOT DISTINCT FROM $3 AND updated = $4 AND deleted_at IS NULL
"""
_ENTER = Statement(
    f"""
    WITH run AS ({ENTER_RUN} RETURNING id),
    {single.with_event("run", id="$5", occurred="$8", received="$2", first=21)}
    {_INSERT_STATE} SELECT $5, $2, run.id, $6, $7, $8, $18::text, $19::jsonb, $20::jsonb FROM run
    """,
    sqlite=ENTER_RUN.replace("IS NOT DISTINCT FROM", "IS"),
)

_BY_KEY = Statement("SELECT id FROM flow_runs WHERE flow_id = $1 AND idempotency_key = $2 AND deleted_at IS NULL")
_MERGE_LABELS = Statement(
    f"UPDATE flow_runs SET labels = labels || $3::jsonb, updated = $2 WHERE id = $1 AND {_LIVE}",
    sqlite=f"UPDATE flow_runs SET labels = json_patch(labels, $3), updated = $2 WHERE id = $1 AND {_LIVE}",
)
_DELETED = Statement(f"SELECT 1 FROM flow_runs WHERE id = $1 AND NOT ({_LIVE})")
_IDS = Reader(_id, {"id": Kind.UUID})
_LABELS = JSON(Labels)


async def create(
    connection: Connection,
    run: FlowRun,
    state: State,
    changes: FlowRunChanges,
    deadline: Deadline,
    parameters: str,
    told: LoggedEvent,
) -> Labels | None:
    """Add a run with its first state and what is told of it, and return its labels: its flow's, and its own over them.

    `parameters` is their JSON text. On SQLite, `connection` is a transaction. None if nothing was written:
    there is no such flow, or the flow has a run with this idempotency key already.
    """
    first, on_postgres = message_and_documents(state), connection.dialect is Dialect.POSTGRES
    row = await connection.fetch_one(
        _CREATE,
        run.id,
        run.created,
        run.name,
        run.flow_id,
        *bookkeeping(changes),
        encode_text(run.empirical_policy),
        run.deployment_id,
        run.flow_version,
        parameters,
        run.idempotency_key,
        encode_text(run.context),
        encode_text(run.tags),
        run.parent_task_run_id,
        run.infrastructure_document_id,
        None if run.job_variables is None else encode_text(run.job_variables),
        run.deployment_version,
        run.work_queue_id,
        run.work_queue_name,
        run.auto_scheduled,
        None if run.created_by is None else encode_text(run.created_by),
        encode_text(run.labels),
        deadline.at,
        deadline.lease_seconds,
        *first,
        *(single.rest(told) if on_postgres else ()),
    )
    if row is None:
        return None
    if on_postgres:
        connection.announce(Topic.EVENTS)
    else:
        assert run.created is not None
        await _add_state(connection, run.id, state, first, told, run.created)
    return _LABELS.decoder.decode(f"[{row[0]}]")[0]


def orchestrated(run: FlowRun) -> Orchestrated:
    """The part that decides, of a run that is being made."""
    assert run.created is not None
    assert run.updated is not None
    return Orchestrated(
        id=run.id,
        created=run.created,
        updated=run.updated,
        name=run.name,
        flow_id=run.flow_id,
        tags=run.tags,
        work_queue_id=run.work_queue_id,
        created_by=run.created_by,
        auto_scheduled=run.auto_scheduled,
        run_count=run.run_count,
        start_time=run.start_time,
        end_time=run.end_time,
        expected_start_time=run.expected_start_time,
        total_run_time=run.total_run_time,
        empirical_policy=run.empirical_policy,
        deployment_id=run.deployment_id,
        parent_task_run_id=run.parent_task_run_id,
        infrastructure_pid=run.infrastructure_pid,
        state=run.state,
    )


async def load(connection: Connection, id: UUID) -> Orchestrated | None:
    """What the rules have to know about a run."""
    row = await connection.fetch_one(_LOAD, id)
    if row is None:
        return None
    run = ORCHESTRATED.one(row[:WIDTH], connection.dialect)
    run.state = current_states([row], WIDTH, connection.dialect)[0]
    return run


async def lock(transaction: Connection, id: UUID) -> Orchestrated | None:
    """The same of a run that nobody else changes until the transaction ends."""
    return None if await transaction.fetch_one(_LOCK, id) is None else await load(transaction, id)


async def enter(
    connection: Connection,
    run: Orchestrated,
    state: State,
    changes: FlowRunChanges,
    deadline: Deadline,
    moment: datetime,
    told: LoggedEvent,
) -> bool:
    """Write a state, the run's columns with it and what is told of it, unless the run has changed since it was loaded.

    On SQLite, `connection` is a transaction. False if nothing was written.
    """
    policy = None if changes.empirical_policy is None else encode_text(changes.empirical_policy)
    documents, on_postgres = message_and_documents(state), connection.dialect is Dialect.POSTGRES
    written = await connection.execute(
        _ENTER,
        run.id,
        moment,
        None if run.state is None else run.state.id,
        run.updated,
        *bookkeeping(changes),
        policy,
        deadline.at,
        deadline.lease_seconds,
        *documents,
        *(single.rest(told) if on_postgres else ()),
    )
    if not written:
        return False
    if on_postgres:
        connection.announce(Topic.EVENTS)
    else:
        await _add_state(connection, run.id, state, documents, told, moment)
    return True


async def id_by_key(connection: Connection, flow_id: UUID, key: str) -> UUID | None:
    """The run of a flow that was made under an idempotency key."""
    rows = await connection.fetch(_BY_KEY, flow_id, key)
    return next(iter(_IDS.all(rows, connection.dialect)), None)


async def was_deleted(connection: Connection, id: UUID) -> bool:
    """Whether there is a run with this id that is deleted and can be restored."""
    return await connection.fetch_one(_DELETED, id) is not None


async def update(connection: Connection, id: UUID, values: Mapping[str, Any]) -> bool:
    """Set columns of a run; documents are given as JSON text. False if there is no such run."""
    return await connection.execute(_update(tuple(values)), id, *values.values()) > 0


async def merge_labels(connection: Connection, id: UUID, labels: Labels, moment: datetime) -> bool:
    """Add labels to a run's, over those of the same name. False if there is no such run."""
    return await connection.execute(_MERGE_LABELS, id, moment, encode_text(labels)) > 0


@lru_cache(maxsize=128)
def _update(columns: tuple[str, ...]) -> Statement:
    settings = ", ".join(f"{column} = ${number}" for number, column in enumerate(columns, start=2))
    return Statement(f"UPDATE flow_runs SET {settings} WHERE id = $1 AND {_LIVE}")


async def _add_state(
    transaction: Connection, id: UUID, state: State, documents: Documents, told: LoggedEvent, moment: datetime
) -> None:
    """SQLite's own second and third statement; PostgreSQL writes a run with its state and event in one."""
    kind, name, timestamp = state.type.value, state.name, state.timestamp
    await transaction.execute(ADD_STATE, state.id, moment, id, kind, name, timestamp, *documents)
    await single.add(transaction, told, moment)


def bookkeeping(changes: FlowRunChanges) -> tuple[Any, ...]:
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
    )
