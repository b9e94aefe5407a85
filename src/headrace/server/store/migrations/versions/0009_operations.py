"""Operations, what they delete and can give back, and how long things are kept.

Rows that an operation marks as deleted are counted by it, not by triggers: one statement for many rows.

Revision ID: 0009
Revises: 0008
"""

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0009"
down_revision: str | None = "0008"
branch_labels: Sequence[str] | None = None
depends_on: Sequence[str] | None = None

ID = postgresql.UUID(as_uuid=True).with_variant(sa.Text(), "sqlite")
TIME = postgresql.TIMESTAMP(timezone=True).with_variant(sa.Integer(), "sqlite")
JSON = postgresql.JSONB().with_variant(sa.Text(), "sqlite")
FLAG = sa.Boolean().with_variant(sa.Integer(), "sqlite")
NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
SECONDS: sa.types.TypeEngine[float] = sa.Double[float]().with_variant(sa.REAL(), "sqlite")

_MARKED = (
    "flows",
    "flow_runs",
    "task_runs",
    "deployments",
    "deployment_schedules",
    "artifacts",
    "variables",
    "block_documents",
    "automations",
)
_RUNS = ("flow_runs", "task_runs")

_HISTORY = "expected_start_time, state_type, state_name, state_timestamp, start_time, total_run_time, deleted_at"
_CHANGED = "(OLD.deleted_at IS NULL) <> (NEW.deleted_at IS NULL)"
_CHANGED_BEFORE = "(OLD.deleted_at IS NULL) IS DISTINCT FROM (NEW.deleted_at IS NULL)"
_BY_HAND = " AND OLD.deleted_by IS NULL AND NEW.deleted_by IS NULL"
_GONE = "OLD.deleted_at IS NULL AND NEW.deleted_at IS NOT NULL"
_GONE_BY_HAND = f"{_GONE} AND NEW.deleted_by IS NULL"

_SQLITE_HISTORY = """
CREATE TRIGGER history_{noun}_{name} AFTER {event} ON {noun} WHEN {condition}
BEGIN
    INSERT INTO history_changes (noun, span) SELECT noun, span FROM history_spans AS counted
    WHERE noun = '{noun}' AND span IN ({spans})
    AND NOT EXISTS (SELECT 1 FROM history_changes WHERE noun = '{noun}' AND span = counted.span);
END
"""
_SQLITE_SPAN = "{row}.expected_start_time / 900000000"
_SQLITE_OLD = "{row}.expected_start_time < (strftime('%s', 'now') - 600) * 1000000"
_SQLITE_TALLY = """
CREATE TRIGGER tally_{noun}_mark AFTER UPDATE OF deleted_at ON {noun} WHEN {condition}
BEGIN
    INSERT INTO tallies (noun, slot, total) VALUES ('{noun}', 0, CASE WHEN NEW.deleted_at IS NULL THEN 1 ELSE -1 END)
    ON CONFLICT (noun, slot) DO UPDATE SET total = total + excluded.total;
END
"""
_SQLITE_RELEASE = """
CREATE TRIGGER release_{noun}_mark AFTER UPDATE OF deleted_at ON {noun} WHEN {condition}
BEGIN
    DELETE FROM concurrency_leases WHERE holder_id = OLD.id;
END
"""
_POSTGRES = (
    "CREATE TRIGGER history_{name} AFTER {event} ON {noun} FOR EACH ROW WHEN ({condition})"
    " EXECUTE FUNCTION change_history()"
)
_POSTGRES_OLD = "{row}.expected_start_time < clock_timestamp() - interval '600 seconds'"
_POSTGRES_MARK = (
    "CREATE TRIGGER {function}_mark AFTER UPDATE OF deleted_at ON {noun} FOR EACH ROW WHEN ({condition})"
    " EXECUTE FUNCTION {function}()"
)


def upgrade() -> None:
    for noun in _MARKED:
        op.add_column(noun, sa.Column("deleted_by", ID))
        where = sa.text("deleted_at IS NOT NULL")
        op.create_index(f"ix_{noun}_deleted_at", noun, ["deleted_at", "id"], sqlite_where=where, postgresql_where=where)
    _drop_triggers()
    _make_triggers(_CHANGED + _BY_HAND, _GONE_BY_HAND, by_hand=True)
    op.create_index("ix_task_run_state_cache_state_id", "task_run_state_cache", ["task_run_state_id"])
    _create_operations()
    _create_items()
    _create_policies()


def downgrade() -> None:
    op.drop_index("ix_task_run_state_cache_state_id", "task_run_state_cache")
    for name in ("retention_policies", "hidden_runs", "operation_items", "operations"):
        op.drop_table(name)
    _drop_triggers()
    _make_triggers(_CHANGED if _on_sqlite() else _CHANGED_BEFORE, _GONE, by_hand=False)
    for noun in _MARKED:
        op.drop_index(f"ix_{noun}_deleted_at", noun)
        op.drop_column(noun, "deleted_by")


