"""Statements on what triggers remember, and on which automations are switched on since when."""

from datetime import datetime
from uuid import UUID

import msgspec

from headrace.rules.triggers.buckets import Bucket
from headrace.server.store.base import Statement
from headrace.server.store.rows import JSON, Kind, Reader
from headrace.wire.events import ReceivedEvent
from headrace.wire.firings import Firing


class StoredBucket(msgspec.Struct, frozen=True):
    """A bucket with its trigger and key."""

    trigger_id: UUID
    key: str
    since: datetime
    until: datetime
    count: int
    last_event: ReceivedEvent | None

    def as_bucket(self) -> Bucket:
        """The bucket alone."""
        return Bucket(since=self.since, until=self.until, count=self.count, last_event=self.last_event)


class StoredFiring(msgspec.Struct, frozen=True):
    """The firing of a child, with the trigger it is a part of."""

    parent_trigger_id: UUID
    firing: Firing


class Present(msgspec.Struct, frozen=True):
    """An automation that is switched on."""

    id: UUID


BUCKETS = Reader(
    StoredBucket,
    {
        "trigger_id": Kind.UUID,
        "key": Kind.TEXT,
        "since": Kind.TIME,
        "until": Kind.TIME,
        "count": Kind.INTEGER,
        "last_event": JSON(ReceivedEvent),
    },
)
CHILD_FIRINGS = Reader(StoredFiring, {"parent_trigger_id": Kind.UUID, "firing": JSON(Firing)})
PRESENT = Reader(Present, {"id": Kind.UUID})

REVISION = Statement(
    "SELECT count(*), max(updated), sum(extract(epoch FROM updated)) FROM automations"
    " WHERE enabled AND deleted_at IS NULL",
    sqlite="SELECT count(*), max(updated), sum(updated % 1000000007) FROM automations"
    " WHERE enabled AND deleted_at IS NULL",
)
"""Another answer whenever another set of automations is switched on, or one of them has changed."""
BEGINNING = Statement("SELECT min(seq) FROM event_resources WHERE resource_id = $1 AND occurred = $2 AND position = 0")
"""The number in the log of what was told of a resource at that moment."""
STILL_THERE = Statement(
    "SELECT id FROM automations WHERE id = ANY($1::uuid[]) AND enabled AND deleted_at IS NULL"
    " ORDER BY id FOR KEY SHARE",
    sqlite="SELECT id FROM automations WHERE enabled AND deleted_at IS NULL"
    " AND id IN (SELECT value FROM json_each($1))",
)
"""Whoever wants to change one of these waits until the transaction has ended."""

_BUCKET = BUCKETS.columns()
READ_BUCKETS = Statement(
    f"SELECT {_BUCKET} FROM automation_buckets WHERE trigger_id = ANY($1::uuid[]) AND key = ANY($2::text[])",
    sqlite=f"SELECT {_BUCKET} FROM automation_buckets WHERE trigger_id IN (SELECT value FROM json_each($1))"
    " AND key IN (SELECT value FROM json_each($2))",
)
OVERDUE = Statement(
    f"SELECT {_BUCKET} FROM automation_buckets WHERE trigger_id = ANY($1::uuid[]) AND until < $2"
    " ORDER BY until LIMIT $3",
    sqlite=f"SELECT {_BUCKET} FROM automation_buckets WHERE trigger_id IN (SELECT value FROM json_each($1))"
    " AND until < $2 ORDER BY until LIMIT $3",
)
"""Windows that are over, the earliest first."""
SWEEP = Statement(
    "DELETE FROM automation_buckets WHERE (trigger_id, key) IN ("
    " SELECT trigger_id, key FROM automation_buckets WHERE until < $2 AND NOT (trigger_id = ANY($1::uuid[])) LIMIT $3)",
    sqlite="DELETE FROM automation_buckets WHERE (trigger_id, key) IN ("
    " SELECT trigger_id, key FROM automation_buckets WHERE until < $2"
    " AND trigger_id NOT IN (SELECT value FROM json_each($1)) LIMIT $3)",
)
"""Windows that are over, of other triggers than these."""
KEEP_BUCKET = Statement(
    "INSERT INTO automation_buckets (automation_id, trigger_id, key, since, until, count, last_event, updated)"
    " VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT (trigger_id, key) DO UPDATE SET"
    " since = excluded.since, until = excluded.until, count = excluded.count,"
    " last_event = excluded.last_event, updated = excluded.updated"
)
DROP_BUCKET = Statement("DELETE FROM automation_buckets WHERE trigger_id = $1 AND key = $2")

READ_CHILDREN = Statement(
    f"SELECT {CHILD_FIRINGS.columns()} FROM automation_child_firings WHERE parent_trigger_id = ANY($1::uuid[])",
    sqlite=f"SELECT {CHILD_FIRINGS.columns()} FROM automation_child_firings"
    " WHERE parent_trigger_id IN (SELECT value FROM json_each($1))",
)
DROP_CHILDREN = Statement("DELETE FROM automation_child_firings WHERE parent_trigger_id = $1")
KEEP_CHILD = Statement(
    "INSERT INTO automation_child_firings"
    " (automation_id, parent_trigger_id, child_trigger_id, id, fired_at, firing) VALUES ($1, $2, $3, $4, $5, $6)"
)
