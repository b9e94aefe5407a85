"""From what callers have (flows, tasks, states) to what the API takes."""

from collections.abc import Sequence
from typing import Protocol
from uuid import UUID, uuid4

import msgspec

from headrace.wire.flow_runs import FlowRunPolicy
from headrace.wire.states import State, StateCreate, StateType
from headrace.wire.task_runs import TaskRunPolicy


class Named(Protocol):
    """Anything that has a flow's name, such as what `@flow` makes."""

    @property
    def name(self) -> str: ...


class FlowLike(Named, Protocol):
    """What `create_flow_run` reads of a flow."""

    @property
    def version(self) -> str | None: ...
    @property
    def retries(self) -> int | None: ...
    @property
    def retry_delay_seconds(self) -> float | None: ...


class TaskLike(Named, Protocol):
    """What `create_task_run` reads of a task."""

    @property
    def task_key(self) -> str: ...
    @property
    def version(self) -> str | None: ...
    @property
    def tags(self) -> set[str]: ...
    @property
    def retries(self) -> int | None: ...
    @property
    def retry_delay_seconds(self) -> float | Sequence[float] | None: ...
    @property
    def retry_jitter_factor(self) -> float | None: ...


PENDING = StateCreate(type=StateType.PENDING)


def proposal(
    state: State | StateCreate, *, flow_run_id: UUID | None = None, task_run_id: UUID | None = None
) -> StateCreate:
    """The state as it is proposed for a run.

    It carries an id of the transition, so that a request which is repeated because its answer was lost
    does not count twice (contract §1).
    """
    details = msgspec.structs.replace(
        state.state_details,
        flow_run_id=flow_run_id or state.state_details.flow_run_id,
        task_run_id=task_run_id or state.state_details.task_run_id,
        transition_id=state.state_details.transition_id or uuid4(),
    )
    return StateCreate(type=state.type, name=state.name, message=state.message, data=state.data, state_details=details)


def initial(state: State | StateCreate | None) -> StateCreate:
    """The state that a new run starts in, Pending if none is named."""
    if state is None:
        return PENDING
    if isinstance(state, StateCreate):
        return state
    return StateCreate(
        type=state.type, name=state.name, message=state.message, data=state.data, state_details=state.state_details
    )


def flow_run_policy(flow: FlowLike) -> FlowRunPolicy:
    """How runs of a flow are retried; the API keeps whole seconds."""
    delay = flow.retry_delay_seconds
    return FlowRunPolicy(retries=flow.retries, retry_delay=None if delay is None else int(delay))


def task_run_policy(task: TaskLike) -> TaskRunPolicy:
    """How runs of a task are retried."""
    delay = task.retry_delay_seconds
    return TaskRunPolicy(
        retries=task.retries,
        retry_delay=list(delay) if isinstance(delay, Sequence) else delay,
        retry_jitter_factor=task.retry_jitter_factor,
    )
