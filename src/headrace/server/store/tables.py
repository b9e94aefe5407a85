"""The tables, described once for both databases.

SQLAlchemy Core describes them and nothing else: the schema's snapshots, the migrations' tests and composed
filters are made from here; values never pass through SQLAlchemy. Nothing on the path of a plain request
imports this module.

Each index earns its writes: the comment beside it names the question it answers. Those on flow and task runs
leave deleted rows out, so they stay as small as what a user sees. An index that a foreign key relies on holds
every row, because neither database looks up children in a partial one.
"""

from typing import Any

from sqlalchemy import (
    REAL,
    BigInteger,
    Boolean,
    Column,
    Double,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    Table,
    Text,
    false,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB, TIMESTAMP, UUID
from sqlalchemy.types import TypeEngine

METADATA = MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    }
)

Id = UUID(as_uuid=True).with_variant(Text(), "sqlite")
Time = TIMESTAMP(timezone=True).with_variant(Integer(), "sqlite")
Json = JSONB().with_variant(Text(), "sqlite")
Flag = Boolean().with_variant(Integer(), "sqlite")
Seconds: TypeEngine[float] = Double[float]().with_variant(REAL(), "sqlite")


def _table(name: str, *columns: Column[Any], clustered: bool = False) -> Table:
    """A table; `clustered` keeps its rows in the primary key's own tree in SQLite, one tree less to write."""
    return Table(name, METADATA, *columns, sqlite_strict=True, sqlite_with_rowid=not clustered)


def _id() -> Column[Any]:
    return Column("id", Id, primary_key=True)


def _reference(name: str) -> Column[Any]:
    """The id of something that may not be stored (yet, or any more)."""
    return Column(name, Id)


def _child_of(table: str, *, nullable: bool = False) -> Column[Any]:
    """The id of the row this one belongs to and goes away with."""
    return Column(f"{table[:-1]}_id", Id, ForeignKey(f"{table}.id", ondelete="CASCADE"), nullable=nullable)


def _stamps() -> tuple[Column[Any], Column[Any]]:
    return Column("created", Time, nullable=False), Column("updated", Time, nullable=False)


def _name(name: str) -> Column[Any]:
    return Column(name, Text, nullable=False)


def _text(name: str) -> Column[Any]:
    return Column(name, Text)


def _time(name: str) -> Column[Any]:
    return Column(name, Time)


def _count(name: str) -> Column[Any]:
    return Column(name, Integer, nullable=False, server_default=text("0"))


def _document(name: str, empty: str) -> Column[Any]:
    return Column(name, Json, nullable=False, server_default=text(f"'{empty}'"))


def _bookkeeping() -> tuple[Column[Any], ...]:
    """What every kind of run keeps of its states (contract §4.5)."""
    return (
        _reference("state_id"),
        _text("state_type"),
        _text("state_name"),
        _time("state_timestamp"),
        _count("run_count"),
        _time("expected_start_time"),
        _time("next_scheduled_start_time"),
        _time("start_time"),
        _time("end_time"),
        Column("total_run_time", Seconds, nullable=False, server_default=text("0")),
    )


def _state() -> tuple[Column[Any], ...]:
    return (
        _name("type"),
        _name("name"),
        Column("timestamp", Time, nullable=False),
        _text("message"),
        Column("data", Json),
        _document("state_details", "{}"),
    )


def _index(name: str, *columns: Any, where: str | None = None, unique: bool = False) -> None:
    """An index over live rows, or over those of them that `where` keeps."""
    condition = text("deleted_at IS NULL" if where is None else f"{where} AND deleted_at IS NULL")
    Index(name, *columns, unique=unique, sqlite_where=condition, postgresql_where=condition)


def _full_index(name: str, *columns: Any, unique: bool = False) -> None:
    """An index over every row, deleted ones too."""
    Index(name, *columns, unique=unique)


