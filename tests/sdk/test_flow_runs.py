"""What a call of a flow promises."""

import asyncio
import time
import traceback
from datetime import timedelta
from uuid import UUID

import pytest

from headrace import flow, tags, task
from headrace.sdk import session
from headrace.sdk.states import Completed, Failed
from headrace.wire.errors import (
    Abort,
    FailedRun,
    ObjectAlreadyExists,
    ParameterBindError,
    ParameterTypeError,
    Pause,
    ServiceUnavailable,
    TimedOutRun,
    Unprocessable,
)
from headrace.wire.orchestration import (
    OrchestrationResult,
    SetStateStatus,
    StateAbortDetails,
    StateRejectDetails,
    StateWaitDetails,
)
from headrace.wire.states import State, StateCreate, StateType
from headrace.wire.times import now
from tests.sdk.fake import FakeAPI


def test_a_flow_gives_its_value_and_is_recorded_from_pending_to_completed(api: FakeAPI) -> None:
    @flow
    def add_up(a: int, b: int = 2) -> int:
        return a + b

    assert add_up(1) == 3
    assert api.flows.keys() == {"add-up"}
    assert api.only_run.parameters == {"a": 1, "b": 2}
    assert api.state_names(api.only_run) == ["Pending", "Running", "Completed"]


async def test_an_async_flow_is_the_same_for_a_caller_that_awaits_it(api: FakeAPI) -> None:
    @flow
    async def add_up(a: int, b: int = 2) -> int:
        await asyncio.sleep(0)
        return a + b

    assert await add_up(1) == 3
    assert api.state_names(api.only_run) == ["Pending", "Running", "Completed"]


def test_an_exception_reaches_the_caller_with_its_traceback_and_fails_the_run(api: FakeAPI) -> None:
    @flow
    def breaks() -> None:
        raise ValueError("boom")

    with pytest.raises(ValueError, match="boom") as caught:
        breaks()
    assert caught.traceback[-1].name == "breaks"
    assert api.state_names(api.only_run) == ["Pending", "Running", "Failed"]
    assert "ValueError: boom" in (api.only_run.state.message or "")  # type: ignore[union-attr]


def test_a_traceback_leads_through_the_users_code_only(api: FakeAPI) -> None:
    @task
    def inner() -> None:
        try:
            raise KeyError("cause")
        except KeyError as cause:
            raise ValueError("boom") from cause

    @flow
    def middle() -> None:
        inner()

    @flow
    def outer() -> None:
        middle()

    error = outer(return_state=True).result(raise_on_failure=False)
    assert [frame.name for frame in traceback.extract_tb(error.__traceback__)] == ["outer", "middle", "inner"]
    session.flush_all()
    told = next(line.message for line in api.logs if "Traceback" in line.message)
    assert "KeyError: 'cause'" in told
    assert "headrace/sdk" not in told


def test_even_a_stop_iteration_reaches_the_caller_unchanged(api: FakeAPI) -> None:
    @flow
    def breaks() -> int:
        return next(iter([]))

    with pytest.raises(StopIteration):
        breaks()


def test_with_return_state_a_failure_is_a_value(api: FakeAPI) -> None:
    @flow
    def breaks() -> None:
        raise ValueError("boom")

    state = breaks(return_state=True)
    assert state.is_failed()
    assert isinstance(state.result(raise_on_failure=False), ValueError)
    with pytest.raises(ValueError, match="boom"):
        state.result()


@pytest.mark.parametrize(
    ("returned", "name", "message"),
    [
        (lambda: Completed(name="Fancy", message="hi"), "Fancy", "hi"),
        (lambda: [Completed(), Completed()], "Completed", "All states completed."),
        (lambda: [Completed(), Failed()], "Failed", "1/2 states failed."),
        (lambda: (Failed(), Failed()), "Failed", "2/2 states failed."),
    ],
)
def test_returned_states_decide_the_runs_final_state(api: FakeAPI, returned, name: str, message: str) -> None:
    @flow
    def decided():
        return returned()

    state = decided(return_state=True)
    assert (state.name, state.message) == (name, message)
    assert api.only_run.state_name == name


def test_a_returned_failed_state_without_an_exception_raises_failed_run(api: FakeAPI) -> None:
    @flow
    def decided():
        return Failed(message="no good")

    with pytest.raises(FailedRun, match="no good"):
        decided()


