# Generated from _async/task_runs.py by scripts/unasync.py; change that file, not this one.
"""Calls about task runs (contract §3, §7)."""

from collections.abc import Iterable, Mapping, Sequence
from uuid import UUID

from headrace.client._sync.base import Part
from headrace.client.proposals import TaskLike, initial, proposal, task_run_policy
from headrace.wire.background_tasks import TaskBegin, TaskLeaseRenewal, TaskLeasesEnded, TaskQueueLine
from headrace.wire.filters import DeploymentFilter, FlowFilter, FlowRunFilter, TaskRunFilter
from headrace.wire.names import random_name
from headrace.wire.orchestration import OrchestrationResult, SetState
from headrace.wire.sorts import TaskRunSort
from headrace.wire.states import State, StateCreate
from headrace.wire.task_runs import TaskRun, TaskRunCreate, TaskRunInput, TaskRunUpdate


class TaskRunCalls(Part):
    """Task runs of flows are recorded from events (`post_events`); these calls are for the others, and for reading."""

    def create_task_run(
        self,
        task: TaskLike,
        flow_run_id: UUID | None,
        dynamic_key: str,
        id: UUID | None = None,
        name: str | None = None,
        extra_tags: Iterable[str] | None = None,
        state: State | StateCreate | None = None,
        task_inputs: Mapping[str, Sequence[TaskRunInput]] | None = None,
    ) -> TaskRun:
        """Make a run of a task; the same flow run, task and dynamic key give the run of then."""
        body = TaskRunCreate(
            id=id,
            name=name or random_name(),
            flow_run_id=flow_run_id,
            task_key=task.task_key,
            dynamic_key=str(dynamic_key),
            task_version=task.version,
            tags=sorted({*task.tags, *(extra_tags or ())}),
            empirical_policy=task_run_policy(task),
            state=initial(state),
            task_inputs={key: list(inputs) for key, inputs in (task_inputs or {}).items()},
        )
        return self.post_task_run(body)

    def post_task_run(self, body: TaskRunCreate) -> TaskRun:
        """Make a run from a body that the caller has built."""
        return self._call("POST", "/task_runs/", TaskRun, body=body)

    def read_task_run(self, task_run_id: UUID) -> TaskRun:
        """One run. Raises `ObjectNotFound`."""
        return self._call("GET", f"/task_runs/{task_run_id}", TaskRun)

    def set_task_run_name(self, task_run_id: UUID, name: str) -> None:
        """Give a run another name. Raises `ObjectNotFound`."""
        self._tell("PATCH", f"/task_runs/{task_run_id}", body=TaskRunUpdate(name=name))

    def delete_task_run(self, task_run_id: UUID) -> None:
        """Delete a run. Raises `ObjectNotFound`."""
        self._tell("DELETE", f"/task_runs/{task_run_id}")

    def set_task_run_state(
        self, task_run_id: UUID, state: State | StateCreate, force: bool = False
    ) -> OrchestrationResult:
        """Propose a state; the answer says what became of it. `force` skips the rules that could refuse."""
        body = SetState(state=proposal(state, task_run_id=task_run_id), force=force)
        return self._call("POST", f"/task_runs/{task_run_id}/set_state", OrchestrationResult, body=body)

    def begin_task_run(self, task_run_id: UUID, delivery_id: UUID, seconds: float) -> OrchestrationResult:
        """Begin a background task that was delivered; ABORT if the delivery has ended. Raises `ObjectNotFound`.

        The run is the caller's for so many seconds, and as long as `renew_task_leases` is called.
        """
        body = TaskBegin(delivery_id=delivery_id, seconds=seconds)
        return self._call("POST", f"/x/task_runs/{task_run_id}/begin", OrchestrationResult, body=body)

    def renew_task_leases(self, leases: Mapping[UUID, UUID], seconds: float) -> list[UUID]:
        """Give a sign of life of runs, each with its delivery's id; the ids of those that are not the caller's now."""
        body = TaskLeaseRenewal(leases=dict(leases), seconds=seconds)
        return (self._call("POST", "/x/task_runs/leases", TaskLeasesEnded, body=body)).ended

    def read_task_queue(self) -> list[TaskQueueLine]:
        """How many runs of each background task wait for a worker, are due later, or are delivered and not begun."""
        return self._call("GET", "/x/task_queue", list[TaskQueueLine])

    def read_task_run_states(self, task_run_id: UUID) -> list[State]:
        """The states that a run has been in, first to last."""
        return self._call("GET", "/task_run_states/", list[State], query={"task_run_id": task_run_id})

    def read_task_run_state(self, task_run_state_id: UUID) -> State:
        """One state that a run has been in. Raises `ObjectNotFound`."""
        return self._call("GET", f"/task_run_states/{task_run_state_id}", State)

    def read_task_runs(
        self,
        *,
        flow_filter: FlowFilter | None = None,
        flow_run_filter: FlowRunFilter | None = None,
        task_run_filter: TaskRunFilter | None = None,
        deployment_filter: DeploymentFilter | None = None,
        sort: TaskRunSort | None = None,
        limit: int | None = 200,
        offset: int = 0,
    ) -> list[TaskRun]:
        """Runs that pass all filters, the newest first; `limit=None` reads all of them, page by page."""
        body = {
            "flows": flow_filter,
            "flow_runs": flow_run_filter,
            "task_runs": task_run_filter,
            "deployments": deployment_filter,
            "sort": sort,
        }
        return self._list("/task_runs/filter", TaskRun, body, limit=limit, offset=offset)

    def count_task_runs(
        self,
        *,
        flow_filter: FlowFilter | None = None,
        flow_run_filter: FlowRunFilter | None = None,
        task_run_filter: TaskRunFilter | None = None,
        deployment_filter: DeploymentFilter | None = None,
    ) -> int:
        """How many runs pass all filters."""
        body = {
            "flows": flow_filter,
            "flow_runs": flow_run_filter,
            "task_runs": task_run_filter,
            "deployments": deployment_filter,
        }
        return self._count("/task_runs/count", body)
