"""Statements on retention policies."""

from headrace.rules.retention_policies import parse_class
from headrace.server.store.base import Statement
from headrace.server.store.rows import Kind, Reader
from headrace.wire.retention import RetentionPolicy


def _read(**fields: object) -> RetentionPolicy:
    policy = RetentionPolicy(**fields)  # pyright: ignore[reportArgumentType]
    policy.undoable = parse_class(policy.name).kind.undoable
    return policy


_FIELDS = {
    "name": Kind.TEXT,
    "created": Kind.TIME,
    "updated": Kind.TIME,
    "max_age": Kind.FLOAT,
    "keep_last": Kind.INTEGER,
    "last_run": Kind.TIME,
    "started": Kind.TIME,
    "operation_id": Kind.UUID,
    "last_removed": Kind.INTEGER,
    "removed": Kind.INTEGER,
}
POLICIES = Reader(_read, _FIELDS)

_OWN = ", ".join(f"p.{name}" for name in _FIELDS if name not in ("last_removed", "removed"))
_SELECT = f"""
    SELECT {_OWN}, coalesce(o.changed, p.last_removed), p.removed + coalesce(o.changed, 0)
    FROM retention_policies p LEFT JOIN operations o ON o.id = p.operation_id
"""
"""What the last operation has removed so far is its own to say; what earlier ones did is summed up already."""

LIST = Statement(f"{_SELECT} ORDER BY p.name")
READ = Statement(f"{_SELECT} WHERE p.name = $1")
PUT = Statement(
    """
    INSERT INTO retention_policies (name, created, updated, max_age, keep_last) VALUES ($1, $2, $2, $3, $4)
    ON CONFLICT (name) DO UPDATE SET updated = excluded.updated, max_age = excluded.max_age,
        keep_last = excluded.keep_last, last_run = NULL, started = NULL, passed = NULL
    """
)
DELETE = Statement("DELETE FROM retention_policies WHERE name = $1")
LOOK_AGAIN = Statement("UPDATE retention_policies SET passed = NULL WHERE name >= $1 AND name < $2")
"""Lines that one policy has passed by may be another's by now."""

UNDER_WAY = Statement(
    "SELECT o.id FROM retention_policies p JOIN operations o ON o.id = p.operation_id"
    " WHERE p.name = $1 AND o.finished IS NULL"
)
ASKED = Statement(
    """
    UPDATE retention_policies SET last_run = $2, started = NULL, last_removed = 0, operation_id = $3,
        removed = removed + coalesce((SELECT changed FROM operations WHERE id = retention_policies.operation_id), 0)
    WHERE name = $1
    """
)
"""Its operation is the last one now."""
NOTHING_DUE = Statement("UPDATE retention_policies SET last_run = $2, started = NULL WHERE name = $1")

BEGIN = Statement(
    """
    UPDATE retention_policies SET started = $2, passed = $3, last_removed = 0 WHERE name = $1 AND started IS NULL
    """
)
PASSED = Statement("SELECT passed FROM retention_policies WHERE name = $1")
GO_ON = Statement(
    "UPDATE retention_policies SET passed = $2, last_removed = last_removed + $3, removed = removed + $3"
    " WHERE name = $1"
)
END = Statement("UPDATE retention_policies SET last_run = $2, started = NULL WHERE name = $1")
ENDED = Statement(
    "UPDATE retention_policies SET last_run = $2, last_removed = $3, removed = removed + $3 WHERE name = $1"
)
"""Events are ended all the time, so each batch is a run of its own."""
