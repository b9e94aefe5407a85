"""Totals of flow and task runs, kept by triggers.

Revision ID: 0002
Revises: 0001
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision: str | None = "0001"
branch_labels: Sequence[str] | None = None
depends_on: Sequence[str] | None = None

_NOUNS = ("flow_runs", "task_runs")
_COUNT = "INSERT INTO tallies (noun, slot, total) SELECT '{noun}', 0, count(*) FROM {noun} WHERE deleted_at IS NULL"

_SQLITE = """
CREATE TRIGGER tally_{noun}_{name} AFTER {event} ON {noun} WHEN {condition}
BEGIN
    INSERT INTO tallies (noun, slot, total) VALUES ('{noun}', 0, {change})
    ON CONFLICT (noun, slot) DO UPDATE SET total = total + excluded.total;
END
"""
_SQLITE_EVENTS = (
    ("insert", "INSERT", "NEW.deleted_at IS NULL", "1"),
    ("delete", "DELETE", "OLD.deleted_at IS NULL", "-1"),
    (
        "mark",
        "UPDATE OF deleted_at",
        "(OLD.deleted_at IS NULL) <> (NEW.deleted_at IS NULL)",
        "CASE WHEN NEW.deleted_at IS NULL THEN 1 ELSE -1 END",
    ),
)

_POSTGRES_FUNCTION = """
CREATE FUNCTION tally() RETURNS trigger LANGUAGE plpgsql AS $tally$
DECLARE
    change bigint;
BEGIN
    CASE TG_OP
        WHEN 'INSERT' THEN SELECT count(*) INTO change FROM changed WHERE deleted_at IS NULL;
        WHEN 'DELETE' THEN SELECT -count(*) INTO change FROM changed WHERE deleted_at IS NULL;
        ELSE change := CASE WHEN NEW.deleted_at IS NULL THEN 1 ELSE -1 END;
    END CASE;
    IF change <> 0 THEN
        INSERT INTO tallies (noun, slot, total) VALUES (TG_TABLE_NAME, pg_backend_pid() % 1024, change)
        ON CONFLICT (noun, slot) DO UPDATE SET total = tallies.total + excluded.total;
    END IF;
    RETURN NULL;
END $tally$
"""
_POSTGRES = (
    "CREATE TRIGGER tally_insert AFTER INSERT ON {noun} REFERENCING NEW TABLE AS changed"
    " FOR EACH STATEMENT EXECUTE FUNCTION tally()",
    "CREATE TRIGGER tally_delete AFTER DELETE ON {noun} REFERENCING OLD TABLE AS changed"
    " FOR EACH STATEMENT EXECUTE FUNCTION tally()",
    "CREATE TRIGGER tally_mark AFTER UPDATE OF deleted_at ON {noun} FOR EACH ROW"
    " WHEN ((OLD.deleted_at IS NULL) IS DISTINCT FROM (NEW.deleted_at IS NULL)) EXECUTE FUNCTION tally()",
)


def upgrade() -> None:
    op.create_table(
        "tallies",
        sa.Column("noun", sa.Text(), nullable=False),
        sa.Column("slot", sa.Integer(), nullable=False),
        sa.Column("total", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.PrimaryKeyConstraint("noun", "slot", name="pk_tallies"),
        sqlite_strict=True,
        sqlite_with_rowid=False,
    )
    for noun in _NOUNS:
        op.execute(_COUNT.format(noun=noun))
    if _on_sqlite():
        for noun in _NOUNS:
            for name, event, condition, change in _SQLITE_EVENTS:
                op.execute(_SQLITE.format(noun=noun, name=name, event=event, condition=condition, change=change))
        return
    op.execute(_POSTGRES_FUNCTION)
    for noun in _NOUNS:
        for trigger in _POSTGRES:
            op.execute(trigger.format(noun=noun))


def downgrade() -> None:
    if _on_sqlite():
        for noun in _NOUNS:
            for name, *_ in _SQLITE_EVENTS:
                op.execute(f"DROP TRIGGER tally_{noun}_{name}")
    else:
        op.execute("DROP FUNCTION tally() CASCADE")
    op.drop_table("tallies")


def _on_sqlite() -> bool:
    return op.get_context().dialect.name == "sqlite"
