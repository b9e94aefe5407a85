"""What the API answers about the questions it is asked."""

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

__all__ = [
    "BulkSetStateItem",
    "BulkSetStateResult",
    "OrchestrationResult",
    "SetStateStatus",
    "StateAbortDetails",
    "StateAcceptDetails",
    "StateRejectDetails",
    "StateWaitDetails",
]
