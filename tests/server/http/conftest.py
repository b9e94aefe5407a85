import asyncio
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
import uvloop

from headrace.server.app import create_app
from headrace.settings import Settings, load
from tests.server.http.asgi import Calls
from tests.server.http.example import example_server


def pytest_asyncio_loop_factories() -> Mapping[str, Callable[[], asyncio.AbstractEventLoop]]:
    """These tests run on the event loop that the server runs on."""
    return {"uvloop": uvloop.new_event_loop}


@pytest.fixture
def settings_of(tmp_path: Path) -> Callable[..., Settings]:
    """Settings with some variables, given without their prefix: `settings_of(SERVER_API_PORT="0")`."""

    def make(**variables: str) -> Settings:
        return load({"HEADRACE_HOME": str(tmp_path)} | {f"HEADRACE_{name}": value for name, value in variables.items()})

    return make


@pytest.fixture
def calls(settings_of: Callable[..., Settings]) -> Callable[..., Calls]:
    """The application with some variables, ready to be called."""

    def make(problem: Exception | None = None, **variables: str) -> Calls:
        settings = settings_of(**variables)
        return Calls(create_app(settings, example_server(settings, problem)))

    return make
