"""What the API answers with."""

from headrace.wire.artifacts import Artifact, ArtifactCollection
from headrace.wire.automations import Automation
from headrace.wire.blocks import BlockDocument, BlockSchema, BlockType
from headrace.wire.concurrency import ConcurrencyLimit, GlobalConcurrencyLimit, LeaseHolder
from headrace.wire.deployments import (
    ConcurrencyLimitStrategy,
    ConcurrencyOptions,
    Deployment,
    DeploymentStatus,
    VersionInfo,
)
from headrace.wire.events import Event, ReceivedEvent
from headrace.wire.flow_runs import CreatedBy, FlowRun, FlowRunInput, FlowRunPolicy
from headrace.wire.flows import Flow
from headrace.wire.logs import Log
from headrace.wire.saved_searches import SavedSearch, SavedSearchFilter
from headrace.wire.schedules import DeploymentSchedule
from headrace.wire.states import TERMINAL_STATES, State, StateDetails, StateType
from headrace.wire.statuses import WorkerStatus
from headrace.wire.task_runs import TaskRun, TaskRunInput, TaskRunPolicy
from headrace.wire.variables import Variable
from headrace.wire.work_pools import WorkPool, WorkPoolStatus, WorkPoolStorageConfiguration
from headrace.wire.work_queues import (
    QueueFilter,
    WorkQueue,
    WorkQueueHealthPolicy,
    WorkQueueStatus,
    WorkQueueStatusDetail,
)
from headrace.wire.workers import Worker

ConcurrencyLeaseHolder = LeaseHolder

__all__ = [
    "TERMINAL_STATES",
    "Artifact",
    "ArtifactCollection",
    "Automation",
    "BlockDocument",
    "BlockSchema",
    "BlockType",
    "ConcurrencyLeaseHolder",
    "ConcurrencyLimit",
    "ConcurrencyLimitStrategy",
    "ConcurrencyOptions",
    "CreatedBy",
    "Deployment",
    "DeploymentSchedule",
    "DeploymentStatus",
    "Event",
    "Flow",
    "FlowRun",
    "FlowRunInput",
    "FlowRunPolicy",
    "GlobalConcurrencyLimit",
    "LeaseHolder",
    "Log",
    "QueueFilter",
    "ReceivedEvent",
    "SavedSearch",
    "SavedSearchFilter",
    "State",
    "StateDetails",
    "StateType",
    "TaskRun",
    "TaskRunInput",
    "TaskRunPolicy",
    "Variable",
    "VersionInfo",
    "WorkPool",
    "WorkPoolStatus",
    "WorkPoolStorageConfiguration",
    "WorkQueue",
    "WorkQueueHealthPolicy",
    "WorkQueueStatus",
    "WorkQueueStatusDetail",
    "Worker",
    "WorkerStatus",
]
