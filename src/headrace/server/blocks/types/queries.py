"""Statements on block types, and the reader of their rows."""

from collections.abc import Mapping
from datetime import datetime
from functools import lru_cache
from typing import Any
from uuid import UUID

from headrace.server.filters.objects import Objects
from headrace.server.store.base import Connection, Row, Statement
from headrace.server.store.rows import Kind, Reader
from headrace.wire.blocks import BlockType, BlockTypeCreate
from headrace.wire.ids import uuid7

TYPES = Reader(
    BlockType,
    {
        "id": Kind.UUID,
        "created": Kind.TIME,
        "updated": Kind.TIME,
        "name": Kind.TEXT,
        "slug": Kind.TEXT,
        "logo_url": Kind.TEXT,
        "documentation_url": Kind.TEXT,
        "description": Kind.TEXT,
        "code_example": Kind.TEXT,
        "is_protected": Kind.BOOLEAN,
    },
)
_COLUMNS = TYPES.columns()
_INSERT = f"""
    INSERT INTO block_types ({_COLUMNS}) VALUES ($1, $2, $2, $3, $4, $5, $6, $7, $8, $9)
    ON CONFLICT (slug) WHERE deleted_at IS NULL
"""

INSERT = Statement(f"{_INSERT} DO NOTHING RETURNING {_COLUMNS}")
INSTALL = Statement(
    f"""
    {_INSERT} DO UPDATE SET
        updated = excluded.updated, name = excluded.name, logo_url = excluded.logo_url,
        documentation_url = excluded.documentation_url, description = excluded.description,
        code_example = excluded.code_example, is_protected = excluded.is_protected
    RETURNING {_COLUMNS}
    """
)
BY_IDS = Statement(
    f"SELECT {_COLUMNS} FROM block_types WHERE id = ANY($1::uuid[]) AND deleted_at IS NULL",
    sqlite=f"SELECT {_COLUMNS} FROM block_types WHERE id IN (SELECT value FROM json_each($1)) AND deleted_at IS NULL",
)
BY_SLUG = Statement(f"SELECT {_COLUMNS} FROM block_types WHERE slug = $1 AND deleted_at IS NULL")
DELETE = Statement(f"DELETE FROM block_types WHERE id = $1 AND deleted_at IS NULL RETURNING {_COLUMNS}")
LISTED = Objects("block_types", TYPES, {"NAME_ASC": "name, id"})


def inserted(wanted: BlockTypeCreate, protected: bool, now: datetime) -> tuple[Any, ...]:
    """The values of a new row."""
    return (
        uuid7(),
        now,
        wanted.name,
        wanted.slug,
        wanted.logo_url,
        wanted.documentation_url,
        wanted.description,
        wanted.code_example,
        protected,
    )


async def update(connection: Connection, id: UUID, values: Mapping[str, Any]) -> Row | None:
    """Set columns of a type, and answer its row; None if there is no such type."""
    return await connection.fetch_one(_update(tuple(values)), id, *values.values())


@lru_cache(maxsize=32)
def _update(columns: tuple[str, ...]) -> Statement:
    settings = ", ".join(f"{column} = ${number}" for number, column in enumerate(columns, start=2))
    return Statement(f"UPDATE block_types SET {settings} WHERE id = $1 AND deleted_at IS NULL RETURNING {_COLUMNS}")
