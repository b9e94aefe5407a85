"""Runs that wait for their time: made by a schedule, and taken back when it changes (contract §9)."""

from collections.abc import Sequence
from datetime import datetime
from enum import Enum, auto
from typing import Any, NamedTuple
from uuid import UUID

import msgspec

from headrace.server.flow_runs import reading
from headrace.server.states.rows import StoredDetails
from headrace.server.store.base import Connection, Dialect, Statement, Store
from headrace.wire.base import encode_text
from headrace.wire.filters import (
    FlowRunFilter,
    FlowRunFilterDeploymentId,
    FlowRunFilterNextScheduledStartTime,
    FlowRunFilterState,
    FlowRunFilterStateType,
)
from headrace.wire.flow_runs import FlowRun
from headrace.wire.ids import uuid7
from headrace.wire.names import random_name
from headrace.wire.sorts import FlowRunSort
from headrace.wire.states import StateType

MESSAGE = "Flow run scheduled"
"""What the first state of a scheduled run says."""

_RUN_COLUMNS = """
    id, created, updated, name, flow_id, deployment_id, deployment_version, work_queue_id, work_queue_name,
    parameters, idempotency_key, tags, labels, job_variables, created_by, auto_scheduled,
    state_id, state_type, state_name, state_timestamp, expected_start_time, next_scheduled_start_time
"""
_STATE_COLUMNS = "id, created, flow_run_id, type, name, timestamp, message, state_details"
_STATE = f"'SCHEDULED', 'Scheduled', {{now}}, '{MESSAGE}'"
# In PostgreSQL one statement for all of them: its triggers count each statement, and each row has many columns.
_INSERT = Statement(
    f"""
    WITH series AS (
        SELECT * FROM unnest(
            $2::uuid[], $3::uuid[], $4::text[], $5::uuid[], $6::text[], $7::text[], $8::text[], $9::text[], $10::text[]
        ) WITH ORDINALITY AS s (
            flow_id, deployment_id, version, queue_id, queue_name, parameters, tags, labels, created_by, number
        )
    ), given AS (
        SELECT * FROM unnest(
            $11::integer[], $12::uuid[], $13::text[], $14::text[], $15::uuid[], $16::timestamptz[], $17::text[]
        ) AS g (number, id, name, key, state_id, moment, details)
    ), run AS (
        INSERT INTO flow_runs ({_RUN_COLUMNS})
        SELECT g.id, $1, $1, g.name, s.flow_id, s.deployment_id, s.version, s.queue_id, s.queue_name,
            s.parameters::jsonb, g.key, s.tags::jsonb, s.labels::jsonb, '{{}}', s.created_by::jsonb, TRUE,
            g.state_id, 'SCHEDULED', 'Scheduled', $1, g.moment, g.moment
        FROM given g JOIN series s ON s.number = g.number ORDER BY g.key
        ON CONFLICT DO NOTHING
        RETURNING id
    )
    INSERT INTO flow_run_states ({_STATE_COLUMNS})
    SELECT g.state_id, $1, g.id, {_STATE.format(now="$1")}, g.details::jsonb FROM given g JOIN run ON run.id = g.id
    """
)
_INSERT_RUN = Statement(
    f"""
    INSERT INTO flow_runs ({_RUN_COLUMNS}) VALUES (
        $2, $1, $1, $3, $7, $8, $9, $10, $11, $12, $4, $13, $14, '{{}}', $15, TRUE,
        $5, 'SCHEDULED', 'Scheduled', $1, $6, $6
    ) ON CONFLICT DO NOTHING
    """
)
_INSERT_STATE = Statement(
    f"""
    INSERT INTO flow_run_states ({_STATE_COLUMNS})
    SELECT $2, $3, id, {_STATE.format(now="$3")}, $4 FROM flow_runs WHERE id = $1
    """
)


class Series(msgspec.Struct, frozen=True, kw_only=True):
    """The runs that one schedule makes for these times; documents are JSON texts.

    The idempotency key of each run is `key` and its time, as the schedule's own clock shows it.
    """

    flow_id: UUID
    deployment_id: UUID
    deployment_version: str | None
    work_queue_id: UUID | None
    work_queue_name: str | None
    parameters: str
    tags: str
    labels: str
    created_by: str
    key: str
    moments: Sequence[datetime]


class _New(NamedTuple):
    """What is each run's own."""

    id: UUID
    name: str
    key: str
    state_id: UUID
    moment: datetime
    details: str


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


async def insert(transaction: Connection, series: Sequence[Series], now: datetime) -> None:
    """Add runs in the state Scheduled, each due at its time.

    A run whose idempotency key its flow knows already is passed over.
    """
    if transaction.dialect is Dialect.POSTGRES:
        await _insert_at_once(transaction, series, now)
        return
    # Neighbours in an index are written one after the other.
    ordered = [(_shared(each), [_new(each.key, moment) for moment in each.moments]) for each in _in_order(series)]
    runs = [(now, *run[:5], *shared) for shared, new in ordered for run in new]
    states = [(run.id, run.state_id, now, run.details) for _, new in ordered for run in new]
    await transaction.execute_many(_INSERT_RUN, runs)
    await transaction.execute_many(_INSERT_STATE, states)


def _in_order(series: Sequence[Series]) -> list[Series]:
    return sorted(series, key=lambda each: each.key)


async def _insert_at_once(transaction: Connection, series: Sequence[Series], now: datetime) -> None:
    new = [(number, *_new(each.key, moment)) for number, each in enumerate(series, start=1) for moment in each.moments]
    if new:
        shared = zip(*map(_shared, series), strict=True)
        await transaction.execute(_INSERT, now, *map(list, shared), *map(list, zip(*new, strict=True)))


def _new(key: str, moment: datetime) -> _New:
    id = uuid7()
    details = encode_text(StoredDetails(flow_run_id=id, scheduled_time=moment))
    return _New(id, random_name(), f"{key} {moment}", uuid7(), moment, details)


def _shared(series: Series) -> tuple[Any, ...]:
    """What all the runs of a series have in common."""
    return (
        series.flow_id,
        series.deployment_id,
        series.deployment_version,
        series.work_queue_id,
        series.work_queue_name,
        series.parameters,
        series.tags,
        series.labels,
        series.created_by,
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
