"""Leases go with the runs that hold them, by triggers.

Revision ID: 0004
Revises: 0003
"""

from collections.abc import Sequence

from alembic import op

revision = "0004"
down_revision: str | None = "0003"
branch_labels: Sequence[str] | None = None
depends_on: Sequence[str] | None = None

_NOUNS = ("flow_runs", "task_runs")

_SQLITE = """
CREATE TRIGGER release_{noun}_{name} AFTER {event} ON {noun}{condition}
BEGIN
    DELETE FROM concurrency_leases WHERE holder_id = OLD.id;
END
"""
_SQLITE_EVENTS = (
    ("delete", "DELETE", ""),
    ("mark", "UPDATE OF deleted_at", " WHEN OLD.deleted_at IS NULL AND NEW.deleted_at IS NOT NULL"),
)

_POSTGRES_FUNCTION = """
CREATE FUNCTION release() RETURNS trigger LANGUAGE plpgsql AS $release$
BEGIN
    IF TG_OP = 'DELETE' THEN
        DELETE FROM concurrency_leases WHERE id IN (
            SELECT l.id FROM concurrency_leases l JOIN gone g ON g.id = l.holder_id ORDER BY l.id FOR UPDATE OF l
        );
    ELSE
        DELETE FROM concurrency_leases WHERE id IN (
            SELECT l.id FROM concurrency_leases l WHERE l.holder_id = NEW.id ORDER BY l.id FOR UPDATE
        );
    END IF;
    RETURN NULL;
END $release$
"""
_POSTGRES = (
    "CREATE TRIGGER release_delete AFTER DELETE ON {noun} REFERENCING OLD TABLE AS gone"
    " FOR EACH STATEMENT EXECUTE FUNCTION release()",
    "CREATE TRIGGER release_mark AFTER UPDATE OF deleted_at ON {noun} FOR EACH ROW"
    " WHEN (OLD.deleted_at IS NULL AND NEW.deleted_at IS NOT NULL) EXECUTE FUNCTION release()",
)


def upgrade() -> None:
    if _on_sqlite():
        for noun in _NOUNS:
            for name, event, condition in _SQLITE_EVENTS:
                op.execute(_SQLITE.format(noun=noun, name=name, event=event, condition=condition))
        return
    op.execute(_POSTGRES_FUNCTION)
    for noun in _NOUNS:
        for trigger in _POSTGRES:
            op.execute(trigger.format(noun=noun))


def downgrade() -> None:
    if not _on_sqlite():
        op.execute("DROP FUNCTION release() CASCADE")
        return
    for noun in _NOUNS:
        for name, *_ in _SQLITE_EVENTS:
            op.execute(f"DROP TRIGGER release_{noun}_{name}")


def _on_sqlite() -> bool:
    return op.get_context().dialect.name == "sqlite"
