"""One task run from Pending to its end. States are decided here and recorded in the background (contract §7)."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable
from datetime import timedelta
from typing import Any
from uuid import uuid4

from headrace.sdk import caching, endings, hooks, inputs, naming, prints, retries, serializers, storage, tracebacks
from headrace.sdk.callables import UNSET
from headrace.sdk.context import FlowRunContext, TaskRunContext, current_tags
from headrace.sdk.drivers import Blocking, Driver, Suspending, complete, in_own_loop
from headrace.sdk.futures import Future
from headrace.sdk.lineage import inputs_of
from headrace.sdk.logs import RunLogger, configure, task_run_logger
from headrace.sdk.outcomes import Outcome, Raised
from headrace.sdk.recording import Transition
from headrace.sdk.resolution import NOT_READY, value_of
from headrace.sdk.results import ResultRecord, ResultStore
from headrace.sdk.session import Session, session
from headrace.sdk.states import AwaitingRetry, Cancelled, Completed, Crashed, Pending, Retrying, Running
from headrace.sdk.tag_limits import hold_tags
from headrace.sdk.task import Task
from headrace.wire.errors import UpstreamTaskError
from headrace.wire.ids import uuid7
from headrace.wire.states import State
from headrace.wire.task_runs import TaskRun, TaskRunPolicy
from headrace.wire.times import now

_TICK = timedelta(microseconds=1)


def run(task: Task[..., Any], parameters: dict[str, Any], wait_for: Iterable[Any] | None, return_state: bool) -> Any:
    """A direct call: the value or the state, for an async task the coroutine that gives it."""
    if task.isasync:
        return _run_suspending(task, parameters, wait_for, return_state)
    state = complete(begin(task, parameters, wait_for).execute(Blocking()))
    return state if return_state else value_of(state)


async def _run_suspending(
    task: Task[..., Any], parameters: dict[str, Any], wait_for: Iterable[Any] | None, return_state: bool
) -> Any:
    state = await begin(task, parameters, wait_for).execute(Suspending())
    return state if return_state else value_of(state)


def begin(task: Task[..., Any], parameters: dict[str, Any], wait_for: Iterable[Any] | None) -> TaskRunEngine:
    """A new task run, Pending, in the flow run and with the tags of the caller's context."""
    return TaskRunEngine(task, parameters, list(wait_for) if wait_for is not None else [])


