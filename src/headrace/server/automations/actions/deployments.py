"""Actions on deployments."""

from datetime import timedelta
from typing import Any
from uuid import UUID

from headrace.rules import action_templates
from headrace.rules.hydration import HydrationError, hydrate, variable_names
from headrace.server.automations.actions import template_context
from headrace.server.automations.actions.work import ActionFailed, Work
from headrace.server.automations.events import Ending
from headrace.server.deployments import runs
from headrace.server.deployments import service as deployments
from headrace.server.events.facts import resource
from headrace.server.variables import service as variables
from headrace.wire.actions import RunDeployment
from headrace.wire.deployments import DeploymentFlowRunCreate
from headrace.wire.flow_runs import CreatedBy
from headrace.wire.states import StateCreate, StateDetails, StateType


async def run(work: Work, action: RunDeployment) -> Ending:
    """Schedule a run; an attempt before this one that has made it already is found by the run's key."""
    deployment_id: UUID = work.target()
    details = StateDetails(scheduled_time=work.now + timedelta(seconds=action.schedule_after))
    wanted = DeploymentFlowRunCreate(
        parameters=await _parameters(work, action),
        job_variables=action.job_variables,
        state=StateCreate(type=StateType.SCHEDULED, state_details=details),
        idempotency_key=(f"automation {work.automation.id}, action {work.job.position}, invocation {work.job.id}"),
    )
    author = CreatedBy(id=work.automation.id, type="AUTOMATION", display_value=work.automation.name)
    most = work.settings.server.api.max_parameter_bytes
    made, is_new = await runs.create(work.store, deployment_id, wanted, work.asker, most, author)
    told = resource("flow-run", made.id, made.name, role="flow-run")
    return Ending(result={"status_code": 201 if is_new else 200}, related=[told])


async def pause(work: Work) -> Ending:
    """Stop the schedules."""
    await deployments.pause(work.store, work.target(), work.now)
    return Ending(result={"status_code": 200})


async def resume(work: Work) -> Ending:
    """Let the schedules go on."""
    await deployments.resume(work.store, work.target(), work.now)
    return Ending(result={"status_code": 200})


async def _parameters(work: Work, action: RunDeployment) -> dict[str, Any]:
    """The parameters with their templates rendered and their placeholders resolved."""
    if not action.parameters:
        return {}
    sources = [template for _, template in action_templates.of(action)]
    context = await template_context.context_for(work, sources)
    known = await variables.values(work.store, variable_names(action.parameters))
    try:
        return hydrate(action_templates.upgraded(action.parameters), known, context)
    except HydrationError as error:
        raise ActionFailed(f"Unable to create flow run from deployment: {error}") from error
