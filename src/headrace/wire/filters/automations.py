"""Which automations."""

from datetime import datetime
from uuid import UUID

from headrace.wire.filters.base import CombiningFilter, Filter


class AutomationFilterId(Filter, kw_only=True):
    any_: list[UUID] | None = None


class AutomationFilterName(Filter, kw_only=True):
    any_: list[str] | None = None


class AutomationFilterCreated(Filter, kw_only=True):
    before_: datetime | None = None


class AutomationFilterTags(CombiningFilter, kw_only=True):
    """`is_null_` true: automations without tags."""

    all_: list[str] | None = None
    any_: list[str] | None = None
    is_null_: bool | None = None


class AutomationFilter(CombiningFilter, kw_only=True):
    id: AutomationFilterId | None = None
    name: AutomationFilterName | None = None
    created: AutomationFilterCreated | None = None
    tags: AutomationFilterTags | None = None
