"""Statements on firings and their actions, and the readers of their rows.

An action that is being carried out is RUNNING, and due again when its claim runs out: one condition finds both what
waits and what was left behind.
"""

from datetime import datetime
from uuid import UUID

import msgspec

from headrace.server.store.base import Statement
from headrace.server.store.rows import ENUM, JSON, Kind, Reader
from headrace.wire.actions import Action
from headrace.wire.automations import Automation
from headrace.wire.events import ReceivedEvent
from headrace.wire.firings import ActionRun, ActionStatus, Firing, FiringRecord, TriggerState
from headrace.wire.triggers import Posture

MOST_ATTEMPTS = 5
"""How often an action is begun before it is given up; whoever tries it again by hand begins a new round."""


class Cause(msgspec.Struct):
    """What fired, and the automation as it was then."""

    firing: Firing
    automation: Automation


class Job(msgspec.Struct, kw_only=True):
    """An action that is to be carried out; `attempts` includes the one under way."""

    id: UUID
    position: int
    action: Action
    event: ReceivedEvent | None
    attempts: int
    cause: Cause
    created: datetime

    @property
    def is_last_attempt(self) -> bool:
        """Whether it is given up if it fails once more."""
        return self.attempts % MOST_ATTEMPTS == 0


JOBS = Reader(
    Job,
    {
        "id": Kind.UUID,
        "position": Kind.INTEGER,
        "action": JSON(Action),
        "event": JSON(ReceivedEvent),
        "attempts": Kind.INTEGER,
        "cause": JSON(Cause),
        "created": Kind.TIME,
    },
)
ACTIONS = Reader(
    ActionRun,
    {
        "id": Kind.UUID,
        "created": Kind.TIME,
        "updated": Kind.TIME,
        "automation_id": Kind.UUID,
        "firing_id": Kind.UUID,
        "position": Kind.INTEGER,
        "action": JSON(Action),
        "status": ENUM(ActionStatus),
        "attempts": Kind.INTEGER,
        "due": Kind.TIME,
        "ended": Kind.TIME,
        "reason": Kind.TEXT,
        "result": JSON(dict[str, object]),
    },
)


def _recorded(*, cause: Cause, **fields: object) -> FiringRecord:
    return FiringRecord(labels=cause.firing.triggering_labels, **fields)  # pyright: ignore[reportArgumentType] - a row


FIRINGS = Reader(
    _recorded,
    {
        "id": Kind.UUID,
        "automation_id": Kind.UUID,
        "trigger_id": Kind.UUID,
        "posture": ENUM(Posture),
        "state": ENUM(TriggerState),
        "fired_at": Kind.TIME,
        "event": JSON(ReceivedEvent),
        "cause": JSON(Cause),
    },
)

_OPEN = "a.status IN ('PENDING', 'RUNNING') AND a.due <= $1"
_IN_TURN = """
    NOT EXISTS (
        SELECT 1 FROM automation_actions b WHERE b.firing_id = a.firing_id AND b.position < a.position
        AND (b.status = 'RUNNING' OR (b.status = 'PENDING' AND b.attempts = 0))
    )
"""
"""A firing's actions are begun one after the other; what waits to be tried again keeps the others from nothing."""
ANY_DUE = Statement(f"SELECT 1 FROM automation_actions a WHERE {_OPEN} LIMIT 1")
_FREE = f"SELECT a.id FROM automation_actions a WHERE {_OPEN} AND {_IN_TURN} ORDER BY a.due, a.id LIMIT $3"
_CLAIM = """
    UPDATE automation_actions
    SET status = 'RUNNING', attempts = attempts + 1, claimed_until = $2, due = $2, updated = $1
    WHERE id {free} RETURNING id
"""
CLAIM = Statement(
    _CLAIM.format(free=f"= ANY(ARRAY({_FREE} FOR UPDATE OF a SKIP LOCKED))"),
    sqlite=_CLAIM.format(free=f"IN ({_FREE})"),
)
"""Take as many as $3 actions that are due at $1, until $2."""

_RENEW = "UPDATE automation_actions SET claimed_until = $2, due = $2 WHERE status = 'RUNNING' AND id"
RENEW = Statement(f"{_RENEW} = ANY($1::uuid[])", sqlite=f"{_RENEW} IN (SELECT value FROM json_each($1))")

_LEFT = f"""
    SELECT a.id FROM automation_actions a
    WHERE {_OPEN} AND a.status = 'RUNNING' AND a.attempts % {MOST_ATTEMPTS} = 0 LIMIT 100
"""
LEFT = Statement(f"{_LEFT} FOR UPDATE OF a SKIP LOCKED", sqlite=_LEFT)
"""What was begun for the last time and never came to an end."""

_JOBS = """
    SELECT a.id, a.position, a.action, a.event, a.attempts, f.firing AS cause, f.created
    FROM automation_actions a JOIN automation_firings f ON f.id = a.firing_id
"""
READ_JOBS = Statement(
    f"{_JOBS} WHERE a.id = ANY($1::uuid[]) ORDER BY a.created, a.position",
    sqlite=f"{_JOBS} WHERE a.id IN (SELECT value FROM json_each($1)) ORDER BY a.created, a.position",
)

_MINE = "WHERE id = $1 AND status = 'RUNNING' AND attempts = $2"
"""Only whoever has the latest claim may say how it came out."""
END = Statement(
    "UPDATE automation_actions"
    f" SET status = $3, ended = $4, updated = $4, reason = $5, result = $6, claimed_until = NULL {_MINE}"
)
PUT_OFF = Statement(
    "UPDATE automation_actions SET status = 'PENDING', due = $3, updated = $4, reason = $5, claimed_until = NULL"
    f" {_MINE}"
)
AGAIN = Statement(
    "UPDATE automation_actions SET status = 'PENDING', due = $2, updated = $2, ended = NULL"
    " WHERE id = $1 AND status = 'FAILED'"
)

_ACTION = f"SELECT {ACTIONS.columns('a')} FROM automation_actions a"
ACTION = Statement(f"{_ACTION} WHERE a.id = $1")
ACTIONS_OF = Statement(
    f"{_ACTION} WHERE a.firing_id = ANY($1::uuid[]) ORDER BY a.position",
    sqlite=f"{_ACTION} WHERE a.firing_id IN (SELECT value FROM json_each($1)) ORDER BY a.position",
)
_FIRING = "f.id, f.automation_id, f.trigger_id, f.posture, f.state, f.fired_at, f.event, f.firing AS cause"
_NEWEST = "ORDER BY f.fired_at DESC, f.id DESC LIMIT $2"
FIRINGS_OF = Statement(f"SELECT {_FIRING} FROM automation_firings f WHERE f.automation_id = $1 {_NEWEST}")
FIRINGS_BEFORE = Statement(
    f"SELECT {_FIRING} FROM automation_firings f JOIN automation_firings o ON o.id = $3"
    f" WHERE f.automation_id = $1 AND (f.fired_at, f.id) < (o.fired_at, o.id) {_NEWEST}"
)

FIRING_IS_OVER = """
    fired_at < $1 AND NOT EXISTS (
        SELECT 1 FROM automation_actions a
        WHERE a.firing_id = automation_firings.id AND a.status IN ('PENDING', 'RUNNING')
    )
"""
END_ACTIONS_OF = Statement(
    "DELETE FROM automation_actions WHERE firing_id = ANY($1::uuid[])",
    sqlite="DELETE FROM automation_actions WHERE firing_id IN (SELECT value FROM json_each($1))",
)
