"""Deployments, work pools, concurrency limits, artifacts, variables, saved searches and blocks.

Revision ID: 0003
Revises: 0002
"""

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0003"
down_revision: str | None = "0002"
branch_labels: Sequence[str] | None = None
depends_on: Sequence[str] | None = None

ID = postgresql.UUID(as_uuid=True).with_variant(sa.Text(), "sqlite")
TIME = postgresql.TIMESTAMP(timezone=True).with_variant(sa.Integer(), "sqlite")
JSON = postgresql.JSONB().with_variant(sa.Text(), "sqlite")
ORDERED_JSON = sa.JSON().with_variant(sa.Text(), "sqlite")
FLAG = sa.Boolean().with_variant(sa.Integer(), "sqlite")
SECONDS: sa.types.TypeEngine[float] = sa.Double[float]().with_variant(sa.REAL(), "sqlite")


def upgrade() -> None:
    _create_deployments()
    _create_work_pools()
    _create_concurrency()
    _create_artifacts()
    _create_named_values()
    _create_blocks()
    _index_runs()


def downgrade() -> None:
    for index in ("ix_flow_runs_deployment_next_scheduled", "ix_flow_runs_work_queue_id"):
        op.drop_index(index, "flow_runs")
    for table in (
        "block_document_references",
        "block_documents",
        "block_schema_references",
        "block_schemas",
        "block_types",
        "configuration",
        "saved_searches",
        "variables",
        "artifact_collections",
        "artifacts",
        "concurrency_lease_limits",
        "concurrency_leases",
        "concurrency_limits",
        "workers",
        "work_queues",
        "work_pools",
        "deployment_schedules",
        "deployments",
    ):
        op.drop_table(table)


def _create_deployments() -> None:
    _create_noun(
        "deployments",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("version", sa.Text()),
        sa.Column("description", sa.Text()),
        sa.Column("flow_id", ID, nullable=False),
        sa.Column("paused", FLAG, nullable=False, server_default=sa.false()),
        sa.Column("tags", JSON, nullable=False, server_default=sa.text("'[]'")),
        sa.Column("labels", JSON, nullable=False, server_default=sa.text("'{}'")),
        sa.Column("parameters", JSON, nullable=False, server_default=sa.text("'{}'")),
        sa.Column("parameter_openapi_schema", ORDERED_JSON),
        sa.Column("enforce_parameter_schema", FLAG, nullable=False, server_default=sa.true()),
        sa.Column("entrypoint", sa.Text()),
        sa.Column("path", sa.Text()),
        sa.Column("pull_steps", JSON),
        sa.Column("job_variables", JSON, nullable=False, server_default=sa.text("'{}'")),
        sa.Column("concurrency_limit_id", ID),
        sa.Column("concurrency_options", JSON),
        sa.Column("work_queue_id", ID),
        sa.Column("work_queue_name", sa.Text()),
        sa.Column("storage_document_id", ID),
        sa.Column("infrastructure_document_id", ID),
        sa.Column("last_polled", TIME),
        sa.Column("status", sa.Text(), nullable=False, server_default=sa.text("'NOT_READY'")),
        sa.Column("created_by", JSON),
        sa.Column("updated_by", JSON),
        sa.Column("version_id", ID),
        sa.Column("version_info", JSON),
        _belongs("deployments", "flow_id", "flows"),
    )
    _index("ix_deployments_flow_id", "deployments", "flow_id")
    _live_index("ix_deployments_name", "deployments", "name", "id")
    _live_index("ix_deployments_work_queue_id", "deployments", "work_queue_id", where="work_queue_id IS NOT NULL")
    _live_index("uq_deployments_name", "deployments", "flow_id", "name", unique=True)
    _create_noun(
        "deployment_schedules",
        sa.Column("deployment_id", ID, nullable=False),
        sa.Column("active", FLAG, nullable=False, server_default=sa.true()),
        sa.Column("schedule", ORDERED_JSON, nullable=False),
        sa.Column("parameters", JSON, nullable=False, server_default=sa.text("'{}'")),
        sa.Column("slug", sa.Text()),
        sa.Column("max_scheduled_runs", sa.Integer()),
        _belongs("deployment_schedules", "deployment_id", "deployments"),
    )
    _index("ix_deployment_schedules_deployment_id", "deployment_schedules", "deployment_id")
    _live_index("uq_deployment_schedules_slug", "deployment_schedules", "deployment_id", "slug", unique=True)


