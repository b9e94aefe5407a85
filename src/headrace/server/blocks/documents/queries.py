"""Statements on block documents, and the readers of their rows."""

from datetime import datetime
from uuid import UUID

import msgspec

from headrace.server.filters.objects import Objects
from headrace.server.store.base import Statement
from headrace.server.store.rows import Kind, Reader


class StoredDocument(msgspec.Struct, kw_only=True):
    """A document as it is kept: its own values as a token, without those of others."""

    id: UUID
    created: datetime
    updated: datetime
    name: str
    data: str
    is_anonymous: bool
    block_type_id: UUID
    block_type_name: str | None
    block_schema_id: UUID


class Reference(msgspec.Struct, kw_only=True):
    """The field of a document that is another document."""

    parent_block_document_id: UUID
    reference_block_document_id: UUID
    name: str


def _id(*, id: UUID) -> UUID:
    return id


DOCUMENTS = Reader(
    StoredDocument,
    {
        "id": Kind.UUID,
        "created": Kind.TIME,
        "updated": Kind.TIME,
        "name": Kind.TEXT,
        "data": Kind.TEXT,
        "is_anonymous": Kind.BOOLEAN,
        "block_type_id": Kind.UUID,
        "block_type_name": Kind.TEXT,
        "block_schema_id": Kind.UUID,
    },
)
REFERENCES = Reader(
    Reference,
    {"parent_block_document_id": Kind.UUID, "reference_block_document_id": Kind.UUID, "name": Kind.TEXT},
)
IDS = Reader(_id, {"id": Kind.UUID})
_COLUMNS = DOCUMENTS.columns()

INSERT = Statement(
    f"""
    INSERT INTO block_documents ({_COLUMNS}) VALUES ($1, $2, $2, $3, $4, $5, $6, $7, $8)
    ON CONFLICT (block_type_id, name) WHERE deleted_at IS NULL DO NOTHING
    RETURNING id
    """
)
UPDATE = Statement(
    "UPDATE block_documents SET updated = $2, data = $3, block_schema_id = $4 WHERE id = $1 AND deleted_at IS NULL"
)
_ONE = "SELECT id FROM block_documents WHERE id = $1 AND deleted_at IS NULL"
EXISTS = Statement(_ONE)
LOCK = Statement(f"{_ONE} FOR UPDATE", sqlite=_ONE)
BY_NAME = Statement("SELECT id FROM block_documents WHERE block_type_id = $1 AND name = $2 AND deleted_at IS NULL")
OF_TYPE = Statement(
    "SELECT id FROM block_documents WHERE block_type_id = $1 AND NOT is_anonymous AND deleted_at IS NULL"
    " ORDER BY name, id"
)

_REACHED = """
    WITH RECURSIVE reached (id) AS (
        {roots}
        UNION
        SELECT r.reference_block_document_id
        FROM block_document_references r JOIN reached ON r.parent_block_document_id = reached.id
    )
"""
_IN_POSTGRES = _REACHED.format(roots="SELECT unnest($1::uuid[])")
_IN_SQLITE = _REACHED.format(roots="SELECT value FROM json_each($1)")
_ALL = f"""
    SELECT {DOCUMENTS.columns("d")} FROM block_documents d JOIN reached ON d.id = reached.id
    WHERE d.deleted_at IS NULL
"""
_ALL_REFERENCES = f"""
    SELECT {REFERENCES.columns("r")}
    FROM block_document_references r JOIN reached ON r.parent_block_document_id = reached.id
    JOIN block_documents d ON d.id = r.reference_block_document_id AND d.deleted_at IS NULL
"""
REACHED = Statement(_IN_POSTGRES + _ALL, sqlite=_IN_SQLITE + _ALL)
REACHED_REFERENCES = Statement(_IN_POSTGRES + _ALL_REFERENCES, sqlite=_IN_SQLITE + _ALL_REFERENCES)
_LEADS_TO = "SELECT id FROM reached WHERE id = $2"
LEADS_TO = Statement(_IN_POSTGRES + _LEADS_TO, sqlite=_IN_SQLITE + _LEADS_TO)

ADD_REFERENCE = Statement(
    """
    INSERT INTO block_document_references
        (id, created, updated, parent_block_document_id, reference_block_document_id, name)
    VALUES ($1, $2, $2, $3, $4, $5)
    """
)
DROP_REFERENCES = Statement("DELETE FROM block_document_references WHERE parent_block_document_id = $1")

LISTED = Objects(
    "block_documents",
    IDS,
    {
        "NAME_ASC": "block_documents.name, block_documents.id",
        "NAME_DESC": "block_documents.name DESC, block_documents.id DESC",
        "BLOCK_TYPE_AND_NAME_ASC": "block_documents.block_type_name, block_documents.name, block_documents.id",
    },
)
