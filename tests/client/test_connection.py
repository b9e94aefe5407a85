"""One connection for a process: to the API that is named, to this machine's server, or to the database itself."""

import json
import os
from collections.abc import Callable, Generator
from pathlib import Path

import pytest

from headrace.client.connection import connect, disconnect
from headrace.client.embedded import EmbeddedTransport
from headrace.client.http.transport import HttpTransport
from headrace.client.local import LocalTransport
from headrace.client.orchestration import HeadraceClient, SyncHeadraceClient, get_client
from headrace.settings import Settings, load, use
from tests.client.conftest import Scripted

Announcing = Callable[..., None]


@pytest.fixture
def settings(tmp_path: Path) -> Generator[Settings]:
    settings = load({"HEADRACE_HOME": str(tmp_path)})
    yield settings
    disconnect()


@pytest.fixture
def announce(settings: Settings, script: Scripted) -> Announcing:
    """Leaves the file of a local server, which is the scripted one."""

    def write(**changes: object) -> None:
        said = {"pid": os.getpid(), "url": script.url, "database": settings.database_url, "started": ""}
        settings.server_path.write_text(json.dumps(said | changes))

    return write


def test_a_named_api_is_the_one(settings: Settings, script: Scripted) -> None:
    named = load({"HEADRACE_HOME": str(settings.home), "HEADRACE_API_URL": script.url})
    connection = connect(named)
    assert isinstance(connection.transport, HttpTransport)
    assert connection.where == script.url


def test_without_one_the_database_is_written_to_in_process(settings: Settings) -> None:
    connection = connect(settings)
    assert isinstance(connection.transport, EmbeddedTransport)
    assert connection.where == settings.database_url
    assert connection.sync.hello() == "👋"


def test_a_password_is_not_part_of_where(tmp_path: Path) -> None:
    settings = load({"HEADRACE_HOME": str(tmp_path), "HEADRACE_SERVER_DATABASE_URL": "postgresql://u:pw@db/x"})
    assert "pw" not in connect(settings).where
    disconnect(settings)


def test_the_local_server_of_the_same_database_is_used(
    settings: Settings, script: Scripted, announce: Announcing
) -> None:
    announce()
    script.otherwise = (200, "hi")
    connection = connect(settings)
    assert isinstance(connection.transport, LocalTransport)
    assert connection.sync.hello() == "hi"
    assert [seen.path for seen in script.seen] == ["/api/health", "/api/hello"]


@pytest.mark.parametrize(
    "changes", [{"pid": 2**22 + 1}, {"database": "sqlite:////elsewhere.db"}, {"url": "http://127.0.0.1:9/api"}]
)
def test_a_server_that_is_gone_or_another_is_passed_over(
    settings: Settings, announce: Announcing, changes: dict[str, object]
) -> None:
    announce(**changes)
    assert isinstance(connect(settings).transport, EmbeddedTransport)


@pytest.mark.parametrize("text", ["", "{", "[]", '{"pid": "x"}'])
def test_a_file_that_says_nothing_is_passed_over(settings: Settings, text: str) -> None:
    settings.server_path.write_text(text)
    assert isinstance(connect(settings).transport, EmbeddedTransport)


def test_a_local_server_with_a_password_is_given_it(tmp_path: Path, script: Scripted) -> None:
    settings = load({"HEADRACE_HOME": str(tmp_path), "HEADRACE_SERVER_API_AUTH_STRING": "ann:secret"})
    said = {"pid": os.getpid(), "url": script.url, "database": settings.database_url}
    settings.server_path.write_text(json.dumps(said))
    script.otherwise = (200, "hi")
    connect(settings).sync.hello()
    assert script.seen[-1].headers["authorization"].startswith("Basic ")
    disconnect(settings)


async def test_a_local_server_that_stops_leaves_the_database(
    settings: Settings, script: Scripted, announce: Announcing
) -> None:
    announce()
    connection = connect(settings)
    script.replies.extend([None, None])
    flow_id = connection.sync.create_flow_from_name("etl")
    assert connection.where == settings.database_url
    assert (await connection.asynchronous.read_flow(flow_id)).name == "etl"


def test_the_same_settings_share_a_connection(settings: Settings, tmp_path: Path) -> None:
    assert connect(settings) is connect(load({"HEADRACE_HOME": str(tmp_path), "HEADRACE_LOGGING_LEVEL": "DEBUG"}))
    assert connect(settings) is not connect(load({"HEADRACE_HOME": str(tmp_path / "other")}))


def test_after_disconnecting_there_is_a_new_one(settings: Settings) -> None:
    first = connect(settings)
    first.sync.create_flow_from_name("etl")
    disconnect(settings)
    assert connect(settings) is not first
    assert connect(settings).sync.count_flows() == 1


async def test_get_client_gives_both_kinds_for_the_current_settings(settings: Settings) -> None:
    with use(settings):
        with get_client(sync_client=True) as sync_client:
            flow_id = sync_client.create_flow_from_name("etl")
        async with get_client() as client:
            assert (await client.read_flow(flow_id)).name == "etl"
            assert client.api_url == settings.database_url
    assert isinstance(sync_client, SyncHeadraceClient)
    assert isinstance(client, HeadraceClient)


def test_a_client_works_after_its_block_as_others_share_its_connection(settings: Settings) -> None:
    with use(settings), get_client(sync_client=True) as client:
        pass
    assert client.hello() == "👋"
