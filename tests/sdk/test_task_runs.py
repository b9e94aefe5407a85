"""What a call of a task promises, and what the API learns of it."""

import asyncio
import time
from datetime import timedelta

import pytest

from headrace import allow_failure, flow, quote, tags, task, unmapped
from headrace.sdk import session
from headrace.sdk.annotations import Annotation
from headrace.sdk.context import TaskRunContext
from headrace.tasks import exponential_backoff
from headrace.wire.errors import (
    DefinitionError,
    ReservedArgument,
    TimedOutRun,
)
from headrace.wire.events import Event
from tests.sdk.fake import FakeAPI


@task
def add(a: int, b: int = 10) -> int:
    return a + b


@task
def breaks() -> None:
    raise ValueError("boom")


def in_flow(function):
    """The value of a function that is run as a flow."""
    return flow(name="around")(function)()


def test_a_task_gives_its_value_and_is_recorded(api: FakeAPI) -> None:
    assert in_flow(lambda: add(1, b=2)) == 3
    assert api.task_states("add") == [["Pending", "Running", "Completed"]]


async def test_an_async_task_is_the_same_for_a_caller_that_awaits_it(api: FakeAPI) -> None:
    @task
    async def double(x: int) -> int:
        await asyncio.sleep(0)
        return 2 * x

    @flow
    async def around() -> int:
        return await double(4)

    assert await around() == 8
    assert api.task_states(double.fn.__qualname__) == [["Pending", "Running", "Completed"]]


def test_a_task_outside_of_any_flow_is_recorded_too(api: FakeAPI) -> None:
    assert add(1) == 11
    session.flush_all()
    (report,) = api.task_run_reports().values()
    assert report.name.startswith("add-")
    assert all(event.related == [] for event in api.events)


def test_events_have_the_shape_that_the_contract_wants(api: FakeAPI) -> None:
    @flow
    def around() -> None:
        with tags("blue"):
            add(1)

    around()
    run = api.only_run
    pending, running, completed = api.events
    id_ = completed.resource["prefect.resource.id"]
    assert id_.startswith("prefect.task-run.")
    assert completed.event == "prefect.task-run.Completed"
    assert completed.resource["prefect.orchestration"] == "client"
    assert completed.resource["prefect.state-type"] == "COMPLETED"
    assert completed.resource["prefect.run-count"] == "1"
    assert completed.resource["prefect.resource.name"] == "add-0"
    roles = {related["prefect.resource.role"]: related["prefect.resource.id"] for related in completed.related}
    assert roles == {
        "flow-run": f"prefect.flow-run.{run.id}",
        "flow": f"prefect.flow.{run.flow_id}",
        "tag": "prefect.tag.blue",
    }
    assert [event.follows for event in api.events] == [None, pending.id, running.id]
    assert pending.occurred < running.occurred < completed.occurred
    payload = completed.payload
    assert payload["intended"] == {"from": "RUNNING", "to": "COMPLETED"}
    assert payload["initial_state"].type == "RUNNING"
    assert payload["validated_state"].name == "Completed"
    report = payload["task_run"]
    assert (report.dynamic_key, report.run_count, report.tags) == ("0", 1, ["blue"])
    assert report.start_time == running.occurred
    assert report.end_time == completed.occurred
    assert report.total_run_time == (completed.occurred - running.occurred).total_seconds()


def test_all_task_states_are_recorded_before_the_flow_is_final(api: FakeAPI) -> None:
    known: list[list[Event]] = []

    def note(_id, state):
        if state.type == "COMPLETED":
            known.append(list(api.events))

    api.answer = note

    @flow
    def around() -> None:
        add.map(range(20))

    around()
    assert [event.event for event in known[0]].count("prefect.task-run.Completed") == 20


def test_a_tasks_exception_reaches_the_flow(api: FakeAPI) -> None:
    with pytest.raises(ValueError, match="boom"):
        in_flow(lambda: breaks())
    assert api.task_states("breaks") == [["Pending", "Running", "Failed"]]


def test_a_failing_task_is_tried_again_and_then_completes(api: FakeAPI) -> None:
    attempts = []

    @task(retries=3, retry_delay_seconds=[0.01, 0])
    def flaky() -> int:
        attempts.append(1)
        if len(attempts) < 3:
            raise ValueError("not yet")
        return len(attempts)

    assert in_flow(lambda: flaky()) == 3
    assert api.task_states(flaky.fn.__qualname__) == [
        ["Pending", "Running", "AwaitingRetry", "Retrying", "Retrying", "Completed"]
    ]
    (report,) = api.task_run_reports().values()
    assert report.run_count == 3


