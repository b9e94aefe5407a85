"""Looks after windows in which an event was expected: when they end without it, the trigger fires."""

from collections.abc import Collection
from datetime import datetime, timedelta
from typing import ClassVar
from uuid import UUID

from headrace.rules.triggers.leaves import NO_KEY
from headrace.rules.triggers.ledgers import Ledger, RootFiring
from headrace.rules.triggers.plans import Plan, Watch
from headrace.server.automations import firing
from headrace.server.automations.evaluation import memory, queries
from headrace.server.automations.evaluation.plans import CurrentPlan
from headrace.server.automations.evaluation.triggers import CONSUMER
from headrace.server.events.consumers import service as consumers
from headrace.server.services.base import Service
from headrace.server.store.base import Connection, Store
from headrace.settings import Settings
from headrace.wire.times import now as current_moment

BATCH = 250
SWEEP = 1_000
KEPT_AFTER_END = timedelta(seconds=60)
"""Windows of reactive triggers are kept so much longer for events that are late."""


class ProactiveTriggers(Service):
    """Closes the windows of proactive triggers, one server at a time and never beside the consumer of events."""

    name: ClassVar[str] = "proactive_triggers"

    def __init__(self, store: Store, settings: Settings) -> None:
        super().__init__(store, settings)
        self.interval = settings.server.events.proactive_granularity
        self._current = CurrentPlan()

    async def tick(self) -> bool:
        """Close the windows that are over; True if there are more than one transaction takes."""
        plan = await self._current.refresh(self.store)
        if not plan.watches:
            return False
        now = current_moment()
        async with self.store.transaction() as transaction:
            # Time goes on only as far as the events are handled: what is expected may be among the others.
            clock = await consumers.lock(transaction, CONSUMER, now)
            plan = await self._current.refresh(transaction)
            there = await memory.still_there(transaction, {one.id for one in plan.automations})
            watches = [watch for watch in plan.proactive if watch.automation.id in there]
            await self._arm(transaction, watches, clock)
            more = await self._close(transaction, watches, clock)
            swept = await _sweep(transaction, plan, clock)
        return more or swept

    async def _arm(self, transaction: Connection, watches: Collection[Watch], clock: datetime) -> None:
        """Open the first window of triggers that need no event for it."""
        self_opening = [watch for watch in watches if watch.opens_itself]
        if self_opening:
            ledger = await memory.read(transaction, {(watch.trigger_id, NO_KEY) for watch in self_opening}, ())
            for watch in self_opening:
                ledger.arm(watch, min(watch.automation.updated or clock, clock))
            await memory.write(transaction, ledger, clock)

    async def _close(self, transaction: Connection, watches: Collection[Watch], clock: datetime) -> bool:
        ledger, places = await memory.overdue(transaction, watches, clock, BATCH)
        by_trigger = {watch.trigger_id: watch for watch in watches}
        fired = _look_after(ledger, places, by_trigger, clock)
        await memory.write(transaction, ledger, clock)
        if fired:
            await firing.record(transaction, fired, current_moment())
        return len(places) == BATCH


def _look_after(
    ledger: Ledger, places: list[tuple[UUID, str]], watches: dict[UUID, Watch], clock: datetime
) -> list[RootFiring]:
    return [fired for id, key in places for fired in ledger.look_after(watches[id], key, clock)]


async def _sweep(transaction: Connection, plan: Plan, clock: datetime) -> bool:
    """Forget windows that cannot fire any more."""
    proactive = [watch.trigger_id for watch in plan.proactive]
    return await transaction.execute(queries.SWEEP, proactive, clock - KEPT_AFTER_END, SWEEP) == SWEEP
