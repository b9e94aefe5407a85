"""Block types, the schemas of their documents, and the documents with what they refer to."""

from sqlalchemy import Column, text

from headrace.server.store.tables.columns import (
    OrderedDocument,
    child_of,
    document,
    flag,
    full_index,
    live_index,
    optional_text,
    primary_id,
    required_text,
    stamps,
    table,
    time,
    trash_index,
    trash_marks,
)

block_types = table(
    "block_types",
    primary_id(),
    *stamps(),
    required_text("name"),
    required_text("slug"),
    optional_text("logo_url"),
    optional_text("documentation_url"),
    optional_text("description"),
    optional_text("code_example"),
    flag("is_protected", default=False),
    time("deleted_at"),
)
live_index("uq_block_types_slug", block_types.c.slug, unique=True)  # lookup by slug

block_schemas = table(
    "block_schemas",
    primary_id(),
    *stamps(),
    required_text("checksum"),
    Column("fields", OrderedDocument, nullable=False, server_default=text("'{}'")),
    document("capabilities", "[]"),
    required_text("version"),
    child_of("block_types"),
    time("deleted_at"),
)
_schema = block_schemas.c
full_index("ix_block_schemas_block_type_id", _schema.block_type_id)  # a type's; foreign key
live_index("uq_block_schemas_checksum", _schema.checksum, _schema.version, unique=True)  # lookup by checksum

block_schema_references = table(
    "block_schema_references",
    primary_id(),
    *stamps(),
    child_of("block_schemas", column="parent_block_schema_id"),
    child_of("block_schemas", column="reference_block_schema_id"),
    required_text("name"),
)
_inner = block_schema_references.c
full_index(  # what a schema's fields refer to, each thing once; foreign key
    "uq_block_schema_references_name",
    _inner.parent_block_schema_id,
    _inner.name,
    _inner.reference_block_schema_id,
    unique=True,
)
full_index("ix_block_schema_references_reference_id", _inner.reference_block_schema_id)  # foreign key

block_documents = table(
    "block_documents",
    primary_id(),
    *stamps(),
    required_text("name"),
    required_text("data"),
    flag("is_anonymous", default=False),
    child_of("block_types"),
    optional_text("block_type_name"),
    child_of("block_schemas"),
    *trash_marks(),
)
trash_index(block_documents)
_document = block_documents.c
full_index("ix_block_documents_block_type_id", _document.block_type_id)  # a type's; foreign key
full_index("ix_block_documents_block_schema_id", _document.block_schema_id)  # a schema's; foreign key
live_index("uq_block_documents_name", _document.block_type_id, _document.name, unique=True)  # lookup by name
live_index("ix_block_documents_name", _document.name, _document.id)  # by name alone, sort by name

block_document_references = table(
    "block_document_references",
    primary_id(),
    *stamps(),
    child_of("block_documents", column="parent_block_document_id"),
    child_of("block_documents", column="reference_block_document_id"),
    required_text("name"),
)
_nested = block_document_references.c
full_index(  # what stands in a document's field; foreign key
    "uq_block_document_references_name", _nested.parent_block_document_id, _nested.name, unique=True
)
full_index("ix_block_document_references_reference_id", _nested.reference_block_document_id)  # foreign key
