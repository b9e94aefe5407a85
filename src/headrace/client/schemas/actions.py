"""What is sent to make and to change objects."""

from headrace.wire.artifacts import ArtifactCreate, ArtifactUpdate
from headrace.wire.automations import AutomationCreate, AutomationUpdate
from headrace.wire.blocks import (
    BlockDocumentCreate,
    BlockDocumentUpdate,
    BlockSchemaCreate,
    BlockTypeCreate,
    BlockTypeUpdate,
)
from headrace.wire.concurrency import ConcurrencyLimitCreate, GlobalConcurrencyLimitCreate, GlobalConcurrencyLimitUpdate
from headrace.wire.deployments import DeploymentCreate, DeploymentFlowRunCreate, DeploymentUpdate
from headrace.wire.flow_runs import FlowRunCreate, FlowRunUpdate
from headrace.wire.flows import FlowCreate, FlowUpdate
from headrace.wire.logs import LogCreate
from headrace.wire.saved_searches import SavedSearchCreate
from headrace.wire.schedules import DeploymentScheduleCreate, DeploymentScheduleUpdate
from headrace.wire.states import StateCreate
from headrace.wire.task_runs import TaskRunCreate, TaskRunUpdate
from headrace.wire.variables import VariableCreate, VariableUpdate
from headrace.wire.work_pools import WorkPoolCreate, WorkPoolUpdate
from headrace.wire.work_queues import WorkQueueCreate, WorkQueueUpdate

__all__ = [
    "ArtifactCreate",
    "ArtifactUpdate",
    "AutomationCreate",
    "AutomationUpdate",
    "BlockDocumentCreate",
    "BlockDocumentUpdate",
    "BlockSchemaCreate",
    "BlockTypeCreate",
    "BlockTypeUpdate",
    "ConcurrencyLimitCreate",
    "DeploymentCreate",
    "DeploymentFlowRunCreate",
    "DeploymentScheduleCreate",
    "DeploymentScheduleUpdate",
    "DeploymentUpdate",
    "FlowCreate",
    "FlowRunCreate",
    "FlowRunUpdate",
    "FlowUpdate",
    "GlobalConcurrencyLimitCreate",
    "GlobalConcurrencyLimitUpdate",
    "LogCreate",
    "SavedSearchCreate",
    "StateCreate",
    "TaskRunCreate",
    "TaskRunUpdate",
    "VariableCreate",
    "VariableUpdate",
    "WorkPoolCreate",
    "WorkPoolUpdate",
    "WorkQueueCreate",
    "WorkQueueUpdate",
]
