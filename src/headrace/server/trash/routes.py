"""`/x/trash`: what is deleted and can be restored."""

from typing import Annotated
from uuid import UUID

import msgspec

from headrace.server.context import Context
from headrace.server.http.routing import Router
from headrace.server.trash import listing
from headrace.wire.operations import OperationNoun, TrashItem, TrashSummary

router = Router(prefix="/x/trash", tag="Headrace")

_Limit = Annotated[int, msgspec.Meta(ge=1, le=1000)]
_Offset = Annotated[int, msgspec.Meta(ge=0, le=100_000)]


@router.get("")
async def read_trash(
    ctx: Context,
    noun: OperationNoun | None = None,
    q: str | None = None,
    operation_id: UUID | None = None,
    limit: _Limit = 50,
    offset: _Offset = 0,
) -> list[TrashItem]:
    """What is deleted and can be restored, the newest first; `q` is part of its name."""
    return await listing.items(ctx.store, noun, q, operation_id, limit, offset)


@router.get("/summary")
async def read_trash_summary(ctx: Context) -> TrashSummary:
    """How much is deleted and can be restored, and what is removed for good next."""
    return await listing.summary(ctx.store, ctx.received)
