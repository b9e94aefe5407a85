"""Interrupting a synchronous function that takes too long.

On the main thread a real-time signal interrupts even a blocking call such as `time.sleep`. On any other thread the
interpreter is asked to raise in that thread, which it does between two steps of Python code: a call that blocks in C
is interrupted only when it returns. Nothing can stop C code that never returns.
"""

import contextlib
import ctypes
import signal
import threading
import time
from collections.abc import Generator
from types import FrameType


class TimeUp(BaseException):
    """Raised inside the function whose time is up; not an Exception, so that no `except Exception` swallows it."""


@contextlib.contextmanager
def limit(seconds: float) -> Generator[type[TimeUp]]:
    """Raise in the calling thread if the block has not ended after so many seconds.

    What is raised is a class of its own, which is given to the block: limits nest, and each knows its own end.
    """
    mine = type("TimeUp", (TimeUp,), {})
    on_main = threading.current_thread() is threading.main_thread() and hasattr(signal, "setitimer")
    with _by_signal(seconds, mine) if on_main else _by_watcher(seconds, mine):
        yield mine


@contextlib.contextmanager
def _by_signal(seconds: float, mine: type[TimeUp]) -> Generator[None]:
    """Sets the process's timer, and gives an outer user of it what is left of its time."""

    def expire(_signal: int, _frame: FrameType | None) -> None:
        raise mine

    began = time.monotonic()
    left, interval = signal.getitimer(signal.ITIMER_REAL)
    if left and left < seconds:
        # The outer limit ends first, and its handler is in place: there is nothing to add.
        yield
        return
    handler = signal.signal(signal.SIGALRM, expire)
    signal.setitimer(signal.ITIMER_REAL, max(seconds, 1e-6))
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, handler)
        if left:
            signal.setitimer(signal.ITIMER_REAL, max(left - (time.monotonic() - began), 1e-6), interval)


@contextlib.contextmanager
def _by_watcher(seconds: float, mine: type[TimeUp]) -> Generator[None]:
    """A timer thread raises in this one; the lock makes sure that it does not once the block has ended."""
    target = ctypes.c_ulong(threading.get_ident())
    lock = threading.Lock()
    over = False

    def expire() -> None:
        with lock:
            if not over:
                ctypes.pythonapi.PyThreadState_SetAsyncExc(target, ctypes.py_object(mine))

    timer = threading.Timer(seconds, expire)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        with lock:
            over = True
        timer.cancel()
