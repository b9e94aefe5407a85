"""The client with all its calls."""

from types import TracebackType
from typing import Self

from headrace.client._async.admin import AdminCalls
from headrace.client._async.artifacts import ArtifactCalls
from headrace.client._async.automations import AutomationCalls
from headrace.client._async.block_documents import BlockDocumentCalls
from headrace.client._async.block_schemas import BlockSchemaCalls
from headrace.client._async.block_types import BlockTypeCalls
from headrace.client._async.bulk import BulkCalls
from headrace.client._async.cancellations import CancellationCalls
from headrace.client._async.collections import CollectionCalls
from headrace.client._async.concurrency_limits import ConcurrencyLimitCalls
from headrace.client._async.deployments import DeploymentCalls
from headrace.client._async.event_log import EventLogCalls
from headrace.client._async.firings import FiringCalls
from headrace.client._async.global_concurrency_limits import GlobalConcurrencyLimitCalls
from headrace.client._async.inputs import InputCalls
from headrace.client._async.operations import OperationCalls
from headrace.client._async.overviews import OverviewCalls
from headrace.client._async.queues import QueueCalls
from headrace.client._async.recording import RecordingClient
from headrace.client._async.retention import RetentionCalls
from headrace.client._async.saved_searches import SavedSearchCalls
from headrace.client._async.schedules import ScheduleCalls
from headrace.client._async.slots import SlotCalls
from headrace.client._async.trash import TrashCalls
from headrace.client._async.ui import UICalls
from headrace.client._async.variables import VariableCalls
from headrace.client._async.work_pools import WorkPoolCalls
from headrace.client._async.work_queues import WorkQueueCalls
from headrace.client._async.workers import WorkerCalls


class HeadraceClient(
    RecordingClient,
    InputCalls,
    DeploymentCalls,
    ScheduleCalls,
    WorkPoolCalls,
    WorkQueueCalls,
    WorkerCalls,
    GlobalConcurrencyLimitCalls,
    SlotCalls,
    ConcurrencyLimitCalls,
    ArtifactCalls,
    VariableCalls,
    EventLogCalls,
    AutomationCalls,
    FiringCalls,
    QueueCalls,
    BlockTypeCalls,
    BlockSchemaCalls,
    BlockDocumentCalls,
    SavedSearchCalls,
    CollectionCalls,
    CancellationCalls,
    OperationCalls,
    TrashCalls,
    RetentionCalls,
    OverviewCalls,
    UICalls,
    BulkCalls,
    AdminCalls,
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
