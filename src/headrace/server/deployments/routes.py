"""`/deployments`: what deployments are."""

from typing import Annotated
from uuid import UUID

import msgspec

from headrace.server.context import Context
from headrace.server.deployments import service
from headrace.server.filters import matching_ids
from headrace.server.http.routing import Reply, Router
from headrace.server.operations import inline
from headrace.server.paging import list_limit, page_count
from headrace.server.work_queues import service as work_queues
from headrace.wire.base import Body, Wire
from headrace.wire.deployment_listings import DeploymentList, DeploymentPage, DeploymentPageRequest
from headrace.wire.deployments import Deployment, DeploymentCreate, DeploymentUpdate
from headrace.wire.errors import ObjectNotFound
from headrace.wire.filters import DeploymentFilter
from headrace.wire.listings import QueueFilters
from headrace.wire.operations import OperationNoun
from headrace.wire.work_queues import WorkQueue

router = Router(prefix="/deployments", tag="Deployments")


class DeploymentBulkDelete(Body, kw_only=True):
    deployments: DeploymentFilter | None = None
    limit: Annotated[int, msgspec.Meta(ge=1, le=50)] = 50


class DeploymentBulkDeleted(Wire, kw_only=True):
    deleted: list[UUID]


_LIST, _PAGE, _ALL, _FIFTY = DeploymentList(), DeploymentPageRequest(), QueueFilters(), DeploymentBulkDelete()


@router.post("/", status=201, also=(200,))
async def create_deployment(ctx: Context, body: DeploymentCreate) -> Reply[Deployment]:
    """Make a deployment, or change the one that its flow has under that name (status 200)."""
    deployment, made = await service.ensure(ctx.store, body, ctx.received)
    return Reply(deployment, status=201 if made else 200)


@router.patch("/{id}")
async def update_deployment(ctx: Context, id: UUID, body: DeploymentUpdate) -> None:
    """Set the keys that the body has; runs that its schedules made for the future are taken back."""
    await service.update(ctx.store, id, body, ctx.received)


@router.get("/{id}")
async def read_deployment(ctx: Context, id: UUID) -> Deployment:
    """One deployment with its schedules."""
    return await service.read(ctx.store, id, ctx.received)


@router.get("/name/{flow_name}/{deployment_name}")
async def read_deployment_by_name(ctx: Context, flow_name: str, deployment_name: str) -> Deployment:
    """The deployment of that name of the flow of that name."""
    return await service.read_by_name(ctx.store, flow_name, deployment_name, ctx.received)


@router.post("/filter")
async def read_deployments(ctx: Context, body: DeploymentList = _LIST) -> list[Deployment]:
    """The deployments that match."""
    limit = list_limit(ctx, body.limit)
    return await service.list_deployments(ctx.store, body.given(), body.sort, limit, body.offset, ctx.received)


@router.post("/paginate")
async def paginate_deployments(ctx: Context, body: DeploymentPageRequest = _PAGE) -> DeploymentPage:
    """One page of the deployments that match, and how many there are."""
    limit, filters = list_limit(ctx, body.limit), body.given()
    offset = (body.page - 1) * limit
    results = await service.list_deployments(ctx.store, filters, body.sort, limit, offset, ctx.received)
    count = await service.count(ctx.store, filters)
    return DeploymentPage(results=results, count=count, limit=limit, pages=page_count(count, limit), page=body.page)


@router.post("/count")
async def count_deployments(ctx: Context, body: QueueFilters = _ALL) -> int:
    """How many deployments match."""
    return await service.count(ctx.store, body.given())


@router.delete("/{id}")
async def delete_deployment(ctx: Context, id: UUID) -> None:
    """Delete a deployment, its schedules and its runs that have not begun."""
    if not await inline.delete(ctx, OperationNoun.DEPLOYMENTS, [id]):
        raise ObjectNotFound("Deployment not found")


@router.post("/bulk_delete")
async def bulk_delete_deployments(ctx: Context, body: DeploymentBulkDelete = _FIFTY) -> DeploymentBulkDeleted:
    """Delete the newest deployments that match, as one by one."""
    ids = await matching_ids(ctx.store, "deployments", {"deployments": body.deployments}, body.limit)
    return DeploymentBulkDeleted(deleted=await inline.delete(ctx, OperationNoun.DEPLOYMENTS, ids))


@router.post("/{id}/pause_deployment")
async def pause_deployment(ctx: Context, id: UUID) -> None:
    """Stop making runs by schedule, and take back those that wait."""
    await service.pause(ctx.store, id, ctx.received)


@router.post("/{id}/resume_deployment")
async def resume_deployment(ctx: Context, id: UUID) -> None:
    """Make runs by schedule again."""
    await service.resume(ctx.store, id, ctx.received)


@router.get("/{id}/work_queue_check")
async def work_queue_check_for_deployment(ctx: Context, id: UUID) -> list[WorkQueue]:
    """The work queues that would take the deployment's runs: all that do not choose by tags or deployments."""
    deployment = await service.read(ctx.store, id, ctx.received)
    limit = list_limit(ctx, None)
    queues = await work_queues.list_all(ctx.store, None, limit, 0)
    return [queue for queue in queues if _takes(queue, deployment)]


def _takes(queue: WorkQueue, deployment: Deployment) -> bool:
    chosen = queue.filter
    if chosen is None:
        return True
    tags_fit = not chosen.tags or set(chosen.tags) <= set(deployment.tags)
    return tags_fit and (not chosen.deployment_ids or deployment.id in chosen.deployment_ids)
