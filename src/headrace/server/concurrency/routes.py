"""`/v2/concurrency_limits` and, over the same limits, `/concurrency_limits` for tags (contract §10)."""

from uuid import UUID

import msgspec

from headrace.server.concurrency import service, tags
from headrace.server.context import Context
from headrace.server.http.routing import Reply, Router
from headrace.server.paging import list_limit
from headrace.wire.concurrency import (
    ConcurrencyLimit,
    ConcurrencyLimitCreate,
    ConcurrencyLimitV2,
    CountSlots,
    DiscountSlots,
    GlobalConcurrencyLimit,
    GlobalConcurrencyLimitCreate,
    GlobalConcurrencyLimitUpdate,
    LimitList,
    LimitSummary,
    RenewLease,
    ReturnSlots,
    SlotLease,
    TagReset,
    TagSlots,
    TakeSlots,
)

router = Router(prefix="/v2/concurrency_limits", tag="Concurrency Limits V2")
tag_router = Router(prefix="/concurrency_limits", tag="Concurrency Limits")
routers = (router, tag_router)

_ALL, _FIVE_MINUTES, _NOBODY = LimitList(), RenewLease(), TagReset()


@router.post("/", status=201)
async def create_limit(ctx: Context, body: GlobalConcurrencyLimitCreate) -> ConcurrencyLimitV2:
    """Make a limit."""
    return await service.create(ctx.store, body, ctx.received)


@router.get("/{id_or_name}")
async def read_limit(ctx: Context, id_or_name: str) -> GlobalConcurrencyLimit:
    """The limit with that id or name."""
    return await service.read(ctx.store, _wanted(id_or_name))


@router.patch("/{id_or_name}")
async def update_limit(ctx: Context, id_or_name: str, body: GlobalConcurrencyLimitUpdate) -> None:
    """Change what the body sets."""
    await service.update(ctx.store, _wanted(id_or_name), body)


@router.delete("/{id_or_name}")
async def delete_limit(ctx: Context, id_or_name: str) -> None:
    """Delete the limit; whoever holds slots of it goes on."""
    await service.delete(ctx.store, _wanted(id_or_name))


@router.post("/filter")
async def read_limits(ctx: Context, body: LimitList = _ALL) -> list[GlobalConcurrencyLimit]:
    """All limits, by name."""
    return await service.list_limits(ctx.store, list_limit(ctx, body.limit), body.offset)


@router.post("/increment", also=(423,))
async def count_slots(ctx: Context, body: CountSlots) -> list[LimitSummary]:
    """Take slots of each limit named; 423 with `Retry-After` while they are not all free."""
    return await service.count_slots(ctx.store, body, _longest_wait(ctx))


@router.post("/decrement")
async def discount_slots(ctx: Context, body: DiscountSlots) -> list[LimitSummary]:
    """Give back slots that were taken without a lease."""
    return await service.discount_slots(ctx.store, body)


@router.post("/increment-with-lease", also=(423,))
async def lease_slots(ctx: Context, body: TakeSlots) -> SlotLease:
    """Take slots of each limit named, under a lease; 423 with `Retry-After` while they are not all free."""
    return await service.lease_slots(ctx.store, body, _longest_wait(ctx))


@router.post("/decrement-with-lease", status=204)
async def return_slots(ctx: Context, body: ReturnSlots) -> None:
    """Give the slots of a lease back."""
    await service.return_slots(ctx.store, body.lease_id)


@router.post("/leases/{lease_id}/renew", status=204, also=(410,))
async def renew_lease(ctx: Context, lease_id: UUID, body: RenewLease = _FIVE_MINUTES) -> None:
    """Let a lease hold on; 410 if it has run out."""
    await service.renew_lease(ctx.store, lease_id, body.lease_duration)


@tag_router.post("/", status=201, also=(200,))
async def create_tag_limit(ctx: Context, body: ConcurrencyLimitCreate) -> Reply[ConcurrencyLimit]:
    """Limit a tag, or change its limit (status 200)."""
    limit, new = await tags.set_limit(ctx.store, body.tag, body.concurrency_limit, ctx.received)
    return Reply(limit, status=201 if new else 200)


@tag_router.get("/{id}")
async def read_tag_limit(ctx: Context, id: UUID) -> ConcurrencyLimit:
    """The limit on a tag, by id."""
    return await tags.read(ctx.store, id)


@tag_router.delete("/{id}", status=200)
async def delete_tag_limit(ctx: Context, id: UUID) -> None:
    """Delete the limit on a tag."""
    await tags.delete(ctx.store, id)


@tag_router.get("/tag/{tag}")
async def read_limit_by_tag(ctx: Context, tag: str) -> ConcurrencyLimit:
    """The limit on a tag."""
    return await tags.read(ctx.store, tag)


@tag_router.delete("/tag/{tag}", status=200)
async def delete_limit_by_tag(ctx: Context, tag: str) -> None:
    """Delete the limit on a tag."""
    await tags.delete(ctx.store, tag)


@tag_router.post("/tag/{tag}/reset")
async def reset_limit_by_tag(ctx: Context, tag: str, body: TagReset = _NOBODY) -> None:
    """Take all slots of a tag away, and give one to each task run of the body."""
    await tags.reset(ctx.store, tag, body.slot_override or ())


@tag_router.post("/filter")
async def read_tag_limits(ctx: Context, body: LimitList = _ALL) -> list[ConcurrencyLimit]:
    """The limits on tags, by tag."""
    return await tags.list_limits(ctx.store, list_limit(ctx, body.limit), body.offset)


@tag_router.post("/increment", also=(423,))
async def take_tag_slots(ctx: Context, body: TagSlots) -> list[LimitSummary]:
    """Take a slot of each tag's limit for a task run; 423 while they are not all free."""
    return await tags.take(ctx.store, body)


@tag_router.post("/decrement")
async def give_back_tag_slots(ctx: Context, body: TagSlots) -> list[LimitSummary]:
    """Give a task run's slots back."""
    return await tags.give_back(ctx.store, body)


def _wanted(text: str) -> service.IdOrName:
    """A UUID where the text is one, else a name."""
    try:
        return msgspec.convert(text, UUID)
    except msgspec.ValidationError:
        return text


def _longest_wait(ctx: Context) -> float:
    return ctx.settings.server.concurrency.maximum_concurrency_slot_wait_seconds
