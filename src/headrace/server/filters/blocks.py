"""What each part of the filters of blocks means (contract §5)."""

from headrace.server.filters.criteria import Criterion, on_column, on_tags
from headrace.server.store.tables import block_documents, block_schemas, block_types

_type, _schema, _document = block_types.c, block_schemas.c, block_documents.c

CRITERIA: dict[str, dict[str, Criterion]] = {
    "block_types": {
        "name": on_column(_type.name),
        "slug": on_column(_type.slug),
    },
    "block_schemas": {
        "block_type_id": on_column(_schema.block_type_id),
        "block_capabilities": on_tags(_schema.capabilities),
        "id": on_column(_schema.id),
        "version": on_column(_schema.version),
    },
    "block_documents": {
        "id": on_column(_document.id),
        "is_anonymous": on_column(_document.is_anonymous),
        "block_type_id": on_column(_document.block_type_id),
        "name": on_column(_document.name),
    },
}
