"""Ends the leases of background tasks whose workers are gone."""

import time
from typing import ClassVar

from headrace.server.services.base import Service
from headrace.server.states.proposals import Asker
from headrace.server.store.base import Store
from headrace.server.task_runs import background
from headrace.settings import Settings

BATCH = 50


class TaskLeases(Service):
    """Offers the runs of lost workers to others, or crashes them; several servers pass by each other's.

    While no server ran nobody could give a sign of life. So a server that starts waits for the signs first.
    """

    name: ClassVar[str] = "task_leases"
    interval = 2.0

    def __init__(self, store: Store, settings: Settings) -> None:
        super().__init__(store, settings)
        self._from = time.monotonic() + settings.server.services.task_leases.grace_seconds

    async def tick(self) -> bool:
        """End some leases that are over; True if there may be more."""
        if time.monotonic() < self._from:
            return False
        return await background.end_leases(self.store, Asker.server(self.settings), BATCH) == BATCH
