"""The service that brings cancellations to their end, and ends what runs that are over have left open."""

import time
from datetime import datetime, timedelta
from typing import ClassVar

from headrace.server.cancellations import ending
from headrace.server.flow_runs import overdue
from headrace.server.services.base import Service
from headrace.server.states.proposals import Asker
from headrace.server.store.base import Store, Topic
from headrace.server.task_runs.leftovers import Walk
from headrace.settings import Settings
from headrace.wire.states import StateType
from headrace.wire.times import now


class CancellationCleanup(Service):
    """Makes runs Cancelled at their deadline, whatever became of those who should have ended them.

    It needs no leader: what it works on is locked, and whatever it does twice changes nothing the second time.
    """

    name: ClassVar[str] = "cancellation_cleanup"
    topic = Topic.CANCELLATIONS

    def __init__(self, store: Store, settings: Settings) -> None:
        super().__init__(store, settings)
        self._terms = settings.server.services.cancellation_cleanup
        self._walk = Walk()
        self._walks_at = 0.0

    async def tick(self) -> bool:
        """End what is due, in pieces; whether there is more."""
        moment = now()
        more = await self.tick_at(moment)
        if not more:
            self.interval = await self._rest(moment)
        return more

    async def tick_at(self, moment: datetime) -> bool:
        """The same as of a moment."""
        asker = Asker.server(self.settings, moment)
        more = await ending.end_overdue(self.store, asker)
        more |= await ending.spread(self.store, asker)
        if time.monotonic() < self._walks_at:
            return more
        left, done = await self._walk.step(self.store, moment, self._terms.leftovers_after_seconds)
        await ending.end_leftovers(self.store, left, asker)
        if done:
            self._walks_at = time.monotonic() + self._terms.loop_seconds
        return more or not done

    def begin_round(self) -> None:
        """Look for what runs that are over have left open at the next tick, not only when it is time again."""
        self._walks_at = 0.0

    async def _rest(self, moment: datetime) -> float:
        """Until the next deadline after that moment, which may have passed by now, or else the next round."""
        until = moment + timedelta(seconds=self._terms.loop_seconds)
        seconds = await overdue.seconds_to_next(self.store, [StateType.CANCELLING], moment, until)
        return max(0.0, seconds - (now() - moment).total_seconds())
