"""What must happen around `os.fork`, for everything that owns threads, sockets or database connections.

An SQLite connection must not be open when its process forks (sqlite.org/howtocorrupt.html), and threads
are not there in the child. So whatever is registered here lets go before and takes up again after, in
both processes. `subprocess` does not come by here: it executes another program.
"""

import importlib
import os
import threading
from typing import Protocol
from weakref import WeakSet


class ForkAware(Protocol):
    """Something that survives a fork with some care."""

    def before_fork(self) -> None:
        """Let go of what must not be there twice, and let nobody take it up again until the fork is done."""
        ...

    def after_fork(self, *, in_child: bool) -> None:
        """Be usable again."""
        ...


def watch(thing: ForkAware) -> None:
    """Call it around every fork for as long as it lives."""
    _watched.add(thing)


def _before() -> None:
    _forking.acquire()
    _held.extend(_watched)
    for thing in _held:
        thing.before_fork()


def _after(*, in_child: bool) -> None:
    for thing in reversed(_held):
        thing.after_fork(in_child=in_child)
    _held.clear()
    _forking.release()


_watched: WeakSet[ForkAware] = WeakSet()
_held: list[ForkAware] = []
_forking = threading.Lock()

# Before a fork, the hooks registered last are called first. Those of these modules take locks that letting go
# may need, so they have to be registered before ours.
for _name in ("logging", "concurrent.futures.thread"):
    importlib.import_module(_name)

os.register_at_fork(
    before=_before, after_in_parent=lambda: _after(in_child=False), after_in_child=lambda: _after(in_child=True)
)
