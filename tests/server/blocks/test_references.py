"""Documents that refer to other documents hold their values when they are read (contract §11.4)."""

from typing import Any
from uuid import uuid4

import pytest

from tests.server.api import Api
from tests.server.blocks.made import document, kind, refers_to, secrets_of

SECRET = {"secret_fields": ["password"]}


async def family(api: Api) -> tuple[Any, Any, Any]:
    """A document that refers to one that refers to one that has a secret."""
    low = await document(api, await kind(api, "low", SECRET), "low", {"password": "p", "port": 1})
    mid = await document(api, await kind(api, "mid"), "mid", {"low": refers_to(low), "n": 2})
    top = await document(api, await kind(api, "top"), "top", {"mid": refers_to(mid), "n": 3})
    return low, mid, top


async def test_the_values_stand_where_the_reference_was(api: Api) -> None:
    low, mid, top = await family(api)
    assert top["data"] == {"n": 3, "mid": {"n": 2, "low": {"password": "********", "port": 1}}}
    assert await secrets_of(api, top["id"]) == {"n": 3, "mid": {"n": 2, "low": {"password": "p", "port": 1}}}
    found = top["block_document_references"]["mid"]["block_document"]
    assert (found["id"], found["name"], found["block_type"]["slug"], found["is_anonymous"]) == (
        *(mid["id"], "mid", "mid"),
        False,
    )
    below = found["block_document_references"]["low"]["block_document"]
    assert (below["id"], below["block_document_references"]) == (low["id"], {})


async def test_a_change_below_shows_above(api: Api) -> None:
    low, _, top = await family(api)
    await api.patch(f"/block_documents/{low['id']}", {"data": {"port": 9}})
    assert (await secrets_of(api, top["id"]))["mid"]["low"] == {"password": "p", "port": 9}


async def test_a_field_without_its_document_is_gone(api: Api) -> None:
    _, mid, top = await family(api)
    await api.delete(f"/block_documents/{mid['id']}")
    found = (await api.get(f"/block_documents/{top['id']}")).json
    assert (found["data"], found["block_document_references"]) == ({"n": 3}, {})


async def test_a_change_of_other_fields_leaves_references_alone(api: Api) -> None:
    low, mid, _ = await family(api)
    await api.patch(f"/block_documents/{mid['id']}", {"data": {"n": 5}})
    found = (await api.get(f"/block_documents/{mid['id']}")).json
    assert found["data"] == {"n": 5, "low": {"password": "********", "port": 1}}
    assert found["block_document_references"]["low"]["block_document"]["id"] == low["id"]


@pytest.mark.parametrize("query", ["", "include_secrets=true"])
async def test_a_document_that_is_sent_back_as_it_was_read_stays_the_same(api: Api, query: str) -> None:
    low, mid, _ = await family(api)
    read = (await api.get(f"/block_documents/{mid['id']}", query)).json
    change = {"data": read["data"], "merge_existing_data": False}
    assert (await api.patch(f"/block_documents/{mid['id']}", change)).status == 204
    again = (await api.get(f"/block_documents/{mid['id']}", query)).json
    assert (again["data"], again["block_document_references"]) == (read["data"], read["block_document_references"])
    assert (await secrets_of(api, low["id"]))["password"] == "p"


async def test_a_reference_is_replaced_by_another_or_by_values(api: Api) -> None:
    low, mid, _ = await family(api)
    ids = {"block_type_id": low["block_type_id"], "block_schema_id": low["block_schema_id"]}
    other = await document(api, ids, "other", {"password": "q"})
    await api.patch(f"/block_documents/{mid['id']}", {"data": {"low": refers_to(other)}})
    assert (await secrets_of(api, mid["id"]))["low"] == {"password": "q"}
    await api.patch(f"/block_documents/{mid['id']}", {"data": {"low": {"port": 7}}})
    found = (await api.get(f"/block_documents/{mid['id']}")).json
    assert (found["data"]["low"], found["block_document_references"]) == ({"port": 7}, {})


async def test_a_reference_has_to_lead_to_a_document(api: Api) -> None:
    ids = await kind(api, "mill")
    missing = await api.post(
        "/block_documents/", {**ids, "name": "one", "data": {"a": refers_to({"id": str(uuid4())})}}
    )
    wrong = await api.post("/block_documents/", {**ids, "name": "one", "data": {"a": refers_to({"id": "x"})}})
    assert (missing.status, wrong.status) == (409, 400)
    assert (await api.post("/block_documents/count")).json == 0


async def test_what_only_looks_like_a_reference_is_a_value(api: Api) -> None:
    data = {"a": {"$ref": "x"}, "b": {"$ref": {"block_document_id": 1}}, "c": [refers_to({"id": str(uuid4())})]}
    made = await document(api, await kind(api, "mill"), "one", data)
    assert made["data"] == data


async def test_a_document_cannot_refer_to_itself(api: Api) -> None:
    low, mid, top = await family(api)
    for document_ in (low, mid, top):
        change = {"data": {"back": refers_to(top)}}
        refused = await api.patch(f"/block_documents/{document_['id']}", change)
        assert (refused.status, "refer to itself" in refused.json["detail"]) == (400, True)
    assert await secrets_of(api, low["id"]) == {"password": "p", "port": 1}


async def test_reading_many_costs_as_many_statements_as_reading_one(api: Api) -> None:
    """Ten parents with a child each are read by the statements that read one."""
    outer, inner = await kind(api, "outer"), await kind(api, "inner")
    for number in range(10):
        child = await document(api, inner, f"child-{number}", {"n": number})
        await document(api, outer, f"parent-{number}", {"child": refers_to(child)})
    counted = Counting(api.store)
    listed = await api.over(counted).post("/block_documents/filter", {"block_types": {"slug": {"any_": ["outer"]}}})
    assert [found["data"] for found in listed.json] == [{"child": {"n": number}} for number in range(10)]
    assert counted.statements <= 6


class Counting:
    """A store that counts what it is asked."""

    def __init__(self, store: Any) -> None:
        self._store, self.statements = store, 0

    def __getattr__(self, name: str) -> Any:
        if name in ("fetch", "fetch_one", "scan", "execute"):
            self.statements += 1
        return getattr(self._store, name)
