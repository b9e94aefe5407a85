"""What each part of the filters of deployments, work pools, work queues and workers means (contract §5)."""

from typing import Any

from sqlalchemy import ColumnElement as Expression
from sqlalchemy import case, exists, func, literal_column, or_, select, true

from headrace.server.filters.criteria import Criterion, Part, column_conditions, on_column, on_tags, passed_over
from headrace.server.filters.forms import ONE, Condition
from headrace.server.store.tables import deployments, flows, work_pools, work_queues, workers

_deployment, _worker = deployments.c, workers.c
_of_a_flow = deployments.alias("of_a_flow")
_owners = flows.alias("owner")
_MISSED_HEARTBEATS: Expression[int] = literal_column("3")
_USUAL_INTERVAL: Expression[int] = literal_column("30")
_ONLINE: Expression[str] = literal_column("'ONLINE'")
_OFFLINE: Expression[str] = literal_column("'OFFLINE'")


def has_deployment(part: Part) -> Condition:
    """Which flows have a deployment, or none (`FlowFilterDeployment`)."""
    wants_none = getattr(part.given, "is_null_", None)
    if wants_none is None:
        return true()
    rows = select(ONE).where(_of_a_flow.c.flow_id == flows.c.id, _of_a_flow.c.deleted_at.is_(None))
    found = exists(rows.correlate(flows))
    return ~found if wants_none else found


def _on_either_name(part: Part) -> Condition:
    """The name of the deployment or of its flow; the names of the two are looked into apart."""
    own = list(column_conditions(part, _deployment.name))
    if not own:
        return true()
    owner = select(ONE).where(_owners.c.id == _deployment.flow_id, _owners.c.deleted_at.is_(None))
    named = owner.where(*column_conditions(part, _owners.c.name))
    return or_(*own, exists(named.correlate(deployments)))


def _on_worker_status(part: Part) -> Condition:
    """A worker is online until three of its heartbeats are missing (contract §3)."""
    interval = func.coalesce(_worker.heartbeat_interval_seconds, _USUAL_INTERVAL)
    until = part.forms.later(_worker.last_heartbeat_time, _MISSED_HEARTBEATS * interval)
    status: Expression[Any] = case((until > part.now(), _ONLINE), else_=_OFFLINE)
    return part.combine(list(column_conditions(part, status)))


CRITERIA: dict[str, dict[str, Criterion]] = {
    "deployments": {
        "id": on_column(_deployment.id),
        "name": on_column(_deployment.name),
        "flow_or_deployment_name": _on_either_name,
        "paused": on_column(_deployment.paused),
        "tags": on_tags(_deployment.tags),
        "work_queue_name": on_column(_deployment.work_queue_name),
        "concurrency_limit": passed_over,
    },
    "work_pools": {
        "id": on_column(work_pools.c.id),
        "name": on_column(work_pools.c.name),
        "type": on_column(work_pools.c.type),
    },
    "work_queues": {
        "id": on_column(work_queues.c.id),
        "name": on_column(work_queues.c.name),
    },
    "workers": {
        "last_heartbeat_time": on_column(_worker.last_heartbeat_time),
        "status": _on_worker_status,
    },
}
