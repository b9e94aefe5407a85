# Generated from _async/logs.py by scripts/unasync.py; change that file, not this one.
"""Calls about log lines."""

from collections.abc import Iterable, Mapping
from typing import Any

from headrace.client._sync.base import Part
from headrace.wire.filters import LogFilter
from headrace.wire.logs import Log, LogCreate
from headrace.wire.sorts import LogSort


class LogCalls(Part):
    """Log lines are written in batches and read in order."""

    def create_logs(self, logs: Iterable[LogCreate | Mapping[str, Any]]) -> None:
        """Keep log lines; when this returns they are stored."""
        self._tell("POST", "/logs/", body=list(logs))

    def read_logs(
        self,
        log_filter: LogFilter | None = None,
        limit: int | None = 200,
        offset: int = 0,
        sort: LogSort = LogSort.TIMESTAMP_ASC,
    ) -> list[Log]:
        """Log lines that pass the filter; `limit=None` reads all of them, page by page."""
        body = {"logs": log_filter, "sort": sort}
        return self._list("/logs/filter", Log, body, limit=limit, offset=offset)
