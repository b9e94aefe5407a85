"""Runs counted in spans of a quarter of an hour, with running sums by step, in place of hours and minutes.

What was counted is counted again: it holds nothing that the runs do not.

Revision ID: 0007
Revises: 0006
"""

import importlib
from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import UUID

revision = "0007"
down_revision: str | None = "0006"
branch_labels: Sequence[str] | None = None
depends_on: Sequence[str] | None = None

_BEFORE = importlib.import_module("headrace.server.store.migrations.versions.0005_histories")
_NOUNS = ("flow_runs", "task_runs")
_TABLES = ("history_changes", "history_spans", "history_steps")
_CHANGED = "expected_start_time, state_type, state_name, state_timestamp, start_time, total_run_time, deleted_at"
_EVENTS = (
    ("insert", "INSERT", ("NEW",)),
    ("delete", "DELETE", ("OLD",)),
    ("update", f"UPDATE OF {_CHANGED}", ("OLD", "NEW")),
)

_SQLITE = """
CREATE TRIGGER history_{noun}_{name} AFTER {event} ON {noun} WHEN {condition}
BEGIN
    INSERT INTO history_changes (noun, span) SELECT noun, span FROM history_spans AS counted
    WHERE noun = '{noun}' AND span IN ({spans})
    AND NOT EXISTS (SELECT 1 FROM history_changes WHERE noun = '{noun}' AND span = counted.span);
END
"""
_SQLITE_SPAN = "{row}.expected_start_time / 900000000"
_SQLITE_OLD = "{row}.expected_start_time < (strftime('%s', 'now') - 600) * 1000000"

_POSTGRES_FUNCTION = """
CREATE FUNCTION change_history() RETURNS trigger LANGUAGE plpgsql AS $change$
DECLARE
    old_span integer;
    new_span integer;
BEGIN
    IF TG_OP <> 'INSERT' THEN old_span := floor(extract(epoch FROM OLD.expected_start_time) / 900)::integer; END IF;
    IF TG_OP <> 'DELETE' THEN new_span := floor(extract(epoch FROM NEW.expected_start_time) / 900)::integer; END IF;
    PERFORM pg_advisory_xact_lock_shared(7465227041);
    INSERT INTO history_changes (noun, span) SELECT noun, span FROM history_spans AS counted
    WHERE noun = TG_TABLE_NAME AND span IN (old_span, new_span)
    AND NOT EXISTS (SELECT 1 FROM history_changes WHERE noun = TG_TABLE_NAME AND span = counted.span);
    RETURN NULL;
END $change$
"""
_POSTGRES = (
    "CREATE TRIGGER history_{name} AFTER {event} ON {noun} FOR EACH ROW WHEN ({condition})"
    " EXECUTE FUNCTION change_history()"
)
_POSTGRES_OLD = "{row}.expected_start_time < clock_timestamp() - interval '600 seconds'"


def upgrade() -> None:
    _BEFORE.downgrade()
    sums = sa.JSON().with_variant(sa.Text(), "sqlite")
    op.create_table(
        "history_spans",
        sa.Column("noun", sa.Text(), nullable=False),
        sa.Column("span", sa.Integer(), nullable=False),
        sa.Column("counting", UUID(as_uuid=True).with_variant(sa.Text(), "sqlite"), nullable=False),
        sa.Column(
            "is_counted",
            sa.Boolean().with_variant(sa.Integer(), "sqlite"),
            nullable=False,
            server_default=sa.false(),
        ),
        sa.Column("sums", sums),
        sa.PrimaryKeyConstraint("noun", "span", name="pk_history_spans"),
        sqlite_strict=True,
        sqlite_with_rowid=False,
    )
    op.create_table(
        "history_steps",
        sa.Column("noun", sa.Text(), nullable=False),
        sa.Column("step", sa.Integer(), nullable=False),
        sa.Column("sums", sums, nullable=False),
        sa.PrimaryKeyConstraint("noun", "step", name="pk_history_steps"),
        sqlite_strict=True,
        sqlite_with_rowid=False,
    )
    op.create_table(
        "history_changes",
        sa.Column("noun", sa.Text(), nullable=False),
        sa.Column("span", sa.Integer(), nullable=False),
        sqlite_strict=True,
    )
    op.create_index("ix_history_changes_span", "history_changes", ["noun", "span"])
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
    _BEFORE.upgrade()


def _trigger(noun: str, name: str, event: str, rows: Sequence[str]) -> str:
    if not _on_sqlite():
        old = " OR ".join(_POSTGRES_OLD.format(row=row) for row in rows)
        return _POSTGRES.format(noun=noun, name=name, event=event, condition=old)
    old = " OR ".join(_SQLITE_OLD.format(row=row) for row in rows)
    spans = ", ".join(_SQLITE_SPAN.format(row=row) for row in rows)
    return _SQLITE.format(noun=noun, name=name, event=event, condition=old, spans=spans)


def _on_sqlite() -> bool:
    return op.get_context().dialect.name == "sqlite"
