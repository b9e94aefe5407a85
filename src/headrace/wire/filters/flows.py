"""Which flows."""

from uuid import UUID

from headrace.wire.filters.base import CombiningFilter, Filter


class FlowFilterId(Filter, kw_only=True):
    any_: list[UUID] | None = None
    not_any_: list[UUID] | None = None


class FlowFilterDeployment(CombiningFilter, kw_only=True):
    """`is_null_` true: flows without any deployment; false: flows with at least one."""

    is_null_: bool | None = None


class FlowFilterName(Filter, kw_only=True):
    any_: list[str] | None = None
    like_: str | None = None


class FlowFilterTags(CombiningFilter, kw_only=True):
    """`is_null_` true: flows without tags."""

    all_: list[str] | None = None
    is_null_: bool | None = None


class FlowFilter(CombiningFilter, kw_only=True):
    id: FlowFilterId | None = None
    deployment: FlowFilterDeployment | None = None
    name: FlowFilterName | None = None
    tags: FlowFilterTags | None = None
