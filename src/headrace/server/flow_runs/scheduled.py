"""Runs that wait for their time: made by a schedule, and taken back when it changes (contract §9)."""

from collections.abc import Sequence
from datetime import datetime
from enum import Enum, auto
from typing import Any
from uuid import UUID

from headrace.rules.bookkeeping import enter_flow_run
from headrace.server.flow_runs import reading
from headrace.server.states.rows import message_and_documents
from headrace.server.store.base import Connection, Statement, Store
from headrace.wire.base import encode_text
from headrace.wire.filters import (
    FlowRunFilter,
    FlowRunFilterDeploymentId,
    FlowRunFilterNextScheduledStartTime,
    FlowRunFilterState,
    FlowRunFilterStateType,
)
from headrace.wire.flow_runs import FlowRun
from headrace.wire.sorts import FlowRunSort
from headrace.wire.states import State, StateDetails, StateType

_INSERT_RUN = Statement(
    """
    INSERT INTO flow_runs (
        id, created, updated, name, flow_id, deployment_id, deployment_version, work_queue_id, work_queue_name,
        parameters, idempotency_key, tags, labels, job_variables, created_by, auto_scheduled,
        state_id, state_type, state_name, state_timestamp, expected_start_time, next_scheduled_start_time
    ) VALUES ($1, $2, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, '{}', $13, TRUE, $14, $15, $16, $2, $17, $17)
    ON CONFLICT DO NOTHING
    """
)
_INSERT_STATE = Statement(
    """
    INSERT INTO flow_run_states (id, created, flow_run_id, type, name, timestamp, message, data, state_details)
    SELECT $2, $3, id, $4, $5, $3, $6, $7, $8 FROM flow_runs WHERE id = $1
    """
)


class Which(Enum):
    """Which of a deployment's runs that have not begun are taken back."""

    FUTURE = auto()
    """Those that its schedules made for a time to come."""
    AUTOMATIC = auto()
    """Those that its schedules made, late ones too."""
    ANY = auto()
    """Those that people asked for as well."""


_WAITING = "deployment_id = $1 AND state_type = 'SCHEDULED' AND run_count = 0 AND deleted_at IS NULL"
_AUTOMATIC = f"{_WAITING} AND auto_scheduled AND state_name <> 'AwaitingConcurrencySlot'"
_CONDITIONS = {
    Which.FUTURE: f"{_AUTOMATIC} AND next_scheduled_start_time > $2",
    Which.AUTOMATIC: _AUTOMATIC,
    Which.ANY: _WAITING,
}


async def insert(transaction: Connection, runs: Sequence[FlowRun], now: datetime) -> None:
    """Add runs in the state Scheduled, each due at its `expected_start_time`.

    A run whose idempotency key its flow knows already is passed over.
    """
    states = [_enter(run, now) for run in runs]
    await transaction.execute_many(_INSERT_RUN, [_run_row(run, state) for run, state in zip(runs, states, strict=True)])
    await transaction.execute_many(
        _INSERT_STATE, [_state_row(run, state) for run, state in zip(runs, states, strict=True)]
    )


async def delete(transaction: Connection, deployment_id: UUID, which: Which, now: datetime) -> None:
    """Take back runs of a deployment that have not begun, with their states and logs."""
    values = (deployment_id, now) if which is Which.FUTURE else (deployment_id,)
    for statement in _DELETIONS[which]:
        await transaction.execute(statement, *values)


async def due(
    store: Store, deployment_ids: Sequence[UUID], before: datetime | None, limit: int, now: datetime
) -> list[FlowRun]:
    """The scheduled runs of these deployments that are due by `before`, the first due first."""
    wanted = FlowRunFilter(
        deployment_id=FlowRunFilterDeploymentId(any_=list(deployment_ids)),
        state=FlowRunFilterState(type=FlowRunFilterStateType(any_=[StateType.SCHEDULED])),
        next_scheduled_start_time=None if before is None else FlowRunFilterNextScheduledStartTime(before_=before),
    )
    sort = FlowRunSort.NEXT_SCHEDULED_START_TIME_ASC
    return await reading.list_runs(store, {"flow_runs": wanted}, sort, limit, 0, now)


def _deletion(condition: str) -> tuple[Statement, Statement]:
    return (
        Statement(f"DELETE FROM logs WHERE flow_run_id IN (SELECT id FROM flow_runs WHERE {condition})"),
        Statement(f"DELETE FROM flow_runs WHERE {condition}"),
    )


_DELETIONS = {which: _deletion(condition) for which, condition in _CONDITIONS.items()}


def _enter(run: FlowRun, now: datetime) -> State:
    """The first state of a run, with what it changes on the run."""
    state = State(
        type=StateType.SCHEDULED,
        timestamp=now,
        message="Flow run scheduled",
        state_details=StateDetails(scheduled_time=run.expected_start_time),
    )
    return enter_flow_run(run, state)[0]


def _run_row(run: FlowRun, state: State) -> tuple[Any, ...]:
    return (
        run.id,
        state.timestamp,
        run.name,
        run.flow_id,
        run.deployment_id,
        run.deployment_version,
        run.work_queue_id,
        run.work_queue_name,
        encode_text(run.parameters),
        run.idempotency_key,
        encode_text(run.tags),
        encode_text(run.labels),
        None if run.created_by is None else encode_text(run.created_by),
        state.id,
        state.type.value,
        state.name,
        run.expected_start_time,
    )


def _state_row(run: FlowRun, state: State) -> tuple[Any, ...]:
    message, data, details = message_and_documents(state)
    return run.id, state.id, state.timestamp, state.type.value, state.name, message, data, details
