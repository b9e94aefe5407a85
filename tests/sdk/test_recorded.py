"""Flows end to end: run by the SDK, kept by the real server's code, read back over the typed client.

Each test runs once with nothing configured, when this process records by itself, and once against a server process.
"""

import asyncio
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from headrace import flow, get_client, get_run_logger, tags, task
from headrace.client.connection import disconnect
from headrace.client.orchestration import SyncHeadraceClient
from headrace.sdk import session
from headrace.settings import context as settings_context
from headrace.wire.errors import FailedRun, MissingResult
from headrace.wire.flow_runs import FlowRun
from headrace.wire.task_runs import TaskRun
from tests.processes import clean_environ, serving


@pytest.fixture(scope="module")
def server_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with serving(tmp_path_factory.mktemp("server")) as server:
        yield server.api_url


@pytest.fixture(params=["embedded", "server"])
def client(request: pytest.FixtureRequest, home: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[SyncHeadraceClient]:
    if request.param == "server":
        monkeypatch.setenv("HEADRACE_API_URL", request.getfixturevalue("server_url"))
        settings_context.reload()
    yield get_client(sync_client=True)
    session.flush_all(10)
    disconnect()


def runs_of(client: SyncHeadraceClient, name: str) -> list[FlowRun]:
    """The runs of the flow of that name, oldest first."""
    flow_id = client.create_flow_from_name(name)
    runs = [run for run in client.read_flow_runs(limit=None) if run.flow_id == flow_id]
    return sorted(runs, key=lambda run: run.id)


def task_runs_of(client: SyncHeadraceClient, run: FlowRun) -> dict[str, TaskRun]:
    return {each.name: each for each in client.read_task_runs(limit=None) if each.flow_run_id == run.id}


@task
def double(x: int) -> int:
    return 2 * x


def test_a_flow_and_its_tasks_are_read_back_as_they_ran(client: SyncHeadraceClient) -> None:
    @flow(name="reads-back")
    def outer(n: int) -> int:
        get_run_logger().info("doubling %d", n)
        return sum(double.map(range(n)).result()) + double(1)

    with tags("nightly"):
        assert outer(3) == 8
    session.flush_all()
    (run,) = runs_of(client, "reads-back")
    assert (run.state_name, run.parameters, run.tags, run.run_count) == ("Completed", {"n": 3}, ["nightly"], 1)
    assert run.total_run_time > 0
    found = task_runs_of(client, run)
    assert sorted(found) == ["double-0", "double-1", "double-2", "double-3"]
    assert {each.state_name for each in found.values()} == {"Completed"}
    assert all(each.start_time and each.end_time and each.run_count == 1 for each in found.values())
    names = [state.name for state in client.read_task_run_states(found["double-0"].id)]
    assert names == ["Pending", "Running", "Completed"]
    assert [state.name for state in client.read_flow_run_states(run.id)] == ["Pending", "Running", "Completed"]
    lines = [line.message for line in client.read_logs(limit=None) if line.flow_run_id == run.id]
    assert "doubling 3" in lines


async def test_an_async_flow_with_async_tasks_is_recorded(client: SyncHeadraceClient) -> None:
    @task
    async def probe(x: int) -> int:
        await asyncio.sleep(0)
        return x

    @flow(name="probes")
    async def outer() -> int:
        return sum(await asyncio.gather(*(probe(n) for n in range(3))))

    assert await outer() == 3
    (run,) = runs_of(client, "probes")
    assert run.state_name == "Completed"
    assert [each.state_name for each in task_runs_of(client, run).values()] == ["Completed"] * 3


def test_retries_of_flows_and_tasks_are_recorded(client: SyncHeadraceClient) -> None:
    attempts = {"flow": 0, "task": 0}

    @task(retries=1)
    def flaky() -> None:
        attempts["task"] += 1
        if attempts["task"] == 1:
            raise ValueError("not yet")

    @flow(name="flaky", retries=1)
    def outer() -> None:
        flaky()
        attempts["flow"] += 1
        if attempts["flow"] == 1:
            raise ValueError("not yet")

    outer()
    (run,) = runs_of(client, "flaky")
    assert (run.state_name, run.run_count) == ("Completed", 2)
    names = [state.name for state in client.read_flow_run_states(run.id)]
    assert names == ["Pending", "Running", "AwaitingRetry", "Retrying", "Completed"]
    found = task_runs_of(client, run)
    assert {name: each.run_count for name, each in found.items()} == {"flaky-0": 2, "flaky-1": 1}


def test_a_subflow_is_tied_to_its_parent(client: SyncHeadraceClient) -> None:
    @flow(name="child")
    def child(x: int) -> int:
        return double(x)

    @flow(name="parent")
    def parent() -> int:
        return child(double.submit(1))

    assert parent() == 4
    (outer,), (inner,) = runs_of(client, "parent"), runs_of(client, "child")
    tracker = task_runs_of(client, outer)["child-0"]
    assert inner.parent_task_run_id == tracker.id
    assert tracker.state_name == "Completed"
    assert tracker.state is not None
    assert tracker.state.state_details.child_flow_run_id == inner.id
    (source,) = tracker.task_inputs["x"]
    assert source.id == task_runs_of(client, outer)["double-0"].id


def test_a_failure_is_recorded_with_its_reason(client: SyncHeadraceClient) -> None:
    @flow(name="breaks")
    def breaks() -> None:
        raise ValueError("boom")

    assert breaks(return_state=True).is_failed()
    (run,) = runs_of(client, "breaks")
    assert run.state is not None
    assert run.state.message == "Flow run encountered an exception ValueError: boom"
    with pytest.raises(FailedRun, match="boom"):
        run.state.result()


def test_a_result_is_read_from_storage_by_whoever_reads_the_run(client: SyncHeadraceClient) -> None:
    @flow(name="kept", persist_result=True)
    def kept() -> list[int]:
        return [1, 2]

    @flow(name="not-kept")
    def not_kept() -> list[int]:
        return [1, 2]

    kept()
    not_kept()
    (run,), (other,) = runs_of(client, "kept"), runs_of(client, "not-kept")
    assert run.state is not None
    assert run.state.result() == [1, 2]
    assert other.state is not None
    with pytest.raises(MissingResult):
        other.state.result()


SCRIPT = """
from headrace import flow, get_run_logger, task

@task
def work(n):
    return n

@flow
def scripted():
    work.map(range(300))
    get_run_logger().info("the very last line")

scripted()
"""


def test_a_script_that_ends_at_once_leaves_nothing_unrecorded(
    client: SyncHeadraceClient, home: Path, tmp_path: Path
) -> None:
    script = tmp_path / "script.py"
    script.write_text(SCRIPT)
    environ = clean_environ(home)
    if (url := settings_context.current().api.url) is not None:
        environ["HEADRACE_API_URL"] = url
    ended = subprocess.run([sys.executable, script], env=environ, capture_output=True, text=True, timeout=100)
    assert ended.returncode == 0, ended.stderr
    (run,) = runs_of(client, "scripted")
    assert run.state_name == "Completed"
    found = task_runs_of(client, run)
    assert len(found) == 300
    assert {each.state_name for each in found.values()} == {"Completed"}
    lines = [line.message for line in client.read_logs(limit=None) if line.flow_run_id == run.id]
    assert "the very last line" in lines
    assert lines.count("Finished in state Completed()") == 301
