# Generated from _async/block_documents.py by scripts/unasync.py; change that file, not this one.
"""Calls about block documents (contract §11.4)."""

from uuid import UUID

from headrace.client import calls
from headrace.client._sync.base import Part
from headrace.wire.blocks import BlockDocument, BlockDocumentCreate, BlockDocumentUpdate
from headrace.wire.filters import BlockDocumentFilter, BlockSchemaFilter, BlockTypeFilter
from headrace.wire.sorts import BlockDocumentSort


class BlockDocumentCalls(Part):
    """A block document holds the values of one block. Secrets are asterisks unless they are asked for."""

    def create_block_document(self, block_document: BlockDocumentCreate, include_secrets: bool = True) -> BlockDocument:
        """Make a document. Raises `ObjectAlreadyExists` if its type has one of that name."""
        made = self._call("POST", "/block_documents/", BlockDocument, body=block_document)
        return self.read_block_document(made.id, include_secrets) if include_secrets else made

    def read_block_document(self, block_document_id: UUID, include_secrets: bool = True) -> BlockDocument:
        """One document. Raises `ObjectNotFound`."""
        query = {"include_secrets": _flag(include_secrets)}
        return self._call("GET", f"/block_documents/{block_document_id}", BlockDocument, query=query)

    def read_block_document_by_name(
        self, name: str, block_type_slug: str, include_secrets: bool = True
    ) -> BlockDocument:
        """The document of that name among those of a type. Raises `ObjectNotFound`."""
        path = f"/block_types/slug/{calls.part(block_type_slug)}/block_documents/name/{calls.part(name)}"
        return self._call("GET", path, BlockDocument, query={"include_secrets": _flag(include_secrets)})

    def read_block_documents(
        self,
        *,
        block_document_filter: BlockDocumentFilter | None = None,
        block_type_filter: BlockTypeFilter | None = None,
        block_schema_filter: BlockSchemaFilter | None = None,
        include_secrets: bool = True,
        sort: BlockDocumentSort | None = None,
        limit: int | None = 200,
        offset: int = 0,
    ) -> list[BlockDocument]:
        """Documents that pass all filters, by name; `limit=None` reads all of them, page by page."""
        body = {
            "block_documents": block_document_filter,
            "block_types": block_type_filter,
            "block_schemas": block_schema_filter,
            "include_secrets": include_secrets,
            "sort": sort,
        }
        return self._list("/block_documents/filter", BlockDocument, body, limit=limit, offset=offset)

    def read_block_documents_by_type(self, block_type_slug: str, include_secrets: bool = True) -> list[BlockDocument]:
        """The named documents of a type. Raises `ObjectNotFound` if there is no such type."""
        path = f"/block_types/slug/{calls.part(block_type_slug)}/block_documents"
        return self._call("GET", path, list[BlockDocument], query={"include_secrets": _flag(include_secrets)})

    def count_block_documents(
        self,
        *,
        block_document_filter: BlockDocumentFilter | None = None,
        block_type_filter: BlockTypeFilter | None = None,
        block_schema_filter: BlockSchemaFilter | None = None,
    ) -> int:
        """How many documents pass all filters."""
        body = {
            "block_documents": block_document_filter,
            "block_types": block_type_filter,
            "block_schemas": block_schema_filter,
        }
        return self._count("/block_documents/count", body)

    def update_block_document(self, block_document_id: UUID, block_document: BlockDocumentUpdate) -> None:
        """Change the values that are given; others stay unless the update says otherwise. Raises `ObjectNotFound`."""
        self._tell("PATCH", f"/block_documents/{block_document_id}", body=block_document)

    def delete_block_document(self, block_document_id: UUID) -> None:
        """Delete a document. Raises `ObjectNotFound`."""
        self._tell("DELETE", f"/block_documents/{block_document_id}")


def _flag(value: bool) -> str:
    return "true" if value else "false"