def _end_time_index(table: Table) -> None:
    """The latest finished first, the unfinished last: SQLite reads it so anyway, PostgreSQL must be told."""
    name, condition = f"ix_{table.name}_end_time", text("deleted_at IS NULL")
    end, id_ = table.c.end_time, table.c.id
    Index(name, end, id_, sqlite_where=condition).ddl_if("sqlite")
    Index(name, end.desc().nulls_last(), id_.desc(), postgresql_where=condition).ddl_if("postgresql")


def _tags_index(table: Table) -> None:
    """Tags are searched by a GIN index in PostgreSQL; SQLite looks into the rows that other filters leave."""
    condition = text("deleted_at IS NULL")
    index = Index(f"ix_{table.name}_tags", table.c.tags, postgresql_using="gin", postgresql_where=condition)
    index.ddl_if("postgresql")


flows = _table(
    "flows",
    _id(),
    *_stamps(),
    _name("name"),
    _document("tags", "[]"),
    Column("labels", Json, server_default=text("'{}'")),
    _time("deleted_at"),
)
_index("uq_flows_name", flows.c.name, unique=True)  # upsert and lookup by name, sort by name

flow_runs = _table(
    "flow_runs",
    _id(),
    *_stamps(),
    _name("name"),
    _child_of("flows"),
    _reference("deployment_id"),
    _text("deployment_version"),
    _reference("work_queue_id"),
    _text("work_queue_name"),
    _text("flow_version"),
    _document("parameters", "{}"),
    _text("idempotency_key"),
    _document("context", "{}"),
    _document("empirical_policy", "{}"),
    _document("tags", "[]"),
    _document("labels", "{}"),
    _reference("parent_task_run_id"),
    *_bookkeeping(),
    Column("auto_scheduled", Flag, nullable=False, server_default=false()),
    _reference("infrastructure_document_id"),
    _text("infrastructure_pid"),
    Column("created_by", Json),
    Column("job_variables", Json),
    _time("deleted_at"),
)
_run = flow_runs.c
_full_index("ix_flow_runs_flow_id", _run.flow_id, _run.id)  # a flow's runs, newest first; foreign key
_index("ix_flow_runs_name", _run.name, _run.id)  # by name, sort by name
_index("ix_flow_runs_state_type", _run.state_type, _run.id)  # failed runs, newest first; counts by type
_index("ix_flow_runs_state_name", _run.state_name, _run.id)  # late runs, runs awaiting a retry
_index("ix_flow_runs_expected_start_time", _run.expected_start_time, _run.id)  # history, windows, sort
_index("ix_flow_runs_start_time", func.coalesce(_run.start_time, _run.expected_start_time), _run.id)  # windows, sort
_end_time_index(flow_runs)  # latest finished, sort
_index(  # what is due: the scheduler's and the runner's question
    "ix_flow_runs_next_scheduled_start_time",
    _run.next_scheduled_start_time,
    where="next_scheduled_start_time IS NOT NULL",
)
_index("ix_flow_runs_deployment_id", _run.deployment_id, _run.id, where="deployment_id IS NOT NULL")  # a deployment's
_index("ix_flow_runs_parent_task_run_id", _run.parent_task_run_id, where="parent_task_run_id IS NOT NULL")  # subflows
_index(  # the promise that a key makes one run of a flow
    "uq_flow_runs_idempotency_key", _run.flow_id, _run.idempotency_key, where="idempotency_key IS NOT NULL", unique=True
)
_tags_index(flow_runs)

flow_run_states = _table(
    "flow_run_states",
    _id(),
    Column("created", Time, nullable=False),
    _child_of("flow_runs"),
    *_state(),
)
_full_index(  # a run's states in order, each with its own time (contract §4.5); foreign key
    "uq_flow_run_states_timestamp", flow_run_states.c.flow_run_id, flow_run_states.c.timestamp, unique=True
)

