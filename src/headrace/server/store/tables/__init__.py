"""The tables, described once for both databases, one module a family.

SQLAlchemy Core describes them and nothing else: the schema's snapshots, the migrations' tests and composed
filters are made from here; values never pass through SQLAlchemy. Nothing on the path of a plain request
imports this package.

Each index earns its writes: the comment beside it names the question it answers. An index that a foreign key
relies on holds every row, because neither database looks up children in a partial one.
"""

from headrace.server.store.tables.artifacts import (
    artifact_collections,
    artifacts,
    configuration,
    saved_searches,
    variables,
)
from headrace.server.store.tables.automations import (
    automation_actions,
    automation_buckets,
    automation_child_firings,
    automation_firings,
    automation_resources,
    automations,
)
from headrace.server.store.tables.blocks import (
    block_document_references,
    block_documents,
    block_schema_references,
    block_schemas,
    block_types,
)
from headrace.server.store.tables.columns import METADATA
from headrace.server.store.tables.concurrency import concurrency_lease_limits, concurrency_leases, concurrency_limits
from headrace.server.store.tables.deployments import deployment_schedules, deployments
from headrace.server.store.tables.events import (
    event_consumers,
    event_followers,
    event_quarantine,
    event_resources,
    events,
    log_arrivals,
    log_trims,
)
from headrace.server.store.tables.histories import history_changes, history_spans, history_steps
from headrace.server.store.tables.lifecycle import cancellations, services, task_queue, task_workers
from headrace.server.store.tables.operations import hidden_runs, operation_items, operations, retention_policies
from headrace.server.store.tables.runs import (
    flow_run_input,
    flow_run_states,
    flow_runs,
    flows,
    logs,
    task_run_state_cache,
    task_run_states,
    task_runs,
)
from headrace.server.store.tables.tallies import tallies
from headrace.server.store.tables.work_pools import work_pools, work_queues, workers

__all__ = [
    "METADATA",
    "artifact_collections",
    "artifacts",
    "automation_actions",
    "automation_buckets",
    "automation_child_firings",
    "automation_firings",
    "automation_resources",
    "automations",
    "block_document_references",
    "block_documents",
    "block_schema_references",
    "block_schemas",
    "block_types",
    "cancellations",
    "concurrency_lease_limits",
    "concurrency_leases",
    "concurrency_limits",
    "configuration",
    "deployment_schedules",
    "deployments",
    "event_consumers",
    "event_followers",
    "event_quarantine",
    "event_resources",
    "events",
    "flow_run_input",
    "flow_run_states",
    "flow_runs",
    "flows",
    "hidden_runs",
    "history_changes",
    "history_spans",
    "history_steps",
    "log_arrivals",
    "log_trims",
    "logs",
    "operation_items",
    "operations",
    "retention_policies",
    "saved_searches",
    "services",
    "tallies",
    "task_queue",
    "task_run_state_cache",
    "task_run_states",
    "task_runs",
    "task_workers",
    "variables",
    "work_pools",
    "work_queues",
    "workers",
]
