"""Tasks that are submitted or mapped: futures, what they depend on, and how many run at a time."""

import asyncio
import threading
import time

import pytest

from headrace import allow_failure, flow, quote, task, unmapped
from headrace.sdk.futures import as_completed, wait
from headrace.sdk.runners.threads import ThreadPoolTaskRunner
from headrace.wire.errors import (
    CrashedRun,
    MappingLengthMismatch,
    MappingMissingIterable,
    MissingContext,
    UpstreamTaskError,
)
from tests.sdk.fake import FakeAPI


@task
def add(a: int, b: int = 10) -> int:
    return a + b


@task
def breaks() -> None:
    raise ValueError("boom")


@task
def identity(x: object) -> object:
    return x


def in_flow(function):
    """The value of a function that is run as a flow."""
    return flow(name="around")(function)()


def test_submitted_tasks_run_at_the_same_time(api: FakeAPI) -> None:
    together = threading.Barrier(8, timeout=20)

    @task
    def meet() -> int:
        return together.wait()

    assert sorted(in_flow(lambda: [future.result() for future in [meet.submit() for _ in range(8)]])) == list(range(8))


def test_submitted_async_tasks_run_too(api: FakeAPI) -> None:
    @task
    async def double(x: int) -> int:
        await asyncio.sleep(0)
        return 2 * x

    assert in_flow(lambda: double.map([1, 2, 3]).result()) == [2, 4, 6]


def test_a_future_among_the_arguments_is_awaited_and_recorded_as_input(api: FakeAPI) -> None:
    def chained() -> object:
        first = add.submit(1)
        second = identity.submit({"deep": [first]})
        return second.result()

    assert in_flow(chained) == {"deep": [11]}
    reports = api.task_run_reports()
    (source,) = reports["identity-0"].task_inputs["x"]
    added = next(event for event in api.events if event.resource["prefect.resource.name"] == "add-0")
    assert added.resource["prefect.resource.id"] == f"prefect.task-run.{source.id}"


def test_a_plain_result_that_is_passed_on_is_recorded_as_input(api: FakeAPI) -> None:
    in_flow(lambda: identity(identity(["rows"])))
    reports = api.task_run_reports()
    assert reports["identity-0"].task_inputs == {}
    assert len(reports["identity-1"].task_inputs["x"]) == 1


def test_a_task_in_a_task_names_the_one_around_it(api: FakeAPI) -> None:
    @task
    def outer() -> int:
        return add(1) + add.submit(1).result()

    assert in_flow(lambda: outer()) == 22
    assert all("__parents__" in report.task_inputs for name, report in api.task_run_reports().items() if "add" in name)


def test_wait_for_orders_tasks_that_share_no_data(api: FakeAPI) -> None:
    done = []

    @task
    def slow() -> None:
        time.sleep(0.05)
        done.append("slow")

    @task
    def after() -> None:
        done.append("after")

    in_flow(lambda: after.submit(wait_for=[slow.submit()]).wait())
    assert done == ["slow", "after"]


def test_a_task_whose_upstream_failed_does_not_run_and_says_why(api: FakeAPI) -> None:
    def chained() -> None:
        downstream = identity.submit(breaks.submit())
        downstream.wait()
        assert downstream.state.name == "NotReady"
        with pytest.raises(UpstreamTaskError, match="'breaks-0'"):
            downstream.result()
        with pytest.raises(UpstreamTaskError):
            identity(breaks(return_state=True))

    in_flow(chained)
    assert api.task_states("identity") == [["Pending", "NotReady"]] * 2


def test_allow_failure_hands_over_the_exception(api: FakeAPI) -> None:
    result = in_flow(lambda: identity(allow_failure(breaks.submit())))
    assert isinstance(result, ValueError)


def test_a_quoted_argument_is_left_alone(api: FakeAPI) -> None:
    @task
    def look(held: list) -> str:
        return type(held[0]).__name__

    assert in_flow(lambda: look(quote([add.submit(1)]))) == "Future"


