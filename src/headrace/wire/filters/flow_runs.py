"""Which flow runs."""

from datetime import datetime
from uuid import UUID

from headrace.wire.filters.base import CombiningFilter, Filter
from headrace.wire.states import StateType


class FlowRunFilterId(Filter, kw_only=True):
    any_: list[UUID] | None = None
    not_any_: list[UUID] | None = None


class FlowRunFilterName(Filter, kw_only=True):
    any_: list[str] | None = None
    like_: str | None = None


class FlowRunFilterTags(CombiningFilter, kw_only=True):
    """`all_`: has each of these; `any_`: has at least one of these; `is_null_` true: has none at all."""

    all_: list[str] | None = None
    any_: list[str] | None = None
    is_null_: bool | None = None


class FlowRunFilterDeploymentId(CombiningFilter, kw_only=True):
    any_: list[UUID] | None = None
    is_null_: bool | None = None


class FlowRunFilterWorkQueueName(CombiningFilter, kw_only=True):
    any_: list[str] | None = None
    is_null_: bool | None = None


class FlowRunFilterStateType(Filter, kw_only=True):
    any_: list[StateType] | None = None
    not_any_: list[StateType] | None = None


class FlowRunFilterStateName(Filter, kw_only=True):
    any_: list[str] | None = None
    not_any_: list[str] | None = None


class FlowRunFilterState(CombiningFilter, kw_only=True):
    """A `type` or `name` with both `any_` and `not_any_` constrains nothing (contract §5)."""

    type: FlowRunFilterStateType | None = None
    name: FlowRunFilterStateName | None = None


class FlowRunFilterFlowVersion(Filter, kw_only=True):
    any_: list[str] | None = None


class FlowRunFilterStartTime(Filter, kw_only=True):
    """`before_` and `after_` take the expected start of runs that have not started."""

    before_: datetime | None = None
    after_: datetime | None = None
    is_null_: bool | None = None


class FlowRunFilterEndTime(Filter, kw_only=True):
    before_: datetime | None = None
    after_: datetime | None = None
    is_null_: bool | None = None


class FlowRunFilterExpectedStartTime(Filter, kw_only=True):
    before_: datetime | None = None
    after_: datetime | None = None


class FlowRunFilterNextScheduledStartTime(Filter, kw_only=True):
    before_: datetime | None = None
    after_: datetime | None = None


class FlowRunFilterParentFlowRunId(CombiningFilter, kw_only=True):
    """Direct subflow runs of these flow runs."""

    any_: list[UUID] | None = None


class FlowRunFilterParentTaskRunId(CombiningFilter, kw_only=True):
    any_: list[UUID] | None = None
    is_null_: bool | None = None


class FlowRunFilterIdempotencyKey(Filter, kw_only=True):
    any_: list[str] | None = None
    not_any_: list[str] | None = None


class FlowRunFilterCreatedBy(CombiningFilter, kw_only=True):
    """`id_`, `type_`: what made the run is one of these; `is_null_` true: nothing but a person's call."""

    id_: list[UUID] | None = None
    type_: list[str] | None = None
    is_null_: bool | None = None


class FlowRunFilter(CombiningFilter, kw_only=True):
    id: FlowRunFilterId | None = None
    name: FlowRunFilterName | None = None
    tags: FlowRunFilterTags | None = None
    deployment_id: FlowRunFilterDeploymentId | None = None
    work_queue_name: FlowRunFilterWorkQueueName | None = None
    state: FlowRunFilterState | None = None
    flow_version: FlowRunFilterFlowVersion | None = None
    start_time: FlowRunFilterStartTime | None = None
    end_time: FlowRunFilterEndTime | None = None
    expected_start_time: FlowRunFilterExpectedStartTime | None = None
    next_scheduled_start_time: FlowRunFilterNextScheduledStartTime | None = None
    parent_flow_run_id: FlowRunFilterParentFlowRunId | None = None
    parent_task_run_id: FlowRunFilterParentTaskRunId | None = None
    idempotency_key: FlowRunFilterIdempotencyKey | None = None
    created_by: FlowRunFilterCreatedBy | None = None
