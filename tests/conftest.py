"""Fixtures for every test: a store on each of the two databases, and PostgreSQL databases to give to servers."""

import logging
import signal
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from headrace.server.store import make_store
from headrace.server.store.base import Dialect, Store
from headrace.server.store.schema import upgrade
from headrace.settings import ServerDatabaseSettings, ServerSettings, Settings
from tests.postgres import PostgresServer, shared_server

if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
    # Whoever starts the suite in the background, as CI may, has it ignore Ctrl-C. The processes that tests start
    # would inherit that, and then could not be ended as a person ends them.
    signal.signal(signal.SIGINT, signal.default_int_handler)


class _Heard(logging.Logger):
    """Passes on what it logs, whatever it is told: the first flow of a process gives it a handler of its own."""

    @property
    def propagate(self) -> bool:  # pyright: ignore[reportIncompatibleVariableOverride] - what is set is not kept
        return True

    @propagate.setter
    def propagate(self, value: bool) -> None: ...


logging.getLogger("headrace").__class__ = _Heard


@pytest.fixture(scope="session")
def postgres_server() -> PostgresServer:
    """The PostgreSQL server of this run of pytest."""
    return shared_server()


@pytest.fixture(scope="session")
def fresh_postgres_url(postgres_server: PostgresServer) -> Iterator[Callable[[], str]]:
    """Makes a new, empty database at each call and gives its URL; all are dropped at the end."""
    made: list[str] = []

    def create() -> str:
        made.append(postgres_server.create())
        return made[-1]

    yield create
    for url in made:
        postgres_server.drop(url)


@pytest.fixture
def postgres_url(postgres_server: PostgresServer) -> Iterator[str]:
    """The URL of a new, empty database: a server that starts on it makes its schema."""
    url = postgres_server.create()
    yield url
    postgres_server.drop(url)


@pytest.fixture(scope="session")
def migrated_postgres_url(fresh_postgres_url: Callable[[], str]) -> str:
    """A database with the newest schema, which tests use in turn and leave empty."""
    url = fresh_postgres_url()
    upgrade(settings_for(Path("/nonexistent"), url))
    return url


@pytest.fixture(params=list(Dialect), ids=str)
def database_settings(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Settings]:
    """Settings that name an empty, migrated database; runs the test on SQLite and on PostgreSQL."""
    if request.param is Dialect.SQLITE:
        yield settings_for(tmp_path)
        return
    url: str = request.getfixturevalue("migrated_postgres_url")
    yield settings_for(tmp_path, url)
    server: PostgresServer = request.getfixturevalue("postgres_server")
    server.empty(url)


@pytest.fixture
async def store(database_settings: Settings) -> AsyncIterator[Store]:
    """An open store on an empty, migrated database; runs the test on SQLite and on PostgreSQL."""
    store = make_store(database_settings)
    await store.open()
    yield store
    await store.close()


def settings_for(home: Path, database_url: str | None = None, **database: Any) -> Settings:
    """Settings with that home, that database in place of the one in the home, and what else is said of it."""
    return Settings(home=home, server=ServerSettings(database=ServerDatabaseSettings(url=database_url, **database)))


def pytest_collection_finish(session: pytest.Session) -> None:
    """Refuse to run where the groups of tests that share a server are ignored, as a pytest too new for xdist does."""
    if session.config.getoption("loadgroup", False):
        apart = [
            item.nodeid for item in session.items if item.get_closest_marker("xdist_group") and "@" not in item.nodeid
        ]
        if apart:
            raise pytest.UsageError(f"pytest-xdist does not see the groups of tests, such as {apart[0]}'s.")
