"""`/collections`."""

from typing import Any

from headrace.server.collections import service
from headrace.server.context import Context
from headrace.server.http.routing import Router

router = Router(prefix="/collections", tag="Collections")


@router.get("/views/{view}")
async def read_view_content(ctx: Context, view: str) -> dict[str, Any]:
    """What is known of one kind of thing, by package."""
    return service.view(view)
