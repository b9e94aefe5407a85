"""Which artifacts, and which collections of them."""

from uuid import UUID

from headrace.wire.filters.base import CombiningFilter, Filter


class ArtifactFilterId(Filter, kw_only=True):
    any_: list[UUID] | None = None


class ArtifactFilterKey(Filter, kw_only=True):
    """`exists_` true: artifacts with a key; false: those without, such as the results of runs."""

    any_: list[str] | None = None
    like_: str | None = None
    exists_: bool | None = None


class ArtifactFilterFlowRunId(Filter, kw_only=True):
    any_: list[UUID] | None = None


class ArtifactFilterTaskRunId(Filter, kw_only=True):
    any_: list[UUID] | None = None


class ArtifactFilterType(Filter, kw_only=True):
    any_: list[str] | None = None
    not_any_: list[str] | None = None


class ArtifactFilter(CombiningFilter, kw_only=True):
    id: ArtifactFilterId | None = None
    key: ArtifactFilterKey | None = None
    flow_run_id: ArtifactFilterFlowRunId | None = None
    task_run_id: ArtifactFilterTaskRunId | None = None
    type: ArtifactFilterType | None = None


class ArtifactCollectionFilterLatestId(Filter, kw_only=True):
    any_: list[UUID] | None = None


class ArtifactCollectionFilterKey(Filter, kw_only=True):
    """`exists_` false matches nothing, as every collection has a key."""

    any_: list[str] | None = None
    like_: str | None = None
    exists_: bool | None = None


class ArtifactCollectionFilterFlowRunId(Filter, kw_only=True):
    any_: list[UUID] | None = None


class ArtifactCollectionFilterTaskRunId(Filter, kw_only=True):
    any_: list[UUID] | None = None


class ArtifactCollectionFilterType(Filter, kw_only=True):
    any_: list[str] | None = None
    not_any_: list[str] | None = None


class ArtifactCollectionFilter(CombiningFilter, kw_only=True):
    latest_id: ArtifactCollectionFilterLatestId | None = None
    key: ArtifactCollectionFilterKey | None = None
    flow_run_id: ArtifactCollectionFilterFlowRunId | None = None
    task_run_id: ArtifactCollectionFilterTaskRunId | None = None
    type: ArtifactCollectionFilterType | None = None
