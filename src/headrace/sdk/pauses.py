"""Pausing and suspending runs, resuming them, and waiting for them (contract §12.6).

A paused run waits in its process; a suspended one ends its process, and whatever runs its deployment starts it again
when it is resumed. In async code these are awaited; those named `a…` always are.
"""

from __future__ import annotations

import time
from typing import Any
from uuid import UUID

from headrace.sdk.context import FlowRunContext, TaskRunContext
from headrace.sdk.dispatch import SUSPENDING, api, dispatch
from headrace.sdk.drivers import Driver
from headrace.sdk.logs import flow_run_logger
from headrace.sdk.run_inputs import RunInput, answer, as_run_input, ask, keyset_of, question
from headrace.sdk.states import Paused, Suspended
from headrace.wire.errors import Abort, MissingContext, Pause, RunError
from headrace.wire.flow_runs import FlowRun
from headrace.wire.orchestration import SetStateStatus
from headrace.wire.states import State
from headrace.wire.waiting_errors import PauseTimeout, WaitTimeout

_FIRST_POLL = 0.2
"""Seconds until a paused run is looked at first; from then on each pause is twice as long, up to what was asked for."""


def pause_flow_run(
    wait_for_input: Any = None, timeout: int = 3600, poll_interval: float = 10, key: str | None = None
) -> Any:
    """Stop the current flow run here until it is resumed, at most for `timeout` seconds.

    Gives what it was resumed with, if `wait_for_input` says what to ask for: a `RunInput` class, or a type such as
    `str`. The run is looked at every `poll_interval` seconds. A `key` that paused the run before pauses it no more.
    Raises `PauseTimeout`, and `MissingContext` outside of a flow.
    """
    return dispatch(_pause, wait_for_input, timeout, poll_interval, key)


async def apause_flow_run(
    wait_for_input: Any = None, timeout: int = 3600, poll_interval: float = 10, key: str | None = None
) -> Any:
    """`pause_flow_run`, always awaited."""
    return await _pause(SUSPENDING, wait_for_input, timeout, poll_interval, key)


def suspend_flow_run(
    wait_for_input: Any = None, flow_run_id: UUID | None = None, timeout: int | None = 3600, key: str | None = None
) -> Any:
    """End the process of a run of a deployment until it is resumed; the flow then starts from its beginning.

    Without an id it is the current run, which ends here. When it comes here again after it was resumed, it goes on
    and is given what it was resumed with. Raises `RunError` for runs that cannot be started again.
    """
    return dispatch(_suspend, wait_for_input, flow_run_id, timeout, key)


async def asuspend_flow_run(
    wait_for_input: Any = None, flow_run_id: UUID | None = None, timeout: int | None = 3600, key: str | None = None
) -> Any:
    """`suspend_flow_run`, always awaited."""
    return await _suspend(SUSPENDING, wait_for_input, flow_run_id, timeout, key)


def resume_flow_run(flow_run_id: UUID, run_input: RunInput | dict[str, Any] | None = None) -> Any:
    """Let a paused or suspended run go on, with the input it asks for.

    Raises `PauseTimeout` if its time is up, and `RunError` if it is not paused or the input does not fit.
    """
    return dispatch(_resume, flow_run_id, run_input)


async def aresume_flow_run(flow_run_id: UUID, run_input: RunInput | dict[str, Any] | None = None) -> None:
    """`resume_flow_run`, always awaited."""
    await _resume(SUSPENDING, flow_run_id, run_input)


async def wait_for_flow_run(
    flow_run_id: UUID, timeout: float | None = 10800, poll_interval: float | None = None, log_states: bool = False
) -> FlowRun:
    """The run when it has finished. Raises `WaitTimeout` after `timeout` seconds."""
    return await finished(SUSPENDING, flow_run_id, timeout, poll_interval or 5.0, log_states)


async def _pause(driver: Driver, wanted: Any, timeout: int, poll_interval: float, key: str | None) -> Any:
    run = _current_run()
    asked = question(wanted) if wanted is not None else None
    key = key or str(next(run.pauses))
    state = Paused(timeout_seconds=timeout, pause_key=key)
    keys = state.state_details.run_input_keyset = keyset_of("paused", key) if asked is not None else None
    if asked is not None and keys is not None:  # first, for whoever sees the pause may resume it at once
        await ask(driver, run.flow_run.id, asked[0], keys)
    if await _entered(driver, run.flow_run.id, state) is not None:
        flow_run_logger(run.flow_run, run.flow).info("The flow run is paused for at most %d seconds.", timeout)
        await _resumed(driver, run.flow_run.id, timeout, poll_interval)
        flow_run_logger(run.flow_run, run.flow).info("The flow run goes on.")
    if asked is None or keys is None:
        return None
    return asked[1](await answer(driver, run.flow_run.id, asked[0], keys))


