"""Work pools, their queues and the workers that poll them."""

from sqlalchemy import Column, Integer, text

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
)

work_pools = table(
    "work_pools",
    primary_id(),
    *stamps(),
    required_text("name"),
    optional_text("description"),
    required_text("type"),
    Column("base_job_template", OrderedDocument, nullable=False, server_default=text("'{}'")),
    flag("is_paused", default=False),
    bound("concurrency_limit"),
    reference("default_queue_id"),
    optional_text("status"),
    reference("last_status_event_id"),
    time("last_transitioned_status_at"),
    document("storage_configuration", "{}"),
    time("deleted_at"),
)
live_index("uq_work_pools_name", work_pools.c.name, unique=True)  # lookup and sort by name

work_queues = table(
    "work_queues",
    primary_id(),
    *stamps(),
    child_of("work_pools"),
    required_text("name"),
    optional_text("description"),
    flag("is_paused", default=False),
    bound("concurrency_limit"),
    Column("priority", Integer, nullable=False, server_default=text("1")),
    time("last_polled"),
    optional_text("status"),
    optional_document("filter"),
    time("deleted_at"),
)
_queue = work_queues.c
full_index("ix_work_queues_work_pool_id", _queue.work_pool_id, _queue.priority)  # a pool's in order; foreign key
live_index("uq_work_queues_name", _queue.work_pool_id, _queue.name, unique=True)  # lookup by name

workers = table(
    "workers",
    primary_id(),
    *stamps(),
    child_of("work_pools"),
    required_text("name"),
    time("last_heartbeat_time"),
    bound("heartbeat_interval_seconds"),
    optional_text("status"),
    time("deleted_at"),
)
full_index("ix_workers_work_pool_id", workers.c.work_pool_id)  # a pool's; foreign key
live_index("uq_workers_name", workers.c.work_pool_id, workers.c.name, unique=True)  # heartbeats go by name
