"""The service that notices when nobody looks after work any more (contract §9)."""

from datetime import timedelta
from typing import ClassVar

from headrace.server.deployments import service as deployments
from headrace.server.services.exclusive import ExclusiveService
from headrace.server.store.base import Store
from headrace.server.work_pools import service as work_pools
from headrace.server.work_queues import service as work_queues
from headrace.server.workers import service as workers
from headrace.settings import Settings
from headrace.wire.times import now as current_moment

BATCH = 100


class Foreman(ExclusiveService):
    """Takes workers for offline, and pools, queues and deployments for not ready, when nothing is heard of them.

    Whoever is heard of again is online and ready at once: that is done where the heartbeat or poll is taken in.
    """

    name: ClassVar[str] = "foreman"

    def __init__(self, store: Store, settings: Settings) -> None:
        super().__init__(store, settings)
        self._own = settings.server.services.foreman
        self.interval = self._own.loop_seconds

    async def tick(self) -> bool:
        """Look at all of them once; True if there may be more than one transaction takes."""
        own, now = self._own, current_moment()
        await workers.mark_offline(
            self.store, own.inactivity_heartbeat_multiple, own.fallback_heartbeat_interval_seconds, now
        )
        polled = now - timedelta(seconds=own.work_queue_last_polled_timeout_seconds)
        asked_for = now - timedelta(seconds=own.deployment_last_polled_timeout_seconds)
        found = (
            await work_pools.lapse(self.store, BATCH, now),
            await work_queues.lapse(self.store, polled, BATCH, now),
            await deployments.lapse(self.store, asked_for, BATCH, now),
        )
        return BATCH in found
