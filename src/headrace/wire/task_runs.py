"""Task runs: one execution of a task (contract §3, §7)."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

import msgspec

from headrace.wire.base import Body, Wire
from headrace.wire.flows import Labels
from headrace.wire.names import random_name
from headrace.wire.states import State, StateCreate, StateType

CacheKey = Annotated[str, msgspec.Meta(max_length=2000)]


class TaskRunPolicy(Wire, kw_only=True):
    """How a task run is retried. `retry_delay` is seconds, or a list with one entry for each retry."""

    max_retries: int = 0
    retry_delay_seconds: float = 0
    retries: int | None = None
    retry_delay: int | float | list[float] | None = None
    retry_jitter_factor: float | None = None

    def __post_init__(self) -> None:
        """The legacy pair of fields fills the modern one where only the former is set."""
        if self.retries is None and self.max_retries:
            self.retries = self.max_retries
        if self.retry_delay is None and self.retry_delay_seconds:
            self.retry_delay = self.retry_delay_seconds
        if isinstance(self.retry_delay, list) and len(self.retry_delay) > 50:
            raise ValueError("retry_delay can hold at most 50 delays")


class TaskRunInput(Wire, kw_only=True):
    """Where an argument of a task run came from: another run, a flow's parameter, or a constant.

    A client may leave `input_type` out, for what else is given says it.
    """

    input_type: Literal["task_run", "flow_run", "parameter", "constant"] | msgspec.UnsetType = msgspec.UNSET
    id: UUID | msgspec.UnsetType = msgspec.UNSET
    name: str | msgspec.UnsetType = msgspec.UNSET
    type: str | msgspec.UnsetType = msgspec.UNSET

    def __post_init__(self) -> None:
        """Say what kind of input it is; one that is none of them does not fit."""
        if self.input_type is msgspec.UNSET:
            self.input_type = _input_type(self)


def _input_type(given: TaskRunInput) -> Literal["task_run", "parameter", "constant"]:
    if given.id is not msgspec.UNSET:
        return "task_run"
    if given.name is not msgspec.UNSET:
        return "parameter"
    if given.type is not msgspec.UNSET:
        return "constant"
    raise ValueError("an input names a run by its id, a parameter by its name, or a constant by its type")


TaskInputs = dict[str, list[TaskRunInput]]


class TaskRun(Wire, kw_only=True):
    """A task run as it is answered. Durations are float seconds; `estimated_*` are as of the answer."""

    id: UUID
    created: datetime | None = None
    updated: datetime | None = None
    name: str
    flow_run_id: UUID | None = None
    task_key: str
    dynamic_key: str
    cache_key: str | None = None
    cache_expiration: datetime | None = None
    task_version: str | None = None
    empirical_policy: TaskRunPolicy = msgspec.field(default_factory=TaskRunPolicy)
    tags: list[str] = []
    labels: Labels | None = {}
    state_id: UUID | None = None
    task_inputs: TaskInputs = {}
    state_type: StateType | None = None
    state_name: str | None = None
    run_count: int = 0
    flow_run_run_count: int = 0
    expected_start_time: datetime | None = None
    next_scheduled_start_time: datetime | None = None
    start_time: datetime | None = None
    end_time: datetime | None = None
    total_run_time: float = 0.0
    estimated_run_time: float = 0.0
    estimated_start_time_delta: float = 0.0
    state: State | None = None


class TaskRunSummary(Wire, kw_only=True):
    """The reduced task run that `/task_runs/paginate` answers with."""

    id: UUID
    created: datetime | None = None
    updated: datetime | None = None
    name: str
    flow_run_id: UUID | None = None
    task_key: str
    state_id: UUID | None = None
    state: State | None = None
    task_version: str | None = None
    task_inputs: TaskInputs = {}
    empirical_policy: TaskRunPolicy = msgspec.field(default_factory=TaskRunPolicy)
    tags: list[str] = []
    start_time: datetime | None = None
    end_time: datetime | None = None
    total_run_time: float = 0.0
    estimated_run_time: float = 0.0
    estimated_start_time_delta: float = 0.0


class TaskRunCreate(Body, kw_only=True):
    id: UUID | None = None
    state: StateCreate | None = None
    name: str | None = None
    flow_run_id: UUID | None = None
    task_key: str
    dynamic_key: str
    cache_key: CacheKey | None = None
    cache_expiration: datetime | None = None
    task_version: str | None = None
    empirical_policy: TaskRunPolicy = msgspec.field(default_factory=TaskRunPolicy)
    tags: list[str] = []
    labels: Labels | None = {}
    task_inputs: TaskInputs = {}

    def __post_init__(self) -> None:
        """A run without a name, or with an empty one, is given one."""
        super().__post_init__()
        if not self.name:
            self.name = random_name()


class TaskRunUpdate(Body, kw_only=True):
    name: str | msgspec.UnsetType = msgspec.UNSET
