"""Concurrency limits, and the leases that hold their slots."""

from sqlalchemy import Column, ForeignKey, Integer, text

from headrace.server.store.tables.columns import (
    Id,
    Time,
    count,
    flag,
    full_index,
    live_index,
    optional_text,
    primary_id,
    reference,
    required_text,
    seconds,
    stamps,
    table,
    time,
)

concurrency_limits = table(
    "concurrency_limits",
    primary_id(),
    *stamps(),
    required_text("name"),
    flag("active", default=True),
    Column("slot_limit", Integer, nullable=False),
    count("active_slots"),
    count("denied_slots"),
    seconds("slot_decay_per_second", "0"),
    seconds("avg_slot_occupancy_seconds", "2"),
    time("deleted_at"),
)
live_index("uq_concurrency_limits_name", concurrency_limits.c.name, unique=True)  # lookup and sort by name

concurrency_leases = table(  # one without an end holds its slots until they are given back
    "concurrency_leases",
    primary_id(),
    Column("created", Time, nullable=False),
    time("expires_at"),
    optional_text("holder_type"),
    reference("holder_id"),
    Column("slots", Integer, nullable=False, server_default=text("1")),
)
full_index("ix_concurrency_leases_expires_at", concurrency_leases.c.expires_at)  # those that have run out
full_index("ix_concurrency_leases_holder_id", concurrency_leases.c.holder_id)  # what a run gives back when it ends

concurrency_lease_limits = table(  # one row for each limit that a lease holds slots of
    "concurrency_lease_limits",
    Column("lease_id", Id, ForeignKey("concurrency_leases.id", ondelete="CASCADE"), primary_key=True),
    Column("limit_id", Id, ForeignKey("concurrency_limits.id", ondelete="CASCADE"), primary_key=True),
    clustered=True,
)
full_index(  # the slots of a limit that are held; foreign key
    "ix_concurrency_lease_limits_limit_id", concurrency_lease_limits.c.limit_id
)
