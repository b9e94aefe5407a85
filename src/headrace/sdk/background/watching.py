"""Watches the runs that this process waits for, all of them with one question at a time.

One daemon thread for each session asks the API which of the runs are over: soon after somebody begins to wait, and
then less and less often, up to once a second. It ends when nothing is waited for.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any
from uuid import UUID

from headrace.sdk.session import Session, session
from headrace.wire.errors import HeadraceError
from headrace.wire.filters import TaskRunFilter, TaskRunFilterId
from headrace.wire.states import State, StateType

if TYPE_CHECKING:
    from headrace.sdk.background.futures import DistributedFuture

_SOONEST, _LATEST = 0.02, 1.0
"""Seconds between two questions."""
_PAGE = 200
_log = logging.getLogger("headrace.tasks")
_watches: dict[Session, Watch] = {}
_lock = threading.Lock()


def watch(future: DistributedFuture[Any]) -> None:
    """Settle a future as soon as its run is over."""
    current = session()
    with _lock:
        found = _watches.get(current)
        if found is None:
            found = _watches[current] = Watch(current)
    found.add(future)


class Watch:
    """The runs that are waited for over one session."""

    def __init__(self, over: Session) -> None:
        self._session = over
        self._waiting: dict[UUID, list[DistributedFuture[Any]]] = {}
        self._more = threading.Condition()
        self._thread: threading.Thread | None = None
        self._pause = _SOONEST

    def add(self, future: DistributedFuture[Any]) -> None:
        """Have one more run watched."""
        with self._more:
            self._waiting.setdefault(future.task_run_id, []).append(future)
            self._pause = _SOONEST
            self._more.notify()
            if self._thread is None or not self._thread.is_alive():
                self._thread = threading.Thread(target=self._run, name="headrace-futures", daemon=True)
                self._thread.start()

    def _run(self) -> None:
        away = False
        while True:
            with self._more:
                if not self._waiting:
                    self._thread = None
                    return
                ids = list(self._waiting)
                pause, self._pause = self._pause, min(self._pause * 1.5, _LATEST)
            try:
                for id, state in self._over(ids):
                    self._settle(id, state)
                away = False
            except HeadraceError as error:
                if not away:
                    _log.warning("It cannot be told which task runs are over, and is asked again: %s", error)
                away = True
            with self._more:
                self._more.wait(pause)

    def _over(self, ids: Sequence[UUID]) -> Iterator[tuple[UUID, State]]:
        for start in range(0, len(ids), _PAGE):
            asked = list(ids[start : start + _PAGE])
            wanted = TaskRunFilter(id=TaskRunFilterId(any_=asked))
            runs = {run.id: run for run in self._session.client.read_task_runs(task_run_filter=wanted, limit=_PAGE)}
            for id in asked:
                run = runs.get(id)
                if run is None:
                    yield id, State(type=StateType.CRASHED, message="The task run was deleted.")
                elif run.state is not None and run.state.is_final():
                    yield id, run.state

    def _settle(self, id: UUID, state: State) -> None:
        with self._more:
            futures = self._waiting.pop(id, [])
        for future in futures:
            try:
                future.settle(state)
            except Exception:
                _log.exception("A callback of a future failed.")