def test_map_gives_each_run_its_element_and_the_rest_whole(api: FakeAPI) -> None:
    pair = task(lambda a, b: (a, b))
    assert in_flow(lambda: pair.map([1, 2], unmapped([7, 8])).result()) == [(1, [7, 8]), (2, [7, 8])]
    assert in_flow(lambda: pair.map([1, 2], 5).result()) == [(1, 5), (2, 5)]
    assert in_flow(lambda: pair.map(identity.submit([1, 2]), ["a", "b"]).result()) == [(1, "a"), (2, "b")]


def test_map_refuses_what_it_cannot_spread(api: FakeAPI) -> None:
    def refused() -> None:
        with pytest.raises(MappingLengthMismatch, match="a has 2, b has 1"):
            add.map([1, 2], [1])
        with pytest.raises(MappingMissingIterable, match="none of a, b"):
            add.map(1, 2)

    in_flow(refused)


def test_as_completed_gives_futures_in_the_order_in_which_they_finish(api: FakeAPI) -> None:
    gate = threading.Event()

    @task
    def first() -> str:
        gate.set()
        return "first"

    @task
    def second() -> str:
        gate.wait(20)
        return "second"

    def both() -> list[str]:
        return [future.result() for future in as_completed([second.submit(), first.submit()])][-2:]

    assert set(in_flow(both)) == {"first", "second"}


def test_wait_and_result_stop_at_their_timeout(api: FakeAPI) -> None:
    gate = threading.Event()

    @task
    def blocked() -> None:
        gate.wait(20)

    def around() -> None:
        future, quick = blocked.submit(), add.submit(1)
        quick.wait()
        assert wait([future, quick], timeout=0.01) == ({quick}, {future})
        with pytest.raises(TimeoutError, match=r"'.*blocked.*-0' has not finished"):
            future.result(timeout=0.01)
        with pytest.raises(TimeoutError, match="1 of 1"):
            next(as_completed([future], timeout=0.01))
        gate.set()

    in_flow(around)


def test_a_done_callback_is_called_also_when_it_comes_late(api: FakeAPI) -> None:
    called = []

    def around() -> None:
        future = add.submit(1)
        future.add_done_callback(called.append)
        future.wait()
        future.add_done_callback(called.append)
        assert called == [future, future]

    in_flow(around)


def test_tasks_may_submit_tasks_and_wait_however_few_threads_there_are(api: FakeAPI) -> None:
    @task
    def depth(n: int) -> int:
        return n if n == 0 else depth.submit(n - 1).result() + 1

    @flow(task_runner=ThreadPoolTaskRunner(max_workers=1))
    def around() -> int:
        return depth.submit(5).result()

    assert around() == 5


def test_a_runner_keeps_to_its_number_of_threads(api: FakeAPI) -> None:
    now_running, most = [], []

    @task
    def watched() -> None:
        now_running.append(1)
        most.append(len(now_running))
        time.sleep(0.01)
        now_running.pop()

    @flow(task_runner=ThreadPoolTaskRunner(max_workers=2))
    def around() -> None:
        for _ in range(10):
            watched.submit()

    around()
    assert max(most) == 2


def test_a_flow_ends_after_everything_it_submitted(api: FakeAPI) -> None:
    finished = []

    @task
    def slow() -> None:
        time.sleep(0.1)
        finished.append(1)

    @flow
    def around() -> None:
        slow.submit()

    around()
    assert finished
    assert api.task_states(slow.fn.__qualname__) == [["Pending", "Running", "Completed"]]


def test_a_task_that_exits_its_thread_crashes_and_nothing_hangs(api: FakeAPI) -> None:
    @task
    def exits() -> None:
        raise SystemExit(3)

    def around() -> None:
        future = exits.submit()
        future.wait(20)
        assert future.state.is_crashed()
        with pytest.raises((CrashedRun, SystemExit)):
            future.result()

    in_flow(around)


def test_submitting_needs_a_flow(api: FakeAPI) -> None:
    with pytest.raises(MissingContext, match="inside a flow"):
        add.submit(1)
