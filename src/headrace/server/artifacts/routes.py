"""`/artifacts`."""

from uuid import UUID

from headrace.server.artifacts import queries, service
from headrace.server.context import Context
from headrace.server.http.routing import Router
from headrace.server.operations import inline
from headrace.server.paging import list_limit
from headrace.wire.artifacts import (
    Artifact,
    ArtifactCollection,
    ArtifactCollectionFilters,
    ArtifactCollectionList,
    ArtifactCreate,
    ArtifactFilters,
    ArtifactList,
    ArtifactUpdate,
)
from headrace.wire.operations import OperationNoun

router = Router(prefix="/artifacts", tag="Artifacts")

_LIST, _ALL = ArtifactList(), ArtifactFilters()
_LATEST, _ALL_LATEST = ArtifactCollectionList(), ArtifactCollectionFilters()


@router.post("/", status=201, also=(200,))
async def create_artifact(ctx: Context, body: ArtifactCreate) -> Artifact:
    """Make an artifact; one with a key becomes the latest of that key."""
    return await service.create(ctx.store, body, ctx.received)


@router.get("/{id}")
async def read_artifact(ctx: Context, id: UUID) -> Artifact:
    """One artifact."""
    return await service.read(ctx.store, id)


@router.get("/{key}/latest")
async def read_latest_artifact(ctx: Context, key: str) -> Artifact:
    """The latest artifact of a key."""
    return await service.latest(ctx.store, key)


@router.post("/filter")
async def read_artifacts(ctx: Context, body: ArtifactList = _LIST) -> list[Artifact]:
    """The artifacts that match."""
    limit = list_limit(ctx, body.limit)
    return await queries.LIST.list(ctx.store, body.given(), body.sort, limit, body.offset)


@router.post("/latest/filter")
async def read_latest_artifacts(ctx: Context, body: ArtifactCollectionList = _LATEST) -> list[ArtifactCollection]:
    """The latest artifacts that match, one for each key."""
    limit = list_limit(ctx, body.limit)
    return await queries.LIST_LATEST.list(ctx.store, body.given(), body.sort, limit, body.offset)


@router.post("/count")
async def count_artifacts(ctx: Context, body: ArtifactFilters = _ALL) -> int:
    """How many artifacts match."""
    return await queries.LIST.count(ctx.store, body.given())


@router.post("/latest/count")
async def count_latest_artifacts(ctx: Context, body: ArtifactCollectionFilters = _ALL_LATEST) -> int:
    """How many keys have a latest artifact that matches."""
    return await queries.LIST_LATEST.count(ctx.store, body.given())


@router.patch("/{id}")
async def update_artifact(ctx: Context, id: UUID, body: ArtifactUpdate) -> None:
    """Change an artifact's data, description or metadata."""
    await service.update(ctx.store, id, body, ctx.received)


@router.delete("/{id}")
async def delete_artifact(ctx: Context, id: UUID) -> None:
    """Delete an artifact; the one before it becomes the latest of its key."""
    if not await inline.delete(ctx, OperationNoun.ARTIFACTS, [id]):
        raise service.missing()