def test_returned_futures_decide_and_come_back_as_states(api: FakeAPI) -> None:
    @task
    def double(x: int) -> int:
        return 2 * x

    @flow
    def fans_out():
        return [double.submit(1), double.submit(2)]

    assert [state.result() for state in fans_out()] == [2, 4]


def test_wrong_parameters_are_all_named_and_no_run_is_made(api: FakeAPI) -> None:
    @flow
    def typed(n: int, names: list[str]) -> None: ...

    with pytest.raises(ParameterTypeError) as caught:
        typed("x", [1])
    assert "n: " in str(caught.value)
    assert "names: " in str(caught.value)
    with pytest.raises(ParameterBindError, match="missing a required argument: 'names'"):
        typed(1)
    with pytest.raises(ParameterBindError, match="unexpected keyword argument 'nmaes'"):
        typed(1, [], nmaes=[])
    assert not api.flow_runs


def test_a_failed_run_starts_again_as_often_as_the_rules_allow(api: FakeAPI) -> None:
    attempts = []

    @flow(retries=2)
    def flaky() -> int:
        attempts.append(1)
        if len(attempts) < 3:
            raise ValueError("not yet")
        return len(attempts)

    assert flaky() == 3
    assert api.state_names(api.only_run) == [
        *("Pending", "Running", "AwaitingRetry", "Retrying", "AwaitingRetry", "Retrying", "Completed")
    ]


def test_a_retry_waits_for_its_time(api: FakeAPI) -> None:
    attempts = []

    @flow(retries=1, retry_delay_seconds=1)
    def flaky() -> None:
        attempts.append(now())
        if len(attempts) == 1:
            raise ValueError("not yet")

    flaky()
    assert attempts[1] - attempts[0] >= timedelta(seconds=0.9)


def test_the_api_can_make_a_run_wait(api: FakeAPI) -> None:
    waits = [OrchestrationResult(state=None, status=SetStateStatus.WAIT, details=StateWaitDetails(delay_seconds=1))]
    api.answer = lambda _id, _state: waits.pop() if waits else None

    @flow
    def patient() -> int:
        return 1

    began = now()
    assert patient() == 1
    assert now() - began >= timedelta(seconds=1)


def test_a_run_that_the_api_stops_does_not_run(api: FakeAPI) -> None:
    api.answer = lambda _id, _state: OrchestrationResult(
        state=None, status=SetStateStatus.ABORT, details=StateAbortDetails(reason="deleted")
    )
    called = []

    @flow
    def stopped() -> None:
        called.append(1)

    with pytest.raises(Abort, match="deleted"):
        stopped()
    assert not called


def test_a_run_that_the_api_pauses_raises_pause(api: FakeAPI) -> None:
    def pause(_id: UUID, _state: StateCreate) -> OrchestrationResult:
        paused = State(type=StateType.PAUSED)
        return OrchestrationResult(
            state=paused, status=SetStateStatus.REJECT, details=StateRejectDetails(reason="paused by a person")
        )

    api.answer = pause

    @flow
    def paused() -> None: ...

    with pytest.raises(Pause):
        paused()
    assert paused(return_state=True).is_paused()


def test_a_final_state_is_proposed_again_until_the_api_is_back(api: FakeAPI) -> None:
    failures = [ServiceUnavailable("away"), ServiceUnavailable("away")]

    def away(_id: UUID, state: StateCreate) -> Exception | None:
        return failures.pop() if state.type == StateType.COMPLETED and failures else None

    api.answer = away

    @flow
    def outlasts() -> int:
        return 7

    assert outlasts() == 7
    assert api.state_names(api.only_run) == ["Pending", "Running", "Completed"]


def test_a_final_state_that_is_refused_warns_and_the_value_still_comes_back(
    api: FakeAPI, capsys: pytest.CaptureFixture[str]
) -> None:
    def refuse(_id: UUID, state: StateCreate) -> Exception | None:
        return Unprocessable("no such run") if state.type == StateType.COMPLETED else None

    api.answer = refuse

    @flow
    def outlasts() -> int:
        return 7

    assert outlasts() == 7
    assert "ended Completed(), but that could not be recorded: no such run" in capsys.readouterr().err


@pytest.mark.parametrize("end", [KeyboardInterrupt, SystemExit])
def test_a_run_that_is_ended_from_outside_crashes_and_the_end_goes_on(api: FakeAPI, end: type[BaseException]) -> None:
    @flow
    def ended() -> None:
        raise end

    with pytest.raises(end):
        ended()
    assert api.state_names(api.only_run) == ["Pending", "Running", "Crashed"]


