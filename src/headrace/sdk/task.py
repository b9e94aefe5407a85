"""`@task`: a function whose calls are recorded, retried, cached and run at the same time as others."""

from __future__ import annotations

import copy
import functools
from collections.abc import Callable, Coroutine, Iterable
from typing import TYPE_CHECKING, Any, Generic, Literal, ParamSpec, TypeVar, overload

from headrace.sdk import callables
from headrace.sdk.callables import UNSET
from headrace.sdk.signature import Signature
from headrace.wire.errors import DefinitionError

if TYPE_CHECKING:
    import datetime

    from headrace.sdk.background.futures import DistributedFuture
    from headrace.sdk.caching import CachePolicy
    from headrace.sdk.context import TaskRunContext
    from headrace.sdk.futures import Future, FutureList
    from headrace.wire.states import State
    from headrace.wire.task_runs import TaskRunInput

P = ParamSpec("P")
R = TypeVar("R")
T = TypeVar("T")

Delays = float | int | list[float] | Callable[[int], list[float]] | None
Hook = Callable[..., Any]
"""Called with the task, the task run and its state."""

RESERVED = frozenset({"return_state", "wait_for"})
_MOST_DELAYS = 50


class Task(Generic[P, R]):
    """A function that is recorded as a task run each time it is called. Made by `task`; the parameters are its."""

    def __init__(
        self,
        fn: Callable[P, R],
        *,
        name: str | None = None,
        description: str | None = None,
        tags: Iterable[str] | None = None,
        version: str | None = None,
        cache_policy: CachePolicy | None = UNSET,
        cache_key_fn: Callable[[TaskRunContext, dict[str, Any]], str | None] | None = None,
        cache_expiration: datetime.timedelta | None = None,
        task_run_name: Callable[..., str] | str | None = None,
        retries: int | None = None,
        retry_delay_seconds: Delays = None,
        retry_jitter_factor: float | None = None,
        retry_condition_fn: Callable[[Task[..., Any], Any, State], Any] | None = None,
        persist_result: bool | None = None,
        result_storage: Any = None,
        result_storage_key: str | None = None,
        result_serializer: Any = None,
        cache_result_in_memory: bool = True,
        timeout_seconds: float | int | None = None,
        log_prints: bool | None = None,
        refresh_cache: bool | None = None,
        on_completion: list[Hook] | None = None,
        on_failure: list[Hook] | None = None,
        on_running: list[Hook] | None = None,
        viz_return_value: Any = None,
    ) -> None:
        self.fn, self._kind = callables.unwrap_method(fn)
        functools.update_wrapper(self, self.fn)
        self.name = name or callables.name_of(self.fn)
        self.description = description if description is not None else self.fn.__doc__
        self.version = version
        self.tags = set(tags or ())
        self.isasync = callables.is_async(self.fn)
        self.cache_policy = cache_policy
        self.cache_key_fn = cache_key_fn
        self.cache_expiration = cache_expiration
        self.task_run_name = task_run_name
        self.retries = retries
        self.retry_delay_seconds = _delays(retry_delay_seconds, retries)
        self.retry_jitter_factor = retry_jitter_factor
        self.retry_condition_fn = retry_condition_fn
        self.persist_result = persist_result
        self.result_storage = result_storage
        self.result_storage_key = result_storage_key
        self.result_serializer = result_serializer
        self.cache_result_in_memory = cache_result_in_memory
        self.timeout_seconds = float(timeout_seconds) if timeout_seconds else None
        self.log_prints = log_prints
        self.refresh_cache = refresh_cache
        self.on_completion_hooks = callables.hooks("on_completion", on_completion)
        self.on_failure_hooks = callables.hooks("on_failure", on_failure)
        self.on_running_hooks = callables.hooks("on_running", on_running)
        self.viz_return_value = viz_return_value
        self._check()

    def _check(self) -> None:
        if self.retry_jitter_factor is not None and self.retry_jitter_factor < 0:
            raise DefinitionError(
                f"Task {self.name!r}: retry_jitter_factor is {self.retry_jitter_factor}, not 0 or more."
            )
        if self.cache_key_fn is not None and self.cache_policy is not UNSET and self.cache_policy is not None:
            raise DefinitionError(f"Task {self.name!r} has both a cache_policy and a cache_key_fn: give one of them.")
        if self.retry_condition_fn is not None and not callable(self.retry_condition_fn):
            raise DefinitionError(
                f"Task {self.name!r}: retry_condition_fn is {self.retry_condition_fn!r}, not a function."
            )

    @functools.cached_property
    def task_key(self) -> str:
        """Tells this task from others; the same in every process that runs the same code."""
        return callables.key_of(self.fn)

    @functools.cached_property
    def signature(self) -> Signature:
        """The function's parameters, inspected on first use."""
        signature = Signature(self.fn)
        signature.reserve(RESERVED)
        return signature

    def __get__(self, instance: Any, owner: type | None = None) -> Task[P, R]:
        """As a method, a task is bound to its object or class as the function would be."""
        if self._kind == "static" or (instance is None and self._kind == "plain"):
            return self
        bound = copy.copy(self)
        bound.fn = callables.bound(self.fn, owner if self._kind == "class" else instance)
        bound._kind = "static"
        bound.__dict__.pop("signature", None)
        return bound

    @overload
    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R: ...
    @overload
    def __call__(
        self: Task[..., Coroutine[Any, Any, Any]], *args: Any, return_state: Literal[True], **kwargs: Any
    ) -> Coroutine[Any, Any, State]: ...
    @overload
    def __call__(self, *args: Any, return_state: Literal[True], **kwargs: Any) -> State: ...
    @overload
    def __call__(self, *args: Any, wait_for: Iterable[Any], **kwargs: Any) -> R: ...
    def __call__(
        self, *args: Any, return_state: bool = False, wait_for: Iterable[Any] | None = None, **kwargs: Any
    ) -> Any:
        """Run the task here and now and give what it returns, or with `return_state` its final state.

        Futures and states among the arguments are replaced by their results; `wait_for` names further runs that
        must have completed.
        """
        from headrace.sdk import task_engine

        parameters = self.signature.bind(args, kwargs)
        return task_engine.run(self, parameters, wait_for, return_state)

    @overload
    def submit(
        self: Task[..., Coroutine[Any, Any, T]], *args: Any, wait_for: Iterable[Any] | None = None, **kwargs: Any
    ) -> Future[T]: ...
    @overload
    def submit(self, *args: Any, wait_for: Iterable[Any] | None = None, **kwargs: Any) -> Future[R]: ...
    @overload
    def submit(self, *args: Any, return_state: Literal[True], **kwargs: Any) -> State: ...
    def submit(
        self, *args: Any, return_state: bool = False, wait_for: Iterable[Any] | None = None, **kwargs: Any
    ) -> Any:
        """Run the task on the flow's task runner and give a future at once; with `return_state`, wait for its state.

        >>> future = fetch.submit("https://example.org")
        >>> future.result()
        """
        parameters = self.signature.bind(args, kwargs)
        future = _runner("submit").submit(self, parameters, wait_for)
        if not return_state:
            return future
        future.wait()
        return future.state

    @overload
    def map(
        self: Task[..., Coroutine[Any, Any, T]], *args: Any, wait_for: Iterable[Any] | None = None, **kwargs: Any
    ) -> FutureList[T]: ...
    @overload
    def map(self, *args: Any, wait_for: Iterable[Any] | None = None, **kwargs: Any) -> FutureList[R]: ...
    @overload
    def map(self, *args: Any, return_state: Literal[True], **kwargs: Any) -> list[State]: ...
    def map(self, *args: Any, return_state: bool = False, wait_for: Iterable[Any] | None = None, **kwargs: Any) -> Any:
        """Submit one task run for each element of the iterables among the arguments.

        Other arguments, and those marked `unmapped`, go whole to each run. All iterables have the same length.

        >>> add.map([1, 2, 3], unmapped(10)).result()
        [11, 12, 13]
        """
        parameters = self.signature.bind(args, kwargs)
        futures = _runner("map").map(self, parameters, wait_for)
        if not return_state:
            return futures
        futures.wait()
        return [future.state for future in futures]

    @overload
    def delay(self: Task[P, Coroutine[Any, Any, T]], *args: P.args, **kwargs: P.kwargs) -> DistributedFuture[T]: ...
    @overload
    def delay(self, *args: P.args, **kwargs: P.kwargs) -> DistributedFuture[R]: ...
    def delay(self, *args: Any, **kwargs: Any) -> Any:
        """Have the task run in a process that serves it, and give a future at once.

        >>> future = resize.delay("lake.png")
        """
        return self.apply_async(args, kwargs)

    @overload
    def apply_async(
        self: Task[P, Coroutine[Any, Any, T]],
        args: tuple[Any, ...] | None = None,
        kwargs: dict[str, Any] | None = None,
        wait_for: Iterable[Any] | None = None,
        dependencies: dict[str, set[TaskRunInput]] | None = None,
    ) -> DistributedFuture[T]: ...
    @overload
    def apply_async(
        self,
        args: tuple[Any, ...] | None = None,
        kwargs: dict[str, Any] | None = None,
        wait_for: Iterable[Any] | None = None,
        dependencies: dict[str, set[TaskRunInput]] | None = None,
    ) -> DistributedFuture[R]: ...
    def apply_async(
        self,
        args: tuple[Any, ...] | None = None,
        kwargs: dict[str, Any] | None = None,
        wait_for: Iterable[Any] | None = None,
        dependencies: dict[str, set[TaskRunInput]] | None = None,
    ) -> Any:
        """As `delay`, with the arguments apart from what else is said of the run.

        `wait_for` names runs that must have completed before it runs, `dependencies` further runs that its arguments
        came from.
        """
        from headrace.sdk.background.delaying import delay

        return delay(self, self.signature.bind(args or (), kwargs or {}), wait_for, dependencies)

    def serve(self) -> None:
        """Execute the background runs of this task until the process is told to stop; see `headrace.task_worker`."""
        from headrace.sdk.background.serving import serve

        serve(self)

    def with_options(
        self,
        *,
        name: str | None = UNSET,
        description: str | None = UNSET,
        tags: Iterable[str] | None = UNSET,
        version: str | None = UNSET,
        cache_policy: CachePolicy | None = UNSET,
        cache_key_fn: Callable[[TaskRunContext, dict[str, Any]], str | None] | None = UNSET,
        cache_expiration: datetime.timedelta | None = UNSET,
        task_run_name: Callable[..., str] | str | None = UNSET,
        retries: int | None = UNSET,
        retry_delay_seconds: Delays = UNSET,
        retry_jitter_factor: float | None = UNSET,
        retry_condition_fn: Callable[[Task[..., Any], Any, State], Any] | None = UNSET,
        persist_result: bool | None = UNSET,
        result_storage: Any = UNSET,
        result_storage_key: str | None = UNSET,
        result_serializer: Any = UNSET,
        cache_result_in_memory: bool = UNSET,
        timeout_seconds: float | int | None = UNSET,
        log_prints: bool | None = UNSET,
        refresh_cache: bool | None = UNSET,
        on_completion: list[Hook] | None = UNSET,
        on_failure: list[Hook] | None = UNSET,
        on_running: list[Hook] | None = UNSET,
        viz_return_value: Any = UNSET,
    ) -> Task[P, R]:
        """The same task with other options; those that are not named stay as they are."""
        changes = callables.given({name: value for name, value in locals().items() if name not in ("self", "changes")})
        return type(self)(self._rewrapped(), **(self._options() | changes))

    def on_completion(self, fn: Hook) -> Hook:
        """Decorates a hook that is called when a run of the task completes."""
        self.on_completion_hooks.append(fn)
        return fn

    def on_failure(self, fn: Hook) -> Hook:
        """Decorates a hook that is called when a run of the task fails for good."""
        self.on_failure_hooks.append(fn)
        return fn

    def on_running(self, fn: Hook) -> Hook:
        """Decorates a hook that is called each time a run of the task starts."""
        self.on_running_hooks.append(fn)
        return fn

    def _rewrapped(self) -> Any:
        wrap = {"class": classmethod, "static": staticmethod}.get(self._kind)
        return wrap(self.fn) if wrap is not None else self.fn

    def _options(self) -> dict[str, Any]:
        """The options this task was made with."""
        hooks = {name: list(getattr(self, f"{name}_hooks")) for name in _HOOKS}
        return {name: getattr(self, name) for name in _OPTIONS} | hooks

    def __repr__(self) -> str:
        return f"<task {self.name!r}>"


