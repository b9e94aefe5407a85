"""What is delayed in one place is executed by whoever serves the task, with all that a task can be told."""

import asyncio
import json
import pickle
import threading
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

import pytest

from headrace import flow, get_run_logger, tags, task
from headrace.cache_policies import INPUTS
from headrace.client.connection import disconnect
from headrace.client.orchestration import SyncHeadraceClient
from headrace.futures import PrefectDistributedFuture
from headrace.futures import wait as wait_for_all
from headrace.sdk import session
from headrace.settings import context as settings_context
from headrace.settings import current
from headrace.states import Cancelled
from headrace.task_worker import TaskWorker, aserve, serve
from headrace.wire.errors import CrashedRun, DefinitionError, MissingResult, SettingsError, UpstreamTaskError
from headrace.wire.filters import LogFilter, LogFilterTaskRunId
from headrace.wire.states import StateType
from tests.processes import ServerProcess, free_port
from tests.sdk.background.conftest import working

PATIENCE = 30
pytestmark = pytest.mark.xdist_group("background-tasks")


@task
def grind(grain: str, times: int = 1) -> str:
    return f"{grain} flour" * times


@task
async def sift(flour: str) -> str:
    await asyncio.sleep(0)
    return f"fine {flour}"


@task
def spill() -> None:
    raise ValueError("the sack has a hole")


def names(client: SyncHeadraceClient, future: PrefectDistributedFuture[Any]) -> list[str]:
    return [state.name for state in client.read_task_run_states(future.task_run_id)]


def test_a_delayed_task_is_executed_by_a_worker_and_its_value_comes_back(client: SyncHeadraceClient) -> None:
    future = grind.delay("rye", times=2)
    assert not future.done()
    assert future.state.is_scheduled()
    with working(grind):
        assert future.result(timeout=PATIENCE) == "rye flourrye flour"
    assert future.done()
    assert names(client, future) == ["Scheduled", "Pending", "Running", "Completed"]
    run = client.read_task_run(future.task_run_id)
    assert (run.run_count, run.task_key) == (1, grind.task_key)


async def test_an_async_task_is_waited_for_in_async_code(client: SyncHeadraceClient) -> None:
    with working(sift):
        assert await sift.delay("bran").result_async(timeout=PATIENCE) == "fine bran"
        future = sift.apply_async(("oat",))
        await future.wait_async()
        assert future.state.is_completed()


async def test_waiting_for_what_nobody_executes_ends_after_its_time(client: SyncHeadraceClient) -> None:
    future = grind.delay("rye")
    future.wait(0.05)
    await future.wait_async(0.05)
    with pytest.raises(TimeoutError, match="has not finished after"):
        future.result(timeout=0.01)
    with pytest.raises(TimeoutError):
        await future.result_async(timeout=0.01)


def test_a_task_can_be_given_what_another_has_yet_to_give(client: SyncHeadraceClient) -> None:
    flour = grind.delay("rye")
    fine = sift.delay(flour)
    again = pickle.loads(pickle.dumps(fine))
    with working(grind, sift):
        assert again.result(timeout=PATIENCE) == "fine rye flour"
    inputs = client.read_task_run(fine.task_run_id).task_inputs
    assert [source.id for source in inputs["flour"]] == [flour.task_run_id]


def test_a_task_does_not_run_before_what_it_waits_for_nor_after_that_failed(client: SyncHeadraceClient) -> None:
    first = spill.delay()
    then = grind.apply_async(("rye",), wait_for=[first])
    with working(grind, spill):
        then.wait(PATIENCE)
    assert then.state.name == "NotReady"
    with pytest.raises(UpstreamTaskError):
        then.result()


def test_a_failure_is_raised_where_the_value_is_asked_for(client: SyncHeadraceClient) -> None:
    future = spill.delay()
    with working(spill), pytest.raises(ValueError, match="the sack has a hole"):
        future.result(timeout=PATIENCE)
    assert isinstance(future.result(raise_on_failure=False), ValueError)


