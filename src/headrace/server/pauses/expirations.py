"""The service that fails runs which were paused and never resumed."""

from datetime import datetime, timedelta
from typing import ClassVar

from headrace.rules import flow_run_policy
from headrace.server.cancellations import service as cancellations
from headrace.server.flow_runs import batches, overdue
from headrace.server.flow_runs.memory import memory_of
from headrace.server.services.base import Service
from headrace.server.states.proposals import Asker
from headrace.server.store.base import Store
from headrace.settings import Settings
from headrace.wire.states import State, StateType
from headrace.wire.times import now

AT_ONCE = 100
"""Runs that are failed in one transaction."""


class PauseExpirations(Service):
    """Fails paused and suspended runs when their time-out has passed; needs no leader, because it locks them."""

    name: ClassVar[str] = "pause_expirations"

    def __init__(self, store: Store, settings: Settings) -> None:
        super().__init__(store, settings)
        self._seconds = self.interval = settings.server.services.pause_expirations.loop_seconds

    async def tick(self) -> bool:
        """Fail those whose time has passed; whether there may be more."""
        moment = now()
        more = await self.tick_at(moment)
        if not more:
            until = moment + timedelta(seconds=self._seconds)
            seconds = await overdue.seconds_to_next(self.store, [StateType.PAUSED], moment, until)
            self.interval = max(0.0, seconds - (now() - moment).total_seconds())
        return more

    async def tick_at(self, moment: datetime) -> bool:
        """The same as of a moment."""
        asker, policy = Asker.server(self.settings, moment), flow_run_policy.policy_for(force=False)
        async with self.store.transaction() as transaction:
            runs = await overdue.claim(transaction, [StateType.PAUSED], moment, AT_ONCE)
            entered = [
                one
                for run in runs
                if (one := batches.entering(policy, run, _failed(run.state, moment), asker)) is not None
            ]
            await cancellations.end(transaction, memory_of(self.store).relations, entered, asker)
        return len(runs) == AT_ONCE


def _failed(paused: State | None, moment: datetime) -> State:
    how = "suspended" if paused is not None and paused.name == "Suspended" else "paused"
    return State(type=StateType.FAILED, timestamp=moment, message=f"The flow was {how} and never resumed.")
