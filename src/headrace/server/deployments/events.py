"""`prefect.deployment.<change or status>`: what a deployment's events say (contract §6.3)."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from headrace.rules.scheduling import Missed
from headrace.server.deployments.queries import Stored, Surroundings
from headrace.server.events.facts import Change, differences, happened, resource, word_of, work_pool
from headrace.wire.deployments import DeploymentStatus
from headrace.wire.events import Event, Resource
from headrace.wire.schedules import DeploymentSchedule

_TOLD = (
    "description",
    "tags",
    "parameters",
    "parameter_openapi_schema",
    "enforce_parameter_schema",
    "entrypoint",
    "path",
    "pull_steps",
    "work_queue_id",
    "infra_overrides",
    "paused",
    "labels",
    "version",
    "concurrency_limit_id",
    "concurrency_options",
)
"""The fields whose changes are told, under the names that events have for them."""


def deployment_changed(
    change: Change, deployment: Surroundings, moment: datetime, payload: dict[str, Any] | None = None
) -> Event:
    """The event of a deployment that was made, changed or deleted, as it is now or was last."""
    return _event(str(change), deployment, moment, payload)


def status_entered(status: DeploymentStatus, deployment: Surroundings, moment: datetime) -> Event:
    """The event of a deployment whose runs somebody asks for, or nobody any more."""
    return _event(word_of(status), deployment, moment)


def runs_missed(deployment: Surroundings, schedule: DeploymentSchedule, missed: Missed, moment: datetime) -> Event:
    """The event of times of a schedule that have passed without a run."""
    payload = {
        "schedule_id": str(schedule.id),
        "slug": schedule.slug,
        "catchup": schedule.catchup,
        "first": missed.first.isoformat(),
        "last": missed.last.isoformat(),
        "missed": missed.count,
        "and_more": missed.more,
        "caught_up": missed.caught_up,
    }
    return _own("runs-missed", deployment, moment, payload)


def schedule_failed(deployment: Surroundings, schedule: DeploymentSchedule, reason: str, moment: datetime) -> Event:
    """The event of a schedule that cannot be followed."""
    payload = {"schedule_id": str(schedule.id), "slug": schedule.slug, "reason": reason}
    return _own("schedule-failed", deployment, moment, payload)


def updates(before: Stored, after: Stored) -> dict[str, Any] | None:
    """The payload that tells what has changed, or None if nothing has that is told."""
    return differences(_fields(before), _fields(after))


def _own(what: str, deployment: Surroundings, moment: datetime, payload: dict[str, Any]) -> Event:
    """An event that Prefect does not have."""
    subject = resource("deployment", deployment.id, deployment.name)
    return happened(f"headrace.deployment.{what}", subject, moment, list(_related(deployment)), payload)


def _event(what: str, deployment: Surroundings, moment: datetime, payload: dict[str, Any] | None = None) -> Event:
    subject = resource("deployment", deployment.id, deployment.name)
    return happened(f"prefect.deployment.{what}", subject, moment, list(_related(deployment)), payload)


def _related(of: Surroundings) -> Iterable[Resource]:
    yield resource("flow", of.flow_id, of.flow_name, "flow")
    if of.queue_id is not None:
        yield resource("work-queue", of.queue_id, of.queue_name, "work-queue")
    if of.pool_id is not None and of.pool_name is not None and of.pool_type is not None:
        yield work_pool(of.pool_id, of.pool_name, of.pool_type, "work-pool")
    if of.storage_document_id is not None:
        yield resource("block-document", of.storage_document_id, role="storage")
    if of.infrastructure_document_id is not None:
        yield resource("block-document", of.infrastructure_document_id, role="infrastructure")
    if of.concurrency_limit_id is not None:
        yield resource("concurrency-limit", of.concurrency_limit_id, role="concurrency-limit")


def _fields(stored: Stored) -> dict[str, Any]:
    found = stored.deployment
    named = {"infra_overrides": found.job_variables, "concurrency_limit_id": stored.concurrency_limit_id}
    return {field: named[field] if field in named else getattr(found, field) for field in _TOLD}
