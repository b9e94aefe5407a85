"""`/v2/concurrency_limits`: what a client asks before it runs a task with tags (contract §12.1).

A name without a limit needs no slot (contract §10). This server keeps no limits yet, so every wish is
granted without one, and a lease, which holds nothing, is always given back in peace.
"""

from headrace.server.context import Context
from headrace.server.http.routing import Router
from headrace.wire.concurrency import ReturnSlots, SlotLease, TakeSlots
from headrace.wire.ids import uuid7

router = Router(prefix="/v2/concurrency_limits", tag="Concurrency Limits V2")


@router.post("/increment-with-lease")
async def take_slots(ctx: Context, body: TakeSlots) -> SlotLease:
    """Take slots on those of the names that have a limit, and a lease on them."""
    return SlotLease(lease_id=uuid7(), limits=[])


@router.post("/decrement-with-lease", status=204)
async def return_slots(ctx: Context, body: ReturnSlots) -> None:
    """Give the slots of a lease back."""
