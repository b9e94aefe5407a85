"""Shows an event that was set aside to the triggers once more."""

from uuid import UUID

from headrace.server.automations.evaluation.triggers import TriggerHandler
from headrace.server.events.consumers import service as consumers
from headrace.server.events.quarantine import service as quarantine
from headrace.server.events.quarantine.entries import Entry as Quarantined
from headrace.server.store.base import Store
from headrace.wire.times import now


async def replay(store: Store, id: UUID, quarantined: Quarantined) -> str | None:
    """Count the event now, and forget that it was set aside; or say why it cannot be counted."""
    handler = TriggerHandler()
    async with store.transaction() as transaction:
        entry = None if quarantined.seq is None else await consumers.read(transaction, quarantined.seq)
        if entry is None:
            return "the event is not in the log any more"
        await consumers.lock(transaction, quarantined.whom, now())
        if await handler.wants_any(transaction):
            refused = await handler.handle(transaction, [entry], now())
            if refused:
                return refused[0].reason
        await quarantine.remove(transaction, id)
    return None
