"""What the API is told when a flow run is made, or taken up by the code that it is of."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from headrace.sdk import results
from headrace.sdk.context import TaskRunContext
from headrace.sdk.lineage import inputs_of
from headrace.sdk.states import Pending
from headrace.wire.flow_runs import FlowRunPolicy
from headrace.wire.task_runs import TaskRun, TaskRunCreate

if TYPE_CHECKING:
    from headrace.sdk.context import FlowRunContext
    from headrace.sdk.flow import Flow
    from headrace.settings import FlowsSettings


def policy_of(flow: Flow[..., Any], settings: FlowsSettings) -> FlowRunPolicy:
    """How runs of a flow are retried; the API keeps whole seconds."""
    delay = flow.retry_delay_seconds
    return FlowRunPolicy(
        retries=settings.default_retries if flow.retries is None else flow.retries,
        retry_delay=round(settings.default_retry_delay_seconds if delay is None else delay),
    )


def track(flow: Flow[..., Any], parent: FlowRunContext, parameters: dict[str, Any], wait_for: list[Any]) -> TaskRun:
    """The task run that stands for a subflow in its parent's graph (contract §12.2)."""
    task_key = f"{flow.name}-{flow.fn.__qualname__}"
    dynamic_key = parent.dynamic_key(task_key)
    enclosing = TaskRunContext.get()
    parents = [enclosing.task_run.id] if enclosing is not None else []
    return parent.session.recording.post_task_run(
        TaskRunCreate(
            name=f"{flow.name}-{dynamic_key}",
            flow_run_id=parent.flow_run.id,
            task_key=task_key,
            dynamic_key=dynamic_key,
            state=results.proposal(Pending()),
            task_inputs=inputs_of(parameters, wait_for, parents, parent.lineage),
        )
    )
