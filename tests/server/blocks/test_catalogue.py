"""The server's own block types are there from its start."""

import json
import re

import msgspec
import pytest

from headrace.server.blocks import catalogue
from headrace.server.store.base import Statement, Store
from headrace.wire.times import now
from tests.server.api import Api, Json
from tests.server.blocks.made import document
from tests.server.blocks.test_references import Counting

PROTECTED = {"webhook", "secret", "local-file-system"}


async def types(api: Api) -> dict[str, Json]:
    return {found["slug"]: found for found in (await api.post("/block_types/filter")).json}


async def test_types_are_installed_with_their_schemas(api: Api) -> None:
    await catalogue.ensure(api.store, now())
    found = await types(api)
    assert {slug for slug, type_ in found.items() if type_["is_protected"]} == PROTECTED
    assert {"slack-webhook", "sendgrid-email", "remote-file-system", "smb"} <= set(found)
    listed = (await api.post("/block_schemas/filter")).json
    assert {schema["block_type"]["slug"] for schema in listed} == set(found)
    assert len(listed) == len(found)
    assert "write-path" in (await api.get("/block_capabilities/")).json


async def test_a_start_that_finds_them_asks_one_question(api: Api) -> None:
    await catalogue.ensure(api.store, now())
    counted = Counting(api.store)
    await catalogue.ensure(counted, now())  # pyright: ignore[reportArgumentType]
    assert counted.statements == 1


async def test_installing_again_makes_nothing_new_and_brings_texts_back(api: Api) -> None:
    await catalogue.ensure(api.store, now())
    before = await types(api)
    await api.patch(f"/block_types/{before['secret']['id']}", {"description": "mine"})
    installed = await api.post("/block_types/install_system_block_types")
    assert (installed.status, installed.json) == (200, None)
    after = await types(api)
    assert {slug: type_["id"] for slug, type_ in after.items()} == {slug: t["id"] for slug, t in before.items()}
    assert after["secret"]["description"] == before["secret"]["description"]
    assert len((await api.post("/block_schemas/filter")).json) == len(after)


async def test_a_release_that_describes_them_otherwise_installs_them_at_its_start(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    await catalogue.ensure(api.store, now())
    (secret,) = (known for known in catalogue.catalogue().types if known.type.slug == "secret")
    changed = msgspec.structs.replace(secret, type=msgspec.structs.replace(secret.type, description="newer"))
    monkeypatch.setattr(catalogue, "catalogue", lambda: catalogue.Catalogue("newer", [changed]))
    await catalogue.ensure(api.store, now())
    assert (await types(api))["secret"]["description"] == "newer"


async def test_protected_types_cannot_be_deleted_nor_their_schemas(api: Api) -> None:
    await catalogue.ensure(api.store, now())
    found = await types(api)
    for slug in PROTECTED:
        assert (await api.delete(f"/block_types/{found[slug]['id']}")).status == 403
    for schema in (await api.post("/block_schemas/filter")).json:
        if schema["block_type"]["is_protected"]:
            assert (await api.delete(f"/block_schemas/{schema['id']}")).status == 403
    assert (await api.delete(f"/block_types/{found['slack-webhook']['id']}")).status == 204


async def test_a_client_brings_its_own_schema_and_texts_of_a_protected_type(api: Api) -> None:
    """Prefect's client describes them in its own words, and must be able to save a Secret."""
    await catalogue.ensure(api.store, now())
    secret = (await types(api))["secret"]
    assert (await api.patch(f"/block_types/{secret['id']}", {"description": "as the client says"})).status == 204
    made = await api.post(
        "/block_schemas/", {"block_type_id": secret["id"], "fields": {"title": "Secret", "secret_fields": ["value"]}}
    )
    assert made.status == 201
    ids = {"block_type_id": secret["id"], "block_schema_id": made.json["id"]}
    assert (await document(api, ids, "one", {"value": "x"}))["data"] == {"value": "********"}


def test_every_field_is_described_and_every_secret_is_one() -> None:
    for known in catalogue.catalogue().types:
        properties = known.fields["properties"]
        assert all(field["title"] and field["description"] for field in properties.values()), known.type.slug
        for path in known.fields["secret_fields"]:
            assert path.split(".")[0] in properties
        assert set(known.fields.get("required", [])) <= set(properties)
        names = set(re.findall(r'"#/definitions/(\w+)"', json.dumps(known.fields)))
        assert names == set(known.fields.get("definitions", {}))


async def test_types_survive_a_second_server_that_starts_at_the_same_time(store: Store) -> None:
    import asyncio

    await asyncio.gather(*(catalogue.ensure(store, now()) for _ in range(3)))
    (row,) = await store.fetch(Statement("SELECT count(*) FROM block_types"))
    assert row[0] == len(catalogue.catalogue().types)
