"""`/saved_searches` answers as the contract says, on both databases."""

from typing import Any
from uuid import uuid4

import pytest

from tests.server.api import Api

CONDITION = {"object": "flow", "property": "name", "type": "string", "operation": "equals", "value": "x"}


async def test_a_search_is_kept_under_its_name_and_replaced(api: Api) -> None:
    made = await api.call("PUT", "/saved_searches/", {"name": "mine", "filters": [CONDITION]})
    again = await api.call("PUT", "/saved_searches/", {"name": "mine", "filters": []})
    assert (made.status, again.status) == (201, 200)
    assert made.json["filters"] == [CONDITION]
    assert (again.json["id"], again.json["filters"]) == (made.json["id"], [])
    assert (await api.get(f"/saved_searches/{made.json['id']}")).json == again.json


async def test_searches_are_listed_by_name_and_forgotten_by_id(api: Api) -> None:
    ids = {name: (await api.call("PUT", "/saved_searches/", {"name": name})).json["id"] for name in ("b", "c", "a")}

    async def names(body: Any) -> list[str]:
        return [row["name"] for row in (await api.post("/saved_searches/filter", body)).json]

    assert await names({}) == ["a", "b", "c"]
    assert await names({"limit": 1, "offset": 1}) == ["b"]
    assert (await api.delete(f"/saved_searches/{ids['b']}")).status == 204
    assert await names({}) == ["a", "c"]
    assert (await api.post("/saved_searches/filter", {"limit": 201})).status == 422


async def test_a_search_that_does_not_exist_is_not_found(api: Api) -> None:
    path = f"/saved_searches/{uuid4()}"
    assert [(await api.get(path)).status, (await api.delete(path)).status] == [404, 404]


@pytest.mark.parametrize(
    "body", [{}, {"name": None}, {"name": "x", "more": 1}, {"name": "x", "filters": [{"object": "flow"}]}]
)
async def test_what_is_no_search_is_refused(api: Api, body: Any) -> None:
    assert (await api.call("PUT", "/saved_searches/", body)).status == 422
