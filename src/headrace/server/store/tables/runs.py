"""Flows, and what running them leaves: flow and task runs, their states, logs and inputs.

Indexes on flow and task runs leave deleted rows out, so they stay as small as what a user sees.
"""

from typing import Any

from sqlalchemy import Column, Index, Integer, Table, func, text

from headrace.server.store.tables.columns import (
    Document,
    Id,
    Seconds,
    Time,
    child_of,
    count,
    document,
    flag,
    full_index,
    live_index,
    optional_document,
    optional_text,
    primary_id,
    reference,
    required_text,
    seconds,
    stamps,
    table,
    tags_index,
    time,
    trash_index,
    trash_marks,
)


def _bookkeeping() -> tuple[Column[Any], ...]:
    """What every kind of run keeps of its states (contract §4.5)."""
    return (
        reference("state_id"),
        optional_text("state_type"),
        optional_text("state_name"),
        time("state_timestamp"),
        count("run_count"),
        time("expected_start_time"),
        time("next_scheduled_start_time"),
        time("start_time"),
        time("end_time"),
        seconds("total_run_time", "0"),
    )


def _state() -> tuple[Column[Any], ...]:
    return (
        required_text("type"),
        required_text("name"),
        Column("timestamp", Time, nullable=False),
        optional_text("message"),
        optional_document("data"),
        document("state_details", "{}"),
    )


def _end_time_index(table: Table) -> None:
    """The latest finished first, the unfinished last: SQLite reads it so anyway, PostgreSQL must be told."""
    name, condition = f"ix_{table.name}_end_time", text("deleted_at IS NULL")
    end, id_ = table.c.end_time, table.c.id
    Index(name, end, id_, sqlite_where=condition).ddl_if("sqlite")
    Index(name, end.desc().nulls_last(), id_.desc(), postgresql_where=condition).ddl_if("postgresql")


flows = table(
    "flows",
    primary_id(),
    *stamps(),
    required_text("name"),
    document("tags", "[]"),
    Column("labels", Document, server_default=text("'{}'")),
    *trash_marks(),
)
trash_index(flows)
live_index("uq_flows_name", flows.c.name, unique=True)  # upsert and lookup by name, sort by name

flow_runs = table(
    "flow_runs",
    primary_id(),
    *stamps(),
    required_text("name"),
    child_of("flows"),
    reference("deployment_id"),
    optional_text("deployment_version"),
    reference("work_queue_id"),
    optional_text("work_queue_name"),
    optional_text("flow_version"),
    document("parameters", "{}"),
    optional_text("idempotency_key"),
    document("context", "{}"),
    document("empirical_policy", "{}"),
    document("tags", "[]"),
    document("labels", "{}"),
    reference("parent_task_run_id"),
    *_bookkeeping(),
    flag("auto_scheduled", default=False),
    reference("infrastructure_document_id"),
    optional_text("infrastructure_pid"),
    optional_document("created_by"),
    optional_document("job_variables"),
    time("deadline"),  # when the server ends the state by itself, unless the run moves on or its lease is renewed
    Column("lease_seconds", Seconds),  # how long that lease lasts after each sign of life
    optional_text("lease_holder"),  # the process that renewed it last
    *trash_marks(),
)
trash_index(flow_runs)
_run = flow_runs.c
live_index("ix_flow_runs_id", _run.id)  # newest first, the order of lists that ask for none
full_index("ix_flow_runs_flow_id", _run.flow_id, _run.id)  # a flow's runs, newest first; foreign key
live_index("ix_flow_runs_name", _run.name, _run.id)  # by name, sort by name
live_index("ix_flow_runs_state_type", _run.state_type, _run.id)  # failed runs, newest first; counts by type
live_index("ix_flow_runs_state_name", _run.state_name, _run.id)  # late runs, runs awaiting a retry
live_index("ix_flow_runs_expected_start_time", _run.expected_start_time, _run.id)  # history, windows, sort
live_index(
    "ix_flow_runs_start_time", func.coalesce(_run.start_time, _run.expected_start_time), _run.id
)  # windows, sort
_end_time_index(flow_runs)  # latest finished, sort
live_index(  # what is due: the scheduler's and the runner's question
    "ix_flow_runs_next_scheduled_start_time",
    _run.next_scheduled_start_time,
    where="next_scheduled_start_time IS NOT NULL",
)
live_index(
    "ix_flow_runs_deployment_id", _run.deployment_id, _run.id, where="deployment_id IS NOT NULL"
)  # a deployment's
live_index(  # what a deployment has yet to run
    "ix_flow_runs_deployment_next_scheduled",
    _run.deployment_id,
    _run.next_scheduled_start_time,
    where="deployment_id IS NOT NULL AND next_scheduled_start_time IS NOT NULL",
)
live_index(  # what a work queue has yet to run, and how many of its runs hold slots
    "ix_flow_runs_work_queue_id",
    *(_run.work_queue_id, _run.state_type, _run.next_scheduled_start_time),
    where="work_queue_id IS NOT NULL",
)
live_index(
    "ix_flow_runs_parent_task_run_id", _run.parent_task_run_id, where="parent_task_run_id IS NOT NULL"
)  # subflows
live_index(  # the promise that a key makes one run of a flow
    "uq_flow_runs_idempotency_key", _run.flow_id, _run.idempotency_key, where="idempotency_key IS NOT NULL", unique=True
)
live_index(  # a deployment's that have begun and not ended
    "ix_flow_runs_under_way",
    _run.deployment_id,
    where="deployment_id IS NOT NULL AND end_time IS NULL AND (state_type <> 'SCHEDULED' OR run_count > 0)",
)
live_index(  # which are to be marked late
    "ix_flow_runs_not_late",
    _run.next_scheduled_start_time,
    where="state_name = 'Scheduled' AND next_scheduled_start_time IS NOT NULL",
)
live_index("ix_flow_runs_deadline", _run.deadline, where="deadline IS NOT NULL")  # whose time is up
tags_index(flow_runs)

