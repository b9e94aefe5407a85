"""Log lines in partitions by their time on PostgreSQL, so that whole weeks go at once and give their room back.

What there is becomes the default partition, as it is: no row is touched, so it takes a moment at any size.

Revision ID: 0010
Revises: 0009
"""

from collections.abc import Sequence

from alembic import op

revision = "0010"
down_revision: str | None = "0009"
branch_labels: Sequence[str] | None = None
depends_on: Sequence[str] | None = None

_INDEXES = (
    # as the table names them, and as PostgreSQL does in a partition
    ("pk_logs", "logs_default_pkey"),
    ("ix_logs_flow_run_id", "logs_default_flow_run_id_timestamp_id_idx"),
    ("ix_logs_task_run_id", "logs_default_task_run_id_timestamp_id_idx"),
)
_PARTITIONED = (
    "CREATE TABLE logs (LIKE logs_default) PARTITION BY RANGE (timestamp)",
    "ALTER TABLE logs ADD CONSTRAINT pk_logs PRIMARY KEY (timestamp, id)",
    "CREATE INDEX ix_logs_flow_run_id ON logs (flow_run_id, timestamp, id)",
    "CREATE INDEX ix_logs_task_run_id ON logs (task_run_id, timestamp, id) WHERE task_run_id IS NOT NULL",
    "ALTER TABLE logs ATTACH PARTITION logs_default DEFAULT",
)
_WHOLE = (
    "ALTER TABLE logs DETACH PARTITION logs_default",
    "INSERT INTO logs_default SELECT * FROM logs",
    "DROP TABLE logs",
)


def upgrade() -> None:
    if op.get_context().dialect.name == "sqlite":
        return
    op.execute("ALTER TABLE logs RENAME TO logs_default")
    for whole, part in _INDEXES:
        op.execute(f"ALTER INDEX {whole} RENAME TO {part}")
    for statement in _PARTITIONED:
        op.execute(statement)


def downgrade() -> None:
    if op.get_context().dialect.name == "sqlite":
        return
    for statement in _WHOLE:
        op.execute(statement)
    op.execute("ALTER TABLE logs_default RENAME TO logs")
    for whole, part in _INDEXES:
        op.execute(f"ALTER INDEX {part} RENAME TO {whole}")