def _create_work_pools() -> None:
    _create_noun(
        "work_pools",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("description", sa.Text()),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("base_job_template", ORDERED_JSON, nullable=False, server_default=sa.text("'{}'")),
        sa.Column("is_paused", FLAG, nullable=False, server_default=sa.false()),
        sa.Column("concurrency_limit", sa.Integer()),
        sa.Column("default_queue_id", ID),
        sa.Column("status", sa.Text()),
        sa.Column("last_status_event_id", ID),
        sa.Column("last_transitioned_status_at", TIME),
        sa.Column("storage_configuration", JSON, nullable=False, server_default=sa.text("'{}'")),
    )
    _live_index("uq_work_pools_name", "work_pools", "name", unique=True)
    _create_noun(
        "work_queues",
        sa.Column("work_pool_id", ID, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("description", sa.Text()),
        sa.Column("is_paused", FLAG, nullable=False, server_default=sa.false()),
        sa.Column("concurrency_limit", sa.Integer()),
        sa.Column("priority", sa.Integer(), nullable=False, server_default=sa.text("1")),
        sa.Column("last_polled", TIME),
        sa.Column("status", sa.Text()),
        sa.Column("filter", JSON),
        _belongs("work_queues", "work_pool_id", "work_pools"),
    )
    _index("ix_work_queues_work_pool_id", "work_queues", "work_pool_id", "priority")
    _live_index("uq_work_queues_name", "work_queues", "work_pool_id", "name", unique=True)
    _create_noun(
        "workers",
        sa.Column("work_pool_id", ID, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("last_heartbeat_time", TIME),
        sa.Column("heartbeat_interval_seconds", sa.Integer()),
        sa.Column("status", sa.Text()),
        _belongs("workers", "work_pool_id", "work_pools"),
    )
    _index("ix_workers_work_pool_id", "workers", "work_pool_id")
    _live_index("uq_workers_name", "workers", "work_pool_id", "name", unique=True)


def _create_concurrency() -> None:
    _create_noun(
        "concurrency_limits",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("active", FLAG, nullable=False, server_default=sa.true()),
        sa.Column("slot_limit", sa.Integer(), nullable=False),
        sa.Column("active_slots", sa.Integer(), nullable=False, server_default=sa.text("0")),
        sa.Column("denied_slots", sa.Integer(), nullable=False, server_default=sa.text("0")),
        sa.Column("slot_decay_per_second", SECONDS, nullable=False, server_default=sa.text("0")),
        sa.Column("avg_slot_occupancy_seconds", SECONDS, nullable=False, server_default=sa.text("2")),
    )
    _live_index("uq_concurrency_limits_name", "concurrency_limits", "name", unique=True)
    op.create_table(
        "concurrency_leases",
        sa.Column("id", ID, nullable=False),
        sa.Column("created", TIME, nullable=False),
        sa.Column("expires_at", TIME),
        sa.Column("holder_type", sa.Text()),
        sa.Column("holder_id", ID),
        sa.Column("slots", sa.Integer(), nullable=False, server_default=sa.text("1")),
        sa.PrimaryKeyConstraint("id", name="pk_concurrency_leases"),
        sqlite_strict=True,
    )
    _index("ix_concurrency_leases_expires_at", "concurrency_leases", "expires_at")
    _index("ix_concurrency_leases_holder_id", "concurrency_leases", "holder_id")
    op.create_table(
        "concurrency_lease_limits",
        sa.Column("lease_id", ID, nullable=False),
        sa.Column("limit_id", ID, nullable=False),
        sa.PrimaryKeyConstraint("lease_id", "limit_id", name="pk_concurrency_lease_limits"),
        _belongs("concurrency_lease_limits", "lease_id", "concurrency_leases"),
        _belongs("concurrency_lease_limits", "limit_id", "concurrency_limits"),
        sqlite_strict=True,
        sqlite_with_rowid=False,
    )
    _index("ix_concurrency_lease_limits_limit_id", "concurrency_lease_limits", "limit_id")


def _create_artifacts() -> None:
    _create_noun(
        "artifacts",
        sa.Column("key", sa.Text()),
        sa.Column("type", sa.Text()),
        sa.Column("data", JSON),
        sa.Column("description", sa.Text()),
        sa.Column("metadata_", JSON),
        sa.Column("flow_run_id", ID),
        sa.Column("task_run_id", ID),
    )
    _live_index("ix_artifacts_flow_run_id", "artifacts", "flow_run_id", "id", where="flow_run_id IS NOT NULL")
    _live_index("ix_artifacts_key", "artifacts", "key", "id", where="key IS NOT NULL")
    _live_index("ix_artifacts_task_run_id", "artifacts", "task_run_id", "id", where="task_run_id IS NOT NULL")
    _create_noun(
        "artifact_collections",
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("latest_id", ID, nullable=False),
        sa.Column("type", sa.Text()),
        sa.Column("data", JSON),
        sa.Column("description", sa.Text()),
        sa.Column("metadata_", JSON),
        sa.Column("flow_run_id", ID),
        sa.Column("task_run_id", ID),
    )
    _live_index("ix_artifact_collections_latest_id", "artifact_collections", "latest_id")
    _live_index("uq_artifact_collections_key", "artifact_collections", "key", unique=True)


def _create_named_values() -> None:
    _create_noun(
        "variables",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("value", JSON),
        sa.Column("tags", JSON, nullable=False, server_default=sa.text("'[]'")),
    )
    _live_index("uq_variables_name", "variables", "name", unique=True)
    _create_noun(
        "saved_searches",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("filters", JSON, nullable=False, server_default=sa.text("'[]'")),
    )
    _live_index("uq_saved_searches_name", "saved_searches", "name", unique=True)
    _create_noun(
        "configuration",
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("value", JSON, nullable=False),
    )
    _live_index("uq_configuration_key", "configuration", "key", unique=True)


def _create_blocks() -> None:
    _create_noun(
        "block_types",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("slug", sa.Text(), nullable=False),
        sa.Column("logo_url", sa.Text()),
        sa.Column("documentation_url", sa.Text()),
        sa.Column("description", sa.Text()),
        sa.Column("code_example", sa.Text()),
        sa.Column("is_protected", FLAG, nullable=False, server_default=sa.false()),
    )
    _live_index("uq_block_types_slug", "block_types", "slug", unique=True)
    _create_noun(
        "block_schemas",
        sa.Column("checksum", sa.Text(), nullable=False),
        sa.Column("fields", ORDERED_JSON, nullable=False, server_default=sa.text("'{}'")),
        sa.Column("capabilities", JSON, nullable=False, server_default=sa.text("'[]'")),
        sa.Column("version", sa.Text(), nullable=False),
        sa.Column("block_type_id", ID, nullable=False),
        _belongs("block_schemas", "block_type_id", "block_types"),
    )
    _index("ix_block_schemas_block_type_id", "block_schemas", "block_type_id")
    _live_index("uq_block_schemas_checksum", "block_schemas", "checksum", "version", unique=True)
    _create_noun(
        "block_schema_references",
        sa.Column("parent_block_schema_id", ID, nullable=False),
        sa.Column("reference_block_schema_id", ID, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        _belongs("block_schema_references", "parent_block_schema_id", "block_schemas"),
        _belongs("block_schema_references", "reference_block_schema_id", "block_schemas"),
        marked=False,
    )
    _index("ix_block_schema_references_reference_id", "block_schema_references", "reference_block_schema_id")
    _index(
        "uq_block_schema_references_name",
        "block_schema_references",
        "parent_block_schema_id",
        "name",
        "reference_block_schema_id",
        unique=True,
    )
    _create_noun(
        "block_documents",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("data", sa.Text(), nullable=False),
        sa.Column("is_anonymous", FLAG, nullable=False, server_default=sa.false()),
        sa.Column("block_type_id", ID, nullable=False),
        sa.Column("block_type_name", sa.Text()),
        sa.Column("block_schema_id", ID, nullable=False),
        _belongs("block_documents", "block_type_id", "block_types"),
        _belongs("block_documents", "block_schema_id", "block_schemas"),
    )
    _index("ix_block_documents_block_schema_id", "block_documents", "block_schema_id")
    _index("ix_block_documents_block_type_id", "block_documents", "block_type_id")
    _live_index("ix_block_documents_name", "block_documents", "name", "id")
    _live_index("uq_block_documents_name", "block_documents", "block_type_id", "name", unique=True)
    _create_noun(
        "block_document_references",
        sa.Column("parent_block_document_id", ID, nullable=False),
        sa.Column("reference_block_document_id", ID, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        _belongs("block_document_references", "parent_block_document_id", "block_documents"),
        _belongs("block_document_references", "reference_block_document_id", "block_documents"),
        marked=False,
    )
    _index("ix_block_document_references_reference_id", "block_document_references", "reference_block_document_id")
    _index(
        "uq_block_document_references_name",
        "block_document_references",
        "parent_block_document_id",
        "name",
        unique=True,
    )


def _index_runs() -> None:
    _live_index(
        "ix_flow_runs_deployment_next_scheduled",
        "flow_runs",
        "deployment_id",
        "next_scheduled_start_time",
        where="deployment_id IS NOT NULL AND next_scheduled_start_time IS NOT NULL",
    )
    _live_index(
        "ix_flow_runs_work_queue_id",
        "flow_runs",
        "work_queue_id",
        "state_type",
        "next_scheduled_start_time",
        where="work_queue_id IS NOT NULL",
    )


def _create_noun(name: str, *columns: Any, marked: bool = True) -> None:
    """A table with an id and stamps; `marked` where deleting only marks its rows."""
    op.create_table(
        name,
        sa.Column("id", ID, nullable=False),
        sa.Column("created", TIME, nullable=False),
        sa.Column("updated", TIME, nullable=False),
        *columns,
        *([sa.Column("deleted_at", TIME)] if marked else []),
        sa.PrimaryKeyConstraint("id", name=f"pk_{name}"),
        sqlite_strict=True,
    )


def _belongs(table: str, column: str, parent: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint([column], [f"{parent}.id"], name=f"fk_{table}_{column}", ondelete="CASCADE")


def _index(name: str, table: str, *columns: str, unique: bool = False) -> None:
    op.create_index(name, table, columns, unique=unique)


def _live_index(name: str, table: str, *columns: str, where: str | None = None, unique: bool = False) -> None:
    condition = sa.text("deleted_at IS NULL" if where is None else f"{where} AND deleted_at IS NULL")
    op.create_index(name, table, columns, unique=unique, sqlite_where=condition, postgresql_where=condition)