async def test_a_cancelled_async_flow_crashes(api: FakeAPI) -> None:
    started = asyncio.Event()

    @flow
    async def endless() -> None:
        started.set()
        await asyncio.Event().wait()

    running = asyncio.create_task(endless())
    await started.wait()
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert api.state_names(api.only_run) == ["Pending", "Running", "Crashed"]


def test_a_flow_that_takes_too_long_is_timed_out(api: FakeAPI) -> None:
    @flow(timeout_seconds=0.1)
    def slow() -> None:
        time.sleep(10)

    with pytest.raises(TimedOutRun, match=r"0\.1 seconds"):
        slow()
    assert api.only_run.state_name == "TimedOut"


async def test_an_async_flow_that_takes_too_long_is_timed_out(api: FakeAPI) -> None:
    @flow(timeout_seconds=0.1)
    async def slow() -> None:
        await asyncio.sleep(10)

    with pytest.raises(TimedOutRun):
        await slow()
    assert api.only_run.state_name == "TimedOut"


def test_a_timeout_error_of_the_users_own_is_a_failure_like_any_other(api: FakeAPI) -> None:
    @flow(timeout_seconds=10)
    def breaks() -> None:
        raise TimeoutError("theirs")

    with pytest.raises(TimeoutError, match="theirs"):
        breaks()
    assert api.only_run.state_name == "Failed"


def test_a_subflow_has_a_task_run_in_its_parent(api: FakeAPI) -> None:
    @flow
    def child(x: int) -> int:
        return x + 1

    @flow
    def parent() -> int:
        return child(1) + child(2)

    assert parent() == 5
    assert [tracker.name for tracker in api.trackers] == ["child-0", "child-1"]
    assert {tracker.flow_run_id for tracker in api.trackers} == {api.run_named("parent").id}
    children = [run for run in api.flow_runs.values() if run.flow_id == api.flows["child"]]
    assert [run.parent_task_run_id for run in children] == [tracker.id for tracker in api.trackers]


def test_a_subflow_takes_a_futures_result(api: FakeAPI) -> None:
    @task
    def one() -> int:
        return 1

    @flow
    def child(x: int) -> int:
        return x + 1

    @flow
    def parent() -> int:
        return child(one.submit())

    assert parent() == 2
    (inputs,) = (tracker.task_inputs for tracker in api.trackers)
    assert [source.input_type for source in inputs["x"]] == ["task_run"]


def test_tags_of_the_context_are_the_runs(api: FakeAPI) -> None:
    @flow
    def tagged() -> None: ...

    with tags("a"), tags("b"):
        tagged()
    assert api.only_run.tags == ["a", "b"]


def test_a_flow_run_can_be_named_by_a_template_or_a_function(api: FakeAPI) -> None:
    @flow(flow_run_name="load {table}")
    def load(table: str) -> None: ...

    load("users")
    load.with_options(flow_run_name=lambda parameters: parameters["table"].upper())("users")
    assert [run.name for run in api.flow_runs.values()] == ["load users", "USERS"]


def test_methods_static_methods_and_class_methods_can_be_flows(api: FakeAPI) -> None:
    class Loader:
        factor = 2

        def __init__(self) -> None:
            self.base = 10

        @flow
        def plain(self, x: int) -> int:
            return self.base + x

        @flow
        @staticmethod
        def static(x: int) -> int:
            return x

        @flow
        @classmethod
        def of_class(cls, x: int) -> int:
            return cls.factor * x

    assert (Loader().plain(1), Loader.static(1), Loader().static(x=1), Loader.of_class(3)) == (11, 1, 1, 6)
    assert len(api.flow_runs) == 4


def test_a_flow_deleted_between_two_runs_is_made_again(api: FakeAPI, monkeypatch: pytest.MonkeyPatch) -> None:
    @flow
    def again() -> None: ...

    again()
    stale = api.flows.pop("again")
    made = api.post_flow_run

    def refuse_stale(body):
        if body.flow_id == stale:
            raise ObjectAlreadyExists("no such flow")
        return made(body)

    monkeypatch.setattr(api, "post_flow_run", refuse_stale)
    again()
    assert len(api.flow_runs) == 2
