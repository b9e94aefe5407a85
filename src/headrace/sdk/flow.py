"""`@flow`: a function whose calls are flow runs."""

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
    from pathlib import Path
    from typing import Unpack

    from headrace.sdk.deploying.origins import Origin
    from headrace.sdk.parameters import Validator
    from headrace.sdk.runner_deployment import CommonOptions, DeploymentOptions, RunnerDeployment
    from headrace.sdk.runners.base import TaskRunner
    from headrace.sdk.sources import CodeSource
    from headrace.wire.states import State

P = ParamSpec("P")
R = TypeVar("R")

Hook = Callable[..., Any]
"""Called with the flow, the flow run and its state."""

RESERVED = frozenset({"return_state", "wait_for"})
_FORBIDDEN = frozenset("/%&><")


class Flow(Generic[P, R]):
    """A function each call of which is a flow run. Made by `flow`; the parameters are its."""

    def __init__(
        self,
        fn: Callable[P, R],
        name: str | None = None,
        version: str | None = None,
        flow_run_name: Callable[..., str] | str | None = None,
        retries: int | None = None,
        retry_delay_seconds: float | int | None = None,
        task_runner: TaskRunner | type[TaskRunner] | None = None,
        description: str | None = None,
        timeout_seconds: float | int | None = None,
        validate_parameters: bool = True,
        persist_result: bool | None = None,
        result_storage: Any = None,
        result_serializer: Any = None,
        cache_result_in_memory: bool = True,
        log_prints: bool | None = None,
        on_completion: list[Hook] | None = None,
        on_failure: list[Hook] | None = None,
        on_cancellation: list[Hook] | None = None,
        on_crashed: list[Hook] | None = None,
        on_running: list[Hook] | None = None,
    ) -> None:
        self.fn, self._kind = callables.unwrap_method(fn)
        functools.update_wrapper(self, self.fn)
        self.name = name or callables.name_of(self.fn).replace("_", "-")
        self._version = version
        self.origin: Origin | None = None
        self.flow_run_name = flow_run_name
        self.retries = retries
        self.retry_delay_seconds = retry_delay_seconds
        self.task_runner = task_runner
        self.description = description if description is not None else self.fn.__doc__
        self.timeout_seconds = float(timeout_seconds) if timeout_seconds else None
        self.should_validate_parameters = validate_parameters
        self.persist_result = persist_result
        self.result_storage = result_storage
        self.result_serializer = result_serializer
        self.cache_result_in_memory = cache_result_in_memory
        self.log_prints = log_prints
        self.isasync = callables.is_async(self.fn)
        self.on_completion_hooks = callables.hooks("on_completion", on_completion)
        self.on_failure_hooks = callables.hooks("on_failure", on_failure)
        self.on_cancellation_hooks = callables.hooks("on_cancellation", on_cancellation)
        self.on_crashed_hooks = callables.hooks("on_crashed", on_crashed)
        self.on_running_hooks = callables.hooks("on_running", on_running)
        if not isinstance(self.name, str) or _FORBIDDEN.intersection(self.name):  # pyright: ignore[reportUnnecessaryIsInstance] # users' own values
            raise DefinitionError(f"The flow name {self.name!r} must be a text without / % & > <.")

    @property
    def version(self) -> str | None:
        """As the user counts it, else a digest of the file that the flow is from."""
        if self._version is None and (code := getattr(self.fn, "__code__", None)) is not None:
            return callables.version_of_file(code.co_filename)
        return self._version

    @functools.cached_property
    def signature(self) -> Signature:
        """The function's parameters, inspected on first use."""
        signature = Signature(self.fn)
        signature.reserve(RESERVED)
        return signature

    @functools.cached_property
    def _validator(self) -> Validator:
        from headrace.sdk.parameters import Validator

        return Validator(self.signature)

    def validate_parameters(self, parameters: dict[str, Any]) -> dict[str, Any]:
        """The parameters as the annotations want them. Raises `ParameterTypeError` naming each that does not fit."""
        return self._validator.validate(parameters, f"Flow {self.name!r}")

    def __get__(self, instance: Any, owner: type | None = None) -> Flow[P, R]:
        """As a method, a flow is bound to its object or class as the function would be."""
        if self._kind == "static" or (instance is None and self._kind == "plain"):
            return self
        bound = copy.copy(self)
        bound.fn = callables.bound(self.fn, owner if self._kind == "class" else instance)
        bound._kind = "static"
        for derived in ("signature", "_validator"):
            bound.__dict__.pop(derived, None)
        return bound

    @overload
    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R: ...
    @overload
    def __call__(
        self: Flow[..., Coroutine[Any, Any, Any]], *args: Any, return_state: Literal[True], **kwargs: Any
    ) -> Coroutine[Any, Any, State]: ...
    @overload
    def __call__(self, *args: Any, return_state: Literal[True], **kwargs: Any) -> State: ...
    @overload
    def __call__(self, *args: Any, wait_for: Iterable[Any], **kwargs: Any) -> R: ...
    def __call__(
        self, *args: Any, return_state: bool = False, wait_for: Iterable[Any] | None = None, **kwargs: Any
    ) -> Any:
        """Run the flow here and now and give what it returns, or with `return_state` its final state.

        Inside another flow this is a subflow. Parameters that do not fit raise `ParameterError` before any run is
        made.
        """
        from headrace.sdk import flow_engine

        return flow_engine.run(self, self.signature.bind(args, kwargs), wait_for, return_state)

    def with_options(
        self,
        *,
        name: str | None = UNSET,
        version: str | None = UNSET,
        flow_run_name: Callable[..., str] | str | None = UNSET,
        retries: int | None = UNSET,
        retry_delay_seconds: float | int | None = UNSET,
        task_runner: TaskRunner | type[TaskRunner] | None = UNSET,
        description: str | None = UNSET,
        timeout_seconds: float | int | None = UNSET,
        validate_parameters: bool = UNSET,
        persist_result: bool | None = UNSET,
        result_storage: Any = UNSET,
        result_serializer: Any = UNSET,
        cache_result_in_memory: bool = UNSET,
        log_prints: bool | None = UNSET,
        on_completion: list[Hook] | None = UNSET,
        on_failure: list[Hook] | None = UNSET,
        on_cancellation: list[Hook] | None = UNSET,
        on_crashed: list[Hook] | None = UNSET,
        on_running: list[Hook] | None = UNSET,
    ) -> Flow[P, R]:
        """The same flow with other options; those that are not named stay as they are."""
        changes = callables.given({option: value for option, value in locals().items() if option != "self"})
        wrap = {"class": classmethod, "static": staticmethod}.get(self._kind)
        function: Any = wrap(self.fn) if wrap is not None else self.fn
        changed = type(self)(function, **(self._options() | changes))
        changed.origin = self.origin
        return changed

    def to_deployment(self, name: str, **options: Unpack[DeploymentOptions]) -> RunnerDeployment:
        """This flow as a deployment: `interval`, `cron` or `rrule` say when it runs (see `runner_deployment.of_flow`).

        >>> my_flow.to_deployment("nightly", cron="0 3 * * *", parameters={"day": 1}).apply()
        """
        from headrace.sdk.runner_deployment import of_flow

        return of_flow(self, name, **options)

    def deploy(
        self,
        name: str,
        work_pool_name: str | None = None,
        image: str | None = None,
        *,
        print_next_steps: bool = True,
        **options: Unpack[CommonOptions],
    ) -> Any:
        """Make a deployment whose runs the workers of a pool execute; its id. In async code this is awaited.

        Workers find the code where it is now, in a folder or in the repository that `from_source` took it from, or in
        the container `image`, which is there already. The other options are those of `to_deployment`.

        >>> my_flow.deploy("nightly", work_pool_name="mill", cron="0 3 * * *")
        """
        from headrace.sdk.deploying.deploy import deploy_one

        return deploy_one(self.to_deployment(name, **options), work_pool_name, image, print_next_steps)

    @classmethod
    def from_source(cls, source: str | Path | CodeSource, entrypoint: str) -> Flow[..., Any]:
        """The flow of an entrypoint in a git repository or a folder, to be deployed or served from there.

        >>> Flow.from_source("https://example.com/acme/mill.git", "flows/etl.py:nightly")
        """
        from headrace.sdk.deploying.origins import flow_from

        return flow_from(source, entrypoint)

    def serve(
        self,
        name: str | None = None,
        *,
        global_limit: int | None = None,
        pause_on_shutdown: bool = True,
        print_starting_message: bool = True,
        limit: int | None = None,
        webserver: bool = False,
        **options: Unpack[CommonOptions],
    ) -> None:
        """Make a deployment of this flow and execute its runs here, until the process is stopped (see `serve`).

        `limit` is how many of its runs this process executes at once, `global_limit` how many may be under way
        anywhere. The other options are those of `to_deployment`.

        >>> if __name__ == "__main__":
        ...     my_flow.serve("every-minute", interval=60)
        """
        from headrace.sdk.serving.serve import serve

        serve(
            self._served(name, global_limit, options),
            pause_on_shutdown=pause_on_shutdown,
            print_starting_message=print_starting_message,
            limit=limit,
            webserver=webserver,
        )

    async def aserve(
        self,
        name: str | None = None,
        *,
        global_limit: int | None = None,
        pause_on_shutdown: bool = True,
        print_starting_message: bool = True,
        limit: int | None = None,
        webserver: bool = False,
        **options: Unpack[CommonOptions],
    ) -> None:
        """`serve`, awaited."""
        from headrace.sdk.serving.serve import aserve

        await aserve(
            self._served(name, global_limit, options),
            pause_on_shutdown=pause_on_shutdown,
            print_starting_message=print_starting_message,
            limit=limit,
            webserver=webserver,
        )

    def _served(self, name: str | None, global_limit: int | None, options: CommonOptions) -> RunnerDeployment:
        if global_limit is not None:
            options["concurrency_limit"] = global_limit
        return self.to_deployment(name or self.name, **options)

    def _options(self) -> dict[str, Any]:
        """The options this flow was made with."""
        hooks = {name: list(getattr(self, f"{name}_hooks")) for name in _HOOKS}
        renamed = {"version": self._version, "validate_parameters": self.should_validate_parameters}
        return {name: getattr(self, name) for name in _OPTIONS if name not in renamed} | renamed | hooks

    def on_completion(self, fn: Hook) -> Hook:
        """Decorates a hook that is called when a run of the flow completes."""
        self.on_completion_hooks.append(fn)
        return fn

    def on_failure(self, fn: Hook) -> Hook:
        """Decorates a hook that is called when a run of the flow fails for good."""
        self.on_failure_hooks.append(fn)
        return fn

    def on_cancellation(self, fn: Hook) -> Hook:
        """Decorates a hook that is called when a run of the flow is cancelled."""
        self.on_cancellation_hooks.append(fn)
        return fn

    def on_crashed(self, fn: Hook) -> Hook:
        """Decorates a hook that is called when something from outside ends a run of the flow."""
        self.on_crashed_hooks.append(fn)
        return fn

    def on_running(self, fn: Hook) -> Hook:
        """Decorates a hook that is called each time a run of the flow starts."""
        self.on_running_hooks.append(fn)
        return fn

    def __repr__(self) -> str:
        return f"<flow {self.name!r}>"


