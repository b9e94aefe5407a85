"""Signs of life of flow runs: one event soon after a run begins, and one every few minutes (contract §6.4).

One daemon thread beats for all runs of the process; a run that is over within a second gives no sign. A forked child
beats for none of its parent's runs.
"""

from __future__ import annotations

import contextlib
import logging
import os
import threading
import time
from collections.abc import Callable, Generator
from typing import TYPE_CHECKING

from headrace.sdk.surroundings import belongings, named, tags_as_related_resources
from headrace.wire.errors import HeadraceError
from headrace.wire.events import RESOURCE_ROLE, Event
from headrace.wire.ids import uuid7
from headrace.wire.times import now

if TYPE_CHECKING:
    from headrace.sdk.context import FlowRunContext

EVENT = "prefect.flow-run.heartbeat"
FIRST = 1.0
"""Seconds until the first sign of a run."""

_log = logging.getLogger("headrace.recording")


class Heart:
    """Beats for all runs from a thread of its own, started with the first."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self.begin_anew()

    def begin_anew(self) -> None:
        """Forget all runs and the thread: both are another process's."""
        self._due: dict[FlowRunContext, float] = {}
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None

    @contextlib.contextmanager
    def beating(self, run: FlowRunContext) -> Generator[None]:
        """Beat for a run while the block goes on, unless the settings want no heartbeats."""
        if not run.session.settings.flows.heartbeat_frequency:
            yield
            return
        self._begin(run)
        try:
            yield
        finally:
            with self._changed:
                self._due.pop(run, None)

    def _begin(self, run: FlowRunContext) -> None:
        with self._changed:
            idle = not self._due
            self._due[run] = self._clock() + FIRST
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="headrace-heartbeats", daemon=True)
                self._thread.start()
            elif idle:
                self._changed.notify()

    def beat_due(self) -> float | None:
        """Beat for the runs that are due; seconds until the next one is, None without any."""
        with self._changed:
            moment = self._clock()
            due = [run for run, at in self._due.items() if at <= moment]
            for run in due:
                self._due[run] = moment + run.session.settings.flows.heartbeat_frequency
        for run in due:
            _beat(run)
        with self._changed:
            return max(0.0, min(self._due.values()) - self._clock()) if self._due else None

    def _run(self) -> None:
        while True:
            wait = self.beat_due()
            with self._changed:
                if self._due:
                    # A run that begins meanwhile is due a second later: who looks once a second misses none.
                    self._changed.wait(FIRST if wait is None else min(wait, FIRST))
                else:
                    self._changed.wait()


def _beat(run: FlowRunContext) -> None:
    """Tell the API that a run goes on. A sign that does not get through is not sent again: the next one will."""
    try:
        run.session.recording.post_events([heartbeat(run)])
    except HeadraceError as error:
        _log.debug("The heartbeat of %s was not sent: %s", run.flow_run.name, error)


def heartbeat(run: FlowRunContext) -> Event:
    """The event that says that a run goes on."""
    resource = named("flow-run", run.flow_run.id, run.flow_run.name)
    del resource[RESOURCE_ROLE]
    return Event(
        id=uuid7(),
        occurred=now(),
        event=EVENT,
        resource=resource,
        related=[*belongings(run), *tags_as_related_resources(run.flow_run.tags)],
    )


HEART = Heart()

if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=HEART.begin_anew)
