"""Statements on automations and what they are about, and the readers of their rows."""

from functools import lru_cache

from headrace.server.filters.objects import Objects
from headrace.server.store.base import Statement
from headrace.server.store.rows import JSON, Kind, Reader
from headrace.wire.actions import Action
from headrace.wire.automations import Automation
from headrace.wire.triggers import Trigger

_ACTIONS = JSON(list[Action])

AUTOMATIONS = Reader(
    Automation,
    {
        "id": Kind.UUID,
        "created": Kind.TIME,
        "updated": Kind.TIME,
        "name": Kind.TEXT,
        "description": Kind.TEXT,
        "enabled": Kind.BOOLEAN,
        "tags": JSON(list[str]),
        "trigger": JSON(Trigger),
        "actions": _ACTIONS,
        "actions_on_trigger": _ACTIONS,
        "actions_on_resolve": _ACTIONS,
    },
)
_COLUMNS = AUTOMATIONS.columns()
_SELECT = f"SELECT {AUTOMATIONS.columns('a')} FROM automations a"

INSERT = Statement(f"INSERT INTO automations ({_COLUMNS}) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)")
BY_ID = Statement(f"{_SELECT} WHERE a.id = $1 AND a.deleted_at IS NULL")
LOCK = Statement(
    f"{_SELECT} WHERE a.id = $1 AND a.deleted_at IS NULL FOR UPDATE",
    sqlite=f"{_SELECT} WHERE a.id = $1 AND a.deleted_at IS NULL",
)
ENABLED = Statement(
    f"{_SELECT} WHERE a.enabled AND a.deleted_at IS NULL ORDER BY a.id",
)
RELATED = Statement(
    f"{_SELECT} JOIN automation_resources r ON r.automation_id = a.id"
    " WHERE r.resource_id = $1 AND a.deleted_at IS NULL ORDER BY a.name, a.id"
)
OWNED = Statement(
    f"{_SELECT} JOIN automation_resources r ON r.automation_id = a.id"
    " WHERE r.resource_id = $1 AND r.owns AND a.deleted_at IS NULL ORDER BY a.id"
)

LIST = Objects(
    "automations",
    AUTOMATIONS,
    orders={
        "CREATED_DESC": "created DESC, id DESC",
        "UPDATED_DESC": "updated DESC, id DESC",
        "NAME_ASC": "name ASC, id ASC",
        "NAME_DESC": "name DESC, id DESC",
    },
)

ADD_RESOURCE = Statement(
    "INSERT INTO automation_resources (automation_id, resource_id, owns) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING"
)
DROP_RESOURCES = Statement("DELETE FROM automation_resources WHERE automation_id = $1 AND NOT owns")

FORGET_EVENTS = (
    Statement("DELETE FROM automation_buckets WHERE automation_id = $1"),
    Statement("DELETE FROM automation_child_firings WHERE automation_id = $1"),
)
"""What its triggers remember of past events."""

ADD_FIRING = Statement(
    "INSERT INTO automation_firings"
    " (id, created, automation_id, trigger_id, posture, state, fired_at, key, event_id, event, firing)"
    " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)"
)
ADD_ACTION = Statement(
    "INSERT INTO automation_actions"
    " (id, created, updated, automation_id, firing_id, position, action, event, status, attempts, due)"
    " VALUES ($1, $2, $2, $3, $4, $5, $6, $7, 'PENDING', 0, $2)"
)


@lru_cache
def change(columns: tuple[str, ...]) -> Statement:
    """Set columns of the automation whose id is the first value."""
    assigned = ", ".join(f"{column} = ${number}" for number, column in enumerate(columns, 2))
    return Statement(f"UPDATE automations SET {assigned} WHERE id = $1 AND deleted_at IS NULL")
