"""The consumer `triggers`: every event of the log goes by the triggers once, and what fires is written with it."""

import asyncio
from collections.abc import Sequence
from datetime import datetime
from typing import ClassVar
from uuid import UUID

import msgspec

from headrace.rules.triggers.ledgers import Match, RootFiring, matched, remembers
from headrace.server.automations import firing
from headrace.server.automations.evaluation import memory
from headrace.server.automations.evaluation.plans import CurrentPlan
from headrace.server.events.consumers.consumer import Consumer, Refused
from headrace.server.events.consumers.entries import Entry
from headrace.server.services.base import Service
from headrace.server.store.base import Connection, Store, Topic
from headrace.settings import Settings
from headrace.wire.times import now as current_moment

CONSUMER = "triggers"

_INTERVAL, _HELD_UP_INTERVAL, _GATHERING = 0.25, 0.02, 0.005


class Seen(msgspec.Struct, frozen=True):
    """An event, what it matches, and how far the log has come with it."""

    entry: Entry
    matches: list[Match]
    clock: datetime


class TriggerHandler:
    """Shows events to the triggers of the automations that are switched on."""

    def __init__(self) -> None:
        self._current = CurrentPlan()

    async def wants_any(self, connection: Connection) -> bool:
        """Whether any automation is switched on."""
        return bool((await self._current.refresh(connection)).watches)

    async def handle(self, transaction: Connection, entries: Sequence[Entry], clock: datetime) -> Sequence[Refused]:
        """Count the events, in this order, and record what fires."""
        seen, refused = self._look(entries, clock)
        if seen:
            automations = {match.watch.automation.id for one in seen for match in one.matches}
            there = await memory.still_there(transaction, automations)
            await _evaluate(transaction, [_without(one, there) for one in seen])
        return refused

    def _look(self, entries: Sequence[Entry], clock: datetime) -> tuple[list[Seen], list[Refused]]:
        plan, sees = self._current.plan, self._current.sees
        seen: list[Seen] = []
        refused: list[Refused] = []
        for entry in entries:
            clock = max(clock, entry.received)
            watches = plan.watching(entry.event)
            if not watches:
                continue
            try:
                matches = [match for match in matched(entry, watches) if sees(match.watch, entry.seq)]
                if matches:
                    entry.whole()
                    seen.append(Seen(entry, matches, clock))
            except (msgspec.MsgspecError, LookupError, ValueError, RecursionError) as error:
                refused.append(Refused(entry, f"triggers cannot read it: {error}"))
        return seen, refused


async def _evaluate(transaction: Connection, seen: Sequence[Seen]) -> None:
    matches = [match for one in seen for match in one.matches]
    places = {match.bucket for match in matches if remembers(match)}
    ledger = await memory.read(transaction, places, {match.watch.trigger_id: match.watch for match in matches}.values())
    fired: list[RootFiring] = []
    for one in seen:
        fired += ledger.see(one.entry, one.matches, one.clock)
    now = current_moment()
    await memory.write(transaction, ledger, now)
    if fired:
        await firing.record(transaction, fired, now)


def _without(seen: Seen, there: set[UUID]) -> Seen:
    """Leave out the automations that were deleted a moment ago."""
    return msgspec.structs.replace(seen, matches=[one for one in seen.matches if one.watch.automation.id in there])


class Triggers(Service):
    """Follows the log with the triggers of all automations."""

    name: ClassVar[str] = "triggers"
    topic = Topic.EVENTS

    def __init__(self, store: Store, settings: Settings) -> None:
        super().__init__(store, settings)
        self._consumer = Consumer(store, CONSUMER, TriggerHandler(), wishes=Topic.AUTOMATIONS)

    async def tick(self) -> bool:
        """Handle the next batch of events."""
        more = await self._consumer.turn()
        self.interval = _HELD_UP_INTERVAL if self._consumer.held_up else _INTERVAL
        if not more:
            # Events that come one by one are handled some at a time: a transaction for each would cost more than they.
            await asyncio.sleep(_GATHERING)
        return more
