"""The process of one flow run: bring its code here, load its flow, and let the engine take the run up (contract §11.2).

Whatever keeps the flow from starting is recorded with the run: the reason in its state, the traceback in its logs.
"""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, TypeVar
from uuid import UUID

from headrace.sdk import endings, results, tracebacks
from headrace.sdk.drivers import Blocking, Suspending, complete
from headrace.sdk.entrypoints import load_flow
from headrace.sdk.execution import groups
from headrace.sdk.execution.orphans import outlive_starter
from headrace.sdk.flow_engine import FlowRunEngine
from headrace.sdk.logs import configure, flow_run_logger, get_logger
from headrace.sdk.pulling import prepare
from headrace.sdk.session import PATIENCE, Session, session
from headrace.sdk.states import Cancelled, Crashed, Failed
from headrace.sdk.stopping import terminable
from headrace.wire.deploying_errors import EntrypointError, StepFailed
from headrace.wire.errors import HeadraceError, ObjectNotFound, ParameterError, ServiceUnavailable
from headrace.wire.states import State
from headrace.wire.times import now

if TYPE_CHECKING:
    from headrace.sdk.flow import Flow
    from headrace.wire.flow_runs import FlowRun

RUN_ID = "HEADRACE__FLOW_RUN_ID"
PEERS_RUN_ID = "PREFECT__FLOW_RUN_ID"
CLAIM = "HEADRACE__FLOW_RUN_CLAIM"
"""The transition by which the run was claimed for this process: without it, somebody else has the run by now."""

_PATIENCE_TO_START = 300.0
"""Seconds for which an API that is away is waited for before a run starts: a server that restarts costs no run."""
_LONGEST_PAUSE = 5.0
_LONG_TO_LOAD = 1.0
"""Seconds after which somebody else may have the run by the time that its code is there."""

T = TypeVar("T")
_log = get_logger("flow_engine")


def main(environ: Mapping[str, str] = os.environ) -> int:
    """Execute the run that the environment names; 0 if its end is recorded, whatever it is."""
    outlive_starter()
    configure()
    named = environ.get(RUN_ID) or environ.get(PEERS_RUN_ID)
    try:
        flow_run_id = UUID(named or "")
    except ValueError:
        _log.error("%s must be the id of the flow run to execute, and is %r.", RUN_ID, named or "")
        return 2
    claim = environ.get(CLAIM)
    state: State | None = None
    try:
        with terminable():
            state = execute(flow_run_id, UUID(claim) if claim else None)
    except HeadraceError as error:
        _log.error("The flow run %s could not be executed: %s", flow_run_id, error)
        return 1
    finally:
        if state is None or state.is_cancelled() or state.is_crashed():
            # What the run has started is of no use to anybody any more, and nobody else may be there to end it.
            groups.kill_rest_of_own_group(RUN_ID, str(flow_run_id))
    return 0


def execute(flow_run_id: UUID, claim: UUID | None = None) -> State | None:
    """Take the run to its end in this process; the state that it is in then, None if it exists no more.

    Raises `ServiceUnavailable` if the API stays away.
    """
    recording = session()
    try:
        run = _patiently(lambda: recording.client.read_flow_run(flow_run_id))
    except ObjectNotFound:
        _log.warning("The flow run %s was deleted before it started.", flow_run_id)
        return None
    state = run.state
    if state is None or not _is_to_start(run, state, claim):
        return state
    if state.is_cancelling():
        return _record(recording, run, Cancelled(message="The flow run was cancelled before it started."))
    return _start(recording, run, claim)


def _is_to_start(run: FlowRun, state: State, claim: UUID | None) -> bool:
    if state.is_final() or state.is_paused():
        _log.info("The flow run %r is not executed: it is %s.", run.name, state.name)
        return False
    if claim is not None and not state.is_cancelling() and state.state_details.transition_id != claim:
        _log.warning("The flow run %r is not executed here: it was claimed anew meanwhile.", run.name)
        return False
    return True


def _start(recording: Session, run: FlowRun, claim: UUID | None) -> State | None:
    """Load the flow and run it; what keeps it from that ends the run."""
    log = flow_run_logger(run)
    began = time.monotonic()
    try:
        flow = _load(recording, run)
        if time.monotonic() - began > _LONG_TO_LOAD:
            run = _patiently(lambda: recording.client.read_flow_run(run.id))
            if run.state is None or not _is_to_start(run, run.state, claim):
                return run.state
        engine = FlowRunEngine(flow, flow.signature.bind((), run.parameters), [], flow_run=run)
        _patiently(engine.take_up)
    except ParameterError as error:
        log.error("The flow run cannot start: %s", error)
        return _record(recording, run, Failed(message=f"The flow run cannot start: {error}"))
    except (EntrypointError, StepFailed, ObjectNotFound) as error:
        log.error("The flow run cannot start: %s", error)
        return _record(recording, run, Crashed(message=f"The flow run cannot start: {error}"))
    except ServiceUnavailable:
        raise
    except BaseException as error:
        if isinstance(error, Exception):
            tracebacks.trim(error)
            log.error("The flow could not be loaded.\n%s", tracebacks.text_of(error))
        else:
            log.warning("The flow was not loaded: %s.", endings.describe(error))
        state = Crashed(message=f"The flow could not be loaded: {endings.describe(error)}")
        _record(recording, run, state)
        if not isinstance(error, Exception):
            raise
        return state
    _await_its_time(run)
    return asyncio.run(engine.execute(Suspending())) if flow.isasync else complete(engine.execute(Blocking()))


def _await_its_time(run: FlowRun) -> None:
    """Wait for the last part of a second: processes are started early, and the API has runs wait by whole seconds."""
    due = run.state.state_details.scheduled_time if run.state is not None else None
    left = (due - now()).total_seconds() if due is not None else 0.0
    if 0 < left < 1:
        time.sleep(left)


def _load(recording: Session, run: FlowRun) -> Flow[..., Any]:
    if run.deployment_id is None:
        raise EntrypointError(
            f"The flow run {run.name!r} belongs to no deployment, so nothing says where its code is. Call the flow "
            "instead, or make a run of a deployment of it."
        )
    deployment_id = run.deployment_id
    deployment = _patiently(lambda: recording.client.read_deployment(deployment_id))
    if not deployment.entrypoint:
        raise EntrypointError(
            f"The deployment {deployment.name!r} has no entrypoint, so nothing says where its flow is. Deploy it again."
        )
    prepare(deployment, flow_run_logger(run).info)
    return load_flow(deployment.entrypoint)


def _record(recording: Session, run: FlowRun, state: State) -> State:
    """Have the end of a run that did not start recorded, and its log lines before the process ends."""
    answer = _patiently(lambda: recording.recording.set_flow_run_state(run.id, results.proposal(state)))
    recording.flush(PATIENCE)
    return answer.state or state


def _patiently(ask: Callable[[], T]) -> T:
    """What the API answers, asked again for as long as it is away."""
    deadline = time.monotonic() + _PATIENCE_TO_START
    delay = 0.2
    while True:
        try:
            return ask()
        except ServiceUnavailable:
            if time.monotonic() + delay > deadline:
                raise
            time.sleep(delay)
            delay = min(delay * 2, _LONGEST_PAUSE)
