"""What makes runs end and work be done: services, cancellations, the queue of background tasks."""

from sqlalchemy import Column, ForeignKey, Integer, Text, text

from headrace.server.store.tables.columns import (
    Id,
    Seconds,
    Time,
    count,
    document,
    flag,
    full_index,
    optional_document,
    optional_text,
    partial_index,
    primary_id,
    reference,
    required_text,
    table,
    time,
    total,
)

services = table(  # one row for each service, whichever server runs it
    "services",
    Column("name", Text, primary_key=True),
    flag("paused", default=False),
    optional_text("holder"),  # the process that leads, where one alone may run it
    time("held_until"),
    time("run_requested_at"),
    total("ticks"),
    time("last_tick"),
    Column("duration", Seconds),
    Column("lag", Seconds),
    total("errors"),
    count("failures"),
    optional_text("last_error"),
    time("last_error_at"),
    Column("updated", Time, nullable=False),
    clustered=True,
)

cancellations = table(  # how the cancelling of a run went, from the request to its end
    "cancellations",
    Column("flow_run_id", Id, ForeignKey("flow_runs.id", ondelete="CASCADE"), primary_key=True),
    Column("root_id", Id, nullable=False),  # the run whose cancelling was asked for
    Column("requested_at", Time, nullable=False),
    optional_document("requested_by"),
    time("deadline"),
    time("spread_at"),  # since when all runs inside it have been asked to end as well
    time("told_at"),
    optional_text("told"),  # the runner or worker that was told
    time("killed_at"),
    optional_text("killed"),  # who ended the processes
    time("final_at"),
    optional_text("final_by"),
    Column("infrastructure", Text, nullable=False, server_default=text("'unknown'")),
    optional_text("message"),
    clustered=True,
)
full_index("ix_cancellations_root_id", cancellations.c.root_id)  # the tree of one request
partial_index("ix_cancellations_open", cancellations.c.requested_at, where="final_at IS NULL")  # what goes on

task_queue = table(  # background task runs that wait for a worker, or that one has and has not begun
    "task_queue",
    Column("task_run_id", Id, ForeignKey("task_runs.id", ondelete="CASCADE"), primary_key=True),
    required_text("task_key"),
    Column("place", Integer, nullable=False, server_default=text("1")),  # 0 is a retry, which comes first
    Column("available_at", Time, nullable=False),
    count("deliveries"),
    reference("delivery_id"),  # who has it now, until it is available to others
    clustered=True,
)
_queued = task_queue.c
full_index("ix_task_queue_available_at", _queued.task_key, _queued.place, _queued.available_at)  # what is next

task_workers = table(  # connections of processes that wait for background tasks
    "task_workers",
    primary_id(),
    required_text("identifier"),
    document("task_keys", "[]"),
    Column("last_seen", Time, nullable=False),
)
