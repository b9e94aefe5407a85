"""Flows that pause themselves, and what they are resumed with."""

import asyncio
import json
import threading
from collections.abc import Callable, Generator
from concurrent.futures import ThreadPoolExecutor
from uuid import UUID

import pytest

from headrace import flow, pause_flow_run, resume_flow_run, suspend_flow_run, task
from headrace.client.orchestration import SyncHeadraceClient
from headrace.flow_runs import wait_for_flow_run
from headrace.input import RunInput
from headrace.states import Cancelled
from headrace.wire.errors import CancelledRun, FieldError, MissingContext, RunError
from headrace.wire.flow_runs import FlowRun
from headrace.wire.waiting_errors import PauseTimeout, WaitTimeout


class Approval(RunInput):
    """Whether the figures are right."""

    approved: bool
    reason: str = "none given"


@pytest.fixture
def when_paused(recorded: SyncHeadraceClient) -> Generator[Callable[[Callable[[FlowRun], None]], None]]:
    """Do something with the run as soon as it is paused."""
    stopped = threading.Event()
    with ThreadPoolExecutor() as threads:

        def wait_and(act: Callable[[FlowRun], None]) -> None:
            def wait() -> None:
                while not stopped.wait(0.02):
                    for run in recorded.read_flow_runs():
                        if run.state is not None and run.state.is_paused():
                            act(run)
                            return

            threads.submit(wait)

        yield wait_and
        stopped.set()


def states_of(recorded: SyncHeadraceClient) -> list[str]:
    (run,) = recorded.read_flow_runs()
    return [state.name for state in recorded.read_flow_run_states(run.id)]


def test_a_paused_flow_goes_on_when_it_is_resumed(
    recorded: SyncHeadraceClient, when_paused: Callable[[Callable[[FlowRun], None]], None]
) -> None:
    @flow
    def waits() -> str:
        pause_flow_run(timeout=60)
        return "done"

    when_paused(lambda run: resume_flow_run(run.id))
    assert waits() == "done"
    assert states_of(recorded) == ["Pending", "Running", "Paused", "Running", "Completed"]


def test_what_a_flow_is_resumed_with_is_given_to_it(
    recorded: SyncHeadraceClient, when_paused: Callable[[Callable[[FlowRun], None]], None]
) -> None:
    questions: list[tuple[object, object]] = []

    @flow
    def waits() -> Approval:
        asked = Approval.with_initial_data("**Are they?**", approved=True)
        return pause_flow_run(wait_for_input=asked, timeout=60)

    def answer(run: FlowRun) -> None:
        assert run.state is not None
        keys = run.state.state_details.run_input_keyset
        assert keys is not None
        schema = json.loads(recorded.read_flow_run_input(run.id, keys["schema"]))
        questions.append((schema["properties"], json.loads(recorded.read_flow_run_input(run.id, keys["description"]))))
        resume_flow_run(run.id, Approval(approved=False))

    when_paused(answer)
    given = waits()
    assert (given.approved, given.reason) == (False, "none given")
    ((properties, description),) = questions
    assert properties == {
        "approved": {"title": "Approved", "type": "boolean", "default": True},
        "reason": {"title": "Reason", "type": "string", "default": "none given"},
    }
    assert description == "**Are they?**"


def test_a_plain_type_is_asked_for_as_one_value(
    recorded: SyncHeadraceClient, when_paused: Callable[[Callable[[FlowRun], None]], None]
) -> None:
    @flow
    def waits() -> int:
        return pause_flow_run(wait_for_input=int, timeout=60)

    def answer(run: FlowRun) -> None:
        with pytest.raises(RunError, match="value"):
            resume_flow_run(run.id, {"value": "many"})
        resume_flow_run(run.id, {"value": 3})

    when_paused(answer)
    assert waits() == 3


def test_a_flow_that_nobody_resumes_fails_in_time(recorded: SyncHeadraceClient) -> None:
    @flow
    def waits() -> None:
        pause_flow_run(timeout=1, poll_interval=0.01)

    with pytest.raises(PauseTimeout, match="1 seconds"):
        waits()
    assert states_of(recorded)[-1] == "Failed"


def test_a_run_that_is_ended_while_it_is_paused_stops(
    recorded: SyncHeadraceClient, when_paused: Callable[[Callable[[FlowRun], None]], None]
) -> None:
    reached: list[str] = []

    @flow
    def waits() -> None:
        pause_flow_run(timeout=60)
        reached.append("the end")

    when_paused(lambda run: recorded.set_flow_run_state(run.id, Cancelled(), force=True) and None)
    with pytest.raises(CancelledRun, match="Cancelled"):
        waits()
    assert reached == []
    assert states_of(recorded)[-1] == "Cancelled"


async def test_async_flows_pause_without_holding_up_the_loop(
    recorded: SyncHeadraceClient, when_paused: Callable[[Callable[[FlowRun], None]], None]
) -> None:
    @flow
    async def waits() -> str:
        await pause_flow_run(timeout=60)
        return "done"

    when_paused(lambda run: resume_flow_run(run.id))
    assert await waits() == "done"


def test_only_a_flow_can_be_paused(recorded: SyncHeadraceClient) -> None:
    with pytest.raises(MissingContext):
        pause_flow_run()
    with pytest.raises(MissingContext):
        suspend_flow_run()

    @task
    def pauses() -> None:
        pause_flow_run()

    @flow
    def outer() -> None:
        pauses()

    with pytest.raises(MissingContext):
        outer()


def test_a_run_without_a_deployment_cannot_be_suspended(recorded: SyncHeadraceClient) -> None:
    @flow
    def suspends() -> None:
        suspend_flow_run()

    with pytest.raises(RunError, match="without a deployment"):
        suspends()
    assert states_of(recorded)[-1] == "Failed"


def test_a_run_that_is_not_paused_cannot_be_resumed(recorded: SyncHeadraceClient) -> None:
    @flow
    def ends() -> None: ...

    ends()
    (run,) = recorded.read_flow_runs()
    with pytest.raises(RunError, match="not paused"):
        resume_flow_run(run.id)


async def test_a_run_is_waited_for(recorded: SyncHeadraceClient) -> None:
    started, go_on = asyncio.Event(), asyncio.Event()
    ids: list[UUID] = []

    @flow
    async def takes_its_time() -> None:
        from headrace import runtime

        ids.append(UUID(runtime.flow_run.id))
        started.set()
        await go_on.wait()

    running = asyncio.create_task(takes_its_time())
    await started.wait()
    with pytest.raises(WaitTimeout, match="still Running"):
        await wait_for_flow_run(ids[0], timeout=0)
    waiting = asyncio.create_task(wait_for_flow_run(ids[0], timeout=60))
    go_on.set()
    await running
    assert (await waiting).state_name == "Completed"


def test_an_input_takes_only_what_fits_its_fields() -> None:
    with pytest.raises(FieldError, match="approved"):
        Approval()
    with pytest.raises(TypeError, match="colour"):
        Approval.with_initial_data(colour="red")
    assert Approval(approved="true") == Approval(approved=True)
