"""What the API answers about the questions it is asked."""

from headrace.wire.concurrency import GlobalConcurrencyLimit, LimitSummary, SlotLease
from headrace.wire.deployment_listings import DeploymentPage
from headrace.wire.deployments import Deployment, FlowRunBulkCreateResult
from headrace.wire.events import EventPage
from headrace.wire.firings import ActionRun, FiringPage, FiringRecord
from headrace.wire.flow_runs import FlowRun
from headrace.wire.listings import FlowPage, FlowRunPage, Graph, HistoryBar, TaskRunPage
from headrace.wire.orchestration import (
    BulkSetStateItem,
    BulkSetStateResult,
    OrchestrationResult,
    SetStateStatus,
    StateAbortDetails,
    StateAcceptDetails,
    StateRejectDetails,
    StateWaitDetails,
)
from headrace.wire.work_pools import WorkerFlowRun, WorkPoolConcurrencyStatus
from headrace.wire.work_queues import WorkQueueConcurrencyStatus

# The names that these have in Prefect's client.
ConcurrencyLimitWithLeaseResponse = SlotLease
DeploymentResponse = Deployment
GlobalConcurrencyLimitResponse = GlobalConcurrencyLimit
MinimalConcurrencyLimitResponse = LimitSummary
WorkerFlowRunResponse = WorkerFlowRun
FlowRunResponse = FlowRun
HistoryResponse = HistoryBar

__all__ = [
    "ActionRun",
    "BulkSetStateItem",
    "BulkSetStateResult",
    "ConcurrencyLimitWithLeaseResponse",
    "Deployment",
    "DeploymentPage",
    "DeploymentResponse",
    "EventPage",
    "FiringPage",
    "FiringRecord",
    "FlowPage",
    "FlowRunBulkCreateResult",
    "FlowRunPage",
    "FlowRunResponse",
    "GlobalConcurrencyLimit",
    "GlobalConcurrencyLimitResponse",
    "Graph",
    "HistoryBar",
    "HistoryResponse",
    "LimitSummary",
    "MinimalConcurrencyLimitResponse",
    "OrchestrationResult",
    "SetStateStatus",
    "SlotLease",
    "StateAbortDetails",
    "StateAcceptDetails",
    "StateRejectDetails",
    "StateWaitDetails",
    "TaskRunPage",
    "WorkPoolConcurrencyStatus",
    "WorkQueueConcurrencyStatus",
    "WorkerFlowRun",
    "WorkerFlowRunResponse",
]
