"""`task.delay`: a task run is made that waits for a process which serves the task."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Mapping
from typing import Any
from uuid import uuid4

from headrace.sdk import retries, storage
from headrace.sdk.background import parameters as kept
from headrace.sdk.background.futures import DistributedFuture
from headrace.sdk.context import FlowRunContext, TaskRunContext, current_tags
from headrace.sdk.lineage import inputs_of
from headrace.sdk.recording import Transition
from headrace.sdk.session import session
from headrace.sdk.task import Task
from headrace.wire.ids import uuid7
from headrace.wire.states import StateCreate, StateDetails, StateType
from headrace.wire.task_runs import TaskRunCreate, TaskRunInput, TaskRunPolicy


def delay(
    task: Task[..., Any],
    parameters: dict[str, Any],
    wait_for: Iterable[Any] | None,
    dependencies: Mapping[str, Iterable[TaskRunInput]] | None,
) -> DistributedFuture[Any]:
    """Keep what the task is called with, and make its run; both are there when this returns."""
    flow_run, parent = FlowRunContext.get(), TaskRunContext.get()
    over = flow_run.session if flow_run is not None else parent.session if parent is not None else session()
    waits = list(wait_for) if wait_for is not None else []
    parents = [parent.task_run.id] if parent is not None else []
    inputs = inputs_of(parameters, waits, parents, flow_run.lineage if flow_run is not None else None)
    for name, sources in (dependencies or {}).items():
        inputs[name] = [*inputs.get(name, ()), *sources]
    details = StateDetails(deferred=True, task_parameters_id=kept.keep(task, parameters, waits))
    dynamic_key = f"{task.task_key}-{uuid4().hex}"
    run = over.recording.post_task_run(
        TaskRunCreate(
            id=uuid7(),
            name=f"{task.name}-{dynamic_key[-32:-29]}",
            flow_run_id=flow_run.flow_run.id if flow_run is not None else None,
            task_key=task.task_key,
            dynamic_key=dynamic_key,
            task_version=task.version,
            empirical_policy=TaskRunPolicy(
                retries=retries.task_retries(task.retries, over.settings),
                retry_delay=retries.task_delays(task.retry_delay_seconds, over.settings),
                retry_jitter_factor=task.retry_jitter_factor,
            ),
            tags=sorted(task.tags | current_tags()),
            task_inputs=inputs,
            state=StateCreate(type=StateType.SCHEDULED, state_details=details),
        )
    )
    assert run.state is not None, "a run is made in its first state"
    over.recorder.put(Transition(copy.copy(run), None, run.state, flow_run.origin if flow_run is not None else None))
    place = storage.resolve(task.result_storage) if task.result_storage is not None else None
    return DistributedFuture(run, place)
