"""Fixtures: one server for the tests of a module, on each database, and a look at its runs."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from headrace.server.store.base import Dialect
from tests.postgres import PostgresServer
from tests.processes import ServerProcess, serving
from tests.serving import Watched


@pytest.fixture(scope="module", params=list(Dialect), ids=str)
def server(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, postgres_server: PostgresServer
) -> Iterator[ServerProcess]:
    home: Path = tmp_path_factory.mktemp("server")
    if request.param is Dialect.SQLITE:
        with serving(home) as process:
            yield process
        return
    url = postgres_server.create()
    with serving(home, url) as process:
        yield process
    postgres_server.drop(url)


@pytest.fixture
def watched(server: ServerProcess) -> Iterator[Watched]:
    watched = Watched(server.api_url)
    yield watched
    watched.close()
