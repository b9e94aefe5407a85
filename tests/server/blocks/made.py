"""Blocks for tests, made over the API as clients make them."""

from typing import Any

from tests.server.api import Api, Json


async def block_type(api: Api, slug: str, **fields: Json) -> str:
    """A new type's id."""
    made = await api.post("/block_types/", {"name": slug.title(), "slug": slug, **fields})
    assert made.status == 201, made.json
    return made.json["id"]


async def block_schema(api: Api, type_id: str, fields: dict[str, Any] | None = None, **given: Json) -> Json:
    """The schema with these fields."""
    answered = await api.post("/block_schemas/", {"block_type_id": type_id, "fields": fields or {}, **given})
    assert answered.status in (200, 201), answered.json
    return answered.json


async def kind(api: Api, slug: str, fields: dict[str, Any] | None = None, **given: Json) -> dict[str, str]:
    """A type with a schema, as the ids that a document names."""
    type_id = await block_type(api, slug)
    schema = await block_schema(api, type_id, {"title": slug, **(fields or {})}, **given)
    return {"block_type_id": type_id, "block_schema_id": schema["id"]}


async def document(api: Api, ids: dict[str, str], name: str | None, data: dict[str, Any], **given: Json) -> Json:
    """A new document."""
    made = await api.post("/block_documents/", {**ids, "name": name, "data": data, **given})
    assert made.status == 201, made.json
    return made.json


async def secrets_of(api: Api, id: str) -> Json:
    """The values of a document, secrets shown."""
    return (await api.get(f"/block_documents/{id}", "include_secrets=true")).json["data"]


def refers_to(document: Json) -> Json:
    """What a value is that refers to another document."""
    return {"$ref": {"block_document_id": document["id"]}}
