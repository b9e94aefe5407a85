"""`/x/operations`: changes of many objects, asked for once, to be watched, stopped and undone."""

from typing import Annotated
from uuid import UUID

import msgspec

from headrace.server.context import Context
from headrace.server.http.routing import Router
from headrace.server.operations import service
from headrace.server.operations.authors import author_of
from headrace.wire.operations import (
    IDEMPOTENCY_HEADER,
    FailureGroup,
    ItemStatus,
    Operation,
    OperationCreate,
    OperationItem,
    OperationKind,
    OperationPreview,
    OperationUndo,
    Preview,
)

router = Router(prefix="/x/operations", tag="Headrace")

_UNDO = OperationUndo()
_Limit = Annotated[int, msgspec.Meta(ge=1, le=1000)]
_Offset = Annotated[int, msgspec.Meta(ge=0)]


@router.post("", status=202)
async def create_operation(ctx: Context, body: OperationCreate) -> Operation:
    """Accept an operation, which goes on by itself; what it applies to is what matches at this moment.

    The header `Idempotency-Key` makes a request that is sent twice one operation.
    """
    key = ctx.headers.get(IDEMPOTENCY_HEADER)
    made = await service.create(ctx.store, body, author_of(ctx), ctx.received, key)
    return await _carried_on(ctx, made)


@router.post("/preview")
async def preview_operation(ctx: Context, body: OperationPreview) -> Preview:
    """What an operation would apply to now: how many, in which states, and what goes along."""
    return await service.preview(ctx.store, body)


@router.get("")
async def read_operations(
    ctx: Context,
    open: bool | None = None,
    kind: OperationKind | None = None,
    limit: _Limit = 50,
    offset: _Offset = 0,
) -> list[Operation]:
    """Operations, the newest first; `open` leaves those that go on, or those that have ended."""
    return await service.list_operations(ctx.store, open, kind, limit, offset, ctx.received)


@router.get("/{id}")
async def read_operation(ctx: Context, id: UUID) -> Operation:
    """One operation and how far it is."""
    return await service.read(ctx.store, id, ctx.received)


@router.get("/{id}/items")
async def read_operation_items(
    ctx: Context, id: UUID, status: ItemStatus | None = None, after: _Offset = 0, limit: _Limit = 200
) -> list[OperationItem]:
    """What it applies to, behind the position `after`, and how each item fared."""
    return await service.list_items(ctx.store, id, status, after, limit)


@router.get("/{id}/failures")
async def read_operation_failures(ctx: Context, id: UUID) -> list[FailureGroup]:
    """What went wrong, by error, the most frequent first."""
    return await service.list_failures(ctx.store, id)


@router.post("/{id}/abort")
async def abort_operation(ctx: Context, id: UUID) -> Operation:
    """Stop it before its next batch; what is done stays done, and can be undone."""
    return await _carried_on(ctx, await service.abort(ctx.store, id, ctx.received))


@router.post("/{id}/undo", status=202)
async def undo_operation(ctx: Context, id: UUID, body: OperationUndo = _UNDO) -> Operation:
    """Take back what it has done, by another operation; asked for again, the answer is the first one."""
    return await _carried_on(ctx, await service.undo(ctx.store, id, body, author_of(ctx), ctx.received))


@router.post("/{id}/retry_failed", status=202)
async def retry_failed_operation_items(ctx: Context, id: UUID) -> Operation:
    """Try the items again that failed or had a conflict."""
    return await _carried_on(ctx, await service.retry_failed(ctx.store, id, ctx.received))


async def _carried_on(ctx: Context, operation: Operation) -> Operation:
    """The operation, carried out in the request where a process records by itself and has no services."""
    from headrace.server.operations.worker import Operations, carry_out_here

    if ctx.base_url or Operations.of(ctx.store) is not None:
        return operation
    await carry_out_here(ctx.store, ctx.settings, operation.id)
    return await service.read(ctx.store, operation.id, ctx.received)
