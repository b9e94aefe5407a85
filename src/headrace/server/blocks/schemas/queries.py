"""Statements on block schemas, and the reader of their rows."""

from headrace.server.filters.objects import Objects
from headrace.server.store.base import Statement
from headrace.server.store.rows import JSON, Kind, Reader
from headrace.wire.blocks import BlockSchema, Fields

SCHEMAS = Reader(
    BlockSchema,
    {
        "id": Kind.UUID,
        "created": Kind.TIME,
        "updated": Kind.TIME,
        "checksum": Kind.TEXT,
        "fields": JSON(Fields),
        "block_type_id": Kind.UUID,
        "capabilities": JSON(list[str]),
        "version": Kind.TEXT,
    },
)
_COLUMNS = SCHEMAS.columns()

INSERT = Statement(
    f"""
    INSERT INTO block_schemas ({_COLUMNS}) VALUES ($1, $2, $2, $3, $4, $5, $6, $7)
    ON CONFLICT (checksum, version) WHERE deleted_at IS NULL DO NOTHING
    RETURNING {_COLUMNS}
    """
)
BY_IDS = Statement(
    f"SELECT {_COLUMNS} FROM block_schemas WHERE id = ANY($1::uuid[]) AND deleted_at IS NULL",
    sqlite=f"SELECT {_COLUMNS} FROM block_schemas WHERE id IN (SELECT value FROM json_each($1)) AND deleted_at IS NULL",
)
BY_VERSION = Statement(
    f"SELECT {_COLUMNS} FROM block_schemas WHERE checksum = $1 AND version = $2 AND deleted_at IS NULL"
)
BY_CHECKSUM = Statement(
    f"SELECT {_COLUMNS} FROM block_schemas WHERE checksum = $1 AND deleted_at IS NULL"
    f" ORDER BY created DESC, id DESC LIMIT 1"
)
DELETE = Statement("DELETE FROM block_schemas WHERE id = $1 AND deleted_at IS NULL")
CAPABILITIES = Statement(
    "SELECT DISTINCT capability FROM block_schemas, jsonb_array_elements_text(capabilities) AS capability"
    " WHERE deleted_at IS NULL",
    sqlite="SELECT DISTINCT value FROM block_schemas, json_each(capabilities) WHERE deleted_at IS NULL",
)
LISTED = Objects("block_schemas", SCHEMAS, {"CREATED_DESC": "created DESC, id DESC"})

ADD_REFERENCE = Statement(
    """
    INSERT INTO block_schema_references
        (id, created, updated, parent_block_schema_id, reference_block_schema_id, name)
    VALUES ($1, $2, $2, $3, $4, $5)
    ON CONFLICT DO NOTHING
    """
)
