"""Flows, flow runs, task runs, their states, logs and inputs.

Revision ID: 0001
Revises:
"""

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0001"
down_revision: str | None = None
branch_labels: Sequence[str] | None = None
depends_on: Sequence[str] | None = None

ID = postgresql.UUID(as_uuid=True).with_variant(sa.Text(), "sqlite")
TIME = postgresql.TIMESTAMP(timezone=True).with_variant(sa.Integer(), "sqlite")
JSON = postgresql.JSONB().with_variant(sa.Text(), "sqlite")
FLAG = sa.Boolean().with_variant(sa.Integer(), "sqlite")
SECONDS: sa.types.TypeEngine[float] = sa.Double[float]().with_variant(sa.REAL(), "sqlite")


def upgrade() -> None:
    _create_flows()
    _create_flow_runs()
    _create_flow_run_states()
    _create_task_runs()
    _create_task_run_states()
    _create_task_run_state_cache()
    _create_logs()
    _create_flow_run_input()


def downgrade() -> None:
    for table in (
        "flow_run_input",
        "logs",
        "task_run_state_cache",
        "task_run_states",
        "task_runs",
        "flow_run_states",
        "flow_runs",
        "flows",
    ):
        op.drop_table(table)


def _create_flows() -> None:
    op.create_table(
        "flows",
        sa.Column("id", ID, nullable=False),
        sa.Column("created", TIME, nullable=False),
        sa.Column("updated", TIME, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("tags", JSON, nullable=False, server_default=sa.text("'[]'")),
        sa.Column("labels", JSON, server_default=sa.text("'{}'")),
        sa.Column("deleted_at", TIME),
        sa.PrimaryKeyConstraint("id", name="pk_flows"),
        sqlite_strict=True,
    )
    _live_index("uq_flows_name", "flows", "name", unique=True)


def _create_flow_runs() -> None:
    op.create_table(
        "flow_runs",
        sa.Column("id", ID, nullable=False),
        sa.Column("created", TIME, nullable=False),
        sa.Column("updated", TIME, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("flow_id", ID, nullable=False),
        sa.Column("deployment_id", ID),
        sa.Column("deployment_version", sa.Text()),
        sa.Column("work_queue_id", ID),
        sa.Column("work_queue_name", sa.Text()),
        sa.Column("flow_version", sa.Text()),
        sa.Column("parameters", JSON, nullable=False, server_default=sa.text("'{}'")),
        sa.Column("idempotency_key", sa.Text()),
        sa.Column("context", JSON, nullable=False, server_default=sa.text("'{}'")),
        sa.Column("empirical_policy", JSON, nullable=False, server_default=sa.text("'{}'")),
        sa.Column("tags", JSON, nullable=False, server_default=sa.text("'[]'")),
        sa.Column("labels", JSON, nullable=False, server_default=sa.text("'{}'")),
        sa.Column("parent_task_run_id", ID),
        sa.Column("state_id", ID),
        sa.Column("state_type", sa.Text()),
        sa.Column("state_name", sa.Text()),
        sa.Column("state_timestamp", TIME),
        sa.Column("run_count", sa.Integer(), nullable=False, server_default=sa.text("0")),
        sa.Column("expected_start_time", TIME),
        sa.Column("next_scheduled_start_time", TIME),
        sa.Column("start_time", TIME),
        sa.Column("end_time", TIME),
        sa.Column("total_run_time", SECONDS, nullable=False, server_default=sa.text("0")),
        sa.Column("auto_scheduled", FLAG, nullable=False, server_default=sa.false()),
        sa.Column("infrastructure_document_id", ID),
        sa.Column("infrastructure_pid", sa.Text()),
        sa.Column("created_by", JSON),
        sa.Column("job_variables", JSON),
        sa.Column("deleted_at", TIME),
        sa.PrimaryKeyConstraint("id", name="pk_flow_runs"),
        sa.ForeignKeyConstraint(["flow_id"], ["flows.id"], name="fk_flow_runs_flow_id", ondelete="CASCADE"),
        sqlite_strict=True,
    )
    _live_index("ix_flow_runs_deployment_id", "flow_runs", "deployment_id", "id", where="deployment_id IS NOT NULL")
    _live_index("ix_flow_runs_expected_start_time", "flow_runs", "expected_start_time", "id")
    _index("ix_flow_runs_flow_id", "flow_runs", "flow_id", "id")
    _live_index("ix_flow_runs_name", "flow_runs", "name", "id")
    _live_index(
        "ix_flow_runs_next_scheduled_start_time",
        "flow_runs",
        "next_scheduled_start_time",
        where="next_scheduled_start_time IS NOT NULL",
    )
    _live_index(
        "ix_flow_runs_parent_task_run_id", "flow_runs", "parent_task_run_id", where="parent_task_run_id IS NOT NULL"
    )
    _live_index("ix_flow_runs_start_time", "flow_runs", sa.text("coalesce(start_time, expected_start_time)"), "id")
    _live_index("ix_flow_runs_state_name", "flow_runs", "state_name", "id")
    _live_index("ix_flow_runs_state_type", "flow_runs", "state_type", "id")
    _live_index(
        "uq_flow_runs_idempotency_key",
        "flow_runs",
        "flow_id",
        "idempotency_key",
        where="idempotency_key IS NOT NULL",
        unique=True,
    )
    _run_indexes("flow_runs")


def _create_flow_run_states() -> None:
    op.create_table(
        "flow_run_states",
        sa.Column("id", ID, nullable=False),
        sa.Column("created", TIME, nullable=False),
        sa.Column("flow_run_id", ID, nullable=False),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("timestamp", TIME, nullable=False),
        sa.Column("message", sa.Text()),
        sa.Column("data", JSON),
        sa.Column("state_details", JSON, nullable=False, server_default=sa.text("'{}'")),
        sa.PrimaryKeyConstraint("id", name="pk_flow_run_states"),
        sa.ForeignKeyConstraint(
            ["flow_run_id"], ["flow_runs.id"], name="fk_flow_run_states_flow_run_id", ondelete="CASCADE"
        ),
        sqlite_strict=True,
    )
    _index("uq_flow_run_states_timestamp", "flow_run_states", "flow_run_id", "timestamp", unique=True)


def _create_task_runs() -> None:
    op.create_table(
        "task_runs",
        sa.Column("id", ID, nullable=False),
        sa.Column("created", TIME, nullable=False),
        sa.Column("updated", TIME, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("flow_run_id", ID),
        sa.Column("task_key", sa.Text(), nullable=False),
        sa.Column("dynamic_key", sa.Text(), nullable=False),
        sa.Column("cache_key", sa.Text()),
        sa.Column("cache_expiration", TIME),
        sa.Column("task_version", sa.Text()),
        sa.Column("empirical_policy", JSON, nullable=False, server_default=sa.text("'{}'")),
        sa.Column("tags", JSON, nullable=False, server_default=sa.text("'[]'")),
        sa.Column("labels", JSON, server_default=sa.text("'{}'")),
        sa.Column("task_inputs", JSON, nullable=False, server_default=sa.text("'{}'")),
        sa.Column("state_id", ID),
        sa.Column("state_type", sa.Text()),
        sa.Column("state_name", sa.Text()),
        sa.Column("state_timestamp", TIME),
        sa.Column("run_count", sa.Integer(), nullable=False, server_default=sa.text("0")),
        sa.Column("expected_start_time", TIME),
        sa.Column("next_scheduled_start_time", TIME),
        sa.Column("start_time", TIME),
        sa.Column("end_time", TIME),
        sa.Column("total_run_time", SECONDS, nullable=False, server_default=sa.text("0")),
        sa.Column("flow_run_run_count", sa.Integer(), nullable=False, server_default=sa.text("0")),
        sa.Column("field_stamps", JSON),
        sa.Column("deleted_at", TIME),
        sa.PrimaryKeyConstraint("id", name="pk_task_runs"),
        sa.ForeignKeyConstraint(["flow_run_id"], ["flow_runs.id"], name="fk_task_runs_flow_run_id", ondelete="CASCADE"),
        sqlite_strict=True,
    )
    _live_index("ix_task_runs_expected_start_time", "task_runs", "expected_start_time", "id")
    _index("ix_task_runs_flow_run_id", "task_runs", "flow_run_id", "id")
    _live_index("ix_task_runs_name", "task_runs", "name", "id")
    _live_index(
        "ix_task_runs_next_scheduled_start_time",
        "task_runs",
        "next_scheduled_start_time",
        where="next_scheduled_start_time IS NOT NULL",
    )
    _live_index("ix_task_runs_start_time", "task_runs", "start_time", where="start_time IS NOT NULL")
    _live_index("ix_task_runs_state_type", "task_runs", "state_type", "id")
    _live_index("uq_task_runs_key", "task_runs", "flow_run_id", "task_key", "dynamic_key", unique=True)
    _live_index(
        "uq_task_runs_key_outside_flows",
        "task_runs",
        "task_key",
        "dynamic_key",
        where="flow_run_id IS NULL",
        unique=True,
    )
    _run_indexes("task_runs")


def _create_task_run_states() -> None:
    op.create_table(
        "task_run_states",
        sa.Column("id", ID, nullable=False),
        sa.Column("created", TIME, nullable=False),
        sa.Column("task_run_id", ID, nullable=False),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("timestamp", TIME, nullable=False),
        sa.Column("message", sa.Text()),
        sa.Column("data", JSON),
        sa.Column("state_details", JSON, nullable=False, server_default=sa.text("'{}'")),
        sa.PrimaryKeyConstraint("id", name="pk_task_run_states"),
        sa.ForeignKeyConstraint(
            ["task_run_id"], ["task_runs.id"], name="fk_task_run_states_task_run_id", ondelete="CASCADE"
        ),
        sqlite_strict=True,
    )
    _index("ix_task_run_states_timestamp", "task_run_states", "task_run_id", "timestamp")


def _create_task_run_state_cache() -> None:
    op.create_table(
        "task_run_state_cache",
        sa.Column("id", ID, nullable=False),
        sa.Column("created", TIME, nullable=False),
        sa.Column("cache_key", sa.Text(), nullable=False),
        sa.Column("cache_expiration", TIME),
        sa.Column("task_run_state_id", ID, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_task_run_state_cache"),
        sqlite_strict=True,
    )
    _index("ix_task_run_state_cache_cache_key", "task_run_state_cache", "cache_key", "id")


def _create_logs() -> None:
    op.create_table(
        "logs",
        sa.Column("timestamp", TIME, nullable=False),
        sa.Column("id", ID, nullable=False),
        sa.Column("created", TIME, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("level", sa.Integer(), nullable=False),
        sa.Column("message", sa.Text(), nullable=False),
        sa.Column("flow_run_id", ID),
        sa.Column("task_run_id", ID),
        sa.PrimaryKeyConstraint("timestamp", "id", name="pk_logs"),
        sqlite_strict=True,
        sqlite_with_rowid=False,
    )
    _index("ix_logs_flow_run_id", "logs", "flow_run_id", "timestamp", "id")
    _index("ix_logs_task_run_id", "logs", "task_run_id", "timestamp", "id", where="task_run_id IS NOT NULL")


def _create_flow_run_input() -> None:
    op.create_table(
        "flow_run_input",
        sa.Column("id", ID, nullable=False),
        sa.Column("created", TIME, nullable=False),
        sa.Column("updated", TIME, nullable=False),
        sa.Column("flow_run_id", ID, nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.Column("sender", sa.Text()),
        sa.PrimaryKeyConstraint("id", name="pk_flow_run_input"),
        sa.ForeignKeyConstraint(
            ["flow_run_id"], ["flow_runs.id"], name="fk_flow_run_input_flow_run_id", ondelete="CASCADE"
        ),
        sqlite_strict=True,
    )
    _index("uq_flow_run_input_key", "flow_run_input", "flow_run_id", "key", unique=True)


def _run_indexes(table: str) -> None:
    """The indexes that are different in the two databases."""
    if op.get_context().dialect.name == "sqlite":
        _live_index(f"ix_{table}_end_time", table, "end_time", "id")
        return
    _live_index(f"ix_{table}_end_time", table, sa.text("end_time DESC NULLS LAST"), sa.text("id DESC"))
    _live_index(f"ix_{table}_tags", table, "tags", postgresql_using="gin")


def _live_index(name: str, table: str, *columns: Any, where: str | None = None, **options: Any) -> None:
    """An index over the rows that are not deleted."""
    condition = "deleted_at IS NULL" if where is None else f"{where} AND deleted_at IS NULL"
    _index(name, table, *columns, where=condition, **options)


def _index(name: str, table: str, *columns: Any, where: str | None = None, **options: Any) -> None:
    condition = None if where is None else sa.text(where)
    op.create_index(name, table, list(columns), sqlite_where=condition, postgresql_where=condition, **options)