def test_delays_that_double_are_said_by_their_first(api: FakeAPI) -> None:
    @task(retries=3, retry_delay_seconds=exponential_backoff(10))
    def fetches() -> None: ...

    assert fetches.retry_delay_seconds == [10, 20, 40]


def test_retries_end_and_the_last_exception_is_raised(api: FakeAPI) -> None:
    always = breaks.with_options(retries=2)
    with pytest.raises(ValueError, match="boom"):
        in_flow(lambda: always())
    assert api.task_states("breaks") == [["Pending", "Running", "Retrying", "Retrying", "Failed"]]


def test_a_retry_condition_decides_from_the_state(api: FakeAPI) -> None:
    seen = []

    def only_once(_task, run, state) -> bool:
        seen.append(state.result(raise_on_failure=False))
        return run.run_count < 2

    picky = breaks.with_options(retries=5, retry_condition_fn=only_once)
    with pytest.raises(ValueError, match="boom"):
        in_flow(lambda: picky())
    assert api.task_states("breaks") == [["Pending", "Running", "Retrying", "Failed"]]
    assert [type(error) for error in seen] == [ValueError, ValueError]


def test_a_task_that_takes_too_long_is_timed_out_also_off_the_main_thread(api: FakeAPI) -> None:
    @task(timeout_seconds=0.1)
    def slow() -> None:
        deadline = time.monotonic() + 10
        while time.monotonic() < deadline:
            time.sleep(0.01)

    @flow
    def around() -> None:
        for call in (slow, lambda: slow.submit().result()):
            with pytest.raises(TimedOutRun, match=r"0\.1 seconds"):
                call()

    around()
    assert api.task_states(slow.fn.__qualname__) == [["Pending", "Running", "TimedOut"]] * 2


def test_the_flows_timeout_ends_the_task_that_is_under_way(api: FakeAPI) -> None:
    @task(timeout_seconds=20)
    def slow() -> None:
        time.sleep(10)

    @flow(timeout_seconds=1)
    def around() -> None:
        slow()

    assert around(return_state=True).name == "TimedOut"
    assert api.task_states(slow.fn.__qualname__) == [["Pending", "Running", "Crashed"]]


def test_declarations_that_cannot_work_are_refused_at_once(api: FakeAPI) -> None:
    with pytest.raises(DefinitionError, match="on_completion takes a list"):
        task(lambda: None, on_completion=print)
    with pytest.raises(DefinitionError, match="at most 50"):
        task(retry_delay_seconds=[1] * 51)(lambda: None)
    with pytest.raises(ReservedArgument, match="wait_for"):
        task(lambda wait_for: None)(1)


def test_with_options_changes_what_it_names_and_keeps_the_rest() -> None:
    changed = add.with_options(name="plus", retries=3)
    assert (changed.name, changed.retries, changed.fn) == ("plus", 3, add.fn)
    assert changed.with_options(tags=["x"]).retries == 3
    assert add.name == "add"


def test_task_runs_can_be_named_by_their_parameters(api: FakeAPI) -> None:
    named = add.with_options(task_run_name="{a} and {b}")
    in_flow(lambda: named(1, 2))
    assert api.task_run_reports().keys() == {"1 and 2"}


def test_the_context_of_a_task_is_its_own(api: FakeAPI) -> None:
    @task
    def look(n: int) -> tuple[str, dict]:
        context = TaskRunContext.get()
        assert context is not None
        return context.task_run.name.rpartition("-")[2], context.parameters

    assert in_flow(lambda: look.map([5, 6]).result()) == [("0", {"n": 5}), ("1", {"n": 6})]


def test_annotations_compare_by_what_they_hold() -> None:
    assert unmapped([1]) == unmapped([1])
    assert unmapped(1) != allow_failure(1)
    assert isinstance(quote(1), Annotation)


def test_a_task_run_that_waits_for_its_retry_says_until_when(api: FakeAPI) -> None:
    always = breaks.with_options(retries=1, retry_delay_seconds=0.05)
    with pytest.raises(ValueError, match="boom"):
        in_flow(lambda: always())
    waiting = next(event for event in api.events if event.event.endswith("AwaitingRetry"))
    due = waiting.payload["validated_state"].state_details["scheduled_time"]
    assert timedelta(0) < due - waiting.occurred <= timedelta(seconds=0.06)
