"""`log_prints`: what a run prints becomes a line of its log.

The built-in `print` is replaced while any run with `log_prints` is under way. The replacement looks at the context it
is called in, so that code outside of such runs prints as ever.
"""

import builtins
import contextlib
import sys
import threading
from collections.abc import Generator
from typing import Any

from headrace.sdk import context

_original = builtins.print
_lock = threading.Lock()
_users = 0


@contextlib.contextmanager
def logged(wanted: bool) -> Generator[None]:
    """Prints of runs that want it are logged, for the length of a block."""
    if not wanted:
        yield
        return
    _count(1)
    try:
        yield
    finally:
        _count(-1)


def _count(change: int) -> None:
    global _original, _users
    with _lock:
        _users += change
        if _users == 1 and change == 1:
            _original = builtins.print
            builtins.print = _print
        elif _users == 0:
            builtins.print = _original


def _print(*values: Any, sep: str | None = None, end: str | None = None, file: Any = None, flush: bool = False) -> None:
    run = context.innermost()
    if run is None or not run.log_prints or (file is not None and file is not sys.stdout):
        _original(*values, sep=sep, end=end, file=file, flush=flush)
        return
    from headrace.sdk.logs import get_run_logger

    get_run_logger(run).info("%s", (" " if sep is None else sep).join(map(str, values)))
