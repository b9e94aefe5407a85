"""`/flows`."""

from typing import Annotated
from uuid import UUID

import msgspec

from headrace.server.context import Context
from headrace.server.filters import matching_ids
from headrace.server.flows import service
from headrace.server.http.routing import Reply, Router
from headrace.server.operations import inline
from headrace.server.paging import list_limit, page_count
from headrace.wire.base import Body, Wire
from headrace.wire.errors import ObjectNotFound
from headrace.wire.filters import FlowFilter
from headrace.wire.flows import Flow, FlowCreate, FlowUpdate
from headrace.wire.listings import FlowList, FlowPage, FlowPageRequest, PoolFilters
from headrace.wire.operations import OperationNoun

router = Router(prefix="/flows", tag="Flows")


class FlowBulkDelete(Body, kw_only=True):
    flows: FlowFilter | None = None
    limit: Annotated[int, msgspec.Meta(ge=1, le=50)] = 50


class FlowBulkDeleted(Wire, kw_only=True):
    deleted: list[UUID]


_LIST, _PAGE, _ALL, _FIFTY = FlowList(), FlowPageRequest(), PoolFilters(), FlowBulkDelete()


@router.post("/", status=201, also=(200,))
async def create_flow(ctx: Context, body: FlowCreate) -> Reply[Flow]:
    """Make a flow, or answer the one that has the name already (status 200)."""
    flow, made = await service.ensure(ctx.store, body, ctx.received)
    return Reply(flow, status=201 if made else 200)


@router.get("/{id}")
async def read_flow(ctx: Context, id: UUID) -> Flow:
    """One flow."""
    return await service.read(ctx.store, id)


@router.get("/name/{name}")
async def read_flow_by_name(ctx: Context, name: str) -> Flow:
    """The flow of that name."""
    return await service.read_by_name(ctx.store, name)


@router.post("/filter")
async def read_flows(ctx: Context, body: FlowList = _LIST) -> list[Flow]:
    """The flows that match."""
    limit = list_limit(ctx, body.limit)
    return await service.list_flows(ctx.store, body.given(), body.sort, limit, body.offset)


@router.post("/paginate")
async def paginate_flows(ctx: Context, body: FlowPageRequest = _PAGE) -> FlowPage:
    """One page of the flows that match, and how many there are."""
    limit = list_limit(ctx, body.limit)
    filters = body.given()
    results = await service.list_flows(ctx.store, filters, body.sort, limit, (body.page - 1) * limit)
    count = await service.count(ctx.store, filters)
    return FlowPage(results=results, count=count, limit=limit, pages=page_count(count, limit), page=body.page)


@router.post("/count")
async def count_flows(ctx: Context, body: PoolFilters = _ALL) -> int:
    """How many flows match."""
    return await service.count(ctx.store, body.given())


@router.patch("/{id}")
async def update_flow(ctx: Context, id: UUID, body: FlowUpdate) -> None:
    """Change a flow's tags."""
    await service.update(ctx.store, id, body, ctx.received)


@router.delete("/{id}")
async def delete_flow(ctx: Context, id: UUID) -> None:
    """Delete a flow with its deployments and runs."""
    if not await inline.delete(ctx, OperationNoun.FLOWS, [id]):
        raise ObjectNotFound("Flow not found")


@router.post("/bulk_delete")
async def bulk_delete_flows(ctx: Context, body: FlowBulkDelete = _FIFTY) -> FlowBulkDeleted:
    """Delete the newest flows that match, with their runs."""
    ids = await matching_ids(ctx.store, "flows", {"flows": body.flows}, body.limit)
    return FlowBulkDeleted(deleted=await inline.delete(ctx, OperationNoun.FLOWS, ids))
