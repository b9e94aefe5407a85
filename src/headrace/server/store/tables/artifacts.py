"""What runs leave to be looked at, and small values that are kept by name."""

from sqlalchemy import Column

from headrace.server.store.tables.columns import (
    Document,
    Id,
    document,
    live_index,
    optional_document,
    optional_text,
    primary_id,
    reference,
    required_text,
    stamps,
    table,
    time,
    trash_index,
    trash_marks,
)

artifacts = table(  # runs may be deleted, or be recorded later than what they left
    "artifacts",
    primary_id(),
    *stamps(),
    optional_text("key"),
    optional_text("type"),
    optional_document("data"),
    optional_text("description"),
    optional_document("metadata_"),
    reference("flow_run_id"),
    reference("task_run_id"),
    *trash_marks(),
)
trash_index(artifacts)
_artifact = artifacts.c
live_index("ix_artifacts_key", _artifact.key, _artifact.id, where="key IS NOT NULL")  # a key's versions, newest first
live_index("ix_artifacts_flow_run_id", _artifact.flow_run_id, _artifact.id, where="flow_run_id IS NOT NULL")  # a run's
live_index("ix_artifacts_task_run_id", _artifact.task_run_id, _artifact.id, where="task_run_id IS NOT NULL")  # a run's

artifact_collections = table(  # the newest artifact of each key, as a copy
    "artifact_collections",
    primary_id(),
    *stamps(),
    required_text("key"),
    Column("latest_id", Id, nullable=False),
    optional_text("type"),
    optional_document("data"),
    optional_text("description"),
    optional_document("metadata_"),
    reference("flow_run_id"),
    reference("task_run_id"),
    time("deleted_at"),
)
live_index("uq_artifact_collections_key", artifact_collections.c.key, unique=True)  # upsert, lookup and sort by key
live_index("ix_artifact_collections_latest_id", artifact_collections.c.latest_id)  # whether an artifact is the newest

variables = table(
    "variables",
    primary_id(),
    *stamps(),
    required_text("name"),
    optional_document("value"),
    document("tags", "[]"),
    *trash_marks(),
)
trash_index(variables)
live_index("uq_variables_name", variables.c.name, unique=True)  # lookup and sort by name

saved_searches = table(
    "saved_searches",
    primary_id(),
    *stamps(),
    required_text("name"),
    document("filters", "[]"),
    time("deleted_at"),
)
live_index("uq_saved_searches_name", saved_searches.c.name, unique=True)  # upsert and sort by name

configuration = table(
    "configuration",
    primary_id(),
    *stamps(),
    required_text("key"),
    Column("value", Document, nullable=False),
    time("deleted_at"),
)
live_index("uq_configuration_key", configuration.c.key, unique=True)  # lookup by key
