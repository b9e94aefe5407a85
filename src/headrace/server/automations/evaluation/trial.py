"""What a trigger would have done over the last days: the log is shown to it, and nothing is written."""

import asyncio
from collections.abc import Iterable
from datetime import datetime, timedelta
from time import monotonic

from headrace.rules.triggers.ledgers import RootFiring
from headrace.rules.triggers.replays import Replay, name_prefixes, reason
from headrace.server.automations import service
from headrace.server.events.consumers import service as log
from headrace.server.store.base import Store
from headrace.wire.trials import Trial, TrialFiring, TrialRequest
from headrace.wire.triggers import Trigger

MOST_EVENTS = 200_000
MOST_SECONDS = 20.0
MOST_FIRINGS = 200
"""How much is looked at, for how long, and how many firings are told one by one."""

_PAGE = 1_000
_STEPS = 100
"""After so many steps others have their turn."""


async def trial(store: Store, wanted: TrialRequest, now: datetime) -> Trial:
    """Show the trigger what happened. Raises `ObjectNotFound` for an automation that is not there."""
    trigger = await _trigger(store, wanted)
    since = now - timedelta(days=wanted.days)
    return await _Trial(store, trigger, since, now).run()


async def _trigger(store: Store, wanted: TrialRequest) -> Trigger:
    if wanted.automation_id is not None:
        return (await service.read(store, wanted.automation_id)).trigger
    assert wanted.trigger is not None
    return wanted.trigger


class _Trial:
    """One trigger on its way through the log, page by page."""

    def __init__(self, store: Store, trigger: Trigger, since: datetime, until: datetime) -> None:
        self._store, self._since, self._until = store, since, until
        self._prefixes = name_prefixes(trigger)
        self._replay = Replay(trigger, since)
        self._deadline = monotonic() + MOST_SECONDS
        self._count = self._steps = 0
        self._firings: list[TrialFiring] = []

    async def run(self) -> Trial:
        """The whole of it, or as much as there is time for."""
        reached, place = self._until, (self._since, 0)
        while True:
            page = await log.page(self._store, self._prefixes, place, self._until, _PAGE)
            await self._follow(self._replay.see(page))
            if len(page) < _PAGE:
                await self._follow(self._replay.pass_to(self._until))
                break
            place = page[-1].occurred, page[-1].seq
            if self._replay.events >= MOST_EVENTS or monotonic() > self._deadline:
                reached = page[-1].occurred
                break
        return Trial(
            since=self._since,
            until=reached,
            events=self._replay.events,
            matched=self._replay.matched,
            count=self._count,
            firings=self._firings,
            notice=self._notice(reached),
        )

    async def _follow(self, steps: Iterable[RootFiring | None]) -> None:
        for step in steps:
            self._steps += 1
            if self._steps % _STEPS == 0:
                await asyncio.sleep(0)
            if step is not None:
                self._count += 1
                if len(self._firings) < MOST_FIRINGS:
                    self._firings.append(self._told(step))

    def _told(self, fired: RootFiring) -> TrialFiring:
        firing = fired.firing
        return TrialFiring(
            triggered=firing.triggered,
            reason=reason(firing),
            labels=firing.triggering_labels,
            events=self._replay.causes(fired),
        )

    def _notice(self, reached: datetime) -> str | None:
        if reached < self._until:
            return f"Only the events until {reached.isoformat()} were looked at: ask for fewer days."
        if self._count > MOST_FIRINGS:
            return f"Only the first {MOST_FIRINGS} of {self._count} firings are told."
        return None
