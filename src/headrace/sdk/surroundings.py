"""What surrounds an event: the run it happened in and what belongs to that, as related resources (contract §6.4)."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from typing import Any
from uuid import UUID

from headrace.sdk.context import FlowRunContext, TaskRunContext
from headrace.sdk.event_types import RelatedResource
from headrace.wire.errors import HeadraceError
from headrace.wire.events import RESOURCE_ID, RESOURCE_ROLE, Resource

_NAME = "prefect.resource.name"
_log = logging.getLogger("headrace.events")


def surroundings(flow_run: FlowRunContext | None, task_run: TaskRunContext | None) -> list[Resource]:
    """The run, its task run, flow, deployment, work queue and work pool, and the tags of the runs by name.

    A deployment's name is asked for, once a run; without an answer the deployment has none.
    """
    found: list[Resource] = []
    tags: set[str] = set()
    if flow_run is not None:
        found.append(named("flow-run", flow_run.flow_run.id, flow_run.flow_run.name))
        tags.update(flow_run.flow_run.tags)
    if task_run is not None:
        found.append(named("task-run", task_run.task_run.id, task_run.task_run.name))
        tags.update(task_run.task_run.tags)
    if flow_run is not None:
        found.extend(belongings(flow_run))
    return [*found, *tags_as_related_resources(tags)]


def belongings(run: FlowRunContext) -> list[Resource]:
    """What a flow run belongs to: its flow, deployment, work queue and work pool."""
    known = run.flow_run
    found = [named("flow", known.flow_id, run.flow.name)]
    if known.deployment_id is not None:
        found.append(named("deployment", known.deployment_id, _deployment_name(run)))
    if known.work_queue_id is not None:
        found.append(named("work-queue", known.work_queue_id, known.work_queue_name))
    if known.work_pool_id is not None:
        found.append(named("work-pool", known.work_pool_id, known.work_pool_name))
    return found


def named(kind: str, id_: UUID | str, name: str | None = None, role: str | None = None) -> Resource:
    """One of the API's objects as a related resource; its role is its kind unless another is given."""
    labels = {RESOURCE_ID: f"prefect.{kind}.{id_}", RESOURCE_ROLE: role or kind}
    return labels if name is None else labels | {_NAME: name}


def tags_as_related_resources(tags: Iterable[str]) -> list[Resource]:
    return [named("tag", tag) for tag in sorted(set(tags))]


def object_as_related_resource(kind: str, role: str, object: Any) -> RelatedResource:
    """An object of the API, which has an `id` and mostly a `name`, as a related resource."""
    return RelatedResource(named(kind, object.id, getattr(object, "name", None), role))


def _deployment_name(run: FlowRunContext) -> str | None:
    if not run.deployment_name:
        try:
            assert run.flow_run.deployment_id is not None
            run.deployment_name.append(run.client.read_deployment(run.flow_run.deployment_id).name)
        except HeadraceError as error:
            _log.debug("The name of the deployment could not be read: %s", error)
            run.deployment_name.append(None)
    return run.deployment_name[0]
