"""Deadlines of runs, schedules that say when they are due, services, cancellations, the queue of background tasks.

Runs that are Running get no deadline by this: it comes with their next state or sign of life.

Revision ID: 0008
Revises: 0007
"""

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0008"
down_revision: str | None = "0007"
branch_labels: Sequence[str] | None = None
depends_on: Sequence[str] | None = None

ID = postgresql.UUID(as_uuid=True).with_variant(sa.Text(), "sqlite")
TIME = postgresql.TIMESTAMP(timezone=True).with_variant(sa.Integer(), "sqlite")
JSON = postgresql.JSONB().with_variant(sa.Text(), "sqlite")
FLAG = sa.Boolean().with_variant(sa.Integer(), "sqlite")
NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
SECONDS: sa.types.TypeEngine[float] = sa.Double[float]().with_variant(sa.REAL(), "sqlite")

_RUNS = ("flow_runs", "task_runs")


def upgrade() -> None:
    for runs in _RUNS:
        op.add_column(runs, sa.Column("deadline", TIME))
        _partial_index(f"ix_{runs}_deadline", runs, "deadline", where="deadline IS NOT NULL AND deleted_at IS NULL")
    _index_runs()
    op.add_column("flow_runs", sa.Column("lease_seconds", SECONDS))
    op.add_column("flow_runs", sa.Column("lease_holder", sa.Text()))
    op.add_column("task_runs", sa.Column("lease_id", ID))
    _end_what_hangs()
    _extend_schedules()
    _create_services()
    _create_cancellations()
    _create_task_queue()


def downgrade() -> None:
    op.drop_column("task_runs", "lease_id")
    for name in ("task_workers", "task_queue", "cancellations", "services"):
        op.drop_table(name)
    op.drop_index("ix_deployment_schedules_if_running", "deployment_schedules")
    op.drop_index("ix_deployment_schedules_due_at", "deployment_schedules")
    for column in ("error", "due_at", "scheduled_until", "if_running", "max_queued", "catchup"):
        op.drop_column("deployment_schedules", column)
    op.drop_index("ix_flow_runs_not_late", "flow_runs")
    op.drop_index("ix_flow_runs_under_way", "flow_runs")
    for column in ("lease_holder", "lease_seconds"):
        op.drop_column("flow_runs", column)
    for runs in _RUNS:
        op.drop_index(f"ix_{runs}_deadline", runs)
        op.drop_column(runs, "deadline")


def _index_runs() -> None:
    _partial_index(
        "ix_flow_runs_under_way",
        "flow_runs",
        "deployment_id",
        where="deployment_id IS NOT NULL AND end_time IS NULL AND (state_type <> 'SCHEDULED' OR run_count > 0)"
        " AND deleted_at IS NULL",
    )
    _partial_index(
        "ix_flow_runs_not_late",
        "flow_runs",
        "next_scheduled_start_time",
        where="state_name = 'Scheduled' AND next_scheduled_start_time IS NOT NULL AND deleted_at IS NULL",
    )


def _end_what_hangs() -> None:
    """Runs that have been Cancelling or paused since before there were deadlines get the ones they would have had."""
    if op.get_bind().dialect.name == "postgresql":
        cancelling, paused = "now() + interval '300 seconds'", "(s.state_details ->> 'pause_timeout')::timestamptz"
    else:
        microseconds = "CAST(round((julianday({}) - 2440587.5) * 86400) AS INTEGER) * 1000000"
        cancelling = microseconds.format("'now', '+300 seconds'")
        paused = microseconds.format("s.state_details ->> 'pause_timeout'")
    op.execute(f"UPDATE flow_runs SET deadline = {cancelling} WHERE state_type = 'CANCELLING' AND deleted_at IS NULL")
    op.execute(
        f"UPDATE flow_runs SET deadline = (SELECT {paused} FROM flow_run_states s WHERE s.id = flow_runs.state_id)"
        " WHERE state_type = 'PAUSED' AND deleted_at IS NULL"
    )