async def _suspend(driver: Driver, wanted: Any, flow_run_id: UUID | None, timeout: int | None, key: str | None) -> Any:
    run = FlowRunContext.get()
    own = run is not None and flow_run_id in (None, run.flow_run.id)
    if not own and flow_run_id is None:
        raise MissingContext("There is no flow run here to suspend: give a flow_run_id, or call this inside a flow.")
    if own:
        run = _current_run()
        key = key or str(next(run.pauses))
        flow_run_id = run.flow_run.id
    assert flow_run_id is not None
    asked = question(wanted) if wanted is not None else None
    state = Suspended(timeout_seconds=timeout, pause_key=key)
    details = state.state_details
    keys = details.run_input_keyset = keyset_of("suspended", details.pause_key or "") if asked is not None else None
    if asked is not None and keys is not None:  # first, for whoever sees it may resume the run at once
        await ask(driver, flow_run_id, asked[0], keys)
    entered = await _entered(driver, flow_run_id, state)
    if entered is not None:
        if own:
            raise Pause("The flow run is suspended.", state=entered)
        return None
    return asked[1](await answer(driver, flow_run_id, asked[0], keys)) if asked is not None and keys else None


async def _resume(driver: Driver, flow_run_id: UUID, run_input: RunInput | dict[str, Any] | None) -> None:
    result = await driver.call(api().resume_flow_run, flow_run_id, as_run_input(run_input))
    if result.status is SetStateStatus.ACCEPT:
        return
    reason = f"The flow run {flow_run_id} cannot be resumed: {result.details.reason or 'the API gave no reason.'}"
    if result.status is SetStateStatus.REJECT and result.state is not None and result.state.is_failed():
        raise PauseTimeout(reason)
    raise RunError(reason)


async def finished(
    driver: Driver, flow_run_id: UUID, timeout: float | None, poll_interval: float, log_states: bool = False
) -> FlowRun:
    """The run when it has finished, looked at more and more seldom. Raises `WaitTimeout`."""
    deadline = None if timeout is None else time.monotonic() + timeout
    delay, seen = _FIRST_POLL, None
    while True:
        run = await driver.call(api().read_flow_run, flow_run_id)
        if log_states and run.state_name != seen:
            seen = run.state_name
            flow_run_logger(run).info("The flow run is %s.", seen)
        if run.state is not None and run.state.is_final():
            return run
        left = None if deadline is None else deadline - time.monotonic()
        if left is not None and left <= 0:
            raise WaitTimeout(f"The flow run {run.name} ({flow_run_id}) is still {run.state_name} after {timeout:g} s.")
        delay = min(delay, poll_interval)
        await driver.sleep(delay if left is None else min(delay, left))
        delay *= 2


def _current_run() -> FlowRunContext:
    run = FlowRunContext.get()
    if run is None or TaskRunContext.get() is not None:
        raise MissingContext("Only a flow can be paused: call this inside a flow, outside of its tasks.")
    return run


async def _entered(driver: Driver, flow_run_id: UUID, state: State) -> State | None:
    """The state that the run is in now; None if it has been in this pause before and goes on.

    Raises `RunError` if the API refuses.
    """
    while True:
        result = await driver.call(api().set_flow_run_state, flow_run_id, state)
        match result.status:
            case SetStateStatus.ACCEPT:
                return result.state or state
            case SetStateStatus.WAIT:
                await driver.sleep(result.details.delay_seconds or 1)
            case SetStateStatus.REJECT if result.state is not None and result.state.is_running():
                return None
            case _:
                raise RunError(f"The flow run cannot be paused: {result.details.reason or 'the API gave no reason.'}")


async def _resumed(driver: Driver, flow_run_id: UUID, timeout: float, poll_interval: float) -> None:
    """Wait until a paused run goes on. Raises `PauseTimeout`, and `Abort` if it was ended meanwhile."""
    deadline = time.monotonic() + timeout
    delay = _FIRST_POLL
    while (left := deadline - time.monotonic()) > 0:
        delay = min(delay, poll_interval)
        await driver.sleep(min(delay, left))
        delay *= 2
        state = (await driver.call(api().read_flow_run, flow_run_id)).state
        if state is not None and state.is_running():
            return
        if state is not None and state.is_final():
            raise Abort(f"The flow run was ended while it was paused: it is {state.name}.")
    raise PauseTimeout(f"The flow run was paused for {timeout:g} seconds and never resumed.")
