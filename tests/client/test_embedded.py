"""Without a server, requests are answered by the server's code in this process, from any thread and after a fork."""

import asyncio
import contextlib
import subprocess
import sys
import textwrap
import threading
from collections.abc import Generator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from headrace.client.embedded import EmbeddedTransport
from headrace.client.orchestration import HeadraceClient, SyncHeadraceClient
from headrace.settings import Settings, load
from headrace.wire.errors import ObjectNotFound, ServiceUnavailable, StoreError, Unprocessable
from headrace.wire.ids import uuid7
from tests.client.conftest import exit_status, forked
from tests.processes import clean_environ


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return load({"HEADRACE_HOME": str(tmp_path)})


@pytest.fixture
def transport(settings: Settings) -> Generator[EmbeddedTransport]:
    transport = EmbeddedTransport(settings)
    yield transport
    transport.close()


@pytest.fixture
def client(transport: EmbeddedTransport) -> SyncHeadraceClient:
    return SyncHeadraceClient(transport)


def run_script(home: Path, script: str) -> subprocess.CompletedProcess[str]:
    """Run a program of its own in that home."""
    command = [sys.executable, "-W", "error", "-c", textwrap.dedent(script)]
    return subprocess.run(command, env=clean_environ(home), capture_output=True, text=True, timeout=60)


def test_what_is_written_is_read(client: SyncHeadraceClient) -> None:
    flow_id = client.create_flow_from_name("etl", tags=["a"])
    assert client.create_flow_from_name("etl") == flow_id
    assert client.read_flow(flow_id).tags == ["a"]
    assert [flow.name for flow in client.read_flows()] == ["etl"]


def test_what_was_written_is_there_for_the_next_one(settings: Settings) -> None:
    for expected in (0, 1):
        transport = EmbeddedTransport(settings)
        client = SyncHeadraceClient(transport)
        assert client.count_flows() == expected
        client.create_flow_from_name("etl")
        transport.close()


def test_names_arrive_as_they_were_given(client: SyncHeadraceClient) -> None:
    flow_id = client.create_flow_from_name("été ? #1 + 2")
    assert client.read_flow_by_name("été ? #1 + 2").id == flow_id


def test_errors_are_those_of_a_server(client: SyncHeadraceClient) -> None:
    with pytest.raises(ObjectNotFound, match="Flow not found"):
        client.read_flow(uuid7())
    with pytest.raises(Unprocessable, match=r"body\.name"):
        client.create_flow_from_name("a/b")


def test_threads_share_one_database(client: SyncHeadraceClient) -> None:
    with ThreadPoolExecutor(8) as pool:
        ids = list(pool.map(client.create_flow_from_name, [f"flow-{n % 10}" for n in range(80)]))
    assert len(set(ids)) == 10
    assert client.count_flows() == 10


async def test_tasks_of_an_event_loop_share_it_too(transport: EmbeddedTransport) -> None:
    client = HeadraceClient(transport)
    ids = await asyncio.gather(*(client.create_flow_from_name(f"flow-{n % 5}") for n in range(20)))
    assert len(set(ids)) == 5


async def test_a_synchronous_call_works_inside_an_event_loop(client: SyncHeadraceClient) -> None:
    assert client.hello() == "👋"


async def test_what_a_cancelled_caller_asked_for_is_done_before_closing(
    settings: Settings, transport: EmbeddedTransport
) -> None:
    client = HeadraceClient(transport)
    await client.hello()
    call = asyncio.create_task(client.create_flow_from_name("etl"))
    await asyncio.sleep(0)
    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call
    await asyncio.to_thread(transport.close)
    with contextlib.closing(EmbeddedTransport(settings)) as reopened:
        assert SyncHeadraceClient(reopened).read_flow_by_name("etl")


def test_a_database_that_cannot_be_used_is_said_at_each_call(tmp_path: Path) -> None:
    (tmp_path / "headrace.db").write_bytes(b"this is not a database" * 100)
    transport = EmbeddedTransport(load({"HEADRACE_HOME": str(tmp_path)}))
    client = SyncHeadraceClient(transport)
    for _ in range(2):
        with pytest.raises(StoreError, match=r"headrace\.db"):
            client.create_flow_from_name("etl")
    transport.close()


def test_after_closing_nothing_is_taken(transport: EmbeddedTransport, client: SyncHeadraceClient) -> None:
    client.hello()
    transport.close()
    transport.close()
    with pytest.raises(ServiceUnavailable, match="was closed"):
        client.hello()


def test_nothing_of_it_runs_before_the_first_request_and_after_closing(settings: Settings) -> None:
    def running() -> list[str]:
        return [thread.name for thread in threading.enumerate() if thread.name == "headrace-embedded"]

    transport = EmbeddedTransport(settings)
    assert running() == []
    SyncHeadraceClient(transport).hello()
    assert running() == ["headrace-embedded"]
    transport.close()
    assert running() == []


@pytest.mark.filterwarnings("ignore:.*multi-threaded.*:DeprecationWarning")
def test_parent_and_forked_child_write_to_the_same_database(client: SyncHeadraceClient) -> None:
    client.create_flow_from_name("before")
    child = forked(lambda: client.create_flow_from_name("child"))
    client.create_flow_from_name("parent")
    assert exit_status(child) == 0
    assert sorted(flow.name for flow in client.read_flows()) == ["before", "child", "parent"]


@pytest.mark.filterwarnings("ignore:.*multi-threaded.*:DeprecationWarning")
def test_a_fork_amid_the_calls_of_other_threads_loses_none(client: SyncHeadraceClient) -> None:
    with ThreadPoolExecutor(4) as pool:
        calls = [pool.submit(client.create_flow_from_name, f"flow-{n}") for n in range(40)]
        assert exit_status(forked(client.hello)) == 0
        assert len({call.result() for call in calls}) == 40


def test_no_web_server_and_no_sql_toolkit_is_loaded(tmp_path: Path) -> None:
    done = run_script(
        tmp_path,
        """
        import sys
        from headrace.client.connection import connect
        client = connect().sync
        client.read_flow(client.create_flow_from_name("etl"))
        print([name for name in ("starlette", "uvicorn", "sqlalchemy", "httptools") if name in sys.modules])
        """,
    )
    assert (done.returncode, done.stdout.strip(), done.stderr) == (0, "[]", "")


def test_a_program_may_write_until_its_very_end(tmp_path: Path) -> None:
    done = run_script(
        tmp_path,
        """
        import atexit
        from headrace.client.connection import connect
        client = connect().sync
        client.create_flow_from_name("first")
        client.read_flows()
        atexit.register(client.create_flow_from_name, "last")
        """,
    )
    assert (done.returncode, done.stderr) == (0, "")
    transport = EmbeddedTransport(load({"HEADRACE_HOME": str(tmp_path)}))
    assert [flow.name for flow in SyncHeadraceClient(transport).read_flows()] == ["first", "last"]
    transport.close()
