"""Hearing at once which runs have to end and which may begin, and finding out by asking where nothing is heard.

Every event `prefect.flow-run.Cancelling` reaches whoever executes runs; what was missed while the stream was away is
found by asking for the states of the runs under way.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Set
from typing import TYPE_CHECKING
from uuid import UUID

from headrace.sdk.execution.patience import FIRST_PAUSE, LONGEST_PAUSE
from headrace.wire.errors import HeadraceError
from headrace.wire.filters import (
    EventFilter,
    EventNameFilter,
    FlowRunFilter,
    FlowRunFilterId,
    FlowRunFilterState,
    FlowRunFilterStateType,
)
from headrace.wire.states import StateType

if TYPE_CHECKING:
    from headrace.client.orchestration import HeadraceClient
    from headrace.sdk.event_types import ReceivedEvent
    from headrace.sdk.execution.under_way import UnderWay

_log = logging.getLogger("headrace.runner")

_FLOW_RUN = "prefect.flow-run."
CANCELLING = "Cancelling"
"""The state after which a run's process is asked to end."""
OVER = ("Cancelled", "Crashed")
"""States after which a run's process has no business any more; it is given time to end by itself."""
BEGINNING = ("Scheduled", "AwaitingRetry", "Resuming")
"""States after which a run may be due at once."""
_ENDING_TYPES = [StateType.CANCELLING, StateType.CANCELLED, StateType.CRASHED]


Ours = Callable[[], Set[str]]
"""The resources of the deployments, or of the work pool, whose runs are executed here."""


class Watcher:
    """Ends the processes of runs that are over. `wake` is called when a run of ours may have become due."""

    def __init__(
        self, client: HeadraceClient, under_way: UnderWay, wake: Callable[[], None], every: float, ours: Ours
    ) -> None:
        self._client, self._under_way, self._wake, self._every, self._ours = client, under_way, wake, every, ours

    async def listen(self) -> None:
        """Follow the events, and again after each break; for ever."""
        from headrace.sdk.subscribing import EventSubscriber

        wanted = EventFilter(
            event=EventNameFilter(name=[f"{_FLOW_RUN}{name}" for name in (CANCELLING, *OVER, *BEGINNING)])
        )
        delay = FIRST_PAUSE
        while True:
            try:
                async with EventSubscriber(wanted, reconnection_attempts=0) as events:
                    delay = FIRST_PAUSE
                    # What happened while nobody listened is in no event that will come.
                    await self.ask()
                    async for event in events:
                        self._heard(event)
            except HeadraceError as error:
                _log.debug("The stream of events is away: %s", error)
            await asyncio.sleep(delay)
            delay = min(delay * 2, LONGEST_PAUSE)

    async def keep_asking(self) -> None:
        """Ask now and then, for what no event told; for ever."""
        while True:
            await asyncio.sleep(self._every)
            try:
                await self.ask()
            except HeadraceError as error:
                _log.debug("The states of runs under way cannot be asked for: %s", error)

    async def ask(self) -> None:
        """End the processes of those runs under way that are over according to the API. Raises `HeadraceError`."""
        if not (ids := self._under_way.ids):
            return
        over = await self._client.read_flow_runs(
            flow_run_filter=FlowRunFilter(
                id=FlowRunFilterId(any_=ids),
                state=FlowRunFilterState(type=FlowRunFilterStateType(any_=_ENDING_TYPES)),
            ),
            limit=None,
        )
        for run in over:
            self._under_way.end(run.id, ask=run.state_type is StateType.CANCELLING)

    def _heard(self, event: ReceivedEvent) -> None:
        name = event.event.removeprefix(_FLOW_RUN)
        if name in BEGINNING:
            if not self._ours().isdisjoint(each.id for each in event.related):
                self._wake()
            return
        try:
            self._under_way.end(UUID(event.resource.id.removeprefix(_FLOW_RUN)), ask=name == CANCELLING)
        except ValueError:
            return
