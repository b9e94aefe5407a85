"""Public functions that are called in plain code and awaited where an event loop runs.

Each is written once, as a coroutine that waits only through a `Driver`, and offered twice: under its own name, which
does what the place it is called from needs, and as `a…`, which is always awaited.
"""

from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, Any, Concatenate, ParamSpec

from headrace.sdk import context
from headrace.sdk.drivers import Blocking, Driver, Suspending, complete, loop_is_running
from headrace.sdk.session import session

if TYPE_CHECKING:
    from headrace.client.orchestration import SyncHeadraceClient

P = ParamSpec("P")

SUSPENDING = Suspending()


def dispatch(
    operation: Callable[Concatenate[Driver, P], Coroutine[Any, Any, Any]], *args: P.args, **kwargs: P.kwargs
) -> Any:
    """The operation's result, or where the caller can await it, the coroutine that gives it.

    A caller can where an event loop runs in its thread, unless it is a synchronous flow or task.
    """
    if _can_await():
        return operation(SUSPENDING, *args, **kwargs)
    return complete(operation(Blocking(), *args, **kwargs))


def _can_await() -> bool:
    if not loop_is_running():
        return False
    run = context.innermost()
    return run is None or run.is_async


def api() -> "SyncHeadraceClient":
    """The client of the current run, or of the current settings; a driver calls its methods."""
    run = context.innermost()
    return (run.session if run is not None else session()).client
