# Generated from _async/client.py by scripts/unasync.py; change that file, not this one.
"""The client with all its calls."""

from types import TracebackType
from typing import Self

from headrace.client._sync.admin import AdminCalls
from headrace.client._sync.artifacts import ArtifactCalls
from headrace.client._sync.automations import AutomationCalls
from headrace.client._sync.block_documents import BlockDocumentCalls
from headrace.client._sync.block_schemas import BlockSchemaCalls
from headrace.client._sync.block_types import BlockTypeCalls
from headrace.client._sync.bulk import BulkCalls
from headrace.client._sync.cancellations import CancellationCalls
from headrace.client._sync.collections import CollectionCalls
from headrace.client._sync.concurrency_limits import ConcurrencyLimitCalls
from headrace.client._sync.deployments import DeploymentCalls
from headrace.client._sync.event_log import EventLogCalls
from headrace.client._sync.firings import FiringCalls
from headrace.client._sync.global_concurrency_limits import GlobalConcurrencyLimitCalls
from headrace.client._sync.inputs import InputCalls
from headrace.client._sync.operations import OperationCalls
from headrace.client._sync.overviews import OverviewCalls
from headrace.client._sync.queues import QueueCalls
from headrace.client._sync.recording import SyncRecordingClient
from headrace.client._sync.retention import RetentionCalls
from headrace.client._sync.saved_searches import SavedSearchCalls
from headrace.client._sync.schedules import ScheduleCalls
from headrace.client._sync.slots import SlotCalls
from headrace.client._sync.trash import TrashCalls
from headrace.client._sync.ui import UICalls
from headrace.client._sync.variables import VariableCalls
from headrace.client._sync.work_pools import WorkPoolCalls
from headrace.client._sync.work_queues import WorkQueueCalls
from headrace.client._sync.workers import WorkerCalls


class SyncHeadraceClient(
    SyncRecordingClient,
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
