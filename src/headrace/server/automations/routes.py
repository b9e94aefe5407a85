"""`/automations`."""

from uuid import UUID

from headrace.server.automations import service
from headrace.server.context import Context
from headrace.server.http.routing import Router
from headrace.server.operations import inline
from headrace.server.paging import list_limit
from headrace.server.templates.routes import validate_template
from headrace.wire.automations import (
    Automation,
    AutomationCreate,
    AutomationFilters,
    AutomationList,
    AutomationPartialUpdate,
    AutomationUpdate,
)
from headrace.wire.operations import OperationNoun

router = Router(prefix="/automations", tag="Automations")
_LIST, _ALL = AutomationList(), AutomationFilters()


@router.post("/", status=201)
async def create_automation(ctx: Context, body: AutomationCreate) -> Automation:
    """Make an automation; it takes effect at once."""
    return await service.create(ctx.store, body, ctx.received)


@router.put("/{id}", status=204)
async def update_automation(ctx: Context, id: UUID, body: AutomationUpdate) -> None:
    """Put all of an automation in the place of what it was."""
    await service.update(ctx.store, id, body, ctx.received)


@router.patch("/{id}")
async def patch_automation(ctx: Context, id: UUID, body: AutomationPartialUpdate) -> None:
    """Let an automation fire, or keep it from it."""
    await service.set_enabled(ctx.store, id, body.enabled, ctx.received)


@router.delete("/{id}")
async def delete_automation(ctx: Context, id: UUID) -> None:
    """Delete an automation; the history of its firings stays."""
    if not await inline.delete(ctx, OperationNoun.AUTOMATIONS, [id]):
        raise service.missing()


@router.get("/{id}")
async def read_automation(ctx: Context, id: UUID) -> Automation:
    """One automation."""
    return await service.read(ctx.store, id)


@router.post("/filter")
async def read_automations(ctx: Context, body: AutomationList = _LIST) -> list[Automation]:
    """The automations that match."""
    return await service.list_automations(ctx.store, body, list_limit(ctx, body.limit))


@router.post("/count")
async def count_automations(ctx: Context, body: AutomationFilters = _ALL) -> int:
    """How many automations match."""
    return await service.count(ctx.store, body)


@router.get("/related-to/{resource_id:path}")
async def read_automations_related_to_resource(ctx: Context, resource_id: str) -> list[Automation]:
    """The automations that look for a resource, act on it or belong to it."""
    return await service.related_to(ctx.store, resource_id)


@router.delete("/owned-by/{resource_id:path}", status=202)
async def delete_automations_owned_by_resource(ctx: Context, resource_id: str) -> None:
    """Delete the automations that belong to a resource."""
    await inline.delete(ctx, OperationNoun.AUTOMATIONS, await service.owned_by(ctx.store, resource_id))


@router.post("/templates/validate", status=204)
async def validate_automation_template(ctx: Context, body: str = "") -> None:
    """Say nothing about a template that can be rendered; refuse another with the line at fault."""
    await validate_template(ctx, body)
