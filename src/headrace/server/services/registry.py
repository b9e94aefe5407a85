"""The services there are. Loaded by a process that runs or lists them, and by nothing else."""

from headrace.server.automations.actions.service import Actions
from headrace.server.automations.evaluation.proactive import ProactiveTriggers
from headrace.server.automations.evaluation.triggers import Triggers
from headrace.server.cancellations.cleanup import CancellationCleanup
from headrace.server.concurrency.repossessor import Repossessor
from headrace.server.deployments.scheduler import Scheduler
from headrace.server.events.persister import EventPersister
from headrace.server.flow_runs.late import LateRuns
from headrace.server.history.service import Histories
from headrace.server.liveness.service import Liveness
from headrace.server.logs.keeper import LogPartitions
from headrace.server.operations.worker import Operations
from headrace.server.pauses.expirations import PauseExpirations
from headrace.server.purge.service import Purge
from headrace.server.retention.keeper import RetentionKeeper
from headrace.server.services.base import Service
from headrace.server.task_queue.leases import TaskLeases
from headrace.server.trash.settler import Settler
from headrace.server.work_pools.foreman import Foreman

SERVICES: tuple[type[Service], ...] = (
    EventPersister,
    Triggers,
    ProactiveTriggers,
    Actions,
    Histories,
    TaskLeases,
    Scheduler,
    LateRuns,
    Liveness,
    CancellationCleanup,
    PauseExpirations,
    Operations,
    Settler,
    Foreman,
    Repossessor,
    LogPartitions,
    Purge,
    RetentionKeeper,
)
