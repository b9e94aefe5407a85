"""`/saved_searches`."""

from uuid import UUID

from headrace.server.context import Context
from headrace.server.http.routing import Reply, Router
from headrace.server.paging import list_limit
from headrace.server.saved_searches import service
from headrace.wire.saved_searches import SavedSearch, SavedSearchCreate, SavedSearchList

router = Router(prefix="/saved_searches", tag="Saved Searches")

_LIST = SavedSearchList()


@router.put("/", status=200, also=(201,))
async def create_saved_search(ctx: Context, body: SavedSearchCreate) -> Reply[SavedSearch]:
    """Keep a search under its name, in place of the one that was there (status 200)."""
    saved, new = await service.save(ctx.store, body, ctx.received)
    return Reply(saved, status=201 if new else 200)


@router.get("/{id}")
async def read_saved_search(ctx: Context, id: UUID) -> SavedSearch:
    """One saved search."""
    return await service.read(ctx.store, id)


@router.post("/filter")
async def read_saved_searches(ctx: Context, body: SavedSearchList = _LIST) -> list[SavedSearch]:
    """The saved searches, by name."""
    return await service.list_searches(ctx.store, list_limit(ctx, body.limit), body.offset)


@router.delete("/{id}")
async def delete_saved_search(ctx: Context, id: UUID) -> None:
    """Forget a saved search."""
    await service.delete(ctx.store, id)
