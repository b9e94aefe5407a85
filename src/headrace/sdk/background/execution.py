"""One background task run in the process that serves its task."""

from __future__ import annotations

import contextlib
from typing import Any

from headrace.sdk import inputs
from headrace.sdk.background import parameters as kept
from headrace.sdk.context import TaskRunContext
from headrace.sdk.drivers import Driver
from headrace.sdk.futures import Future
from headrace.sdk.recording import Origin
from headrace.sdk.results import ResultRecord, ResultStore
from headrace.sdk.task import Task
from headrace.sdk.task_engine import TaskRunEngine
from headrace.wire.errors import SerializationError
from headrace.wire.states import State
from headrace.wire.task_runs import TaskRun

_PATIENCE = 5.0
"""Seconds that a run waits until its beginning is recorded; if the API is away for longer, it goes on."""


class BackgroundRun(TaskRunEngine):
    """Takes a run that was begun at the API through its states. Its arguments are read when they are needed."""

    def __init__(self, task: Task[..., Any], run: TaskRun) -> None:
        super().__init__(task, {}, [], run)
        assert run.state is not None, "a run has been begun"
        self._parameters_id = run.state.state_details.task_parameters_id
        self._origin = Origin.of_flow_run(run.flow_run_id) if run.flow_run_id is not None else None
        if run.empirical_policy.retries is not None:
            self._retries = run.empirical_policy.retries  # as whoever delayed it said, by with_options perhaps
        self.lost = False
        """Whether the run is not this process's any more: what it still does is nobody's business."""

    def enter(self, state: State) -> None:
        """As every run; what runs is recorded before it runs, so that a run that was lost earlier can run elsewhere."""
        if self.lost:
            return
        if not state.is_final():
            state.state_details.deferred = True
            state.state_details.task_parameters_id = self._parameters_id
        super().enter(state)
        if state.is_running():
            self.session.recorder.flush(_PATIENCE)

    def settle(self) -> None:
        """Have the end of the run recorded, and forget what it was called with."""
        recorder = self.session.recorder
        if not self.lost and recorder.flush() and not recorder.away:
            kept.forget(self.task, self._parameters_id)

    async def _resolve(self, driver: Driver) -> dict[str, Any]:
        known = await driver.call(kept.read, self.task, self._parameters_id)
        self.parameters, self.wait_for = known.parameters, known.wait_for
        self.upstream_futures: list[Future[Any]] = [
            leaf
            for value in (*self.parameters.values(), *self.wait_for)
            for leaf in inputs.upstreams(value)
            if isinstance(leaf, Future)
        ]
        return await super()._resolve(driver)

    async def _stored(self, driver: Driver, state: State, context: TaskRunContext, key: str | None) -> State:
        """Besides values, why a run failed is kept, where it can be: it is raised elsewhere."""
        store, record = context.result_store, state.data
        if store is not None and isinstance(record, ResultRecord) and state.is_failed():
            with contextlib.suppress(SerializationError):
                state.data = await driver.call(store.write, record.result)
        return await super()._stored(driver, state, context, key)

    def _result_store(self) -> ResultStore | None:
        """Its value is read elsewhere, so it is kept unless the task says that it must not be."""
        return None if self.task.persist_result is False else kept.store_of(self.task)
