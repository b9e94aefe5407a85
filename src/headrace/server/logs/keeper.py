"""The service that has a partition ready for the log lines of each week, and drops those that are empty."""

from typing import ClassVar

from headrace.server.logs import partitions
from headrace.server.services.exclusive import ExclusiveService
from headrace.wire.times import now


class LogPartitions(ExclusiveService):
    """Has nothing to do on SQLite."""

    name: ClassVar[str] = "log_partitions"
    interval = 3600.0

    async def tick(self) -> bool:
        """Make the weeks to come, and drop those long over that hold nothing."""
        moment = now()
        await partitions.make(self.store, moment)
        await partitions.drop_empty(self.store, moment)
        return False
