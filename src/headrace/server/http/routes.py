"""Every REST route of the server, below the base path."""

from headrace.server.admin import routes as admin
from headrace.server.artifacts import routes as artifacts
from headrace.server.automations import routes as automations
from headrace.server.automations import routes_history as automations_history
from headrace.server.automations.evaluation import routes as trials
from headrace.server.blocks.documents import routes as block_documents
from headrace.server.blocks.schemas import routes as block_schemas
from headrace.server.blocks.types import routes as block_types
from headrace.server.cancellations import routes as cancellations
from headrace.server.collections import routes as collections
from headrace.server.concurrency import routes as concurrency
from headrace.server.deployments import routes as deployments
from headrace.server.deployments import routes_runs as deployment_runs
from headrace.server.deployments import routes_schedules as deployment_schedules
from headrace.server.events import routes as events
from headrace.server.events import routes_queues as event_queues
from headrace.server.events.quarantine import routes as event_quarantine
from headrace.server.flow_runs import inputs as flow_run_inputs
from headrace.server.flow_runs import routes as flow_runs
from headrace.server.flow_runs import routes_read as flow_runs_read
from headrace.server.flows import routes as flows
from headrace.server.http.routing import Router
from headrace.server.liveness import routes as liveness
from headrace.server.logs import routes as logs
from headrace.server.metrics import routes as metrics
from headrace.server.operations import routes as operations
from headrace.server.retention import routes as retention
from headrace.server.saved_searches import routes as saved_searches
from headrace.server.services import routes as services
from headrace.server.states import routes as states
from headrace.server.task_queue import routes as task_queue
from headrace.server.task_runs import routes as task_runs
from headrace.server.task_runs import routes_background as task_runs_background
from headrace.server.task_runs import routes_read as task_runs_read
from headrace.server.task_workers import routes as task_workers
from headrace.server.templates import routes as templates
from headrace.server.trash import routes as trash
from headrace.server.ui import routes as ui
from headrace.server.variables import routes as variables
from headrace.server.work_pools import routes as work_pools
from headrace.server.work_queues import routes as work_queues
from headrace.server.workers import routes as workers

ROUTERS: tuple[Router, ...] = (
    *admin.routers,
    services.router,
    metrics.router,
    flows.router,
    flow_runs.router,
    flow_runs_read.router,
    flow_run_inputs.router,
    liveness.router,
    cancellations.router,
    task_runs.router,
    task_runs_read.router,
    task_runs_background.router,
    task_workers.router,
    task_queue.router,
    *states.routers,
    events.router,
    event_queues.router,
    event_quarantine.router,
    logs.router,
    retention.router,
    deployments.router,
    deployment_runs.router,
    deployment_schedules.router,
    work_pools.router,
    *work_queues.routers,
    workers.router,
    *concurrency.routers,
    block_types.router,
    *block_schemas.routers,
    block_documents.router,
    collections.router,
    artifacts.router,
    saved_searches.router,
    automations.router,
    automations_history.router,
    trials.router,
    operations.router,
    trash.router,
    templates.router,
    ui.router,
    variables.router,
)
