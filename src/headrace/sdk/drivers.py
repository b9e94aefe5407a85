"""The two ways to run the engine: blocking the caller's thread, or suspending the caller's coroutine.

The engine is written once, as coroutines that wait only through a `Driver`. Under `Blocking` no wait ever suspends,
so that `complete` runs such a coroutine to its end with a single step and no event loop (docs/decisions/0004).
"""

import contextlib
import inspect
import sys
import threading
import time
from collections.abc import Callable, Coroutine, Mapping
from typing import Any, Protocol, TypeVar

from headrace.sdk import timeouts
from headrace.sdk.outcomes import Expired, Outcome, Raised, Returned

T = TypeVar("T")


class Driver(Protocol):
    """The waits of the engine."""

    async def call(self, function: Callable[..., T], *args: Any) -> T:
        """Blocking work of our own: a request to the API, a file."""
        ...

    async def sleep(self, seconds: float) -> None: ...

    async def attempt(
        self, function: Callable[..., Any], args: tuple[Any, ...], kwargs: Mapping[str, Any], timeout: float | None
    ) -> Outcome:
        """The user's function, for at most `timeout` seconds. What is no `Exception` passes through."""
        ...

    async def run_hook(self, hook: Callable[..., Any], *args: Any) -> Any:
        """A user's function, sync or async, whichever way the run itself goes."""
        ...


class Blocking:
    """For synchronous flows and tasks: every wait blocks the calling thread."""

    async def call(self, function: Callable[..., T], *args: Any) -> T:
        return function(*args)

    async def sleep(self, seconds: float) -> None:
        time.sleep(seconds)  # noqa: ASYNC251 # blocking is what this driver is for

    async def attempt(
        self, function: Callable[..., Any], args: tuple[Any, ...], kwargs: Mapping[str, Any], timeout: float | None
    ) -> Outcome:
        if timeout is not None:
            return _attempt_within(timeout, function, args, kwargs)
        try:
            return Returned(function(*args, **kwargs))
        except Exception as error:
            return Raised(error)

    async def run_hook(self, hook: Callable[..., Any], *args: Any) -> Any:
        result = hook(*args)
        return in_own_loop(result) if inspect.iscoroutine(result) else result


class Suspending:
    """For asynchronous flows and tasks: every wait lets the caller's event loop go on."""

    async def call(self, function: Callable[..., T], *args: Any) -> T:
        import asyncio

        return await asyncio.to_thread(function, *args)

    async def sleep(self, seconds: float) -> None:
        import asyncio

        await asyncio.sleep(seconds)

    async def attempt(
        self, function: Callable[..., Any], args: tuple[Any, ...], kwargs: Mapping[str, Any], timeout: float | None
    ) -> Outcome:
        import asyncio

        limit = asyncio.timeout(timeout)
        try:
            async with limit:
                return Returned(await function(*args, **kwargs))
        except Exception as error:
            return Expired(timeout) if timeout is not None and limit.expired() else Raised(error)

    async def run_hook(self, hook: Callable[..., Any], *args: Any) -> Any:
        result = hook(*args)
        return await result if inspect.isawaitable(result) else result


def _attempt_within(
    seconds: float, function: Callable[..., Any], args: tuple[Any, ...], kwargs: Mapping[str, Any]
) -> Outcome:
    # The limit is outermost, so that time that is up between two lines of this function is noticed all the same.
    mine = timeouts.TimeUp
    try:
        with timeouts.limit(seconds) as mine:
            try:
                return Returned(function(*args, **kwargs))
            except Exception as error:
                return Raised(error)
    except timeouts.TimeUp as up:
        if type(up) is not mine:
            raise
        return Expired(seconds)


def complete(coroutine: Coroutine[Any, Any, T]) -> T:
    """The result of a coroutine whose waits all go through `Blocking`."""
    try:
        coroutine.send(None)
    except StopIteration as end:
        return end.value
    coroutine.close()
    raise RuntimeError("A blocking run waited for an event loop.")


def in_own_loop(coroutine: Coroutine[Any, Any, T]) -> T:
    """The result of a coroutine, run to its end in an event loop of its own, also where one runs already."""
    import asyncio

    if not loop_is_running():
        return asyncio.run(coroutine)
    ended: list[T] = []
    failed: list[BaseException] = []

    def run() -> None:
        try:
            ended.append(asyncio.run(coroutine))
        except BaseException as error:
            failed.append(error)

    thread = threading.Thread(target=run, name="headrace-own-loop")
    thread.start()
    thread.join()
    if failed:
        raise failed[0]
    return ended[0]


def loop_is_running() -> bool:
    """Whether an event loop runs in this thread."""
    if "asyncio" not in sys.modules:
        return False
    import asyncio

    with contextlib.suppress(RuntimeError):
        asyncio.get_running_loop()
        return True
    return False