def _extend_schedules() -> None:
    for column in (
        sa.Column("catchup", sa.Text(), nullable=False, server_default=sa.text("'none'")),
        sa.Column("max_queued", sa.Integer()),
        sa.Column("if_running", sa.Text(), nullable=False, server_default=sa.text("'start'")),
        sa.Column("scheduled_until", TIME),
        sa.Column("due_at", TIME),
        sa.Column("error", sa.Text()),
    ):
        op.add_column("deployment_schedules", column)
    # The scheduler looks at each of them once, and then says itself when it has to look again.
    op.execute("UPDATE deployment_schedules SET due_at = updated WHERE active AND deleted_at IS NULL")
    _partial_index(
        "ix_deployment_schedules_due_at",
        "deployment_schedules",
        "due_at",
        where="due_at IS NOT NULL AND deleted_at IS NULL",
    )
    _partial_index(
        "ix_deployment_schedules_if_running",
        "deployment_schedules",
        "deployment_id",
        where="if_running <> 'start' AND deleted_at IS NULL",
    )


def _create_services() -> None:
    _create(
        "services",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("paused", FLAG, nullable=False, server_default=sa.false()),
        sa.Column("holder", sa.Text()),
        sa.Column("held_until", TIME),
        sa.Column("run_requested_at", TIME),
        sa.Column("ticks", NUMBER, nullable=False, server_default=sa.text("0")),
        sa.Column("last_tick", TIME),
        sa.Column("duration", SECONDS),
        sa.Column("lag", SECONDS),
        sa.Column("errors", NUMBER, nullable=False, server_default=sa.text("0")),
        sa.Column("failures", sa.Integer(), nullable=False, server_default=sa.text("0")),
        sa.Column("last_error", sa.Text()),
        sa.Column("last_error_at", TIME),
        sa.Column("updated", TIME, nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_services"),
    )


def _create_cancellations() -> None:
    _create(
        "cancellations",
        sa.Column("flow_run_id", ID, nullable=False),
        sa.Column("root_id", ID, nullable=False),
        sa.Column("requested_at", TIME, nullable=False),
        sa.Column("requested_by", JSON),
        sa.Column("deadline", TIME),
        sa.Column("spread_at", TIME),
        sa.Column("told_at", TIME),
        sa.Column("told", sa.Text()),
        sa.Column("killed_at", TIME),
        sa.Column("killed", sa.Text()),
        sa.Column("final_at", TIME),
        sa.Column("final_by", sa.Text()),
        sa.Column("infrastructure", sa.Text(), nullable=False, server_default=sa.text("'unknown'")),
        sa.Column("message", sa.Text()),
        sa.PrimaryKeyConstraint("flow_run_id", name="pk_cancellations"),
        _belongs("cancellations", "flow_run_id", "flow_runs"),
    )
    op.create_index("ix_cancellations_root_id", "cancellations", ["root_id"])
    _partial_index("ix_cancellations_open", "cancellations", "requested_at", where="final_at IS NULL")


def _create_task_queue() -> None:
    _create(
        "task_queue",
        sa.Column("task_run_id", ID, nullable=False),
        sa.Column("task_key", sa.Text(), nullable=False),
        sa.Column("place", sa.Integer(), nullable=False, server_default=sa.text("1")),
        sa.Column("available_at", TIME, nullable=False),
        sa.Column("deliveries", sa.Integer(), nullable=False, server_default=sa.text("0")),
        sa.Column("delivery_id", ID),
        sa.PrimaryKeyConstraint("task_run_id", name="pk_task_queue"),
        _belongs("task_queue", "task_run_id", "task_runs"),
    )
    op.create_index("ix_task_queue_available_at", "task_queue", ["task_key", "place", "available_at"])
    op.create_table(
        "task_workers",
        sa.Column("id", ID, nullable=False),
        sa.Column("identifier", sa.Text(), nullable=False),
        sa.Column("task_keys", JSON, nullable=False, server_default=sa.text("'[]'")),
        sa.Column("last_seen", TIME, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_task_workers"),
        sqlite_strict=True,
    )


def _create(name: str, *parts: Any) -> None:
    op.create_table(name, *parts, sqlite_strict=True, sqlite_with_rowid=False)


def _belongs(table: str, column: str, parent: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint([column], [f"{parent}.id"], name=f"fk_{table}_{column}", ondelete="CASCADE")


def _partial_index(name: str, table: str, *columns: str, where: str) -> None:
    op.create_index(name, table, list(columns), sqlite_where=sa.text(where), postgresql_where=sa.text(where))
