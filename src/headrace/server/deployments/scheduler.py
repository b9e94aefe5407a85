"""The scheduler: makes the runs of schedules ahead of their time (contract §9)."""

import logging
from datetime import timedelta
from typing import ClassVar

from headrace.rules.scheduling import Ahead
from headrace.server.deployments import due
from headrace.server.deployments.due import Failure, Result
from headrace.server.deployments.following import follow
from headrace.server.services.exclusive import ExclusiveService
from headrace.server.store.base import Store, Topic
from headrace.settings import Settings
from headrace.wire.times import now as current_moment

_log = logging.getLogger("headrace.server.scheduler")


class Scheduler(ExclusiveService):
    """Looks at the schedules that are due to be looked at, and notes with each when that is next.

    So a tick costs what is due: neither what has run, nor deployments that wait, nor those that are paused.
    """

    name: ClassVar[str] = "scheduler"
    topic: ClassVar[Topic | None] = Topic.SCHEDULES

    def __init__(self, store: Store, settings: Settings) -> None:
        super().__init__(store, settings)
        own = settings.server.services.scheduler
        self.interval = own.loop_seconds
        self._batch, self._seconds = own.deployment_batch_size, own.rule_seconds
        self._ahead = Ahead(
            min_time=timedelta(seconds=own.min_scheduled_time),
            min_runs=own.min_runs,
            max_runs=own.max_runs,
            horizon=timedelta(seconds=own.max_scheduled_time),
        )

    async def tick(self) -> bool:
        """Make the runs of one batch of schedules; True if there may be more."""
        now = current_moment()
        batch = await due.read(self.store, now, self._batch)
        if not batch:
            return False
        results = await follow(batch, now, self._ahead, self._seconds)
        await due.settle(self.store, results, now)
        _report(results)
        return len(batch) == self._batch


def _report(results: list[Result]) -> None:
    """Log what cannot be followed, once."""
    for each, result in results:
        if isinstance(result, Failure) and result.reason != each.schedule.error:
            facts = {"deployment": str(each.source.id), "schedule": str(each.schedule.id), "reason": result.reason}
            _log.error("schedule_failed", extra=facts)