def test_a_task_is_tried_again_and_its_hooks_are_called(client: SyncHeadraceClient) -> None:
    called: list[str] = []

    @task(
        retries=2,
        on_running=[lambda task, run, state: called.append(state.name)],
        on_completion=[lambda task, run, state: called.append(state.name)],
        task_run_name="grind-{grain}",
    )
    def moody(grain: str) -> str:
        if len(called) < 3:
            raise ValueError("not today")
        return grain

    future = moody.delay("rye")
    with working(moody):
        assert future.result(timeout=PATIENCE) == "rye"
    assert called == ["Running", "Retrying", "Retrying", "Completed"]
    assert client.read_task_run(future.task_run_id).name == "grind-rye"


def test_a_run_is_tried_as_often_as_whoever_delayed_it_says(client: SyncHeadraceClient) -> None:
    tries: list[int] = []

    @task
    def moody() -> int:
        tries.append(len(tries))
        if len(tries) < 3:
            raise ValueError("not today")
        return len(tries)

    future = moody.with_options(retries=2).delay()
    with working(moody):
        assert future.result(timeout=PATIENCE) == 3


def test_a_cached_value_is_used_again(client: SyncHeadraceClient) -> None:
    calls: list[str] = []

    @task(cache_policy=INPUTS)
    def weigh(sack: str) -> int:
        calls.append(sack)
        return len(sack)

    futures = []
    with working(weigh):
        for _ in range(2):
            futures.append(weigh.delay("rye"))
            assert futures[-1].result(timeout=PATIENCE) == 3
    assert calls == ["rye"]
    assert futures[1].state.name == "Cached"


def test_a_run_delayed_in_a_flow_belongs_to_it_and_carries_its_tags(client: SyncHeadraceClient) -> None:
    made: list[PrefectDistributedFuture[str]] = []

    @flow
    def mill() -> None:
        with tags("night"):
            made.append(sift.delay(grind.submit("rye")))

    mill()
    (future,) = made
    with working(sift):
        assert future.result(timeout=PATIENCE) == "fine rye flour"
    run = client.read_task_run(future.task_run_id)
    assert run.tags == ["night"]
    assert run.flow_run_id is not None
    assert all(state.state_details.flow_run_id == run.flow_run_id for state in client.read_task_run_states(run.id))


def test_log_lines_of_a_background_task_are_kept_with_it(client: SyncHeadraceClient) -> None:
    @task(log_prints=True)
    def chatter() -> None:
        print("clack")
        get_run_logger().info("clack clack")

    future = chatter.delay()
    with working(chatter):
        future.wait(PATIENCE)
    session.flush_all(PATIENCE)
    wanted = LogFilter(task_run_id=LogFilterTaskRunId(any_=[future.task_run_id]))
    assert {line.message for line in client.read_logs(wanted)} >= {"clack", "clack clack"}


def test_a_worker_executes_no_more_at_once_than_its_limit(client: SyncHeadraceClient) -> None:
    lock, now, most = threading.Lock(), 0, 0

    @task
    def busy() -> None:
        nonlocal now, most
        with lock:
            now += 1
            most = max(most, now)
        time.sleep(0.02)
        with lock:
            now -= 1

    futures = [busy.delay() for _ in range(8)]
    with working(busy, limit=2):
        assert not wait_for_all(futures, timeout=PATIENCE).not_done
    assert most == 2


def test_a_worker_that_is_stopped_ends_what_it_is_at_and_takes_nothing_more(client: SyncHeadraceClient) -> None:
    begun, go_on = threading.Event(), threading.Event()

    @task
    def slow() -> str:
        begun.set()
        assert go_on.wait(PATIENCE)
        return "done"

    first, second = slow.delay(), slow.delay()
    with working(slow, limit=1) as worker:
        assert begun.wait(PATIENCE)
        worker._loop.call_soon_threadsafe(worker.stop)  # pyright: ignore[reportPrivateUsage]
        go_on.set()
    assert first.state.is_completed()
    assert second.state.is_scheduled()


def test_what_a_task_was_called_with_is_not_kept_when_it_is_over(client: SyncHeadraceClient) -> None:
    future = grind.delay("rye")
    folder = Path(current().results.local_storage_path) / "parameters"
    assert len(list(folder.iterdir())) == 1
    with working(grind):
        future.wait(PATIENCE)
    assert list(folder.iterdir()) == []


