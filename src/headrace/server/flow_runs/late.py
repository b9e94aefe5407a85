"""The service that looks after runs whose time has come and that nobody has picked up.

It marks them Late (contract §9), and lets them give way where their schedule says so: to a run of the deployment that
goes on, or to later ones of the schedule when too many wait.
"""

import asyncio
import logging
from collections.abc import Awaitable, Sequence
from datetime import UTC, datetime, timedelta
from typing import ClassVar
from uuid import UUID

from headrace.rules.flow_run_policy import GIVE_WAY, MARK_LATE
from headrace.rules.overlap_rules import SKIPPED, skipped_for
from headrace.server.deployments import service as deployments
from headrace.server.flow_runs import service, waiting
from headrace.server.flow_runs.overlaps import schedule_of
from headrace.server.flow_runs.waiting import Minding, Overdue
from headrace.server.services.exclusive import ExclusiveService
from headrace.server.states.proposals import Asker
from headrace.server.store.base import Store
from headrace.settings import Settings
from headrace.wire.errors import ObjectNotFound, ServiceUnavailable
from headrace.wire.states import State, StateDetails, StateType
from headrace.wire.times import now as current_moment

BATCH = 400
AT_ONCE = 5
_FIRST = (datetime.min.replace(tzinfo=UTC), UUID(int=0))
_log = logging.getLogger("headrace.server.late_runs")


class LateRuns(ExclusiveService):
    """Marks runs Late that nobody has picked up in time, and skips those that give way to others."""

    name: ClassVar[str] = "late_runs"

    def __init__(self, store: Store, settings: Settings) -> None:
        super().__init__(store, settings)
        own = settings.server.services.late_runs
        self.interval, self._grace = own.loop_seconds, timedelta(seconds=own.after_seconds)
        self._after = _FIRST

    async def tick(self) -> bool:
        """Look after one batch; True if there may be more."""
        minding = await waiting.minding(self.store, current_moment(), BATCH)
        for run in minding:
            await self._carefully(run.id, self._mind(run))
        # Goes on behind what it has looked at, so that runs that cannot be marked are never all that is looked at.
        overdue = await waiting.overdue(self.store, current_moment() - self._grace, self._after, BATCH)
        for first in range(0, len(overdue), AT_ONCE):
            some = overdue[first : first + AT_ONCE]
            await asyncio.gather(*(self._carefully(run.id, self._mark(run)) for run in some))
        await self._thin_out(overdue)
        is_full = len(overdue) == BATCH
        self._after = (overdue[-1].due, overdue[-1].id) if is_full else _FIRST
        return is_full

    async def _carefully(self, id: UUID, doing: Awaitable[None]) -> None:
        """Do something to a run; what goes wrong with one stops no other, unless the database is away."""
        try:
            await doing
        except ServiceUnavailable:
            raise
        except ObjectNotFound:
            return
        except Exception:
            _log.exception("run_not_looked_after", extra={"flow_run": str(id)})

    async def _mark(self, run: Overdue) -> None:
        asker = Asker.server(self.settings)
        state = State(
            type=StateType.SCHEDULED,
            name="Late",
            timestamp=asker.now,
            state_details=StateDetails(scheduled_time=run.due),
        )
        await service.set_state_by(self.store, run.id, state, MARK_LATE, asker)

    async def _mind(self, run: Minding) -> None:
        """Heed the runs that go on: give way to them, or have those end that were there before its time."""
        others = [
            other for other in await waiting.under_way(self.store, run.deployment_id, BATCH) if other.id != run.id
        ]
        if run.if_running == "skip" and others:
            await self._skip(run.id, skipped_for(str(others[0].id)))
        elif run.if_running == "cancel_running":
            for other in others:
                if other.state_type != StateType.CANCELLING and (other.since is None or other.since <= run.due):
                    await self._carefully(other.id, self._cancel(other.id, run.id))

    async def _cancel(self, id: UUID, successor: UUID) -> None:
        asker = Asker.server(self.settings)
        message = f"Cancelled because the time of the flow run {successor} of its deployment has come."
        state = State(type=StateType.CANCELLING, timestamp=asker.now, message=message)
        await service.set_state(self.store, id, state, force=False, asker=asker)

    async def _thin_out(self, marked: Sequence[Overdue]) -> None:
        """Skip the oldest late runs of schedules of which more are waiting than may."""
        places = {(run.deployment_id, schedule_of(run.created_by)) for run in marked}
        for deployment_id, schedule_id in places:
            if deployment_id is None or schedule_id is None:
                continue
            policies = await deployments.policies_of(self.store, schedule_id)
            if policies is None or policies.max_queued is None:
                continue
            most = policies.max_queued
            message = f"Skipped: later runs of its schedule wait, of which at most {most} may."
            for id in await waiting.surplus(self.store, deployment_id, schedule_id, most, BATCH):
                await self._carefully(id, self._skip(id, message))

    async def _skip(self, id: UUID, message: str) -> None:
        asker = Asker.server(self.settings)
        state = State(type=StateType.CANCELLED, name=SKIPPED, timestamp=asker.now, message=message)
        await service.set_state_by(self.store, id, state, GIVE_WAY, asker)
