"""Waking whoever waits, in this process, for what a transaction has just committed.

Other servers on the same database do not hear of it: whoever follows a table also looks by itself now and then.
PostgreSQL's NOTIFY would tell them, but takes a lock on commit that all its writers share.
"""

import asyncio
from enum import StrEnum


class Topic(StrEnum):
    """What is waited for."""

    EVENTS = "events"
    LOGS = "logs"
    AUTOMATIONS = "automations"
    ACTIONS = "actions"
    SCHEDULES = "schedules"
    """A deployment or a schedule was made, changed or paused, or its runs were taken back."""
    CANCELLATIONS = "cancellations"
    """A run is to end."""
    TASKS = "tasks"
    """A background task waits for a worker."""
    WORK_POOLS = "work_pools"
    """A work pool was changed."""
    OPERATIONS = "operations"
    """An operation was accepted, or is to stop."""
    SERVICES = "services"
    """A service was paused, resumed, or asked to run now."""
    PURGE = "purge"
    """What was deleted may be removed for good from now on."""
    NAMES = "names"
    """What runs are related to has another name or other tags."""


class Listener:
    """Waits for one topic. What is announced between two calls of `wait` is not missed: the second returns at once.

    listener = store.announced(Topic.EVENTS)
    while True:
        await read_what_is_new()
        await listener.wait(1.0)
    """

    __slots__ = ("_heard", "_subject")

    def __init__(self, subject: "_Subject") -> None:
        self._subject = subject
        self._heard = subject.announced

    def heard(self) -> bool:
        """Whether the topic was announced since this or `wait` was called last; does not wait."""
        before, self._heard = self._heard, self._subject.announced
        return before != self._heard

    async def wait(self, timeout: float) -> None:
        """Until the topic is announced, or `timeout` seconds have passed."""
        if self._heard == self._subject.announced:
            waiter: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self._subject.waiters.add(waiter)
            try:
                await asyncio.wait((waiter,), timeout=timeout)
            finally:
                self._subject.waiters.discard(waiter)
        self._heard = self._subject.announced


class Announcements:
    """Who waits for which topic of one store."""

    __slots__ = ("_subjects",)

    def __init__(self) -> None:
        self._subjects = {topic: _Subject() for topic in Topic}

    def announce(self, topic: Topic) -> None:
        """Wake them."""
        subject = self._subjects[topic]
        subject.announced += 1
        for waiter in subject.waiters:
            if not waiter.done():
                waiter.set_result(None)

    def listen(self, topic: Topic) -> Listener:
        """A listener who has heard all that was announced so far."""
        return Listener(self._subjects[topic])


class _Subject:
    __slots__ = ("announced", "waiters")

    def __init__(self) -> None:
        self.announced = 0
        self.waiters: set[asyncio.Future[None]] = set()
