"""From an action to what it does."""

from typing import assert_never

from headrace.server.automations.actions import deployments, flow_runs, notifying, pauses, webhooks
from headrace.server.automations.actions.work import Work
from headrace.server.automations.events import Ending
from headrace.wire.actions import (
    CallWebhook,
    CancelFlowRun,
    ChangeFlowRunState,
    DeleteFlowRun,
    DoNothing,
    PauseAutomation,
    PauseDeployment,
    PauseWorkPool,
    PauseWorkQueue,
    ResumeAutomation,
    ResumeDeployment,
    ResumeFlowRun,
    ResumeWorkPool,
    ResumeWorkQueue,
    RunDeployment,
    SendNotification,
    SuspendFlowRun,
)


async def execute(work: Work) -> Ending | None:
    """Do what the action says; None if it has ended in the transaction of its effect.

    Raises `ActionFailed`, and any other `HeadraceError` that a noun's service refuses it with.
    """
    match work.job.action:
        case DoNothing():
            return Ending()
        case RunDeployment() as action:
            return await deployments.run(work, action)
        case PauseDeployment():
            return await deployments.pause(work)
        case ResumeDeployment():
            return await deployments.resume(work)
        case CancelFlowRun():
            return await flow_runs.cancel(work)
        case SuspendFlowRun():
            return await flow_runs.suspend(work)
        case ResumeFlowRun():
            return await flow_runs.resume(work)
        case ChangeFlowRunState() as action:
            return await flow_runs.change_state(work, action)
        case DeleteFlowRun():
            return await flow_runs.delete(work)
        case PauseWorkQueue():
            return await pauses.set_queue(work, paused=True)
        case ResumeWorkQueue():
            return await pauses.set_queue(work, paused=False)
        case PauseWorkPool():
            return await pauses.set_pool(work, paused=True)
        case ResumeWorkPool():
            return await pauses.set_pool(work, paused=False)
        case PauseAutomation():
            return await pauses.set_automation(work, enabled=False)
        case ResumeAutomation():
            return await pauses.set_automation(work, enabled=True)
        case SendNotification() as action:
            return await notifying.send(work, action)
        case CallWebhook() as action:
            return await webhooks.call(work, action)
        case _:
            assert_never(work.job.action)
