"""One flow run from its making to its end. Every state is proposed to the API, whose answer decides (contract §4.2)."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Generator, Iterable
from typing import Any, assert_never
from uuid import uuid4

import msgspec

from headrace.sdk import endings, hooks, inputs, naming, prints, results, serializers, stopping, storage, tracebacks
from headrace.sdk.context import FlowRunContext, current_tags
from headrace.sdk.drivers import Blocking, Driver, Suspending, complete
from headrace.sdk.flow import Flow
from headrace.sdk.heartbeats import HEART
from headrace.sdk.lineage import Lineage
from headrace.sdk.logs import configure, flow_run_logger
from headrace.sdk.new_runs import policy_of, track
from headrace.sdk.outcomes import Expired, Raised
from headrace.sdk.parameters import as_json
from headrace.sdk.recording import Origin
from headrace.sdk.resolution import value_of
from headrace.sdk.results import ResultRecord, ResultStore
from headrace.sdk.runners.threads import ThreadPoolTaskRunner
from headrace.sdk.session import PATIENCE, PATIENCE_AT_EXIT, session
from headrace.sdk.states import Cancelled, Pending, Running
from headrace.sdk.task_engine import describe
from headrace.wire.errors import Abort, Conflict, HeadraceError, Pause, RequestError
from headrace.wire.flow_runs import FlowRun, FlowRunCreate
from headrace.wire.names import random_name
from headrace.wire.orchestration import OrchestrationResult, SetStateStatus
from headrace.wire.states import State, StateDetails
from headrace.wire.times import now

_LONGEST_PAUSE = 5.0


def run(flow: Flow[..., Any], parameters: dict[str, Any], wait_for: Iterable[Any] | None, return_state: bool) -> Any:
    """A call of a flow: the value or the state, for an async flow the coroutine that gives it."""
    engine = FlowRunEngine(flow, parameters, list(wait_for) if wait_for is not None else [])
    if flow.isasync:
        return _run_suspending(engine, return_state)
    state = complete(engine.execute(Blocking()))
    return state if return_state else value_of(state)


async def _run_suspending(engine: FlowRunEngine, return_state: bool) -> Any:
    state = await engine.execute(Suspending())
    return state if return_state else value_of(state)


class FlowRunEngine:
    """Takes one flow run through its states.

    Without a `flow_run` it makes one, below the flow run of the caller if there is one; else it takes up the one
    that is given, such as a scheduled run that a worker fetched.
    """

    def __init__(
        self, flow: Flow[..., Any], parameters: dict[str, Any], wait_for: list[Any], flow_run: FlowRun | None = None
    ) -> None:
        self.flow = flow
        self.wait_for = wait_for
        self.parent = FlowRunContext.get()
        self.session = self.parent.session if self.parent is not None else session()
        self._given_parameters = parameters
        self._has_upstreams = any(map(inputs.upstreams, (*parameters.values(), *wait_for)))
        # Futures among the parameters are awaited before they can be checked; everything else is checked at once.
        self.parameters = parameters if self._has_upstreams else self._validated(parameters)
        self._taken_up = flow_run is not None
        self._context: FlowRunContext | None = None
        self._stopper = stopping.Stopper()
        self._run = flow_run
        configure()

    @property
    def run(self) -> FlowRun:
        assert self._run is not None, "the run is made before it is used"
        return self._run

    async def execute(self, driver: Driver) -> State:
        """The final state. Only what is no `Exception` is raised, after the run is recorded as Crashed."""
        if self._has_upstreams:
            self.parameters = await driver.call(self._resolved_parameters)
        if self._run is None:
            self._run = await driver.call(self._create)
        self._log = flow_run_logger(self.run, self.flow)
        self._log.info("Beginning flow run %r for flow %r", self.run.name, self.flow.name)
        with stopping.terminable():
            return await self._ended(driver)

    async def _ended(self, driver: Driver) -> State:
        try:
            return await self._run_to_end(driver)
        except Pause as pause:
            self._log.info("The flow run is paused.")
            return pause.state
        except Abort as abort:
            self._log.warning("The flow run was stopped: %s", abort)
            return await self._state_now(driver, abort)
        except BaseException as end:
            # What ends the run may have ended the event loop's patience too: from here on nothing suspends.
            with stopping.finishing():
                if self._stopper.caused(end):
                    return complete(self._stopped(Blocking()))
                complete(self._crash(Blocking(), stopping.cause_of(end)))
            raise

    async def _run_to_end(self, driver: Driver) -> State:
        context = self._context = self._new_context()
        with context.entered(), prints.logged(context.log_prints), HEART.beating(context):
            state = await self._propose(driver, Running())
            with self._leased():
                while not state.is_final():
                    state = await self._attempt(driver, context, state)
                    with stopping.finishing():
                        await driver.call(self.session.recorder.flush, PATIENCE)
                        state = await self._propose_final(driver, await self._stored(driver, state, context))
                    if state.is_scheduled():
                        stopping.check_termination()
                        state = await self._retry(driver, state)
        with stopping.finishing():
            return await self._finish(driver, state)

    @contextlib.contextmanager
    def _leased(self) -> Generator[None]:
        """Renew the run's lease while the block goes on, where it has one."""
        if self.session.leases is None:
            yield
            return
        lease = self.session.leases.of(self.run, self._stopper, self.session)
        try:
            with HEART.giving(lease):
                yield
        finally:
            lease.end()

    async def _attempt(self, driver: Driver, context: FlowRunContext, state: State) -> State:
        """Run the function once. What it submitted has finished when this returns."""
        await hooks.call(driver, self.flow.on_running_hooks, self._log, self.flow, self.run, state)
        args, kwargs = self.flow.signature.unbind(self.parameters)
        context.task_runner = self._task_runner()
        with self._stopper.reaching(suspending=self.flow.isasync), context.task_runner:
            outcome = await driver.attempt(self.flow.fn, args, kwargs, self.flow.timeout_seconds)
            if isinstance(outcome, Expired):
                context.task_runner.abandon("The flow run around it took too long.")
            ended = await driver.call(endings.state_of, outcome, "Flow run")
            await driver.call(context.task_runner.wait)
        if isinstance(outcome, Raised) and isinstance(outcome.error, Pause | Abort):
            # The flow paused itself, or was stopped while it was paused: that is no failure.
            raise outcome.error
        if ended.is_failed() and isinstance(ended.data, ResultRecord) and isinstance(ended.data.result, Exception):
            self._log.error("The flow run failed.\n%s", tracebacks.text_of(ended.data.result))
        return ended

    async def _retry(self, driver: Driver, state: State) -> State:
        """Wait until the API's rules let the run start again; the state it then has."""
        due = state.state_details.scheduled_time
        delay = (due - now()).total_seconds() if due is not None else 0.0
        self._log.warning("%s: the flow run starts again %s", state.name, f"in {delay:.3g} s" if delay > 0 else "now")
        if delay > 0:
            with self._stopper.reaching(suspending=self.flow.isasync):
                await driver.sleep(delay)
        return await self._propose(driver, Running(name="Retrying"))

    async def _propose(self, driver: Driver, state: State, force: bool = False) -> State:
        """The state the run is in after the API has answered. Raises `Abort` and `Pause`."""
        # The same for each repetition, so that one whose answer was lost does not count twice.
        state.state_details.transition_id = state.state_details.transition_id or uuid4()
        while True:
            answer = await driver.call(self._ask, state, force)
            match answer.status:
                case SetStateStatus.ACCEPT:
                    return self._entered(answer, state)
                case SetStateStatus.REJECT:
                    accepted = self._entered(answer, state)
                    if accepted.is_paused():
                        raise Pause(answer.details.reason or "The flow run is paused.", state=accepted)
                    if accepted.is_cancelling() and not state.is_cancelled():
                        # Whatever the run came to: once it is to be cancelled, that is how it ends.
                        state = Cancelled(state_details=StateDetails(transition_id=uuid4()))
                        continue
                    return accepted
                case SetStateStatus.WAIT:
                    await driver.sleep(answer.details.delay_seconds or 1)
                case SetStateStatus.ABORT:
                    raise Abort(answer.details.reason or "The API gave no reason.")
                case _:
                    assert_never(answer.status)

    def _ask(self, state: State, force: bool) -> OrchestrationResult:
        """One proposal; that of Running asks for a lease, where the run has one."""
        set_state, leases = self.session.recording.set_flow_run_state, self.session.leases
        if state.is_running() and leases is not None:
            return set_state(self.run.id, results.proposal(state), force, lease_seconds=leases.seconds)
        return set_state(self.run.id, results.proposal(state), force)

    def _entered(self, answer: OrchestrationResult, proposed: State) -> State:
        """The API's state as the run's own, with the value that only this process has."""
        state = answer.state or proposed
        if state.type == proposed.type and isinstance(proposed.data, ResultRecord):
            state.data = proposed.data
        run = self.run
        run.state, run.state_id, run.state_type, run.state_name = state, state.id, state.type, state.name
        if state.is_running():
            run.run_count += 1
            run.start_time = run.start_time or state.timestamp
        elif state.is_final():
            run.end_time = state.timestamp
        return state

    async def _propose_final(self, driver: Driver, state: State) -> State:
        """As `_propose`, but the API being away loses nothing: it is asked again for a while, and the outcome stands.

        A refusal of a final state, such as one for a run that was deleted meanwhile, leaves the outcome as it is too.
        """
        deadline = time.monotonic() + PATIENCE
        delay = 0.2
        while True:
            try:
                return await self._propose(driver, state)
            except (Abort, Pause):
                raise
            except HeadraceError as error:
                if isinstance(error, RequestError) or time.monotonic() + delay > deadline:
                    self._log.warning(
                        "The flow run ended %s, but that could not be recorded: %s", describe(state), error,
                        extra={"send_to_api": False},
                    )  # fmt: skip
                    return state
            await driver.sleep(delay)
            delay = min(delay * 2, _LONGEST_PAUSE)

    async def _finish(self, driver: Driver, state: State) -> State:
        self._log.log(20 if state.is_completed() else 40, "Finished in state %s", describe(state))
        called: list[Any] = []
        if state.is_completed():
            called = self.flow.on_completion_hooks
        elif state.is_failed():
            called = self.flow.on_failure_hooks
        elif state.is_crashed():
            called = self.flow.on_crashed_hooks
        elif state.is_cancelled():
            called = self.flow.on_cancellation_hooks
        with self._context.entered() if self._context is not None else contextlib.nullcontext():
            await hooks.call(driver, called, self._log, self.flow, self.run, state)
        self.session.logs.hurry()
        return state

    async def _crash(self, driver: Driver, end: BaseException) -> None:
        """Record that the run was ended from outside; nothing that goes wrong here hides why."""
        state = endings.crashed(end, "Flow run")
        self.session.recorder.flush(PATIENCE_AT_EXIT)
        try:
            await self._finish(driver, await self._propose(driver, state))
        except (HeadraceError, Abort, Pause) as error:
            self._log.warning("The flow run ended %s, but that could not be recorded: %s", describe(state), error)

    async def _stopped(self, driver: Driver) -> State:
        """End a run that was stopped here because the API no longer wants it to go on."""
        reason = self._stopper.reason or "The API gave no reason."
        self._log.warning("The flow run was stopped: %s", reason)
        self.session.recorder.flush(PATIENCE_AT_EXIT)
        return await self._state_now(driver, Abort(reason))

    async def _state_now(self, driver: Driver, abort: Abort) -> State:
        """The state of a run that the API stopped, as the API has it; a run that is being cancelled is Cancelled."""
        try:
            run = await driver.call(self.session.recording.read_flow_run, self.run.id)
            if run.state is not None and run.state.is_cancelling():
                run.state = await self._propose(driver, Cancelled(message="The flow run was cancelled."))
        except (HeadraceError, Abort):
            run = self.run
        state = run.state
        if state is None or not state.is_final():
            state = endings.crashed(abort, "Flow run")
        elif state.data is None and not state.is_cancelled():
            state.data = ResultRecord(abort)
        return await self._finish(driver, state)

    def take_up(self) -> None:
        """Tell the API, of a run that was made without its code, what the code says about it (contract §11.2)."""
        run, name = self.run, self.flow.flow_run_name
        if name:
            run.name = naming.render(name, self.parameters, f"Flow {self.flow.name!r}")
        own = policy_of(self.flow, self.session.settings.flows)
        policy = msgspec.structs.replace(run.empirical_policy, retries=own.retries, retry_delay=own.retry_delay)
        run.flow_version, run.empirical_policy = self.flow.version, policy
        self.session.recording.update_flow_run(
            run.id, flow_version=run.flow_version, empirical_policy=policy, name=run.name if name else None
        )

    def _validated(self, parameters: dict[str, Any]) -> dict[str, Any]:
        return self.flow.validate_parameters(parameters) if self.flow.should_validate_parameters else parameters

    def _resolved_parameters(self) -> dict[str, Any]:
        """The parameters with the results of the futures and states among them."""
        waiting = inputs.resolved_to_states((*self._given_parameters.values(), *self.wait_for))
        inputs.check_completed(waiting)
        return self._validated({name: inputs.resolved(value) for name, value in self._given_parameters.items()})

    def _create(self) -> FlowRun:
        """A new run, Pending, tracked by a task run of the parent's if there is one (contract §12.2)."""
        parent = self.parent
        given = self._given_parameters
        tracker = track(self.flow, parent, given, self.wait_for) if parent is not None else None
        name = self.flow.flow_run_name
        body = FlowRunCreate(
            flow_id=self.session.flow_id(self.flow.name),
            state=results.proposal(Pending()),
            name=naming.render(name, self.parameters, f"Flow {self.flow.name!r}") if name else random_name(),
            flow_version=self.flow.version,
            parameters=as_json(self.parameters),
            parent_task_run_id=tracker.id if tracker is not None else None,
            empirical_policy=policy_of(self.flow, self.session.settings.flows),
            tags=sorted(current_tags()),
            # A request that is repeated because its answer was lost must not make a second run.
            idempotency_key=uuid4().hex,
        )
        try:
            return self.session.recording.post_flow_run(body)
        except Conflict:
            # The flow was deleted since its id was learnt.
            body.flow_id = self.session.flow_id(self.flow.name, anew=True)
            return self.session.recording.post_flow_run(body)

    def _new_context(self) -> FlowRunContext:
        settings = self.session.settings
        log_prints = self.flow.log_prints
        if log_prints is None:
            log_prints = self.parent.log_prints if self.parent is not None else settings.logging.log_prints
        return FlowRunContext(
            flow=self.flow,
            flow_run=self.run,
            parameters=self.parameters,
            task_runner=self._task_runner(),
            result_store=self._result_store(),
            session=self.session,
            start_time=now(),
            log_prints=log_prints,
            new=not self._taken_up,
            lineage=Lineage(),
            origin=Origin(self.run, self.flow.name),
            parent=self.parent,
            stopper=self._stopper,
        )

    def _task_runner(self) -> Any:
        """A runner of this run's own."""
        given = self.flow.task_runner
        if given is None:
            return ThreadPoolTaskRunner()
        return given() if isinstance(given, type) else given.duplicate()

    def _result_store(self) -> ResultStore:
        flow = self.flow
        around = self.parent.result_store if self.parent is not None else None
        persist = flow.persist_result
        if persist is None and (flow.result_storage is not None or flow.result_serializer is not None):
            persist = True
        if persist is None:
            persist = self.session.settings.results.persist_by_default if around is None else around.persist_result
        return ResultStore(
            storage.resolve(flow.result_storage) if flow.result_storage is not None else around and around.storage,
            serializers.resolve(flow.result_serializer) if flow.result_serializer else around and around.serializer,
            persist_result=persist,
        )

    async def _stored(self, driver: Driver, state: State, context: FlowRunContext) -> State:
        """The state with its result in storage, where that is wanted."""
        store, record = context.result_store, state.data
        if not store.persist_result or not isinstance(record, ResultRecord) or not state.is_completed():
            return state
        try:
            state.data = await driver.call(store.write, record.result)
        except Exception as error:
            self._log.exception("The flow's result could not be kept.")
            return endings.failed(error, f"The flow's result could not be kept: {endings.describe(error)}")
        return state
