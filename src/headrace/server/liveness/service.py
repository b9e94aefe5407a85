"""The service that notices runs whose process is gone, and claims that lead to nothing."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import ClassVar
from uuid import UUID

from headrace.rules import flow_run_policy, lost_runs
from headrace.rules.lost_runs import Silence
from headrace.server.cancellations import service as cancellations
from headrace.server.flow_runs import batches, overdue
from headrace.server.flow_runs.batches import Entering
from headrace.server.flow_runs.memory import memory_of
from headrace.server.services.base import Service
from headrace.server.states.proposals import Asker
from headrace.server.store.base import Connection, Store
from headrace.settings import Settings
from headrace.wire.states import State, StateType
from headrace.wire.times import now

AT_ONCE = 50
"""Runs that are dealt with in one transaction."""


class Liveness(Service):
    """Ends runs of which nothing was heard in time, or has them begin anew; puts back what was claimed in vain.

    It needs no leader: what it works on is locked, and a run that is heard of at that moment goes on.
    """

    name: ClassVar[str] = "liveness"

    def __init__(self, store: Store, settings: Settings) -> None:
        super().__init__(store, settings)
        terms = settings.server.services.liveness
        self.interval = terms.loop_seconds
        self._patience = timedelta(seconds=terms.patience_seconds)
        """After the server has come up, processes look for it again: nobody counts as lost for so long."""
        self._longest_pending = timedelta(seconds=terms.pending_timeout_seconds)
        self._policy = flow_run_policy.LOST_AND_RESCHEDULED if terms.when_lost == "reschedule" else flow_run_policy.LOST
        self._since: datetime | None = None
        self._last: datetime | None = None

    async def tick(self) -> bool:
        """Deal with runs that are overdue, some of each kind; whether there may be more."""
        return await self.tick_at(now())

    async def tick_at(self, moment: datetime, up: timedelta | None = None) -> bool:
        """The same as of a moment; `up` is for how long runs could be heard of, by default since this ticks."""
        up = self._up(moment) if up is None else up
        if up < self._patience:
            return False
        lost = await self._end_lost(moment, up.total_seconds())
        stuck = await self._end_stuck(moment)
        return lost or stuck

    def _up(self, moment: datetime) -> timedelta:
        """For how long runs could be heard of: not while the server, its database or the whole machine stood still."""
        if self._since is None or self._last is None or moment - self._last > self._patience:
            self._since = moment
        self._last = moment
        return moment - self._since

    async def _end_lost(self, moment: datetime, up_seconds: float) -> bool:
        asker = Asker.server(self.settings, moment)
        async with self.store.transaction() as transaction:
            found = {one.id: one for one in await overdue.claim_lost(transaction, moment, up_seconds, AT_ONCE)}
            entered: list[Entering] = []
            gone: list[UUID] = []
            for run in await batches.load(transaction, sorted(found)):
                assert run.state is not None
                if run.state.type is StateType.PENDING:
                    state = await self._unclaimed(transaction, run, asker)
                else:
                    gone.append(run.id)
                    one = found[run.id]
                    silence = Silence(one.deadline, one.lease_seconds, one.lease_holder)
                    state = lost_runs.lost(run.state, run, silence, asker.services, moment)
                entered += self._entering(run, state, asker)
            await cancellations.end(transaction, memory_of(self.store).relations, entered, asker, lost=gone)
        return len(found) == AT_ONCE

    async def _end_stuck(self, moment: datetime) -> bool:
        """Pending runs that have no deadline because nobody fetches them, or because they are older than deadlines."""
        asker = Asker.server(self.settings, moment)
        async with self.store.transaction() as transaction:
            ids = await overdue.claim_stuck(transaction, moment - self._longest_pending, AT_ONCE)
            entered: list[Entering] = []
            for run in await batches.load(transaction, ids):
                entered += self._entering(run, await self._unclaimed(transaction, run, asker), asker)
            await cancellations.end(transaction, memory_of(self.store).relations, entered, asker)
        return len(ids) == AT_ONCE

    async def _unclaimed(self, transaction: Connection, run: batches.Orchestrated, asker: Asker) -> State:
        assert run.state is not None
        claims = await overdue.times_claimed(transaction, run.id)
        due = run.expected_start_time
        return lost_runs.unclaimed(run.state, run, due, claims, asker.services, asker.now)

    def _entering(self, run: batches.Orchestrated, state: State, asker: Asker) -> Sequence[Entering]:
        one = batches.entering(self._policy, run, state, asker)
        return () if one is None else (one,)
