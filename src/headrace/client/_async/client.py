"""The client with all its calls."""

from types import TracebackType
from typing import Self

from headrace.client._async.admin import AdminCalls
from headrace.client._async.bulk import BulkCalls
from headrace.client._async.events import EventCalls
from headrace.client._async.flow_runs import FlowRunCalls
from headrace.client._async.flows import FlowCalls
from headrace.client._async.inputs import InputCalls
from headrace.client._async.logs import LogCalls
from headrace.client._async.overviews import OverviewCalls
from headrace.client._async.task_runs import TaskRunCalls


class HeadraceClient(
    FlowCalls, FlowRunCalls, InputCalls, TaskRunCalls, LogCalls, EventCalls, OverviewCalls, BulkCalls, AdminCalls
):
    """Every call of the API, typed, over any transport.

    Raises `ObjectNotFound`, `ObjectAlreadyExists`, `Unprocessable` and the other errors of `wire.errors`
    as the server answers, and `ServiceUnavailable` when there is no answer. Leaving its `with` block
    leaves the connection open for the next client of this process.
    """

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        return None

    @property
    def api_url(self) -> str:
        """Where the API is: a URL, or the database that is written to in process."""
        return self._transport.where
