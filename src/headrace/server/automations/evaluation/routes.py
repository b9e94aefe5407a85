"""`/x/automations/test`: what a trigger would have done."""

from headrace.server.context import Context
from headrace.server.http.routing import Router
from headrace.wire.trials import Trial, TrialRequest

router = Router(prefix="/x/automations", tag="Headrace")


@router.post("/test")
async def test_automation(ctx: Context, body: TrialRequest) -> Trial:
    """Show the events of the last days to a trigger, or to that of an automation, and tell when it would have fired.

    Nothing is written and no action is taken.
    """
    from headrace.server.automations.evaluation.trial import trial

    return await trial(ctx.store, body, ctx.received)
