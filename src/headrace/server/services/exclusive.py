"""Services that one server of a database runs at a time.

    class Sweeper(ExclusiveService):
        name = "sweeper"

        async def tick(self) -> bool: ...

Whoever holds the service's lease, a row of `services`, ticks; the board of each server renews the leases that it has
and takes those that have run out. A server that cannot renew in time, because it or the database stood still, stops
by its own clock before the lease runs out. What it has begun by then may still meet the next server's first tick, so
what a tick writes does no harm when it is written twice.
"""

import time

from headrace.server.services.base import Service
from headrace.server.store.base import Store
from headrace.settings import Settings


class ExclusiveService(Service):
    """A service of which only the tick of the server that holds its lease is wanted."""

    exclusive = True

    def __init__(self, store: Store, settings: Settings) -> None:
        super().__init__(store, settings)
        self.__held_until = float("-inf")

    @property
    def leads(self) -> bool:
        """Whether the lease is this process's."""
        return time.monotonic() < self.__held_until

    def hold(self, until: float) -> None:
        """The lease is this process's until that moment of the monotonic clock; the first tick comes at once."""
        before, self.__held_until = self.leads, until
        if self.leads and not before:
            self.wake()

    def lose(self) -> None:
        """The lease is another's."""
        self.__held_until = float("-inf")
