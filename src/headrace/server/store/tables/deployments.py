"""Deployments and their schedules."""

from sqlalchemy import Column, Text, text

from headrace.server.store.tables.columns import (
    OrderedDocument,
    bound,
    child_of,
    document,
    flag,
    full_index,
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

deployments = table(
    "deployments",
    primary_id(),
    *stamps(),
    required_text("name"),
    optional_text("version"),
    optional_text("description"),
    child_of("flows"),
    flag("paused", default=False),
    document("tags", "[]"),
    document("labels", "{}"),
    document("parameters", "{}"),
    Column("parameter_openapi_schema", OrderedDocument),
    flag("enforce_parameter_schema", default=True),
    optional_text("entrypoint"),
    optional_text("path"),
    optional_document("pull_steps"),
    document("job_variables", "{}"),
    reference("concurrency_limit_id"),
    optional_document("concurrency_options"),
    reference("work_queue_id"),
    optional_text("work_queue_name"),
    reference("storage_document_id"),
    reference("infrastructure_document_id"),
    time("last_polled"),
    Column("status", Text, nullable=False, server_default=text("'NOT_READY'")),
    optional_document("created_by"),
    optional_document("updated_by"),
    reference("version_id"),
    optional_document("version_info"),
    *trash_marks(),
)
trash_index(deployments)
full_index("ix_deployments_flow_id", deployments.c.flow_id)  # a flow's deployments; foreign key
live_index("uq_deployments_name", deployments.c.flow_id, deployments.c.name, unique=True)  # upsert, lookup by name
live_index("ix_deployments_name", deployments.c.name, deployments.c.id)  # by name alone, sort by name
live_index(  # those that a polled queue makes ready
    "ix_deployments_work_queue_id", deployments.c.work_queue_id, where="work_queue_id IS NOT NULL"
)

deployment_schedules = table(
    "deployment_schedules",
    primary_id(),
    *stamps(),
    child_of("deployments"),
    flag("active", default=True),
    Column("schedule", OrderedDocument, nullable=False),
    document("parameters", "{}"),
    optional_text("slug"),
    bound("max_scheduled_runs"),
    Column("catchup", Text, nullable=False, server_default=text("'none'")),  # what becomes of times that were missed
    bound("max_queued"),  # how many of its runs may be late at once
    Column("if_running", Text, nullable=False, server_default=text("'start'")),  # while an earlier run goes on
    time("scheduled_until"),  # the latest time for which a run was made
    time("due_at"),  # when the scheduler has to look at it again
    optional_text("error"),  # why no runs could be made of it, the last time they were to be
    *trash_marks(),
)
trash_index(deployment_schedules)
_schedule = deployment_schedules.c
full_index("ix_deployment_schedules_deployment_id", _schedule.deployment_id)  # a deployment's; foreign key
live_index("uq_deployment_schedules_slug", _schedule.deployment_id, _schedule.slug, unique=True)  # named once
live_index(  # those whose runs mind each other
    "ix_deployment_schedules_if_running", _schedule.deployment_id, where="if_running <> 'start'"
)
live_index("ix_deployment_schedules_due_at", _schedule.due_at, where="due_at IS NOT NULL")  # the scheduler's question
