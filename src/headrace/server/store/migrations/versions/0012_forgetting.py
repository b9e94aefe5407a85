"""What is noted of operations that are over when the list of their items goes.

Revision ID: 0012
Revises: 0011
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0012"
down_revision: str | None = "0011"
branch_labels: Sequence[str] | None = None
depends_on: Sequence[str] | None = None

TIME = postgresql.TIMESTAMP(timezone=True).with_variant(sa.Integer(), "sqlite")
JSON = postgresql.JSONB().with_variant(sa.Text(), "sqlite")

_INDEXES = {
    "ix_operations_items_of": ("items_of", "items_of IS NOT NULL"),
    "ix_operations_kept": (
        "finished",
        "finished IS NOT NULL AND emptied IS NULL AND (purge_at IS NULL OR purged IS NOT NULL)",
    ),
}


def upgrade() -> None:
    for name, kind in (("forgotten", TIME), ("emptied", TIME), ("failures", JSON)):
        op.add_column("operations", sa.Column(name, kind))
    for name, (column, where) in _INDEXES.items():
        condition = sa.text(where)
        op.create_index(name, "operations", [column], sqlite_where=condition, postgresql_where=condition)


def downgrade() -> None:
    for name in _INDEXES:
        op.drop_index(name, "operations")
    for name in ("failures", "emptied", "forgotten"):
        op.drop_column("operations", name)
