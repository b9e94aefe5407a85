"""Runs that are not to go on: their code is interrupted, wherever it is, and how they end is recorded."""

import asyncio
import os
import signal
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest

from headrace import flow, task
from headrace.sdk.context import FlowRunContext
from headrace.sdk.session import flush_all
from headrace.sdk.states import Suspended
from headrace.sdk.stopping import Terminated
from headrace.wire.errors import CancelledRun
from headrace.wire.states import State, StateCreate, StateType
from tests.sdk.fake import FakeAPI


def cancel(api: FakeAPI, context: FlowRunContext) -> None:
    """What the thread that renews leases does when it hears that a run is being cancelled."""
    api._write(api.flow_runs[context.flow_run.id], StateCreate(type=StateType.CANCELLING))
    context.stopper.stop("The run is being cancelled.")


def soon(act: Callable[[FlowRunContext], None]) -> None:
    """Do something to the current run from another thread, once the flow blocks."""
    context = FlowRunContext.get()
    assert context is not None
    threading.Timer(0.2, act, [context]).start()


def end_of(flow_: Any) -> State:
    return flow_(return_state=True)


def test_a_blocking_call_on_the_main_thread_is_interrupted(api: FakeAPI) -> None:
    called: list[str] = []

    @flow(on_cancellation=[lambda *_: called.append("cancelled")], on_crashed=[lambda *_: called.append("crashed")])
    def sleeps() -> None:
        soon(lambda context: cancel(api, context))
        time.sleep(60)

    began = time.monotonic()
    assert end_of(sleeps).name == "Cancelled"
    assert time.monotonic() - began < 30
    assert api.state_names(api.only_run) == ["Pending", "Running", "Cancelling", "Cancelled"]
    assert called == ["cancelled"]
    assert signal.getsignal(signal.SIGTERM) == signal.SIG_DFL


def test_who_called_the_flow_is_told_that_it_was_cancelled(api: FakeAPI) -> None:
    @flow
    def sleeps() -> None:
        soon(lambda context: cancel(api, context))
        time.sleep(60)

    with pytest.raises(CancelledRun):
        sleeps()


def test_code_on_another_thread_is_interrupted_between_two_steps(api: FakeAPI) -> None:
    @flow
    def turns() -> None:
        soon(lambda context: cancel(api, context))
        while True:
            time.sleep(0.001)

    states: list[State] = []
    thread = threading.Thread(target=lambda: states.append(end_of(turns)))
    thread.start()
    thread.join(30)
    assert [state.name for state in states] == ["Cancelled"]


async def test_an_async_flow_is_cancelled_and_its_loop_goes_on(api: FakeAPI) -> None:
    @flow
    async def sleeps() -> None:
        soon(lambda context: cancel(api, context))
        await asyncio.sleep(60)

    state = await sleeps(return_state=True)
    assert state.name == "Cancelled"
    await asyncio.sleep(0)


def test_a_run_that_catches_everything_starts_no_further_task(api: FakeAPI) -> None:
    @task
    def work() -> None: ...

    @flow
    def stubborn() -> None:
        work()
        context = FlowRunContext.get()
        assert context is not None
        cancel(api, context)
        try:
            time.sleep(60)
        except BaseException:
            work()

    assert end_of(stubborn).name == "Cancelled"
    assert api.task_states(work.fn.__qualname__) == [["Pending", "Running", "Completed"]]


def test_a_run_that_is_stopped_for_another_reason_leaves_its_state_alone(api: FakeAPI) -> None:
    def crash(context: FlowRunContext) -> None:
        api._write(api.flow_runs[context.flow_run.id], StateCreate(type=StateType.CRASHED, message="lost"))
        context.stopper.stop("The run is over.")

    @flow
    def sleeps() -> None:
        soon(crash)
        time.sleep(60)

    assert end_of(sleeps).message == "lost"
    assert api.state_names(api.only_run) == ["Pending", "Running", "Crashed"]


def test_a_subflow_of_a_run_that_is_stopped_ends_with_it(api: FakeAPI) -> None:
    @flow
    def inner() -> None:
        time.sleep(60)

    @flow
    def outer() -> None:
        soon(lambda context: cancel(api, context))
        inner()

    assert end_of(outer).name == "Cancelled"
    assert api.state_names(api.run_named("inner"))[-1] == "Crashed"
    assert api.state_names(api.run_named("outer"))[-1] == "Cancelled"


def test_a_run_that_is_suspended_from_outside_ends_before_its_next_task(api: FakeAPI) -> None:
    @task
    def work() -> None: ...

    @flow
    def suspended() -> None:
        work()
        context = FlowRunContext.get()
        assert context is not None
        context.stopper.suspend(Suspended())
        work()

    assert end_of(suspended).name == "Suspended"
    flush_all(10)
    assert len(api.task_states(work.fn.__qualname__)) == 1
    assert api.state_names(api.only_run) == ["Pending", "Running"], "the API has the state already"


def test_sigterm_crashes_the_run_and_calls_its_hooks_before_it_ends_the_process(api: FakeAPI) -> None:
    called: list[str] = []

    @flow(on_crashed=[lambda *_: called.append("crashed")])
    def asked_to_end() -> None:
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(60)

    with pytest.raises(Terminated) as raised:
        asked_to_end()
    assert raised.value.code == 143
    assert called == ["crashed"]
    (state,) = [state for state in api.states[api.only_run.id] if state.type == StateType.CRASHED]
    assert state.message == "Flow run was ended: its process was asked to end (SIGTERM)."


def test_sigterm_ends_an_async_flow(api: FakeAPI) -> None:
    @flow
    async def asked_to_end() -> None:
        os.kill(os.getpid(), signal.SIGTERM)
        await asyncio.sleep(60)

    with pytest.raises(Terminated):
        asyncio.run(asked_to_end())
    assert api.state_names(api.only_run)[-1] == "Crashed"


def test_sigterm_that_comes_while_hooks_are_called_waits_for_them(api: FakeAPI) -> None:
    called: list[str] = []

    def hook(*_: Any) -> None:
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(0.1)
        called.append("completed")

    @flow(on_completion=[hook])
    def done() -> None: ...

    with pytest.raises(Terminated):
        done()
    assert called == ["completed"]
    assert api.state_names(api.only_run)[-1] == "Completed"


def test_a_handler_of_the_users_own_is_left_alone(api: FakeAPI) -> None:
    heard: list[int] = []
    before = signal.signal(signal.SIGTERM, lambda number, _: heard.append(number))
    try:

        @flow
        def handles() -> int:
            os.kill(os.getpid(), signal.SIGTERM)
            return 7

        assert handles() == 7
    finally:
        signal.signal(signal.SIGTERM, before)
    assert heard == [signal.SIGTERM]


def test_a_flow_that_ends_while_it_is_being_cancelled_is_cancelled_and_not_run_again(api: FakeAPI) -> None:
    from headrace.wire.orchestration import OrchestrationResult, SetStateStatus, StateRejectDetails

    runs = []

    def answer(_id: Any, state: StateCreate) -> OrchestrationResult | None:
        if state.type != StateType.COMPLETED:
            return None
        current = State(type=StateType.CANCELLING)
        return OrchestrationResult(
            state=current, status=SetStateStatus.REJECT, details=StateRejectDetails(reason="cancelling")
        )

    api.answer = answer

    @flow
    def quick() -> None:
        runs.append(1)

    assert end_of(quick).name == "Cancelled"
    assert runs == [1]
