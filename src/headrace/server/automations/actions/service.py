"""The service that carries out actions: claims what is due, some at a time, and lets each take its own time."""

import asyncio
import logging
import time
from datetime import timedelta
from typing import ClassVar
from uuid import UUID

from headrace.server.automations.actions import claims, retention
from headrace.server.automations.actions.attempts import attempt
from headrace.server.automations.actions.queries import Job
from headrace.server.services.base import Service
from headrace.server.store.base import Store, Topic
from headrace.settings import Settings
from headrace.wire.errors import HeadraceError
from headrace.wire.times import now

_BETWEEN_TRIMS = 60.0
_log = logging.getLogger("headrace.server.actions")


class Actions(Service):
    """Carries out the actions of automations that have fired.

    A tick begins what it may and does not wait for it, so that a webhook that hangs holds up nothing else;
    `drain` waits. Several servers share the work: each action has one claim at a time.
    """

    name: ClassVar[str] = "actions"
    topic: ClassVar[Topic | None] = Topic.ACTIONS
    interval = 1.0

    def __init__(self, store: Store, settings: Settings) -> None:
        super().__init__(store, settings)
        self._at_once = settings.server.services.actions.at_once
        self._under_way: dict[asyncio.Task[None], UUID] = {}
        self._endings = 0
        self._keep = timedelta(seconds=settings.server.services.actions.retention_period)
        self._trim_at = self._renew_at = 0.0

    async def tick(self) -> bool:
        """Begin the actions that are due, as far as there is room."""
        await self._renew()
        if time.monotonic() >= self._trim_at and not await retention.trim(self.store, self._keep, now()):
            self._trim_at = time.monotonic() + _BETWEEN_TRIMS
        endings, room = self._endings, self._at_once - len(self._under_way)
        if room <= 0:
            return False
        claimed = await claims.claim(self.store, room, now())
        for job in claimed:
            task = asyncio.create_task(self._carry_out(job), name=f"action {job.id}")
            self._under_way[task] = job.id
            task.add_done_callback(self._finished)
        # What ended meanwhile may have let another action come to its turn after the claim had looked.
        return len(claimed) == room or self._endings != endings

    async def drain(self) -> None:
        """Wait for the actions under way."""
        while self._under_way:
            await asyncio.wait(self._under_way, timeout=claims.RENEWED_EVERY)
            await self._renew()

    @property
    def under_way(self) -> int:
        """How many actions are being carried out."""
        return len(self._under_way)

    async def _renew(self) -> None:
        if self._under_way and time.monotonic() >= self._renew_at:
            self._renew_at = time.monotonic() + claims.RENEWED_EVERY
            await claims.renew(self.store, list(self._under_way.values()), now())

    async def _carry_out(self, job: Job) -> None:
        try:
            await attempt(self.store, self.settings, job)
        except HeadraceError as error:
            # How it came out cannot be written now: its claim runs out, and it is begun again.
            _log.error("action_not_ended", extra={"action": str(job.id), "error": str(error)})

    def _finished(self, task: asyncio.Task[None]) -> None:
        del self._under_way[task]
        self._endings += 1
        self.wake()
