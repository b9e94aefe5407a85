"""The log of events, what follows it, automations and what they did, and when lines of logs arrived.

Revision ID: 0006
Revises: 0005
"""

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0006"
down_revision: str | None = "0005"
branch_labels: Sequence[str] | None = None
depends_on: Sequence[str] | None = None

ID = postgresql.UUID(as_uuid=True).with_variant(sa.Text(), "sqlite")
TIME = postgresql.TIMESTAMP(timezone=True).with_variant(sa.Integer(), "sqlite")
JSON = postgresql.JSONB().with_variant(sa.Text(), "sqlite")
ORDERED_JSON = sa.JSON().with_variant(sa.Text(), "sqlite")
FLAG = sa.Boolean().with_variant(sa.Integer(), "sqlite")
KEY = sa.Text(collation="C").with_variant(sa.Text(), "sqlite")
NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")

_TABLES = (
    "log_trims",
    "log_arrivals",
    "automation_actions",
    "automation_firings",
    "automation_child_firings",
    "automation_buckets",
    "automation_resources",
    "automations",
    "event_followers",
    "event_consumers",
    "event_quarantine",
    "event_resources",
    "events",
)


def upgrade() -> None:
    _create_log()
    _create_consumers()
    _create_automations()
    _create_memory_of_triggers()
    _create_firings()
    _create_arrivals()


def downgrade() -> None:
    for table in _TABLES:
        op.drop_table(table)


def _create_log() -> None:
    _create(
        "events",
        _sequence(),
        _must("id", ID),
        _must("occurred", TIME),
        _must("received", TIME),
        _must("event", KEY),
        _must("resource_id", KEY),
        _must("resource", JSON),
        _must("related", JSON, "'[]'"),
        _must("payload", sa.Text()),
        sa.Column("follows", ID),
        key=("seq",),
        numbered=True,
    )
    op.create_index("uq_events_id", "events", ["id"], unique=True)
    op.create_index("ix_events_occurred", "events", ["occurred", "seq"])
    op.create_index("ix_events_event", "events", ["event", "occurred", "seq"])
    _create(
        "event_resources",
        _must("resource_id", KEY),
        _must("occurred", TIME),
        _must("seq", NUMBER),
        _must("position", sa.Integer()),
        sa.Column("role", sa.Text()),
        key=("resource_id", "occurred", "seq", "position"),
        clustered=True,
    )
    _create(
        "event_quarantine",
        _must("id", ID),
        _must("quarantined_at", TIME),
        sa.Column("consumer", sa.Text()),
        sa.Column("event_id", ID),
        sa.Column("event", sa.Text()),
        sa.Column("seq", NUMBER),
        _must("reason", sa.Text()),
        _must("body", sa.LargeBinary()),
        _must("bytes", sa.Integer()),
        key=("id",),
    )
    op.create_index("ix_event_quarantine_quarantined_at", "event_quarantine", ["quarantined_at"])
    op.create_index("ix_event_quarantine_consumer", "event_quarantine", ["consumer", "quarantined_at"])


def _create_consumers() -> None:
    _create(
        "event_consumers",
        _must("name", sa.Text()),
        _must("seq", NUMBER, "0"),
        _must("handled", NUMBER, "0"),
        _must("quarantined", NUMBER, "0"),
        _must("updated", TIME),
        key=("name",),
        clustered=True,
    )
    _create(
        "event_followers",
        _must("consumer", sa.Text()),
        _must("seq", NUMBER),
        _must("id", ID),
        _must("follows", ID),
        _must("received", TIME),
        _must("occurred", TIME),
        sa.Column("ready", FLAG, nullable=False, server_default=sa.false()),
        key=("consumer", "seq"),
        clustered=True,
    )
    op.create_index("ix_event_followers_id", "event_followers", ["consumer", "id"])
    op.create_index("ix_event_followers_follows", "event_followers", ["consumer", "follows"])
    op.create_index("ix_event_followers_received", "event_followers", ["consumer", "received"])
    _create_partial_index("ix_event_followers_ready", "event_followers", ["consumer", "occurred", "seq"], "ready")


def _create_automations() -> None:
    _create(
        "automations",
        *_stamped_id(),
        _must("name", sa.Text()),
        _must("description", sa.Text(), "''"),
        sa.Column("enabled", FLAG, nullable=False, server_default=sa.true()),
        _must("tags", JSON, "'[]'"),
        _must("trigger", ORDERED_JSON),
        _must("actions", ORDERED_JSON, "'[]'"),
        _must("actions_on_trigger", ORDERED_JSON, "'[]'"),
        _must("actions_on_resolve", ORDERED_JSON, "'[]'"),
        sa.Column("deleted_at", TIME),
        key=("id",),
    )
    _create_partial_index("ix_automations_name", "automations", ["name", "id"], "deleted_at IS NULL")
    _create_partial_index("ix_automations_updated", "automations", ["updated", "id"], "deleted_at IS NULL")
    if op.get_context().dialect.name == "postgresql":
        op.execute("CREATE INDEX ix_automations_tags ON automations USING gin (tags) WHERE deleted_at IS NULL")
    _create(
        "automation_resources",
        _must("automation_id", ID),
        _must("resource_id", sa.Text()),
        sa.Column("owns", FLAG, nullable=False, server_default=sa.false()),
        _part_of_automation("automation_resources"),
        key=("automation_id", "resource_id"),
        clustered=True,
    )
    op.create_index("ix_automation_resources_resource_id", "automation_resources", ["resource_id", "automation_id"])


