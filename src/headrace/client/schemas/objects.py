"""What the API answers with."""

from headrace.wire.events import Event
from headrace.wire.flow_runs import CreatedBy, FlowRun, FlowRunInput, FlowRunPolicy
from headrace.wire.flows import Flow
from headrace.wire.logs import Log
from headrace.wire.states import TERMINAL_STATES, State, StateDetails, StateType
from headrace.wire.task_runs import TaskRun, TaskRunInput, TaskRunPolicy

__all__ = [
    "TERMINAL_STATES",
    "CreatedBy",
    "Event",
    "Flow",
    "FlowRun",
    "FlowRunInput",
    "FlowRunPolicy",
    "Log",
    "State",
    "StateDetails",
    "StateType",
    "TaskRun",
    "TaskRunInput",
    "TaskRunPolicy",
]
