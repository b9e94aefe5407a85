"""Block documents as they are answered: with the values of those they refer to, and secrets hidden."""

from collections.abc import Mapping, Sequence
from typing import Any, cast
from uuid import UUID

import msgspec

from headrace.rules.block_secrets import hidden
from headrace.server.blocks.documents import encryption, queries
from headrace.server.blocks.documents.queries import StoredDocument
from headrace.server.blocks.schemas import service as schemas
from headrace.server.store.base import Connection
from headrace.settings import Settings
from headrace.wire.blocks import BlockDocument, BlockSchema

_MOST_LEVELS = 32
"""How deep documents are written into each other; what is deeper, or refers back, stays a reference."""


class Values(msgspec.Struct):
    """What one document holds with those below it, and what those are, by field."""

    data: dict[str, Any]
    references: dict[str, dict[str, Any]]


async def read_several(
    connection: Connection, settings: Settings, ids: Sequence[UUID], include_secrets: bool
) -> list[BlockDocument]:
    """Those of these documents that exist, in this order.

    The number of statements does not depend on how many there are, nor on how they refer to each other.
    """
    family = await load(connection, settings, ids)
    return [family.document(id, include_secrets) for id in ids if id in family]


async def load(connection: Connection, settings: Settings, ids: Sequence[UUID]) -> "Family":
    """These documents with all that they refer to, as far as they exist."""
    if not ids:
        return Family({}, {}, {}, {})
    rows = await connection.fetch(queries.REACHED, list(ids))
    stored = {document.id: document for document in queries.DOCUMENTS.all(rows, connection.dialect)}
    data: dict[UUID, dict[str, Any]] = {}
    if stored:
        cipher = await encryption.reading(connection, settings)
        data = {id: cipher.decrypted(document.data) for id, document in stored.items()}
    children: dict[UUID, dict[str, UUID]] = {}
    rows = await connection.fetch(queries.REACHED_REFERENCES, list(ids))
    for found in queries.REFERENCES.all(rows, connection.dialect):
        fields = children.setdefault(found.parent_block_document_id, {})
        fields[found.name] = found.reference_block_document_id
    known = await schemas.read_several(connection, {document.block_schema_id for document in stored.values()})
    return Family(stored, data, children, known)


async def outline(connection: Connection, id: UUID) -> BlockDocument:
    """A document that exists without its values, which nobody can read once their key is lost."""
    stored = queries.DOCUMENTS.all(await connection.fetch(queries.REACHED, [id]), connection.dialect)
    document = next(found for found in stored if found.id == id)
    return BlockDocument(
        id=id,
        created=document.created,
        updated=document.updated,
        name=document.name,
        block_schema_id=document.block_schema_id,
        block_type_id=document.block_type_id,
        block_type_name=document.block_type_name,
        is_anonymous=document.is_anonymous,
    )


def reference_to(id: UUID) -> dict[str, Any]:
    """How a value says that it is another document."""
    return {"$ref": {"block_document_id": str(id)}}


class Family:
    """Some documents with all that they refer to, directly or not."""

    def __init__(
        self,
        stored: Mapping[UUID, StoredDocument],
        data: Mapping[UUID, dict[str, Any]],
        children: Mapping[UUID, Mapping[str, UUID]],
        known: Mapping[UUID, BlockSchema],
    ) -> None:
        self._stored, self._data, self._children, self._schemas = stored, data, children, known

    def __contains__(self, id: UUID) -> bool:
        return id in self._stored

    def schema(self, id: UUID) -> BlockSchema:
        """The schema of a document."""
        return self._schemas[self._stored[id].block_schema_id]

    def children(self, id: UUID) -> Mapping[str, UUID]:
        """The documents that a document refers to itself, by field."""
        return self._children.get(id, {})

    def document(self, id: UUID, include_secrets: bool) -> BlockDocument:
        """The document as it is answered."""
        stored, schema = self._stored[id], self.schema(id)
        values = self._values(id, include_secrets, ())
        return BlockDocument(
            id=stored.id,
            created=stored.created,
            updated=stored.updated,
            name=stored.name,
            data=values.data,
            block_schema_id=stored.block_schema_id,
            block_schema=schema,
            block_type_id=stored.block_type_id,
            block_type_name=stored.block_type_name,
            block_type=schema.block_type,
            block_document_references=values.references,
            is_anonymous=stored.is_anonymous,
        )

    def _values(self, id: UUID, include_secrets: bool, above: tuple[UUID, ...]) -> Values:
        data, references = dict(self._data[id]), dict[str, dict[str, Any]]()
        for name, child_id in self.children(id).items():
            child = self._stored.get(child_id)
            if child is None or child_id in (*above, id) or len(above) >= _MOST_LEVELS:
                data[name] = reference_to(child_id)
                continue
            below = self._values(child_id, include_secrets, (*above, id))
            data[name] = below.data
            references[name] = {"block_document": self._summary(child, below.references)}
        if not include_secrets:
            data = hidden(data, secret_fields(self.schema(id)))
        return Values(data, references)

    def _summary(self, child: StoredDocument, references: dict[str, dict[str, Any]]) -> dict[str, Any]:
        return {
            "id": child.id,
            "name": child.name,
            "block_type": self.schema(child.id).block_type,
            "is_anonymous": child.is_anonymous,
            "block_document_references": references,
        }


def secret_fields(schema: BlockSchema) -> list[str]:
    """The paths of the values that are secret."""
    paths = schema.fields.get("secret_fields")
    return [path for path in cast("list[Any]", paths) if isinstance(path, str)] if isinstance(paths, list) else []