def _create_memory_of_triggers() -> None:
    _create(
        "automation_buckets",
        _must("automation_id", ID),
        _must("trigger_id", ID),
        _must("key", sa.Text()),
        _must("since", TIME),
        _must("until", TIME),
        _must("count", sa.Integer(), "0"),
        sa.Column("last_event", ORDERED_JSON),
        _must("updated", TIME),
        _part_of_automation("automation_buckets"),
        key=("trigger_id", "key"),
        clustered=True,
    )
    op.create_index("ix_automation_buckets_automation_id", "automation_buckets", ["automation_id"])
    op.create_index("ix_automation_buckets_until", "automation_buckets", ["until"])
    _create(
        "automation_child_firings",
        _must("automation_id", ID),
        _must("parent_trigger_id", ID),
        _must("child_trigger_id", ID),
        _must("id", ID),
        _must("fired_at", TIME),
        _must("firing", ORDERED_JSON),
        _part_of_automation("automation_child_firings"),
        key=("parent_trigger_id", "child_trigger_id"),
        clustered=True,
    )
    op.create_index("ix_automation_child_firings_automation_id", "automation_child_firings", ["automation_id"])
    op.create_index("ix_automation_child_firings_fired_at", "automation_child_firings", ["fired_at"])


def _create_firings() -> None:
    _create(
        "automation_firings",
        _must("id", ID),
        _must("created", TIME),
        _must("automation_id", ID),
        _must("trigger_id", ID),
        sa.Column("posture", sa.Text()),
        _must("state", sa.Text()),
        _must("fired_at", TIME),
        _must("key", sa.Text(), "'[]'"),
        sa.Column("event_id", ID),
        sa.Column("event", ORDERED_JSON),
        _must("firing", ORDERED_JSON),
        key=("id",),
    )
    op.create_index("ix_automation_firings_automation_id", "automation_firings", ["automation_id", "fired_at"])
    op.create_index("ix_automation_firings_fired_at", "automation_firings", ["fired_at"])
    _create(
        "automation_actions",
        *_stamped_id(),
        _must("automation_id", ID),
        _must("firing_id", ID),
        _must("position", sa.Integer()),
        _must("action", ORDERED_JSON),
        sa.Column("event", ORDERED_JSON),
        _must("status", sa.Text(), "'PENDING'"),
        _must("attempts", sa.Integer(), "0"),
        _must("due", TIME),
        sa.Column("claimed_until", TIME),
        sa.Column("ended", TIME),
        sa.Column("reason", sa.Text()),
        sa.Column("result", ORDERED_JSON),
        key=("id",),
    )
    unended = "status IN ('PENDING', 'RUNNING')"
    _create_partial_index("ix_automation_actions_due", "automation_actions", ["due"], unended)
    op.create_index("ix_automation_actions_automation_id", "automation_actions", ["automation_id", "created"])
    op.create_index("ix_automation_actions_firing_id", "automation_actions", ["firing_id"])


def _create_arrivals() -> None:
    _create("log_arrivals", _sequence(), _must("created", TIME), _must("lines", JSON), key=("seq",), numbered=True)
    op.create_index("ix_log_arrivals_created", "log_arrivals", ["created"])
    _create(
        "log_trims",
        _must("log", sa.Text()),
        _must("seq", NUMBER, "0"),
        _must("removed", NUMBER, "0"),
        _must("updated", TIME),
        key=("log",),
        clustered=True,
    )


def _create(
    table: str, *parts: sa.schema.SchemaItem, key: Sequence[str], clustered: bool = False, numbered: bool = False
) -> None:
    op.create_table(
        table,
        *parts,
        sa.PrimaryKeyConstraint(*key, name=f"pk_{table}"),
        sqlite_strict=True,
        sqlite_with_rowid=not clustered,
        sqlite_autoincrement=numbered,
    )


def _create_partial_index(name: str, table: str, columns: Sequence[str], where: str) -> None:
    op.create_index(name, table, columns, sqlite_where=sa.text(where), postgresql_where=sa.text(where))


def _must(name: str, kind: Any, default: str | None = None) -> sa.Column[Any]:
    return sa.Column(name, kind, nullable=False, server_default=None if default is None else sa.text(default))


def _sequence() -> sa.Column[Any]:
    return sa.Column("seq", NUMBER, sa.Identity(), nullable=False)


def _stamped_id() -> tuple[sa.Column[Any], ...]:
    return _must("id", ID), _must("created", TIME), _must("updated", TIME)


def _part_of_automation(table: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        ["automation_id"], ["automations.id"], name=f"fk_{table}_automation_id", ondelete="CASCADE"
    )
