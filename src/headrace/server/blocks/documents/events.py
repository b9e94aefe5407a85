"""`prefect.block-document.<change>`: what a block document's events say (contract §6.3).

Events are read by more people than blocks are: of the values, only those are told that the schema names and that
neither hold a secret anywhere inside nor belong to another document.
"""

from datetime import datetime
from typing import Any, cast

from headrace.server.blocks.documents.reading import secret_fields
from headrace.server.events.facts import Change, happened, resource
from headrace.wire.blocks import BlockDocument, BlockSchema
from headrace.wire.events import Event, Resource


def block_document_changed(change: Change, document: BlockDocument, moment: datetime) -> Event:
    """The event of a document that was made, changed or deleted, as it is now or was last."""
    schema = document.block_schema
    payload: dict[str, Any] = {
        "name": document.name,
        "data": {} if schema is None else _told(document, schema),
        "block_schema": {
            "capabilities": [] if schema is None else schema.capabilities,
            "block_type": {"id": str(document.block_type_id), "name": document.block_type_name},
        },
    }
    subject = resource("block-document", document.id, document.name)
    return happened(f"prefect.block-document.{change}", subject, moment, _related(document), payload)


def _related(document: BlockDocument) -> list[Resource]:
    return [
        resource("block-type", document.block_type_id, document.block_type_name, "block-type"),
        resource("block-schema", document.block_schema_id, role="block-schema"),
    ]


def _told(document: BlockDocument, schema: BlockSchema) -> dict[str, Any]:
    known = schema.fields.get("properties")
    hidden = {path.split(".")[0] for path in secret_fields(schema)}
    if "*" in hidden or not isinstance(known, dict):
        return {}
    told = cast("dict[str, Any]", known).keys() - hidden - document.block_document_references.keys()
    return {name: value for name, value in document.data.items() if name in told}
