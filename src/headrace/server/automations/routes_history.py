"""`/x/automations`: what automations have done."""

from typing import Annotated
from uuid import UUID

import msgspec

from headrace.server.automations.actions import history
from headrace.server.context import Context
from headrace.server.http.routing import Router
from headrace.wire.firings import ActionRun, FiringPage

router = Router(prefix="/x/automations", tag="Automations")

PageSize = Annotated[int, msgspec.Meta(ge=1, le=200)]


@router.get("/{id}/firings")
async def read_automation_firings(
    ctx: Context, id: UUID, limit: PageSize = 50, before: UUID | None = None
) -> FiringPage:
    """The firings of an automation, newest first, with what became of their actions."""
    return await history.firings_of(ctx.store, id, limit, before)


@router.post("/actions/{id}/retry")
async def retry_automation_action(ctx: Context, id: UUID) -> ActionRun:
    """Have an action that has failed carried out once more."""
    return await history.try_again(ctx.store, id, ctx.received)
