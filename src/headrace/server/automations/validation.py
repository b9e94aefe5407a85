"""What an automation is checked for beyond its shape: its templates, and the variables of the jobs it starts."""

from datetime import datetime

from headrace.rules import action_templates
from headrace.rules.job_variables import unfit
from headrace.server.deployments import service as deployments
from headrace.server.store.base import Connection
from headrace.server.work_pools import service as work_pools
from headrace.wire.actions import RunDeployment
from headrace.wire.automations import AutomationUpdate
from headrace.wire.errors import InvalidRequest, ObjectNotFound, Unprocessable

_LISTS = ("actions", "actions_on_trigger", "actions_on_resolve")


def check_templates(body: AutomationUpdate) -> None:
    """Raise `InvalidRequest` that names the first template which cannot be rendered."""
    for name in _LISTS:
        for number, action in enumerate(getattr(body, name)):
            try:
                action_templates.check(action)
            except action_templates.Fault as fault:
                location = ("body", name, number, *fault.location)
                raise InvalidRequest(str(fault), location, given=fault.source) from fault


async def check_job_variables(connection: Connection, body: AutomationUpdate, now: datetime) -> None:
    """Raise `Unprocessable` for job variables that do not fit the work pool of the deployment they are for.

    A deployment that does not exist (yet) is no fault: the action will say so when it runs.
    """
    for name in _LISTS:
        for action in getattr(body, name):
            if isinstance(action, RunDeployment) and action.deployment_id is not None and action.job_variables:
                await _check(connection, action, now)


async def _check(connection: Connection, action: RunDeployment, now: datetime) -> None:
    assert action.deployment_id is not None
    try:
        deployment = await deployments.read(connection, action.deployment_id, now)
    except ObjectNotFound:
        return
    if deployment.work_queue_id is None:
        return
    place = await work_pools.place_of(connection, deployment.work_queue_id)
    if place is None:
        return
    reason = unfit(deployment.job_variables | (action.job_variables or {}), place.base_job_template)
    if reason is not None:
        raise Unprocessable(f"Error creating automation: {reason}")
