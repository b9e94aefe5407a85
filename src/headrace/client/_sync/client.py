# Generated from _async/client.py by scripts/unasync.py; change that file, not this one.
"""The client with all its calls."""

from types import TracebackType
from typing import Self

from headrace.client._sync.admin import AdminCalls
from headrace.client._sync.bulk import BulkCalls
from headrace.client._sync.events import EventCalls
from headrace.client._sync.flow_runs import FlowRunCalls
from headrace.client._sync.flows import FlowCalls
from headrace.client._sync.inputs import InputCalls
from headrace.client._sync.logs import LogCalls
from headrace.client._sync.overviews import OverviewCalls
from headrace.client._sync.task_runs import TaskRunCalls


class SyncHeadraceClient(
    FlowCalls, FlowRunCalls, InputCalls, TaskRunCalls, LogCalls, EventCalls, OverviewCalls, BulkCalls, AdminCalls
):
    """Every call of the API, typed, over any transport.

    Raises `ObjectNotFound`, `ObjectAlreadyExists`, `Unprocessable` and the other errors of `wire.errors`
    as the server answers, and `ServiceUnavailable` when there is no answer. Leaving its `with` block
    leaves the connection open for the next client of this process.
    """

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        return None

    @property
    def api_url(self) -> str:
        """Where the API is: a URL, or the database that is written to in process."""
        return self._transport.where