def test_a_run_whose_parameters_cannot_be_read_fails_and_says_why(client: SyncHeadraceClient) -> None:
    lost = grind.delay("rye")
    for file in (Path(current().results.local_storage_path) / "parameters").iterdir():
        file.unlink()
    with working(grind):
        lost.wait(PATIENCE)
        assert grind.delay("oat").result(timeout=PATIENCE) == "oat flour"
    assert lost.state.type is StateType.FAILED
    assert "What the task 'grind' is called with cannot be read" in (lost.state.message or "")


def test_a_run_that_is_deleted_before_it_begins_is_nothing_to_wait_for(client: SyncHeadraceClient) -> None:
    future = grind.delay("rye")
    client.delete_task_run(future.task_run_id)
    with working(grind), pytest.raises(CrashedRun, match="was deleted"):
        future.result(timeout=PATIENCE)


def test_a_task_that_keeps_nothing_gives_no_value(client: SyncHeadraceClient) -> None:
    @task(persist_result=False)
    def forget() -> int:
        return 1

    future = forget.delay()
    with working(forget), pytest.raises(MissingResult):
        future.result(timeout=PATIENCE)


def test_a_long_run_keeps_its_worker_and_one_that_was_cancelled_is_not_recorded_further(
    client: SyncHeadraceClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The lease is short, and still lasts as long as the run does."""
    monkeypatch.setenv("HEADRACE_TASKS_WORKER_LEASE_SECONDS", "1")
    settings_context.reload()
    begun, go_on = threading.Semaphore(0), threading.Event()

    @task
    def slow() -> str:
        begun.release()
        assert go_on.wait(PATIENCE)
        return "done"

    kept, cancelled = slow.delay(), slow.delay()
    with working(slow) as worker:
        assert begun.acquire(timeout=PATIENCE)
        assert begun.acquire(timeout=PATIENCE)
        client.set_task_run_state(cancelled.task_run_id, Cancelled(), force=True)
        executions = worker._executions.values()  # pyright: ignore[reportPrivateUsage]
        deadline = time.monotonic() + PATIENCE
        while not any(execution.engine is not None and execution.engine.lost for execution in list(executions)):
            assert time.monotonic() < deadline
            time.sleep(0.05)
        go_on.set()
        assert kept.result(timeout=PATIENCE) == "done"
    assert cancelled.state.name == "Cancelled"
    assert names(client, kept)[-1] == "Completed"


def test_serving_takes_tasks_and_says_so(client: SyncHeadraceClient) -> None:
    with pytest.raises(DefinitionError, match="at least one task"):
        serve()
    with pytest.raises(DefinitionError, match="is no task"):
        serve(print)  # pyright: ignore[reportArgumentType]
    with pytest.raises(DefinitionError, match="limit of a task worker is 0"):
        TaskWorker(grind, limit=0)


def test_serving_ends_after_its_time_and_tells_how_it_goes(client: SyncHeadraceClient) -> None:
    begun, go_on, port = threading.Event(), threading.Event(), free_port()

    @task
    def slow() -> None:
        begun.set()
        assert go_on.wait(PATIENCE)

    future = slow.delay()
    server = threading.Thread(target=serve, args=(slow,), kwargs={"timeout": 2, "status_server_port": port})
    server.start()
    assert begun.wait(PATIENCE)
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/status") as answer:
        told = json.loads(answer.read())
    assert (told["in_flight_task_runs"], told["connected"], told["limit"]) == ([future.run.name], True, 10)
    with pytest.raises(urllib.error.HTTPError, match="404"):
        urllib.request.urlopen(f"http://127.0.0.1:{port}/")
    go_on.set()
    server.join(PATIENCE)
    assert not server.is_alive()
    assert future.state.is_completed()


async def test_serving_that_is_cancelled_crashes_what_is_under_way(client: SyncHeadraceClient) -> None:
    begun, go_on = threading.Event(), threading.Event()

    @task
    def slow() -> None:
        begun.set()
        assert go_on.wait(PATIENCE)

    future = slow.delay()
    serving = asyncio.create_task(aserve(slow))
    assert await asyncio.to_thread(begun.wait, PATIENCE)
    serving.cancel()
    await asyncio.gather(serving, return_exceptions=True)
    go_on.set()
    assert future.state.name == "Crashed"


def test_a_server_is_needed_to_serve_and_none_to_delay(home: Path, server: ServerProcess) -> None:
    assert grind.delay("rye").state.is_scheduled()
    with pytest.raises(SettingsError, match="need a server"):
        grind.serve()
    disconnect()
