"""Which log lines."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

import msgspec

from headrace.wire.filters.base import CombiningFilter, Filter
from headrace.wire.logs import Level


class LogFilterLevel(Filter, kw_only=True):
    ge_: Level | None = None
    le_: Level | None = None


class LogFilterTimestamp(Filter, kw_only=True):
    before_: datetime | None = None
    after_: datetime | None = None


class LogFilterFlowRunId(Filter, kw_only=True):
    any_: list[UUID] | None = None


class LogFilterTaskRunId(Filter, kw_only=True):
    any_: list[UUID] | None = None
    is_null_: bool | None = None


class LogFilterTextSearch(Filter, kw_only=True):
    """Terms looked for in message and logger name: `any of these +required -excluded "a phrase"`."""

    query: Annotated[str, msgspec.Meta(max_length=200)]


class LogFilter(CombiningFilter, kw_only=True):
    level: LogFilterLevel | None = None
    timestamp: LogFilterTimestamp | None = None
    flow_run_id: LogFilterFlowRunId | None = None
    task_run_id: LogFilterTaskRunId | None = None
    text: LogFilterTextSearch | None = None