_HOOKS = ("on_completion", "on_failure", "on_running")
_OPTIONS = tuple(name for name in vars(Task)["with_options"].__kwdefaults__ if name not in _HOOKS)


def _delays(given: Delays, retries: int | None) -> float | int | list[float] | None:
    delays = given(retries or 0) if callable(given) else given
    if isinstance(delays, list) and len(delays) > _MOST_DELAYS:
        raise DefinitionError(f"retry_delay_seconds has {len(delays)} delays; there can be at most {_MOST_DELAYS}.")
    return delays


def _runner(method: str) -> Any:
    from headrace.sdk.context import FlowRunContext
    from headrace.wire.errors import MissingContext

    flow_run = FlowRunContext.get()
    if flow_run is None:
        raise MissingContext(
            f"{method}() needs a flow run, whose task runner it uses: call it inside a flow. "
            "Outside of flows a task can be called directly."
        )
    return flow_run.task_runner


@overload
def task(__fn: Callable[P, R], /) -> Task[P, R]: ...
@overload
def task(
    __fn: None = None,
    /,
    *,
    name: str | None = None,
    description: str | None = None,
    tags: Iterable[str] | None = None,
    version: str | None = None,
    cache_policy: CachePolicy | None = ...,
    cache_key_fn: Callable[[TaskRunContext, dict[str, Any]], str | None] | None = None,
    cache_expiration: datetime.timedelta | None = None,
    task_run_name: Callable[..., str] | str | None = None,
    retries: int | None = None,
    retry_delay_seconds: Delays = None,
    retry_jitter_factor: float | None = None,
    retry_condition_fn: Callable[[Task[..., Any], Any, State], Any] | None = None,
    persist_result: bool | None = None,
    result_storage: Any = None,
    result_storage_key: str | None = None,
    result_serializer: Any = None,
    cache_result_in_memory: bool = True,
    timeout_seconds: float | int | None = None,
    log_prints: bool | None = None,
    refresh_cache: bool | None = None,
    on_completion: list[Hook] | None = None,
    on_failure: list[Hook] | None = None,
    on_running: list[Hook] | None = None,
    viz_return_value: Any = None,
) -> Callable[[Callable[P, R]], Task[P, R]]: ...
def task(__fn: Any = None, /, **options: Any) -> Any:
    """Make a task of a function.

    Args:
        name: what its runs are called; the function's name.
        description: what it does; the function's docstring.
        tags: tags of its runs, besides those of the context.
        version: of its code, as users count it.
        cache_policy: how the key is made under which a result is used again (`headrace.cache_policies`).
        cache_key_fn: makes that key from the task run's context and its parameters; None caches nothing.
        cache_expiration: for how long a cached result is used.
        task_run_name: the name of a run, a template such as "load-{table}" or a function that gives it.
        retries: how often a failed run is tried again.
        retry_delay_seconds: the pause before that; one for all, a list of them, or a function that makes the list.
        retry_jitter_factor: pauses vary by up to this part of themselves.
        retry_condition_fn: called with the task, the task run and its state; whether to try again.
        persist_result: whether the result is kept in storage.
        result_storage: where; a folder or an object that reads and writes.
        result_storage_key: under which name; a template that sees `parameters`.
        result_serializer: as which bytes, such as "json".
        cache_result_in_memory: kept for compatibility; results are in memory as long as their state is.
        timeout_seconds: after which a run fails as TimedOut (see `sdk.timeouts` for what can be interrupted).
        log_prints: whether `print` logs; as the flow does, unless said.
        refresh_cache: run again although a result is cached, and cache the new one.
        on_completion: functions called with the task, the task run and the state when it completed …
        on_failure: … when it failed for good …
        on_running: … and each time it starts.
        viz_return_value: what a call stands for when a flow is drawn without being run.

    >>> @task(retries=3, retry_delay_seconds=[1, 10, 60])
    ... def fetch(url: str) -> bytes: ...
    """
    make: Any = Task
    return functools.partial(make, **options) if __fn is None else make(__fn, **options)
