"""What is sent to make and to change objects."""

from headrace.wire.flow_runs import FlowRunCreate, FlowRunUpdate
from headrace.wire.flows import FlowCreate, FlowUpdate
from headrace.wire.logs import LogCreate
from headrace.wire.states import StateCreate
from headrace.wire.task_runs import TaskRunCreate, TaskRunUpdate

__all__ = [
    "FlowCreate",
    "FlowRunCreate",
    "FlowRunUpdate",
    "FlowUpdate",
    "LogCreate",
    "StateCreate",
    "TaskRunCreate",
    "TaskRunUpdate",
]
