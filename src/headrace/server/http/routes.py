"""Every REST route of the server, below the base path."""

from headrace.server.admin import routes as admin
from headrace.server.flow_runs import routes_read as flow_runs_read
from headrace.server.flows import routes as flows
from headrace.server.http.routing import Router
from headrace.server.logs import routes as logs
from headrace.server.task_runs import routes_read as task_runs_read

ROUTERS: tuple[Router, ...] = (
    *admin.routers,
    flows.router,
    flow_runs_read.router,
    task_runs_read.router,
    logs.router,
)
