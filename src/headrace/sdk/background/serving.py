"""`serve(task)`: a task worker as a process, which ends what it is at when it is told to stop."""

from __future__ import annotations

import asyncio
import logging
import signal
import threading
from collections.abc import Callable
from typing import Any

from headrace.sdk.background.status import telling_status
from headrace.sdk.background.worker import TaskWorker
from headrace.sdk.drivers import in_own_loop
from headrace.sdk.entrypoints import is_loading
from headrace.sdk.logs import configure
from headrace.sdk.session import flush_all
from headrace.sdk.task import Task

_SIGNALS = (signal.SIGTERM, signal.SIGINT)
_STOPPED = "The task worker was stopped before the run came to its end."
_PATIENCE = 10.0
"""Seconds for which a worker that is stopped at once tries to have its runs' ends recorded."""
_log = logging.getLogger("headrace.task_worker")


def serve(
    *tasks: Task[..., Any],
    limit: int | None = 10,
    status_server_port: int | None = None,
    timeout: float | None = None,
) -> None:
    """Execute the background runs of tasks, up to `limit` at once, until the process is told to stop.

    SIGTERM and Ctrl-C let the runs under way come to their end; a second one crashes them and stops at once. With a
    `timeout` it stops by itself after so many seconds. `status_server_port` is where this machine is told how it goes,
    at `/status`. In a file that is only loaded for the flow or task in it, nothing is served.

    >>> serve(resize, notify, limit=4)
    """
    worker = TaskWorker(*tasks, limit=limit)
    if not is_loading():
        in_own_loop(_run(worker, status_server_port, timeout))


async def aserve(
    *tasks: Task[..., Any],
    limit: int | None = 10,
    status_server_port: int | None = None,
    timeout: float | None = None,
) -> None:
    """`serve`, awaited; it stops as well when it is cancelled."""
    await _run(TaskWorker(*tasks, limit=limit), status_server_port, timeout)


async def _run(worker: TaskWorker, status_port: int | None, timeout: float | None) -> None:
    configure()
    loop = asyncio.get_running_loop()
    taken = _on_signals(lambda: _stop(worker))
    timer = None if timeout is None else loop.call_later(timeout, worker.stop)
    try:
        async with telling_status(worker, status_port):
            await worker.start()
    except asyncio.CancelledError:
        worker.abandon(_STOPPED)
        raise
    finally:
        if timer is not None:
            timer.cancel()
        for number in taken:
            loop.remove_signal_handler(number)
        await asyncio.to_thread(flush_all, _PATIENCE)


def _stop(worker: TaskWorker) -> None:
    if worker.stopping:
        _log.warning("Stopping at once: %d runs are crashed.", len(worker.in_flight))
        worker.abandon(_STOPPED)
        return
    worker.stop()


def _on_signals(handle: Callable[[], None]) -> tuple[signal.Signals, ...]:
    """Call a function at each signal to stop, where this thread may say so; the signals that it was said for."""
    if threading.current_thread() is not threading.main_thread():
        return ()
    loop = asyncio.get_running_loop()
    for number in _SIGNALS:
        loop.add_signal_handler(number, handle)
    return _SIGNALS
