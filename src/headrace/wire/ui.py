"""What the web UI asks for beside the plain nouns (`/ui`)."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

import msgspec

from headrace.wire.base import Parts, Wire
from headrace.wire.filters import TaskRunFilter, WorkQueueFilter
from headrace.wire.listings import Offset, PoolFilters
from headrace.wire.sorts import FlowRunSort
from headrace.wire.states import StateType
from headrace.wire.task_runs import TaskRun


class FlowIds(Parts, kw_only=True):
    flow_ids: list[UUID]


class FlowRunIds(Parts, kw_only=True):
    flow_run_ids: list[UUID]


class SimpleNextFlowRun(Wire, kw_only=True):
    """The run of a flow that is due first."""

    id: UUID
    flow_id: UUID
    name: str
    state_name: str
    state_type: StateType
    next_scheduled_start_time: datetime


class FlowRunPoints(PoolFilters, kw_only=True):
    sort: FlowRunSort = FlowRunSort.EXPECTED_START_TIME_DESC
    limit: Annotated[int, msgspec.Meta(ge=0, le=1000)] = 1000
    offset: Offset = 0


class SimpleFlowRun(Wire, kw_only=True):
    """A flow run as a point in a plot: when it started or should, how long it ran, how late it was (seconds)."""

    id: UUID
    state_type: StateType
    timestamp: datetime
    duration: float
    lateness: float


class TaskRunCounts(PoolFilters, kw_only=True):
    """Which task runs the dashboard counts; its filter has to say from when (`start_time.after_`)."""

    task_runs: TaskRunFilter  # pyright: ignore[reportIncompatibleVariableOverride, reportGeneralTypeIssues] - required
    work_queues: WorkQueueFilter | None = None


class TaskRunCount(Wire, kw_only=True):
    """The task runs that ended in one bar of the dashboard's plot."""

    completed: int = 0
    failed: int = 0


class CountByState(Wire, kw_only=True):
    COMPLETED: int = 0
    PENDING: int = 0
    RUNNING: int = 0
    FAILED: int = 0
    CANCELLED: int = 0
    CRASHED: int = 0
    PAUSED: int = 0
    CANCELLING: int = 0
    SCHEDULED: int = 0


class UITaskRun(TaskRun, kw_only=True):
    flow_run_name: str | None = None


class SchemaValues(Parts, kw_only=True):
    """Values that a form holds, and the JSON Schema that they have to fit."""

    schema: dict[str, Any]
    values: dict[str, Any]


class SchemaValueError(Wire, kw_only=True):
    """What is wrong with a part of the values: the property of that name, or the item at that index."""

    property: str | msgspec.UnsetType = msgspec.UNSET
    index: int | msgspec.UnsetType = msgspec.UNSET
    errors: "list[str | SchemaValueError]"


class SchemaValuesValidationResponse(Wire, kw_only=True):
    errors: list[str | SchemaValueError]
    valid: bool
