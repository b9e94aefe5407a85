"""One delivered run in a task worker, from its delivery to the record of its end, in a thread of its own."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any
from uuid import UUID

from headrace.sdk.background.execution import BackgroundRun
from headrace.sdk.futures import Future
from headrace.sdk.session import Session
from headrace.sdk.task import Task
from headrace.wire.background_tasks import TaskDelivery
from headrace.wire.errors import HeadraceError, ObjectNotFound
from headrace.wire.orchestration import SetStateStatus
from headrace.wire.task_runs import TaskRun

_log = logging.getLogger("headrace.task_worker")


class Execution:
    """A run that this worker was given; `over` is called, in its thread, when the worker is done with it."""

    def __init__(
        self, task: Task[..., Any], delivery: TaskDelivery, over: Session, ended: Callable[[Execution], None]
    ) -> None:
        self._task, self._session, self._ended = task, over, ended
        self.delivery_id = delivery.delivery_id
        self.task_run = delivery.task_run
        self.engine: BackgroundRun | None = None

    @property
    def id(self) -> UUID:
        return self.task_run.id

    def run_to_end(self, lease_seconds: float) -> None:
        """Begin the run and execute it to its end; nothing is raised."""
        try:
            run = self._begin(lease_seconds)
            if run is not None:
                self.engine = BackgroundRun(self._task, run)
                self.engine.fulfil(Future(run))
                self.engine.settle()
        except Exception:
            _log.exception("Task run %r could not be executed.", self.task_run.name)
        finally:
            self._ended(self)

    def lose(self) -> None:
        """The run is not this worker's any more, so that what becomes of it here is of no interest."""
        engine = self.engine
        if engine is not None and not engine.lost and not engine.state.is_final():
            engine.lost = True
            _log.warning(
                "Task run %r is over for the server, or was given to another worker, because it was cancelled or "
                "deleted or this process gave no sign of life: what it still does here is not recorded.",
                self.task_run.name,
            )

    def abandon(self, why: str) -> None:
        """Crash the run, if it has begun and is not over; what its function still does changes nothing."""
        if self.engine is not None:
            self.engine.abandon(why)

    def _begin(self, lease_seconds: float) -> TaskRun | None:
        """The run as the API says that it has begun, or None if it is not for this worker to execute."""
        run = self.task_run
        try:
            answer = self._session.client.begin_task_run(run.id, self.delivery_id, lease_seconds)
        except ObjectNotFound:
            _log.info("Task run %r was deleted before it began.", run.name)
            return None
        except HeadraceError as error:
            _log.warning("Task run %r could not be begun, and will be delivered again: %s", run.name, error)
            return None
        if answer.status is not SetStateStatus.ACCEPT or answer.state is None:
            _log.info("Task run %r is not begun here: %s", run.name, answer.details.reason)
            return None
        state = answer.state
        run.state, run.state_id, run.state_type, run.state_name = state, state.id, state.type, state.name
        run.next_scheduled_start_time = None
        return run
