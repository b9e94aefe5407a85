"""Which deployments."""

from uuid import UUID

from headrace.wire.filters.base import CombiningFilter, Filter


class DeploymentFilterId(Filter, kw_only=True):
    any_: list[UUID] | None = None
    not_any_: list[UUID] | None = None


class DeploymentFilterName(Filter, kw_only=True):
    any_: list[str] | None = None
    like_: str | None = None


class DeploymentOrFlowNameFilter(Filter, kw_only=True):
    """Matches the deployment's name or its flow's."""

    like_: str | None = None


class DeploymentFilterPaused(Filter, kw_only=True):
    eq_: bool | None = None


class DeploymentFilterTags(CombiningFilter, kw_only=True):
    """`all_`: has each of these; `any_`: has at least one of these; `is_null_` true: has none at all."""

    all_: list[str] | None = None
    any_: list[str] | None = None
    is_null_: bool | None = None


class DeploymentFilterWorkQueueName(Filter, kw_only=True):
    any_: list[str] | None = None


class DeploymentFilterConcurrencyLimit(Filter, kw_only=True):
    """Accepted for older clients; constrains nothing (contract §5)."""

    ge_: int | None = None
    le_: int | None = None
    is_null_: bool | None = None


class DeploymentFilter(CombiningFilter, kw_only=True):
    id: DeploymentFilterId | None = None
    name: DeploymentFilterName | None = None
    flow_or_deployment_name: DeploymentOrFlowNameFilter | None = None
    paused: DeploymentFilterPaused | None = None
    tags: DeploymentFilterTags | None = None
    work_queue_name: DeploymentFilterWorkQueueName | None = None
    concurrency_limit: DeploymentFilterConcurrencyLimit | None = None
