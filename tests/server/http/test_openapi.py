"""The OpenAPI document and the page that shows it."""

import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from headrace.server.http.openapi import document, operation_id
from headrace.server.http.routes import ROUTERS
from headrace.server.http.routing import Dispatcher, Operation
from tests.server.http.asgi import Calls
from tests.server.http.example import router

OPERATIONS = Dispatcher([*ROUTERS, router]).operations


@pytest.fixture(scope="module")
def api() -> dict[str, Any]:
    return document(OPERATIONS, "/api")


def everything_in(node: Any) -> Iterator[dict[str, Any]]:
    if isinstance(node, dict):
        yield node
        for inner in node.values():
            yield from everything_in(inner)
    elif isinstance(node, list):
        for inner in node:
            yield from everything_in(inner)


def described(api: dict[str, Any], operation: Operation) -> dict[str, Any]:
    path = operation.path.replace(":path}", "}")
    return api["paths"][path][operation.method.lower()]


def test_every_operation_is_there_under_an_id_of_its_own(api: dict[str, Any]) -> None:
    ids = [described(api, operation)["operationId"] for operation in OPERATIONS]
    assert ids == [operation_id(operation) for operation in OPERATIONS]
    assert len(set(ids)) == len(ids)


def test_every_reference_leads_somewhere(api: dict[str, Any]) -> None:
    references = {node["$ref"] for node in everything_in(api) if "$ref" in node}
    assert references
    assert references <= {f"#/components/schemas/{name}" for name in api["components"]["schemas"]}


@pytest.mark.parametrize("operation", OPERATIONS, ids=operation_id)
def test_an_operation_describes_its_path_parameters_and_statuses(api: dict[str, Any], operation: Operation) -> None:
    shown = described(api, operation)
    in_path = {parameter["name"] for parameter in shown["parameters"] if parameter["in"] == "path"}
    assert in_path == set(re.findall(r"\{(\w+)(?::\w+)?\}", operation.path))
    assert {str(operation.status), *map(str, operation.also), "default"} <= shown["responses"].keys()
    assert all(response["description"] for response in shown["responses"].values())
    assert all("schema" in parameter for parameter in shown["parameters"])
    assert ("requestBody" in shown) == (operation.body_type is not None)


def test_bodies_queries_and_answers_have_their_types(api: dict[str, Any]) -> None:
    create = api["paths"]["/mills/"]["post"]
    assert create["requestBody"]["required"] is True
    assert create["requestBody"]["content"]["application/json"]["schema"]["$ref"].endswith("/MillCreate")
    for status in ("200", "201"):
        assert create["responses"][status]["content"]["application/json"]["schema"]["$ref"].endswith("/Mill")
    assert create["responses"]["422"]["content"]["application/json"]["schema"]["$ref"].endswith("/InvalidRequestError")
    limit, *_ = [p for p in api["paths"]["/mills/{id}"]["get"]["parameters"] if p["name"] == "limit"]
    assert limit == {"name": "limit", "in": "query", "required": False, "schema": {"type": "integer", "default": 200}}
    near = [parameter["name"] for parameter in api["paths"]["/mills/{id}/near"]["get"]["parameters"]]
    assert near == ["id", "distance", "at-most"]
    assert "content" not in api["paths"]["/mills/{id}"]["patch"]["responses"]["204"]
    assert api["paths"]["/mills/filter"]["post"]["requestBody"]["required"] is False


def test_times_are_called_times(api: dict[str, Any]) -> None:
    built = api["components"]["schemas"]["MillCreate"]["properties"]["built"]
    assert {"type": "string", "format": "date-time"} in built["anyOf"]
    assert api["components"]["schemas"]["MillCreate"]["properties"]["name"].get("format") is None


@pytest.mark.parametrize("path", ["/openapi.json", "/api/openapi.json"])
async def test_the_document_is_served(calls: Callable[..., Calls], path: str) -> None:
    response = await calls()("GET", path)
    assert response is not None
    assert response.json()["openapi"] == "3.1.0"
    assert response.json()["servers"] == [{"url": "/api"}]


@pytest.mark.parametrize("path", ["/docs", "/api/docs"])
async def test_the_page_needs_nothing_from_elsewhere(calls: Callable[..., Calls], path: str) -> None:
    response = await calls()("GET", path)
    assert response is not None
    assert response.headers["content-type"].startswith("text/html")
    assert b"openapi.json" in response.body
    assert not re.search(rb"""(src|href)=["']?(https?:)?//|@import|url\(""", response.body)
    assert "default-src 'none'" in response.headers["content-security-policy"]
