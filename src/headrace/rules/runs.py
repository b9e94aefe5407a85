"""What the rules read of a run: `wire.FlowRun` and `wire.TaskRun` fit, and so does any narrower value."""

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol
from uuid import UUID

from headrace.wire.flow_runs import FlowRunPolicy
from headrace.wire.states import State
from headrace.wire.task_runs import TaskRunPolicy


class Run(Protocol):
    """What flow runs and task runs have in common. `total_run_time` is in seconds."""

    @property
    def id(self) -> UUID: ...
    @property
    def state(self) -> State | None:
        """The current state with its details and data; None for a run that is being made."""
        ...

    @property
    def run_count(self) -> int: ...
    @property
    def start_time(self) -> datetime | None: ...
    @property
    def end_time(self) -> datetime | None: ...
    @property
    def expected_start_time(self) -> datetime | None: ...
    @property
    def total_run_time(self) -> float: ...


class OrchestratedFlowRun(Run, Protocol):
    """A flow run as its policy sees it."""

    @property
    def empirical_policy(self) -> FlowRunPolicy: ...
    @property
    def deployment_id(self) -> UUID | None: ...
    @property
    def parent_task_run_id(self) -> UUID | None: ...
    @property
    def auto_scheduled(self) -> bool: ...
    @property
    def infrastructure_pid(self) -> str | None: ...


class TrackedTaskRun(Run, Protocol):
    """A task run as bookkeeping sees it."""

    @property
    def flow_run_id(self) -> UUID | None: ...
    @property
    def flow_run_run_count(self) -> int: ...


class OrchestratedTaskRun(TrackedTaskRun, Protocol):
    """A task run as its policy sees it."""

    @property
    def task_key(self) -> str: ...
    @property
    def tags(self) -> Sequence[str]: ...
    @property
    def empirical_policy(self) -> TaskRunPolicy: ...
