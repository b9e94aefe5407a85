"""Which variables."""

from uuid import UUID

from headrace.wire.filters.base import CombiningFilter, Filter


class VariableFilterId(Filter, kw_only=True):
    any_: list[UUID] | None = None


class VariableFilterName(Filter, kw_only=True):
    any_: list[str] | None = None
    like_: str | None = None


class VariableFilterTags(CombiningFilter, kw_only=True):
    """`is_null_` true: variables without tags."""

    all_: list[str] | None = None
    is_null_: bool | None = None


class VariableFilter(CombiningFilter, kw_only=True):
    id: VariableFilterId | None = None
    name: VariableFilterName | None = None
    tags: VariableFilterTags | None = None
