"""Making a deployment at the API, or bringing the one that is there to what is described."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping, Sequence
from datetime import timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Any
from uuid import UUID

import msgspec

from headrace.rules import recurrence
from headrace.wire.actions import RunDeployment, Source
from headrace.wire.automations import Automation, AutomationCreate
from headrace.wire.base import encode_text
from headrace.wire.deployments import Deployment, DeploymentCreate
from headrace.wire.errors import ObjectNotFound
from headrace.wire.schedules import DeploymentSchedule, DeploymentScheduleCreate, IntervalSchedule
from headrace.wire.times import now
from headrace.wire.work_pools import DEFAULT_QUEUE

if TYPE_CHECKING:
    from headrace.client.orchestration import SyncHeadraceClient
    from headrace.sdk.triggers import DeploymentTrigger


_JUST_NOW = timedelta(minutes=1)
"""An anchor no older than this is taken for the moment at which the schedule was written down."""


class Change(StrEnum):
    """What became of a deployment."""

    MADE = "made"
    CHANGED = "changed"
    UNCHANGED = "unchanged"


class Put(msgspec.Struct, frozen=True):
    """A deployment as it is now, what was done to it, and which of its fields differed."""

    deployment: Deployment
    change: Change
    fields: tuple[str, ...] = ()


def put(
    api: SyncHeadraceClient,
    full_name: str,
    body: DeploymentCreate,
    triggers: Sequence[DeploymentTrigger],
    *,
    keep_schedules: bool = False,
) -> Put:
    """Make the deployment named `flow/deployment`, or change it if it is not as the body says.

    A deployment that is as it should be is left alone, with the runs that its schedules have made. With
    `keep_schedules` those of a deployment that exists stay. An interval that nobody anchored keeps the anchor that it
    has.
    """
    known = _known(api, full_name)
    if known is None:
        made = api.post_deployment(body)
        _put_automations(api, made.id, triggers)
        return Put(made, Change.MADE)
    body.schedules = [_as_create(each) for each in known.schedules] if keep_schedules else _anchored(body, known)
    fields = _differences(body, known)
    if fields:
        known = api.post_deployment(body)
    if _put_automations(api, known.id, triggers):
        fields = (*fields, "triggers")
    return Put(known, Change.CHANGED if fields else Change.UNCHANGED, fields)


def _known(api: SyncHeadraceClient, full_name: str) -> Deployment | None:
    try:
        return api.read_deployment_by_name(full_name)
    except ObjectNotFound:
        return None


def _differences(body: DeploymentCreate, known: Deployment) -> tuple[str, ...]:
    """The fields in which a deployment is not as a body says; those that the body leaves open do not count."""
    given = {name: getattr(body, name) for name in body.__struct_fields__}
    wanted = {name: value for name, value in given.items() if value is not msgspec.UNSET}
    there = {name: getattr(known, name) for name in wanted if hasattr(known, name)}
    limit = known.global_concurrency_limit
    there["concurrency_limit"] = None if limit is None else limit.limit
    if wanted.get("work_pool_name") and not wanted.get("work_queue_name"):
        wanted["work_queue_name"] = DEFAULT_QUEUE
    wanted["schedules"], there["schedules"] = _comparable(body.schedules), _comparable(known.schedules)
    return tuple(
        name for name, value in wanted.items() if name in there and _text(value or None) != _text(there[name] or None)
    )


def _comparable(schedules: Sequence[DeploymentSchedule | DeploymentScheduleCreate]) -> list[str]:
    return sorted(_text(msgspec.structs.replace(_normal(each), replaces=None)) for each in schedules)


def _normal(each: DeploymentSchedule | DeploymentScheduleCreate) -> DeploymentScheduleCreate:
    """A schedule in the form in which it is kept; one that cannot be followed is for the API to refuse."""
    made = _as_create(each)
    with contextlib.suppress(recurrence.ScheduleError):
        made.schedule = recurrence.normalized(made.schedule)
    return made


def _as_create(each: DeploymentSchedule | DeploymentScheduleCreate) -> DeploymentScheduleCreate:
    shared = [name for name in DeploymentScheduleCreate.__struct_fields__ if hasattr(each, name)]
    return DeploymentScheduleCreate(**{name: getattr(each, name) for name in shared})


def _anchored(body: DeploymentCreate, known: Deployment) -> list[DeploymentScheduleCreate]:
    """The schedules of a body; an interval that is anchored just now keeps the anchor that is known.

    Nobody means "count from the moment at which I deployed again": the runs would move with each deployment.
    """
    there = [(each, each.schedule) for each in map(_normal, known.schedules)]
    anchors = [(each, timing) for each, timing in there if isinstance(timing, IntervalSchedule)]
    found: list[DeploymentScheduleCreate] = []
    for each in body.schedules:
        timing: Any = each.schedule
        if isinstance(timing, IntervalSchedule) and now() - timing.anchor_date < _JUST_NOW:
            same = [known_one for known_one in anchors if known_one[1].interval == timing.interval]
            if same:
                meant = _normal(each)
                alike = max(same, key=lambda known_one: _likeness(meant, known_one[0]))
                anchors.remove(alike)
                timing = msgspec.structs.replace(timing, anchor_date=alike[1].anchor_date)
        found.append(msgspec.structs.replace(each, schedule=timing))
    return found


def _likeness(one: DeploymentScheduleCreate, other: DeploymentScheduleCreate) -> int:
    """In how many respects two schedules of the same interval are the same."""
    fields = [name for name in one.__struct_fields__ if name != "schedule"]
    zones: tuple[Any, Any] = (one.schedule.timezone, other.schedule.timezone)
    return sum(getattr(one, name) == getattr(other, name) for name in fields) + (zones[0] == zones[1])


def _put_automations(api: SyncHeadraceClient, deployment_id: UUID, triggers: Sequence[DeploymentTrigger]) -> bool:
    """Let the automations of a deployment be those of its triggers, and no others; whether any was new."""
    for trigger in triggers:
        trigger.set_deployment_id(deployment_id)
    wanted = [trigger.as_automation() for trigger in triggers]
    owner = f"prefect.deployment.{deployment_id}"
    there = [each for each in api.read_resource_related_automations(owner) if _runs(each, deployment_id)]
    if sorted(map(_said, wanted)) == sorted(map(_said, there)):
        return False
    api.delete_resource_owned_automations(owner)
    for automation in wanted:
        api.create_automation(automation)
    return bool(wanted)


def _runs(automation: Automation, deployment_id: UUID) -> bool:
    """Whether an automation does what the triggers of a deployment do: run it."""
    return any(
        isinstance(action, RunDeployment) and action.source is Source.selected and action.deployment_id == deployment_id
        for action in automation.actions
    )


def _said(automation: Automation | AutomationCreate) -> str:
    return _text([automation.name, automation.description, automation.enabled, automation.trigger, automation.actions])


def _text(value: Any) -> str:
    """A text that is the same for two values that the API takes for the same."""
    return encode_text(_without_ids(msgspec.to_builtins(value, order="sorted")))


def _without_ids(value: Any) -> Any:
    """A value without what the server gives out within triggers."""
    match value:
        case Mapping() if "id" in value and "type" in value:
            return {name: _without_ids(item) for name, item in value.items() if name != "id"}  # pyright: ignore[reportUnknownVariableType]
        case Mapping():
            return {name: _without_ids(item) for name, item in value.items()}  # pyright: ignore[reportUnknownVariableType]
        case list():
            return [_without_ids(item) for item in value]  # pyright: ignore[reportUnknownVariableType]
        case _:
            return value