def _create_operations() -> None:
    op.create_table(
        "operations",
        sa.Column("id", ID, nullable=False),
        sa.Column("created", TIME, nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("noun", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        _document("target"),
        sa.Column("given_ids", sa.LargeBinary()),
        sa.Column("items_of", ID),
        _document("options"),
        sa.Column("reason", sa.Text()),
        sa.Column("created_by", JSON),
        sa.Column("policy", sa.Text()),
        sa.Column("idempotency_key", sa.Text()),
        sa.Column("fingerprint", sa.Text()),
        sa.Column("undoes", ID),
        sa.Column("undone_by", ID),
        sa.Column("abort_requested", FLAG, nullable=False, server_default=sa.false()),
        sa.Column("frozen", TIME),
        sa.Column("started", TIME),
        sa.Column("finished", TIME),
        sa.Column("holder", sa.Text()),
        sa.Column("held_until", TIME),
        *(_total(name) for name in ("total", "position", "changed", "skipped", "failed")),
        _document("counts"),
        sa.Column("error", sa.Text()),
        sa.Column("purge_at", TIME),
        _total("purge_position"),
        sa.Column("purged", TIME),
        _total("purged_rows"),
        _total("purged_bytes"),
        sa.PrimaryKeyConstraint("id", name="pk_operations"),
        sqlite_strict=True,
    )
    op.create_index("ix_operations_created", "operations", ["created", "id"])
    op.create_index("uq_operations_idempotency_key", "operations", ["idempotency_key"], unique=True)
    _partial_index("ix_operations_open", "operations", "created", where="finished IS NULL")
    _partial_index("ix_operations_purge_at", "operations", "purge_at", where="purge_at IS NOT NULL AND purged IS NULL")


def _create_items() -> None:
    _create_clustered(
        "operation_items",
        sa.Column("operation_id", ID, nullable=False),
        sa.Column("position", NUMBER, nullable=False, autoincrement=False),
        sa.Column("noun", sa.Text(), nullable=False),
        sa.Column("id", ID, nullable=False),
        sa.Column("status", sa.Text()),
        sa.Column("error", sa.Text()),
        sa.PrimaryKeyConstraint("operation_id", "position", name="pk_operation_items"),
    )
    _partial_index(
        "ix_operation_items_status",
        "operation_items",
        *("operation_id", "status", "position"),
        where="status IS NOT NULL",
    )
    _create_clustered(
        "hidden_runs",
        sa.Column("id", ID, nullable=False),
        sa.Column("operation_id", ID, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_hidden_runs"),
    )
    op.create_index("ix_hidden_runs_operation_id", "hidden_runs", ["operation_id", "id"])


def _create_policies() -> None:
    _create_clustered(
        "retention_policies",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("created", TIME, nullable=False),
        sa.Column("updated", TIME, nullable=False),
        sa.Column("max_age", SECONDS),
        sa.Column("keep_last", sa.Integer()),
        sa.Column("last_run", TIME),
        sa.Column("started", TIME),
        sa.Column("passed", TIME),
        sa.Column("last_removed", NUMBER, nullable=False, server_default=sa.text("0")),
        sa.Column("removed", NUMBER, nullable=False, server_default=sa.text("0")),
        sa.Column("operation_id", ID),
        sa.PrimaryKeyConstraint("name", name="pk_retention_policies"),
    )


def _drop_triggers() -> None:
    for noun in _RUNS:
        for name in ("history_{}delete", "history_{}update", "tally_{}mark", "release_{}mark"):
            if _on_sqlite():
                op.execute("DROP TRIGGER " + name.format(f"{noun}_"))
            else:
                op.execute(f"DROP TRIGGER {name.format('')} ON {noun}")


def _make_triggers(changed: str, gone: str, *, by_hand: bool) -> None:
    """`changed` and `gone` are when marks are taken notice of; with `by_hand` histories leave out an operation's."""
    for noun in _RUNS:
        op.execute(_history(noun, "delete", "DELETE", ("OLD",), by_hand))
        op.execute(_history(noun, "update", f"UPDATE OF {_HISTORY}", ("OLD", "NEW"), by_hand))
        if _on_sqlite():
            op.execute(_SQLITE_TALLY.format(noun=noun, condition=changed))
            op.execute(_SQLITE_RELEASE.format(noun=noun, condition=gone))
        else:
            op.execute(_POSTGRES_MARK.format(function="tally", noun=noun, condition=changed))
            op.execute(_POSTGRES_MARK.format(function="release", noun=noun, condition=gone))


def _history(noun: str, name: str, event: str, rows: tuple[str, ...], by_hand: bool) -> str:
    condition = " OR ".join((_SQLITE_OLD if _on_sqlite() else _POSTGRES_OLD).format(row=row) for row in rows)
    if by_hand:
        condition = f"({condition}) AND {' AND '.join(f'{row}.deleted_by IS NULL' for row in rows)}"
    if not _on_sqlite():
        return _POSTGRES.format(noun=noun, name=name, event=event, condition=condition)
    spans = ", ".join(_SQLITE_SPAN.format(row=row) for row in rows)
    return _SQLITE_HISTORY.format(noun=noun, name=name, event=event, condition=condition, spans=spans)


def _create_clustered(name: str, *parts: Any) -> None:
    op.create_table(name, *parts, sqlite_strict=True, sqlite_with_rowid=False)


def _partial_index(name: str, table: str, *columns: str, where: str) -> None:
    op.create_index(name, table, list(columns), sqlite_where=sa.text(where), postgresql_where=sa.text(where))


def _document(name: str) -> sa.Column[Any]:
    return sa.Column(name, JSON, nullable=False, server_default=sa.text("'{}'"))


def _total(name: str) -> sa.Column[Any]:
    return sa.Column(name, NUMBER, nullable=False, server_default=sa.text("0"))


def _on_sqlite() -> bool:
    return op.get_context().dialect.name == "sqlite"
