"""Cache policies: from what a task run is given to the key under which its result is kept."""

from __future__ import annotations

import hashlib
import inspect
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from headrace.wire.errors import SerializationError

if TYPE_CHECKING:
    from headrace.sdk.context import TaskRunContext

Parameters = dict[str, Any]


class CachePolicy:
    """Makes a cache key, or None where the result must not be cached.

    Policies add up (`INPUTS + TASK_SOURCE`), and inputs can be left out (`INPUTS - "verbose"`).
    """

    def compute_key(
        self, task_ctx: TaskRunContext, inputs: Parameters, flow_parameters: Parameters, **kwargs: Any
    ) -> str | None:
        raise NotImplementedError

    def __add__(self, other: CachePolicy) -> CachePolicy:
        if isinstance(self, _None):
            return other
        if isinstance(other, _None):
            return self
        return CompoundCachePolicy([*_parts(self), *_parts(other)])

    def __sub__(self, name: str) -> CachePolicy:
        return CompoundCachePolicy([part.without(name) for part in _parts(self)])

    def without(self, name: str) -> CachePolicy:
        """The same policy, blind to one input; a policy that looks at no inputs is unchanged."""
        return self

    def __eq__(self, other: object) -> bool:
        return type(self) is type(other) and self.__dict__ == other.__dict__

    def __hash__(self) -> int:
        return hash(type(self))

    def __repr__(self) -> str:
        return f"{type(self).__name__}()"


class CacheKeyFnPolicy(CachePolicy):
    """The user's own function of the task run's context and its parameters."""

    def __init__(self, cache_key_fn: Callable[[TaskRunContext, Parameters], str | None]) -> None:
        self.cache_key_fn = cache_key_fn

    def compute_key(
        self, task_ctx: TaskRunContext, inputs: Parameters, flow_parameters: Parameters, **kwargs: Any
    ) -> str | None:
        return self.cache_key_fn(task_ctx, inputs)


class CompoundCachePolicy(CachePolicy):
    """All keys of its parts together."""

    def __init__(self, policies: list[CachePolicy]) -> None:
        self.policies = policies

    def compute_key(
        self, task_ctx: TaskRunContext, inputs: Parameters, flow_parameters: Parameters, **kwargs: Any
    ) -> str | None:
        keys = [policy.compute_key(task_ctx, inputs, flow_parameters, **kwargs) for policy in self.policies]
        known = [key for key in keys if key is not None]
        if len(known) == 1:
            return known[0]
        return hash_objects(*known) if known else None

    def __repr__(self) -> str:
        return " + ".join(map(repr, self.policies))


class Inputs(CachePolicy):
    """The same arguments."""

    def __init__(self, exclude: list[str] | None = None) -> None:
        self.exclude = exclude or []

    def compute_key(
        self, task_ctx: TaskRunContext, inputs: Parameters, flow_parameters: Parameters, **kwargs: Any
    ) -> str | None:
        # The types are hashed too: values such as (1,) and [1] are alike as JSON.
        return hash_objects(
            [
                (name, type(value).__qualname__, value)
                for name, value in sorted(inputs.items())
                if name not in self.exclude
            ]
        )

    def without(self, name: str) -> CachePolicy:
        return Inputs([*self.exclude, name])


class TaskSource(CachePolicy):
    """The same code of the task's function."""

    def compute_key(
        self, task_ctx: TaskRunContext, inputs: Parameters, flow_parameters: Parameters, **kwargs: Any
    ) -> str | None:
        function = inspect.unwrap(task_ctx.task.fn)
        try:
            return hash_objects(inspect.getsource(function))
        except (OSError, TypeError):
            # Typed into a console: the compiled code stands for the source.
            code = getattr(function, "__code__", None)
            return hash_objects(code.co_code, repr(code.co_consts)) if code is not None else None


class FlowParameters(CachePolicy):
    """The same parameters of the flow run around."""

    def compute_key(
        self, task_ctx: TaskRunContext, inputs: Parameters, flow_parameters: Parameters, **kwargs: Any
    ) -> str | None:
        return hash_objects(flow_parameters) if flow_parameters else None


class RunId(CachePolicy):
    """The same flow run; outside of any, the same task run, which is no other's."""

    def compute_key(
        self, task_ctx: TaskRunContext, inputs: Parameters, flow_parameters: Parameters, **kwargs: Any
    ) -> str | None:
        return str(task_ctx.task_run.flow_run_id or task_ctx.task_run.id)


class _None(CachePolicy):
    """Never cached."""

    def compute_key(
        self, task_ctx: TaskRunContext, inputs: Parameters, flow_parameters: Parameters, **kwargs: Any
    ) -> str | None:
        return None

    def __repr__(self) -> str:
        return "NO_CACHE"


def hash_objects(*values: Any) -> str:
    """A digest of values that is the same in another process. Raises `SerializationError` if they have no bytes."""
    import msgspec

    try:
        content = msgspec.json.encode(values, order="deterministic")
    except Exception:
        content = _pickled(values)
    return hashlib.md5(content, usedforsecurity=False).hexdigest()


def _pickled(values: Any) -> bytes:
    from headrace.sdk.serializers import PickleSerializer

    try:
        return PickleSerializer().dumps(values)
    except SerializationError as error:
        raise SerializationError(
            f"No cache key can be made of these inputs: {error.__cause__}. Leave one out with "
            "`cache_policy=INPUTS - 'name'`, give a cache_key_fn, or turn caching off with cache_policy=NO_CACHE."
        ) from error


def _parts(policy: CachePolicy) -> list[CachePolicy]:
    return policy.policies if isinstance(policy, CompoundCachePolicy) else [policy]


INPUTS = Inputs()
TASK_SOURCE = TaskSource()
FLOW_PARAMETERS = FlowParameters()
RUN_ID = RunId()
NO_CACHE = NONE = _None()
DEFAULT = INPUTS + TASK_SOURCE + RUN_ID


def task_input_hash(context: TaskRunContext, arguments: Parameters) -> str | None:
    """A `cache_key_fn`: the same task with the same code and arguments, in any flow run.

    >>> @task(cache_key_fn=task_input_hash)
    ... def fetch(url: str): ...
    """
    inputs = INPUTS.compute_key(context, arguments, {})
    return hash_objects(context.task.task_key, TASK_SOURCE.compute_key(context, arguments, {}), inputs)