class TaskRunEngine:
    """Takes one task run through its states. `upstream_futures` must be done before `execute` decides anything."""

    def __init__(
        self, task: Task[..., Any], parameters: dict[str, Any], wait_for: list[Any], run: TaskRun | None = None
    ) -> None:
        """A new run, unless it is given one that somebody else has begun."""
        self.task = task
        self.parameters = parameters
        self.wait_for = wait_for
        self.flow_run = flow_run = FlowRunContext.get()
        self.parent = TaskRunContext.get()
        if flow_run is not None and self.parent is None:
            flow_run.stopper.check()
        self.session: Session = flow_run.session if flow_run is not None else session()
        self.upstream_futures: list[Future[Any]] = [
            leaf
            for value in (*parameters.values(), *wait_for)
            for leaf in inputs.upstreams(value)
            if isinstance(leaf, Future)
        ]
        self._origin = flow_run.origin if flow_run is not None else None
        self._retries = retries.task_retries(task.retries, self.session.settings)
        self.run = run or self._new_run()
        self._log: RunLogger = task_run_logger(self.run, task)
        configure()
        if run is None:
            self.enter(Pending())

    def _new_run(self) -> TaskRun:
        task, flow_run = self.task, self.flow_run
        parents = [self.parent.task_run.id] if self.parent is not None else []
        dynamic_key = flow_run.dynamic_key(task.task_key) if flow_run is not None else uuid4().hex
        name = f"{task.name}-{dynamic_key if flow_run is not None else dynamic_key[:3]}"
        return TaskRun(
            id=uuid7(),
            name=name,
            flow_run_id=flow_run.flow_run.id if flow_run is not None else None,
            task_key=task.task_key,
            dynamic_key=dynamic_key,
            task_version=task.version,
            empirical_policy=TaskRunPolicy(
                retries=self._retries,
                retry_delay=retries.task_delays(task.retry_delay_seconds, self.session.settings),
                retry_jitter_factor=task.retry_jitter_factor,
            ),
            tags=sorted(task.tags | current_tags()),
            task_inputs=inputs_of(self.parameters, self.wait_for, parents, flow_run.lineage if flow_run else None),
            flow_run_run_count=flow_run.flow_run.run_count if flow_run is not None else 0,
        )

    def fulfil(self, future: Future[Any]) -> None:
        """Run to the end in this thread, and tell the future. Nothing is raised: the state says it all."""
        try:
            state = in_own_loop(self.execute(Suspending())) if self.task.isasync else complete(self.execute(Blocking()))
        except BaseException:
            state = self.state
        future.settle(state)

    def abandon(self, why: str) -> State:
        """Crash the run from another thread; whatever its function still does changes nothing."""
        self.enter(Crashed(message=why))
        return self.state

    async def execute(self, driver: Driver) -> State:
        """The final state. Only what is no `Exception` is raised, after the run is recorded as Crashed."""
        if self.state.is_final():
            return self.state
        try:
            return await self._run(driver)
        except Exception as error:
            # Something of ours or a user's naming, caching or storing function failed around the task itself.
            self._log.exception("The task run could not be finished.")
            return await self._finish(driver, endings.failed(error, f"Task run failed: {endings.describe(error)}"))
        except BaseException as end:
            self.enter(endings.crashed(end, "Task run"))
            self._log.error("%s", self.state.message)
            raise

    async def _run(self, driver: Driver) -> State:
        try:
            parameters = await self._resolve(driver)
        except UpstreamTaskError as error:
            return await self._finish(driver, Cancelled(name=NOT_READY, message=str(error), data=ResultRecord(error)))
        context = self._context(parameters)
        with context.entered(), prints.logged(context.log_prints):
            if self.task.task_run_name is not None:
                self.run.name = naming.render(self.task.task_run_name, parameters, f"Task {self.task.name!r}")
                self._log = task_run_logger(self.run, self.task)
            key = self._cache_key(context)
            if (cached := await self._cached(driver, key, context)) is not None:
                return await self._finish(driver, cached)
            return await self._attempt_until_done(driver, context, key)

    async def _resolve(self, driver: Driver) -> dict[str, Any]:
        """The arguments with all results in place, waiting for those that are not there."""
        for future in self.upstream_futures:
            if not future.done():
                await driver.call(future.wait)
        if self.wait_for:
            inputs.check_completed(self.wait_for)
        return {name: inputs.resolved(value) for name, value in self.parameters.items()}

    async def _attempt_until_done(self, driver: Driver, context: TaskRunContext, key: str | None) -> State:
        args, kwargs = self.task.signature.unbind(context.parameters)
        begin_as = Retrying if self.run.run_count else Running
        while True:
            outcome = await self._attempt(driver, begin_as, args, kwargs)
            state = endings.state_of(outcome, "Task run")
            if not state.is_failed() or not await self._may_retry(driver, state):
                break
            await self._wait_and_retry(driver, state, outcome)
            begin_as = Retrying
        return await self._finish(driver, await self._stored(driver, state, context, key))

    async def _attempt(
        self, driver: Driver, begin_as: Callable[[], State], args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> Outcome:
        """Run the function once, with a slot of each tag that has a limit."""
        lease = await hold_tags(driver, self.run, self.session) if self.run.tags else None
        try:
            self.enter(begin_as())
            if self.task.on_running_hooks:
                await hooks.call(driver, self.task.on_running_hooks, self._log, self.task, self.run, self.run.state)
            return await driver.attempt(self.task.fn, args, kwargs, self.task.timeout_seconds)
        finally:
            if lease is not None:
                await driver.call(lease.release)

    async def _may_retry(self, driver: Driver, state: State) -> bool:
        if self.run.run_count > self._retries:
            return False
        condition = self.task.retry_condition_fn
        if condition is None:
            return True
        try:
            return bool(await driver.run_hook(condition, self.task, self.run, state))
        except Exception:
            self._log.exception("retry_condition_fn failed; the task is not tried again.")
            return False

    async def _wait_and_retry(self, driver: Driver, state: State, outcome: Outcome) -> None:
        policy = self.run.empirical_policy
        delay = retries.delay_before(self.run.run_count, policy.retry_delay, policy.retry_jitter_factor)
        self._log.warning(
            "%s: %s. Retry %d/%d will start %s",
            state.name,
            endings.describe(outcome.error) if isinstance(outcome, Raised) else state.message,
            self.run.run_count,
            self._retries,
            f"in {delay:.3g} seconds" if delay else "now",
        )
        if delay:
            self.enter(AwaitingRetry(now() + timedelta(seconds=delay), message=state.message, data=state.data))
            await driver.sleep(delay)

    async def _finish(self, driver: Driver, state: State) -> State:
        if self.state.is_final():
            # It was abandoned meanwhile: what the function came to is nobody's business any more.
            return self.state
        self.enter(state)
        if self.flow_run is not None and isinstance(state.data, ResultRecord):
            self.flow_run.lineage.note(state.data.result, self.run.id)
        level = 20 if state.is_completed() else 40
        if state.is_failed() and isinstance(state.data, ResultRecord) and isinstance(state.data.result, Exception):
            self._log.error("The task run failed.\n%s", tracebacks.text_of(state.data.result))
        self._log.log(level, "Finished in state %s", describe(state))
        called = self.task.on_completion_hooks if state.is_completed() else []
        called = self.task.on_failure_hooks if state.is_failed() else called
        if called:
            await hooks.call(driver, called, self._log, self.task, self.run, state)
        return state

    def _context(self, parameters: dict[str, Any]) -> TaskRunContext:
        log_prints = self.task.log_prints
        if log_prints is None:
            around = self.parent or self.flow_run
            log_prints = around.log_prints if around is not None else self.session.settings.logging.log_prints
        return TaskRunContext(
            task=self.task,
            task_run=self.run,
            parameters=parameters,
            result_store=self._result_store(),
            session=self.session,
            start_time=now(),
            log_prints=log_prints,
        )

    def _result_store(self) -> ResultStore | None:
        """Where the result is kept, or None if it is not."""
        task, flow_run = self.task, self.flow_run
        around = flow_run.result_store if flow_run is not None else None
        persist = task.persist_result
        if persist is None:
            persist = _asks_for_storage(task) or None
        if persist is None:
            persist = self.session.settings.tasks.default_persist_result
        if persist is None:
            persist = around.persist_result if around is not None else self.session.settings.results.persist_by_default
        if not persist:
            return None
        return ResultStore(
            storage.resolve(task.result_storage) if task.result_storage is not None else around and around.storage,
            serializers.resolve(task.result_serializer) if task.result_serializer else around and around.serializer,
            persist_result=True,
        )

    def _cache_key(self, context: TaskRunContext) -> str | None:
        if context.result_store is None:
            return None
        policy = self.task.cache_policy
        if self.task.cache_key_fn is not None:
            policy = caching.CacheKeyFnPolicy(self.task.cache_key_fn)
        elif policy is UNSET:
            policy = caching.NO_CACHE if self.task.result_storage_key is not None else caching.DEFAULT
        if policy is None:
            return None
        return policy.compute_key(context, context.parameters, self.flow_run.parameters if self.flow_run else {})

    async def _cached(self, driver: Driver, key: str | None, context: TaskRunContext) -> State | None:
        """The state of a run whose result is already there."""
        if key is None or context.result_store is None:
            return None
        self.run.cache_key = key
        refresh = self.task.refresh_cache
        if refresh if refresh is not None else self.session.settings.tasks.refresh_cache:
            return None
        record = await driver.call(context.result_store.find, key)
        if record is None:
            return None
        return Completed(name="Cached", message=f"The result was found under the cache key {key}.", data=record)

    async def _stored(self, driver: Driver, state: State, context: TaskRunContext, key: str | None) -> State:
        """The state with its result in storage, where that is wanted."""
        store, record = context.result_store, state.data
        if store is None or not isinstance(record, ResultRecord) or not state.is_completed():
            return state
        expiration = now() + self.task.cache_expiration if self.task.cache_expiration is not None else None
        state.data = await driver.call(store.write, record.result, self._storage_key(context, key), expiration)
        state.state_details.cache_key, state.state_details.cache_expiration = key, expiration
        self.run.cache_expiration = expiration
        return state

    def _storage_key(self, context: TaskRunContext, key: str | None) -> str | None:
        template = self.task.result_storage_key
        if template is None:
            return key
        values = {"parameters": context.parameters, "task_run": self.run}
        return naming.render(template, values, f"The result_storage_key of task {self.task.name!r}")

    @property
    def state(self) -> State:
        """The state of the run as it is now."""
        assert self.run.state is not None
        return self.run.state

    def enter(self, state: State) -> None:
        """Make a state the run's own, keep the run's books (contract §4.5), and have it recorded."""
        run, previous = self.run, self.run.state
        if previous is not None:
            if previous.is_final():
                return
            if state.timestamp <= previous.timestamp:
                state.timestamp = previous.timestamp + _TICK
        state.state_details.task_run_id, state.state_details.flow_run_id = run.id, run.flow_run_id
        _keep_books(run, previous, state)
        self.session.recorder.put(Transition(copy.copy(run), previous, state, self._origin))


def _keep_books(run: TaskRun, previous: State | None, state: State) -> None:
    when = state.timestamp
    run.state, run.state_id, run.state_type, run.state_name = state, state.id, state.type, state.name
    if previous is not None and previous.is_running():
        run.total_run_time += (when - previous.timestamp).total_seconds()
    run.next_scheduled_start_time = state.state_details.scheduled_time if state.is_scheduled() else None
    if run.expected_start_time is None:
        run.expected_start_time = when
    if state.is_running():
        run.run_count += 1
        run.start_time = run.start_time or when
    elif state.is_final():
        run.start_time, run.end_time = run.start_time or when, when


def _asks_for_storage(task: Task[Any, Any]) -> bool:
    """Whether an option of the task makes sense only with a kept result."""
    policy = task.cache_policy
    caches = policy is not UNSET and policy is not None and policy is not caching.NO_CACHE
    return bool(caches or task.cache_key_fn or task.result_storage or task.result_storage_key or task.result_serializer)


def describe(state: State) -> str:
    """`Completed()`, `Failed('why')`: a state as log lines show it."""
    return f"{state.name}({state.message!r})" if state.message else f"{state.name}()"
