"""What the server says about itself, and to whom it says what."""

from typing import Any, cast

import msgspec
import pytest

from headrace.server.admin.routes import pages
from headrace.server.context import Context
from headrace.server.http.routes import ROUTERS
from headrace.server.http.routing import Answer, Dispatcher
from headrace.server.store.base import Store
from headrace.settings import load
from headrace.wire.errors import ServiceUnavailable, StoreError
from tests.server.http.example import OneAnswer

dispatcher = Dispatcher([*ROUTERS, pages])


async def ask(
    method: str, path: str, body: bytes = b"", problem: Exception | None = None, **variables: str
) -> tuple[Answer, Any]:
    settings = load({f"HEADRACE_{name}": value for name, value in variables.items()})
    ctx = Context(cast("Store", OneAnswer(problem)), settings, base_url="http://mill/api")
    answer = await dispatcher.dispatch(ctx, method, path, "", body)
    return answer, msgspec.json.decode(answer.body) if answer.body else None


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("/health", True),
        ("/hello", "👋"),
        ("/version", "0.8.4"),
        ("/admin/version", "3.8.8"),
        ("/ready", {"message": "OK"}),
    ],
)
async def test_the_server_says_what_clients_expect(path: str, said: object) -> None:
    assert (await ask("GET", path))[1] == said


@pytest.mark.parametrize("problem", [StoreError("not a database"), ServiceUnavailable("busy")])
async def test_it_is_healthy_but_not_ready_without_its_database(problem: Exception) -> None:
    assert (await ask("GET", "/health", problem=problem))[0].status == 200
    answer, said = await ask("GET", "/ready", problem=problem)
    assert (answer.status, said["exception_message"]) == (503, "Service Unavailable")


async def test_settings_are_shown_without_their_secrets() -> None:
    answer, said = await ask(
        "GET",
        "/admin/settings",
        SERVER_API_AUTH_STRING="miller:flour",
        SERVER_DATABASE_URL="postgresql://miller:grain@db/mill",
        API_KEY="golden-key",
    )
    for secret in (b"flour", b"grain", b"golden-key"):
        assert secret not in answer.body
    assert said["server"]["api"]["port"] == 4200
    assert said["server"]["database"]["url"] == "postgresql://miller:********@db/mill"
    assert said["logging"]["to_api_enabled"] is True
    assert said["api"]["url"] is None


@pytest.mark.parametrize(("variables", "auth"), [({}, None), ({"SERVER_API_AUTH_STRING": "a:b"}, "BASIC")])
async def test_a_web_ui_learns_where_and_how_to_call(variables: dict[str, str], auth: str | None) -> None:
    _, said = await ask("GET", "/ui-settings", **variables)
    assert (said["api_url"], said["auth"], said["csrf_enabled"]) == ("http://mill/api", auth, False)
