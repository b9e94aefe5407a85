"""Which task runs."""

from datetime import datetime
from uuid import UUID

from headrace.wire.filters.base import CombiningFilter, Filter
from headrace.wire.states import StateType


class TaskRunFilterId(Filter, kw_only=True):
    any_: list[UUID] | None = None


class TaskRunFilterName(Filter, kw_only=True):
    any_: list[str] | None = None
    like_: str | None = None


class TaskRunFilterTags(CombiningFilter, kw_only=True):
    """`is_null_` true: task runs without tags."""

    all_: list[str] | None = None
    is_null_: bool | None = None


class TaskRunFilterStateType(Filter, kw_only=True):
    any_: list[StateType] | None = None


class TaskRunFilterStateName(Filter, kw_only=True):
    any_: list[str] | None = None


class TaskRunFilterState(CombiningFilter, kw_only=True):
    type: TaskRunFilterStateType | None = None
    name: TaskRunFilterStateName | None = None


class TaskRunFilterStartTime(Filter, kw_only=True):
    before_: datetime | None = None
    after_: datetime | None = None
    is_null_: bool | None = None


class TaskRunFilterEndTime(Filter, kw_only=True):
    before_: datetime | None = None
    after_: datetime | None = None
    is_null_: bool | None = None


class TaskRunFilterExpectedStartTime(Filter, kw_only=True):
    before_: datetime | None = None
    after_: datetime | None = None


class TaskRunFilterSubFlowRuns(Filter, kw_only=True):
    """`exists_` true: task runs that stand for a subflow run."""

    exists_: bool | None = None


class TaskRunFilterFlowRunId(CombiningFilter, kw_only=True):
    """`is_null_` true: only task runs outside flows. Without `any_`, false: only those inside one."""

    any_: list[UUID] | None = None
    is_null_: bool | None = False


class TaskRunFilter(CombiningFilter, kw_only=True):
    id: TaskRunFilterId | None = None
    name: TaskRunFilterName | None = None
    tags: TaskRunFilterTags | None = None
    state: TaskRunFilterState | None = None
    start_time: TaskRunFilterStartTime | None = None
    end_time: TaskRunFilterEndTime | None = None
    expected_start_time: TaskRunFilterExpectedStartTime | None = None
    subflow_runs: TaskRunFilterSubFlowRuns | None = None
    flow_run_id: TaskRunFilterFlowRunId | None = None
