"""Signs of life of flow runs: one event soon after a run begins, and one every few minutes (contract §6.4).

One daemon thread gives the signs of all runs of the process, heartbeats and renewals of leases (`sdk.liveness`); a run
that is over within a second gives none. A forked child gives none for its parent's runs.
"""

from __future__ import annotations

import contextlib
import logging
import os
import threading
import time
from collections.abc import Callable, Generator
from typing import TYPE_CHECKING, Protocol

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


class Sign(Protocol):
    """Something that a run says again and again while it goes on."""

    @property
    def first(self) -> float:
        """Seconds until it is said first."""
        ...

    def give(self) -> float | None:
        """Say it; the seconds until it is to be said again, None for never. It must not raise."""
        ...


class Heartbeat:
    """The event that a run goes on, every so many seconds."""

    first = FIRST

    def __init__(self, run: FlowRunContext, every: float) -> None:
        self._run, self._every = run, every

    def give(self) -> float:
        """Tell the API. A sign that does not get through is not sent again: the next one will."""
        try:
            self._run.session.recording.post_events([heartbeat(self._run)])
        except HeadraceError as error:
            _log.debug("The heartbeat of %s was not sent: %s", self._run.flow_run.name, error)
        return self._every


class Heart:
    """Gives the signs of all runs from a thread of its own, started with the first."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self.begin_anew()

    def begin_anew(self) -> None:
        """Forget all runs and the thread: both are another process's."""
        self._due: dict[Sign, float] = {}
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None

    @contextlib.contextmanager
    def beating(self, run: FlowRunContext) -> Generator[None]:
        """Beat for a run while the block goes on, unless the settings want no heartbeats."""
        every = run.session.settings.flows.heartbeat_frequency
        if not every:
            yield
            return
        with self.giving(Heartbeat(run, every)):
            yield

    @contextlib.contextmanager
    def giving(self, sign: Sign) -> Generator[None]:
        """Give a sign again and again while the block goes on."""
        self._begin(sign)
        try:
            yield
        finally:
            with self._changed:
                self._due.pop(sign, None)

    def _begin(self, sign: Sign) -> None:
        with self._changed:
            idle = not self._due
            self._due[sign] = self._clock() + sign.first
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="headrace-heartbeats", daemon=True)
                self._thread.start()
            elif idle:
                self._changed.notify()

    def beat_due(self) -> float | None:
        """Give the signs that are due; seconds until the next one is, None without any."""
        with self._changed:
            moment = self._clock()
            due = [sign for sign, at in self._due.items() if at <= moment]
        for sign in due:
            again = sign.give()
            with self._changed:
                # One that has ended meanwhile stays ended.
                if again is None:
                    self._due.pop(sign, None)
                elif sign in self._due:
                    self._due[sign] = moment + again
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
