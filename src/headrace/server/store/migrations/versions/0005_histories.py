"""Runs counted by minute, and triggers that tell which hours have changed since.

Revision ID: 0005
Revises: 0004
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import UUID

revision = "0005"
down_revision: str | None = "0004"
branch_labels: Sequence[str] | None = None
depends_on: Sequence[str] | None = None

_NOUNS = ("flow_runs", "task_runs")
_TABLES = ("history_changes", "history_hours", "history_minutes")
_CHANGED = "expected_start_time, state_type, state_name, state_timestamp, start_time, total_run_time, deleted_at"
_EVENTS = (
    ("insert", "INSERT", ("NEW",)),
    ("delete", "DELETE", ("OLD",)),
    ("update", f"UPDATE OF {_CHANGED}", ("OLD", "NEW")),
)

_SQLITE = """
CREATE TRIGGER history_{noun}_{name} AFTER {event} ON {noun} WHEN {condition}
BEGIN
    INSERT INTO history_changes (noun, hour) SELECT noun, hour FROM history_hours AS counted
    WHERE noun = '{noun}' AND hour IN ({hours})
    AND NOT EXISTS (SELECT 1 FROM history_changes WHERE noun = '{noun}' AND hour = counted.hour);
END
"""
_SQLITE_HOUR = "{row}.expected_start_time / 3600000000"
_SQLITE_OLD = "{row}.expected_start_time < (strftime('%s', 'now') - 3600) * 1000000"

_POSTGRES_FUNCTION = """
CREATE FUNCTION change_history() RETURNS trigger LANGUAGE plpgsql AS $change$
BEGIN
    PERFORM pg_advisory_xact_lock_shared(7465227041);
    INSERT INTO history_changes (noun, hour) SELECT noun, hour FROM history_hours AS counted
    WHERE noun = TG_TABLE_NAME AND hour IN (
        floor(extract(epoch FROM CASE WHEN TG_OP <> 'INSERT' THEN OLD.expected_start_time END) / 3600)::integer,
        floor(extract(epoch FROM CASE WHEN TG_OP <> 'DELETE' THEN NEW.expected_start_time END) / 3600)::integer
    )
    AND NOT EXISTS (SELECT 1 FROM history_changes WHERE noun = TG_TABLE_NAME AND hour = counted.hour);
    RETURN NULL;
END $change$
"""
_POSTGRES = (
    "CREATE TRIGGER history_{name} AFTER {event} ON {noun} FOR EACH ROW WHEN ({condition})"
    " EXECUTE FUNCTION change_history()"
)
_POSTGRES_OLD = "{row}.expected_start_time < clock_timestamp() - interval '1 hour'"


def upgrade() -> None:
    count = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    seconds: sa.types.TypeEngine[float] = sa.Double[float]().with_variant(sa.REAL(), "sqlite")
    op.create_table(
        "history_hours",
        sa.Column("noun", sa.Text(), nullable=False),
        sa.Column("hour", sa.Integer(), nullable=False),
        sa.Column("counting", UUID(as_uuid=True).with_variant(sa.Text(), "sqlite"), nullable=False),
        sa.Column(
            "is_counted",
            sa.Boolean().with_variant(sa.Integer(), "sqlite"),
            nullable=False,
            server_default=sa.false(),
        ),
        sa.PrimaryKeyConstraint("noun", "hour", name="pk_history_hours"),
        sqlite_strict=True,
        sqlite_with_rowid=False,
    )
    op.create_table(
        "history_minutes",
        sa.Column("noun", sa.Text(), nullable=False),
        sa.Column("minute", sa.Integer(), nullable=False),
        sa.Column("state_type", sa.Text(), nullable=False),
        sa.Column("state_name", sa.Text(), nullable=False),
        sa.Column("runs", count, nullable=False),
        sa.Column("ran", seconds, nullable=False),
        sa.Column("running", count, nullable=False),
        sa.Column("running_since", seconds, nullable=False),
        sa.Column("late", seconds, nullable=False),
        sa.Column("waiting", count, nullable=False),
        sa.Column("waiting_since", seconds, nullable=False),
        sa.PrimaryKeyConstraint("noun", "minute", "state_type", "state_name", name="pk_history_minutes"),
        sqlite_strict=True,
        sqlite_with_rowid=False,
    )
    op.create_table(
        "history_changes",
        sa.Column("noun", sa.Text(), nullable=False),
        sa.Column("hour", sa.Integer(), nullable=False),
        sqlite_strict=True,
    )
    op.create_index("ix_history_changes_hour", "history_changes", ["noun", "hour"])
    if not _on_sqlite():
        op.execute(_POSTGRES_FUNCTION)
    for noun in _NOUNS:
        for name, event, rows in _EVENTS:
            op.execute(_trigger(noun, name, event, rows))


def downgrade() -> None:
    if _on_sqlite():
        for noun in _NOUNS:
            for name, *_ in _EVENTS:
                op.execute(f"DROP TRIGGER history_{noun}_{name}")
    else:
        op.execute("DROP FUNCTION change_history() CASCADE")
    for table in _TABLES:
        op.drop_table(table)


def _trigger(noun: str, name: str, event: str, rows: Sequence[str]) -> str:
    if not _on_sqlite():
        old = " OR ".join(_POSTGRES_OLD.format(row=row) for row in rows)
        return _POSTGRES.format(noun=noun, name=name, event=event, condition=old)
    old = " OR ".join(_SQLITE_OLD.format(row=row) for row in rows)
    hours = ", ".join(_SQLITE_HOUR.format(row=row) for row in rows)
    return _SQLITE.format(noun=noun, name=name, event=event, condition=old, hours=hours)


def _on_sqlite() -> bool:
    return op.get_context().dialect.name == "sqlite"
