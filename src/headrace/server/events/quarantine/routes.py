"""`/x/events/quarantine`: the events that were kept aside, to be looked at, tried again or dropped."""

from headrace.server.context import Context
from headrace.server.events.quarantine import service
from headrace.server.http.routing import Router
from headrace.wire.quarantine import QuarantinedEvent, QuarantineListRequest, QuarantineSelection, Replay

router = Router(prefix="/x/events/quarantine", tag="Headrace")

_LIST, _ALL = QuarantineListRequest(), QuarantineSelection()


@router.post("/filter")
async def read_quarantined_events(ctx: Context, body: QuarantineListRequest = _LIST) -> list[QuarantinedEvent]:
    """The quarantined events that are chosen, latest first."""
    return await service.list_entries(ctx.store, body, body.limit, body.offset)


@router.post("/count")
async def count_quarantined_events(ctx: Context, body: QuarantineSelection = _ALL) -> int:
    """How many are chosen."""
    return await service.count(ctx.store, body)


@router.post("/replay")
async def replay_quarantined_events(ctx: Context, body: QuarantineSelection = _ALL) -> Replay:
    """Try those that are chosen again, oldest first; those that fail again stay, with the new reason."""
    from headrace.server.events.quarantine.replaying import replay

    return await replay(ctx.store, body)


@router.post("/drop")
async def drop_quarantined_events(ctx: Context, body: QuarantineSelection) -> int:
    """Forget those that are chosen for good, and say how many they were."""
    return await service.drop(ctx.store, body)
