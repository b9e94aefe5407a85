"""The service that takes back the slots of leases that have run out (contract §9)."""

import logging
from typing import ClassVar

from headrace.server.concurrency import service
from headrace.server.services.exclusive import ExclusiveService
from headrace.server.store.base import Store
from headrace.settings import Settings

BATCH = 100
_log = logging.getLogger("headrace.server.repossessor")


class Repossessor(ExclusiveService):
    """Ends leases that nobody has renewed; their slots count as free from the moment they ran out in any case.

    So it keeps the table small, and the time that slots are in use known, on which waiting callers rely.
    """

    name: ClassVar[str] = "repossessor"

    def __init__(self, store: Store, settings: Settings) -> None:
        super().__init__(store, settings)
        self.interval = settings.server.services.repossessor.loop_seconds

    async def tick(self) -> bool:
        """End one batch of them; True if there may be more."""
        found, ended = await service.repossess(self.store, BATCH)
        if ended:
            _log.info("leases_repossessed", extra={"leases": ended})
        return found == BATCH