task_runs = _table(
    "task_runs",
    _id(),
    *_stamps(),
    _name("name"),
    _child_of("flow_runs", nullable=True),
    _name("task_key"),
    _name("dynamic_key"),
    _text("cache_key"),
    _time("cache_expiration"),
    _text("task_version"),
    _document("empirical_policy", "{}"),
    _document("tags", "[]"),
    Column("labels", Json, server_default=text("'{}'")),
    _document("task_inputs", "{}"),
    *_bookkeeping(),
    _count("flow_run_run_count"),
    Column("field_stamps", Json),
    _time("deleted_at"),
)
_task = task_runs.c
_full_index("ix_task_runs_flow_run_id", _task.flow_run_id, _task.id)  # a run's tasks, newest first; foreign key
_index("uq_task_runs_key", _task.flow_run_id, _task.task_key, _task.dynamic_key, unique=True)  # the natural key
_index(  # the natural key of tasks outside a flow, whose null would never be equal to another
    "uq_task_runs_key_outside_flows", _task.task_key, _task.dynamic_key, where="flow_run_id IS NULL", unique=True
)
_index("ix_task_runs_name", _task.name, _task.id)  # by name, sort by name
_index("ix_task_runs_state_type", _task.state_type, _task.id)  # counts by type, failed ones newest first
_index("ix_task_runs_expected_start_time", _task.expected_start_time, _task.id)  # history, windows, sort
_index("ix_task_runs_start_time", _task.start_time, where="start_time IS NOT NULL")  # windows of what ran
_end_time_index(task_runs)  # latest finished, sort
_index(  # background tasks that are due
    "ix_task_runs_next_scheduled_start_time",
    _task.next_scheduled_start_time,
    where="next_scheduled_start_time IS NOT NULL",
)
_tags_index(task_runs)

task_run_states = _table(
    "task_run_states",
    _id(),
    Column("created", Time, nullable=False),
    _child_of("task_runs"),
    *_state(),
)
_full_index(  # a run's states in order; foreign key
    "ix_task_run_states_timestamp", task_run_states.c.task_run_id, task_run_states.c.timestamp
)

task_run_state_cache = _table(
    "task_run_state_cache",
    _id(),
    Column("created", Time, nullable=False),
    _name("cache_key"),
    _time("cache_expiration"),
    Column("task_run_state_id", Id, nullable=False),
)
_full_index(  # the newest state that was kept for a key (contract §4.4)
    "ix_task_run_state_cache_cache_key", task_run_state_cache.c.cache_key, task_run_state_cache.c.id
)

logs = _table(  # kept in the order of time: everyone's newest lines are at one end, where new ones are written
    "logs",
    Column("timestamp", Time, primary_key=True),
    Column("id", Id, primary_key=True),
    Column("created", Time, nullable=False),
    _name("name"),
    Column("level", Integer, nullable=False),
    _name("message"),
    _reference("flow_run_id"),
    _reference("task_run_id"),
    clustered=True,
)
_full_index("ix_logs_flow_run_id", logs.c.flow_run_id, logs.c.timestamp, logs.c.id)  # a flow run's lines in order
Index(  # a task run's lines in order
    "ix_logs_task_run_id",
    *(logs.c.task_run_id, logs.c.timestamp, logs.c.id),
    sqlite_where=text("task_run_id IS NOT NULL"),
    postgresql_where=text("task_run_id IS NOT NULL"),
)

flow_run_input = _table(
    "flow_run_input",
    _id(),
    *_stamps(),
    _child_of("flow_runs"),
    _name("key"),
    _name("value"),
    _text("sender"),
)
_full_index(  # one value for each key; by key or prefix; foreign key
    "uq_flow_run_input_key", flow_run_input.c.flow_run_id, flow_run_input.c.key, unique=True
)

tallies = _table(  # see tallies.py, which also makes the triggers that keep it
    "tallies",
    Column("noun", Text, primary_key=True),
    Column("slot", Integer, primary_key=True, autoincrement=False),
    Column("total", BigInteger().with_variant(Integer(), "sqlite"), nullable=False),
    clustered=True,
)
