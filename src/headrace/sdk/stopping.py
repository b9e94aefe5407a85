"""Stopping the code of a flow run that is not to go on: it was cancelled, is over, or its process is asked to end.

Whoever finds out, mostly the thread that renews the run's lease, asks the run's `Stopper`. That interrupts the flow's
function: on the main thread by a signal, so that a blocking call such as `time.sleep` ends too; on another thread
between two steps of Python code; in an event loop by cancelling the task. Code that catches the interruption is
interrupted again whenever the stopper is asked again, and finds no task that it could start.

While a flow runs on the main thread, SIGTERM raises `Terminated` there, so that the run's end is recorded and its
hooks are called. A handler of the user's own is left alone.
"""

from __future__ import annotations

import contextlib
import ctypes
import signal
import sys
import threading
from collections.abc import Generator
from types import FrameType
from typing import TYPE_CHECKING, Any

from headrace.wire.errors import Pause

if TYPE_CHECKING:
    import asyncio

TERMINATED = 128 + signal.SIGTERM


class Stopped(BaseException):
    """Raised inside a flow whose run is not to go on; no Exception, so that no `except Exception` swallows it."""


class Terminated(SystemExit):
    """The process was asked to end, by SIGTERM. Not caught, it ends the process as that signal does."""

    def __init__(self) -> None:
        super().__init__(TERMINATED)

    def __str__(self) -> str:
        return "its process was asked to end (SIGTERM)"


class Stopper:
    """Stops one flow run. `reason` says why, once it was asked to."""

    def __init__(self) -> None:
        self.reason: str | None = None
        self._suspended: Any = None
        self._lock = threading.Lock()
        self._thread: int | None = None
        self._task: tuple[asyncio.AbstractEventLoop, asyncio.Task[Any]] | None = None
        self._times = 0

    def stop(self, reason: str) -> None:
        """Interrupt the flow's function now, if it is running, and have it start nothing more."""
        self.reason = self.reason or reason
        with self._lock:
            self._times += 1
            if self._thread is None:
                return
            if self._task is not None:
                loop, task = self._task
                with contextlib.suppress(RuntimeError):
                    loop.call_soon_threadsafe(task.cancel)
                if self._times == 1:
                    return
            _interrupt(self._thread)

    def suspend(self, state: Any) -> None:
        """Have the flow end in this state, which it is in already, before it starts another task."""
        self._suspended = state

    def check(self) -> None:
        """Raise `Stopped` or `Pause` if the run is not to go on; called before each task."""
        if self.reason is not None:
            raise Stopped(self.reason)
        if self._suspended is not None:
            raise Pause("The flow run is suspended.", state=self._suspended)

    @contextlib.contextmanager
    def reaching(self, *, suspending: bool) -> Generator[None]:
        """The block can be interrupted: it is the flow's function, which suspends if it is async."""
        if self.reason is not None:
            raise Stopped(self.reason)
        on_main = threading.current_thread() is threading.main_thread()
        with self._lock:
            self._thread, self._task = threading.get_ident(), _current_task() if suspending else None
        _TERMINATOR.reached += on_main
        try:
            yield
        finally:
            # What is on its way when the block ends arrives here and not behind it.
            with self._lock:
                self._thread = self._task = None
            _TERMINATOR.reached -= on_main

    def caused(self, end: BaseException) -> bool:
        """Whether this is how the stopper ended the function. A task that it cancelled counts as not cancelled."""
        if self.reason is None:
            return False
        if isinstance(end, Stopped):
            return True
        asyncio = sys.modules.get("asyncio")
        if asyncio is None or not isinstance(end, asyncio.CancelledError):
            return False
        task = _current_task()
        while task is not None and task[1].cancelling():
            task[1].uncancel()
        return True


class _Terminator:
    """What SIGTERM does to this process while a flow runs on its main thread."""

    def __init__(self) -> None:
        self.own = self.terminated = self.missed = False
        self.reached = self.deaf = 0

    def handle(self, _number: int, _frame: FrameType | None) -> None:
        if self.own:
            self.own = False
            if self.reached and not self.deaf:
                raise Stopped("The flow run was stopped.")
        elif self.deaf:
            self.missed = True
        else:
            self.terminated = True
            raise Terminated


_TERMINATOR = _Terminator()


@contextlib.contextmanager
def terminable() -> Generator[None]:
    """SIGTERM raises `Terminated` in the block, if this is the main thread and nobody else handles the signal."""
    if threading.current_thread() is not threading.main_thread() or signal.getsignal(signal.SIGTERM) != signal.SIG_DFL:
        yield
        return
    signal.signal(signal.SIGTERM, _TERMINATOR.handle)
    try:
        yield
        check_termination()
    finally:
        if signal.getsignal(signal.SIGTERM) == _TERMINATOR.handle:
            signal.signal(signal.SIGTERM, signal.SIG_DFL)


@contextlib.contextmanager
def finishing() -> Generator[None]:
    """The block records how a run ended and calls its hooks: SIGTERM does not keep it from that, and counts later."""
    _TERMINATOR.deaf += 1
    try:
        yield
    finally:
        _TERMINATOR.deaf -= 1


def check_termination() -> None:
    """Raise `Terminated` if SIGTERM came while something was being finished."""
    if _TERMINATOR.missed:
        _TERMINATOR.missed, _TERMINATOR.terminated = False, True
        raise Terminated


def cause_of(end: BaseException) -> BaseException:
    """What ended a run: SIGTERM, where an event loop passed it on in its own words."""
    return Terminated() if _TERMINATOR.terminated else end


def _interrupt(thread: int) -> None:
    """Raise `Stopped` in a thread."""
    on_main = thread == threading.main_thread().ident
    if on_main and hasattr(signal, "pthread_kill") and signal.getsignal(signal.SIGTERM) == _TERMINATOR.handle:
        _TERMINATOR.own = True
        signal.pthread_kill(thread, signal.SIGTERM)
    else:
        ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(thread), ctypes.py_object(Stopped))


def _current_task() -> tuple[asyncio.AbstractEventLoop, asyncio.Task[Any]] | None:
    """The task that this code runs in, and its loop, if there are any."""
    if "asyncio" not in sys.modules:
        return None
    import asyncio

    try:
        loop = asyncio.get_running_loop()
    except RuntimeError:
        return None
    task = asyncio.current_task(loop)
    return None if task is None else (loop, task)
