"""Bulk changes, what they apply to, what is hidden meanwhile, and for how long things are kept."""

from sqlalchemy import Column, LargeBinary, Text

from headrace.server.store.tables.columns import (
    Id,
    Number,
    Seconds,
    Time,
    bound,
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

operations = table(  # who asked for what, why, and how far it is
    "operations",
    primary_id(),
    Column("created", Time, nullable=False),
    required_text("kind"),
    required_text("noun"),
    required_text("status"),
    document("target", "{}"),  # what was asked for: a filter, ids, all, or another operation
    Column("given_ids", LargeBinary),  # those it names, 16 bytes each, until they are items
    reference("items_of"),  # the operation whose items it deals with, if they are not its own
    document("options", "{}"),
    optional_text("reason"),
    optional_document("created_by"),
    optional_text("policy"),  # the retention policy that asked
    optional_text("idempotency_key"),
    optional_text("fingerprint"),  # of the request that came with the key
    reference("undoes"),
    reference("undone_by"),
    flag("abort_requested", default=False),
    time("frozen"),  # since when its items are all there
    time("started"),
    time("finished"),
    optional_text("holder"),  # the process that works on it
    time("held_until"),
    total("total"),  # its items
    total("position"),  # the last item that was dealt with
    total("changed"),
    total("skipped"),
    total("failed"),
    document("counts", "{}"),  # how many rows of each noun it changed
    optional_text("error"),
    time("purge_at"),  # from when on what it deleted may be removed for good
    total("purge_position"),
    time("purged"),  # since when nothing of it is left to remove
    total("purged_rows"),
    total("purged_bytes"),
    time("forgotten"),  # since when what it applied to is not kept
    time("emptied"),  # since when none of its items is left
    optional_document("failures"),  # what had gone wrong with them, in groups
)
_operation = operations.c
full_index("ix_operations_created", _operation.created, _operation.id)  # newest first
full_index("uq_operations_idempotency_key", _operation.idempotency_key, unique=True)  # a double click is one operation
partial_index("ix_operations_open", _operation.created, where="finished IS NULL")  # what goes on
partial_index("ix_operations_purge_at", _operation.purge_at, where="purge_at IS NOT NULL AND purged IS NULL")  # due
partial_index("ix_operations_items_of", _operation.items_of, where="items_of IS NOT NULL")  # who has its items, too
partial_index(  # whose items are not needed for what they name
    "ix_operations_kept",
    _operation.finished,
    where="finished IS NOT NULL AND emptied IS NULL AND (purge_at IS NULL OR purged IS NOT NULL)",
)

operation_items = table(  # what an operation applies to, in the order in which it is dealt with
    "operation_items",
    Column("operation_id", Id, primary_key=True),
    Column("position", Number, primary_key=True, autoincrement=False),  # from 1 on
    required_text("noun"),
    Column("id", Id, nullable=False),
    optional_text("status"),  # none: as the operation's position says; else failed, skipped or conflict
    optional_text("error"),
    clustered=True,
)
_item = operation_items.c
partial_index("ix_operation_items_status", _item.operation_id, _item.status, _item.position, where="status IS NOT NULL")

hidden_runs = table(  # finished flow runs that are deleted and not marked yet, so that they are hidden or back at once
    "hidden_runs",
    Column("id", Id, primary_key=True),
    Column("operation_id", Id, nullable=False),
    clustered=True,
)
full_index("ix_hidden_runs_operation_id", hidden_runs.c.operation_id, hidden_runs.c.id)  # what one hides

retention_policies = table(  # how long what is kept
    "retention_policies",
    Column("name", Text, primary_key=True),  # of the class it holds for, such as "flow_runs.completed"
    Column("created", Time, nullable=False),
    Column("updated", Time, nullable=False),
    Column("max_age", Seconds),
    bound("keep_last"),
    time("last_run"),
    time("started"),  # since when a run of it goes on; its removals come in batches
    time("passed"),  # up to where log lines have been looked at
    total("last_removed"),  # by its last run, or so far by the one that goes on
    total("removed"),  # by all of them
    reference("operation_id"),  # the last operation that it asked for
    clustered=True,
)