_HOOKS = ("on_completion", "on_failure", "on_cancellation", "on_crashed", "on_running")
_OPTIONS = tuple(name for name in vars(Flow)["with_options"].__kwdefaults__ if name not in _HOOKS)


class FlowDecorator:
    """What `flow` is: it makes a flow of a function, and `flow.from_source` loads one from where its code is kept."""

    @overload
    def __call__(self, __fn: Callable[P, R], /) -> Flow[P, R]: ...
    @overload
    def __call__(
        self,
        __fn: None = None,
        /,
        *,
        name: str | None = None,
        version: str | None = None,
        flow_run_name: Callable[..., str] | str | None = None,
        retries: int | None = None,
        retry_delay_seconds: float | int | None = None,
        task_runner: TaskRunner | type[TaskRunner] | None = None,
        description: str | None = None,
        timeout_seconds: float | int | None = None,
        validate_parameters: bool = True,
        persist_result: bool | None = None,
        result_storage: Any = None,
        result_serializer: Any = None,
        cache_result_in_memory: bool = True,
        log_prints: bool | None = None,
        on_completion: list[Hook] | None = None,
        on_failure: list[Hook] | None = None,
        on_cancellation: list[Hook] | None = None,
        on_crashed: list[Hook] | None = None,
        on_running: list[Hook] | None = None,
    ) -> Callable[[Callable[P, R]], Flow[P, R]]: ...
    def __call__(self, __fn: Any = None, /, **options: Any) -> Any:
        """Make a flow of a function.

        Args:
            name: of the flow; the function's name with dashes. Without / % & > <.
            version: of its code, as users count it; a digest of its file.
            flow_run_name: the name of a run, a template such as "load-{table}" or a function that gives it.
            retries: how often a failed run is tried again.
            retry_delay_seconds: the pause before that; the API keeps whole seconds.
            task_runner: where submitted tasks run; threads of this process.
            description: what it does; the function's docstring.
            timeout_seconds: after which a run fails as TimedOut (see `sdk.timeouts` for what can be interrupted).
            validate_parameters: whether arguments are checked against the annotations, and converted to them.
            persist_result: whether the result, and by default those of the tasks, are kept in storage.
            result_storage: where; a folder or an object that reads and writes.
            result_serializer: as which bytes, such as "json".
            cache_result_in_memory: kept for compatibility; results are in memory as long as their state is.
            log_prints: whether `print` logs, in the flow and in its tasks.
            on_completion: functions called with the flow, the flow run and the state when it completed …
            on_failure: … when it failed for good …
            on_cancellation: … when it was cancelled …
            on_crashed: … when something from outside ended it …
            on_running: … and each time it starts.

        >>> @flow(retries=2, log_prints=True)
        ... def greet(name: str = "world"):
        ...     print(f"Hello {name}!")
        """
        make: Any = Flow
        return functools.partial(make, **options) if __fn is None else make(__fn, **options)

    def from_source(self, source: str | Path | CodeSource, entrypoint: str) -> Flow[..., Any]:
        """The flow of an entrypoint in a git repository or a folder (`Flow.from_source`).

        >>> flow.from_source("https://example.com/acme/mill.git", "flows/etl.py:nightly").deploy("n", "mill")
        """
        return Flow[..., Any].from_source(source, entrypoint)


flow = FlowDecorator()
