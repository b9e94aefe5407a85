"""The API's nouns under their public names: objects, filters, sorting, actions and responses."""

from headrace.client.schemas.actions import FlowRunCreate, LogCreate, StateCreate, TaskRunCreate
from headrace.client.schemas.objects import (
    Flow,
    FlowRun,
    FlowRunPolicy,
    Log,
    State,
    StateDetails,
    StateType,
    TaskRun,
    TaskRunInput,
    TaskRunPolicy,
)
from headrace.client.schemas.responses import OrchestrationResult, SetStateStatus

__all__ = [
    "Flow",
    "FlowRun",
    "FlowRunCreate",
    "FlowRunPolicy",
    "Log",
    "LogCreate",
    "OrchestrationResult",
    "SetStateStatus",
    "State",
    "StateCreate",
    "StateDetails",
    "StateType",
    "TaskRun",
    "TaskRunCreate",
    "TaskRunInput",
    "TaskRunPolicy",
]
