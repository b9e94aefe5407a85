"""Whatever is asked, of any operation, is answered as our description says: no crash, no broken JSON.

schemathesis makes the requests from the OpenAPI document, some that fit it and some that do not, and half of
them about objects that exist.
"""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis.checks import content_type_conformance, response_schema_conformance, status_code_conformance

from headrace.server.http.openapi import document, operation_id
from headrace.server.http.routes import ROUTERS
from headrace.server.http.routing import JSON, Operation
from tests.mill import Mill, furnish
from tests.processes import serving

OPERATIONS = [operation for router in ROUTERS for operation in router.operations]
DOCUMENT = document(OPERATIONS, "/api")
SCHEMA = schemathesis.openapi.from_dict(DOCUMENT)
EXAMPLES = {schemathesis.GenerationMode.POSITIVE: 4, schemathesis.GenerationMode.NEGATIVE: 2}

NAMES = {
    "work_pool_name": "mill-pool",
    "flow_name": "grind-grain",
    "deployment_name": "mill-deployment",
    "block_document_name": "mill-key",
    "id_or_name": "mill-gate",
    "slug": "secret",
    "key": "mill-report",
    "tag": "mill-tag",
    "view": "aggregate-worker-metadata",
}
"""What parameters of these names are called in the mill, in whatever operation."""

NAMED = {"flows": "grind-grain", "work_pools": "mill-pool", "work_queues": "default", "variables": "mill_stones"}
"""What `{name}` is, by the first word of the path."""


@pytest.fixture(scope="module", params=["sqlite", "postgres"])
def mill(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, fresh_postgres_url: Callable[[], str]
) -> Iterator[Mill]:
    """A server that holds one of each noun, on each database."""
    url = fresh_postgres_url() if request.param == "postgres" else None
    with serving(tmp_path_factory.mktemp("headrace"), url) as server:
        yield furnish(server.api_url)


@pytest.fixture(scope="module")
def session() -> Iterator[requests.Session]:
    with requests.Session() as session:
        yield session


@pytest.mark.parametrize("operation", OPERATIONS, ids=operation_id)
def test_any_request_is_answered_as_described(mill: Mill, session: requests.Session, operation: Operation) -> None:
    path = operation.path.replace(":path}", "}")
    described = DOCUMENT["paths"][path][operation.method.lower()]
    known = {} if operation.method == "DELETE" else _known(mill, path, described)
    modes = EXAMPLES if _can_be_wrong(operation, described) else [schemathesis.GenerationMode.POSITIVE]
    for mode in modes:

        @settings(
            max_examples=EXAMPLES[mode],
            deadline=None,
            database=None,
            derandomize=True,
            phases=[Phase.generate, Phase.shrink],
            suppress_health_check=list(HealthCheck),
        )
        @given(case=SCHEMA[path][operation.method].as_strategy(generation_mode=mode), existing=st.booleans())
        def ask(case: schemathesis.Case, existing: bool) -> None:
            if existing:
                case.path_parameters |= known
            answer = case.call(base_url=mill.api_url, session=session, timeout=20)
            _judge(case, answer, described)

        ask()


def _judge(case: schemathesis.Case, answer: Any, described: dict[str, Any]) -> None:
    """Statuses, media types and bodies are as described; a failure says in JSON what is wrong."""
    assert answer.status_code < 500, f"{case.as_curl_command()}\n{answer.text}"
    if answer.status_code < 400:
        assert str(answer.status_code) in described["responses"], case.as_curl_command()
        checks = [status_code_conformance, content_type_conformance, response_schema_conformance]
        case.validate_response(answer, checks=checks)
    else:
        problem = answer.json()
        assert problem.get("detail") or problem.get("exception_message"), case.as_curl_command()


def _can_be_wrong(operation: Operation, described: dict[str, Any]) -> bool:
    """Whether some request does not fit: not if all that can be given is a text in the path, or anything."""
    parts = [part.type for part in (*operation.captures, *operation.query) if not isinstance(part, str)]
    body = described.get("requestBody", {"content": {JSON: {"schema": {}}}})["content"][JSON]["schema"]
    return body != {} or any(part is not str for part in parts)


def _known(mill: Mill, path: str, described: dict[str, Any]) -> dict[str, str]:
    """Values of the path's parameters that lead to something."""
    noun = path.split("/")[1]
    known = dict(NAMES)
    if (id := mill.ids.get(noun.removesuffix("s"))) is not None:
        known["id"] = id
    if (name := NAMED.get("work_queues" if "/queues/" in path else noun)) is not None:
        known["name"] = name
    wanted = {parameter["name"] for parameter in described["parameters"] if parameter["in"] == "path"}
    return {name: value for name, value in known.items() if name in wanted}