flow_run_states = table(
    "flow_run_states",
    primary_id(),
    Column("created", Time, nullable=False),
    child_of("flow_runs"),
    *_state(),
)
full_index(  # a run's states in order, each with its own time (contract §4.5); foreign key
    "uq_flow_run_states_timestamp", flow_run_states.c.flow_run_id, flow_run_states.c.timestamp, unique=True
)

task_runs = table(
    "task_runs",
    primary_id(),
    *stamps(),
    required_text("name"),
    child_of("flow_runs", nullable=True),
    required_text("task_key"),
    required_text("dynamic_key"),
    optional_text("cache_key"),
    time("cache_expiration"),
    optional_text("task_version"),
    document("empirical_policy", "{}"),
    document("tags", "[]"),
    Column("labels", Document, server_default=text("'{}'")),
    document("task_inputs", "{}"),
    *_bookkeeping(),
    count("flow_run_run_count"),
    optional_document("field_stamps"),
    time("deadline"),  # until when a background task's worker has it, unless it gives another sign of life
    reference("lease_id"),  # the delivery that this worker began; only who knows it may renew the lease
    *trash_marks(),
)
trash_index(task_runs)
_task = task_runs.c
full_index("ix_task_runs_flow_run_id", _task.flow_run_id, _task.id)  # a run's tasks, newest first; foreign key
live_index("uq_task_runs_key", _task.flow_run_id, _task.task_key, _task.dynamic_key, unique=True)  # the natural key
live_index(  # the natural key of tasks outside a flow, whose null would never be equal to another
    "uq_task_runs_key_outside_flows", _task.task_key, _task.dynamic_key, where="flow_run_id IS NULL", unique=True
)
live_index("ix_task_runs_name", _task.name, _task.id)  # by name, sort by name
live_index("ix_task_runs_state_type", _task.state_type, _task.id)  # counts by type, failed ones newest first
live_index("ix_task_runs_expected_start_time", _task.expected_start_time, _task.id)  # history, windows, sort
live_index("ix_task_runs_start_time", _task.start_time, where="start_time IS NOT NULL")  # windows of what ran
_end_time_index(task_runs)  # latest finished, sort
live_index(  # background tasks that are due
    "ix_task_runs_next_scheduled_start_time",
    _task.next_scheduled_start_time,
    where="next_scheduled_start_time IS NOT NULL",
)
live_index("ix_task_runs_deadline", _task.deadline, where="deadline IS NOT NULL")  # whose time is up
tags_index(task_runs)

task_run_states = table(
    "task_run_states",
    primary_id(),
    Column("created", Time, nullable=False),
    child_of("task_runs"),
    *_state(),
)
full_index(  # a run's states in order; foreign key
    "ix_task_run_states_timestamp", task_run_states.c.task_run_id, task_run_states.c.timestamp
)

task_run_state_cache = table(
    "task_run_state_cache",
    primary_id(),
    Column("created", Time, nullable=False),
    required_text("cache_key"),
    time("cache_expiration"),
    Column("task_run_state_id", Id, nullable=False),
)
full_index(  # the newest state that was kept for a key (contract §4.4)
    "ix_task_run_state_cache_cache_key", task_run_state_cache.c.cache_key, task_run_state_cache.c.id
)
full_index("ix_task_run_state_cache_state_id", task_run_state_cache.c.task_run_state_id)  # what goes with a state

logs = table(  # kept in the order of time: everyone's newest lines are at one end, where new ones are written
    "logs",
    Column("timestamp", Time, primary_key=True),
    Column("id", Id, primary_key=True),
    Column("created", Time, nullable=False),
    required_text("name"),
    Column("level", Integer, nullable=False),
    required_text("message"),
    reference("flow_run_id"),
    reference("task_run_id"),
    clustered=True,
    partitioned_by="timestamp",  # whole weeks go at once (see logs/partitions.py)
)
full_index("ix_logs_flow_run_id", logs.c.flow_run_id, logs.c.timestamp, logs.c.id)  # a flow run's lines in order
Index(  # a task run's lines in order
    "ix_logs_task_run_id",
    *(logs.c.task_run_id, logs.c.timestamp, logs.c.id),
    sqlite_where=text("task_run_id IS NOT NULL"),
    postgresql_where=text("task_run_id IS NOT NULL"),
)

flow_run_input = table(
    "flow_run_input",
    primary_id(),
    *stamps(),
    child_of("flow_runs"),
    required_text("key"),
    required_text("value"),
    optional_text("sender"),
)
full_index(  # one value for each key; by key or prefix; foreign key
    "uq_flow_run_input_key", flow_run_input.c.flow_run_id, flow_run_input.c.key, unique=True
)
