"""From a state to the value or the exception of its run."""

import sys
from collections.abc import Callable, Coroutine
from typing import Any, TypeGuard

import msgspec

from headrace.sdk import context
from headrace.sdk.results import ResultRecord, ResultRecordMetadata, ResultStore
from headrace.wire.errors import (
    CancelledRun,
    CrashedRun,
    FailedRun,
    MissingResult,
    Pause,
    RunError,
    UnfinishedRun,
    UpstreamTaskError,
)
from headrace.wire.states import State, StateType, resolve_results_with

NOT_READY = "NotReady"


def value_of(state: State, raise_on_failure: bool = True) -> Any:
    """The value the run returned; its exception is raised, or returned if not `raise_on_failure`.

    Raises `UnfinishedRun`, `Pause`, `MissingResult`, and for runs whose own exception is not here `FailedRun`,
    `CrashedRun` or `CancelledRun`.
    """
    if state.is_paused():
        raise Pause("The run is paused, so that it has no result yet.", state=state)
    if not state.is_final():
        raise UnfinishedRun(f"The run is {state.name}, so that it has no result yet: wait for it to finish.")
    if state.is_completed():
        return _kept(state)
    error = exception_of(state)
    if raise_on_failure:
        raise error
    return error


def exception_of(state: State) -> BaseException:
    """Why a run did not complete: its own exception where that is known."""
    kept = _kept(state) if state.data is not None else None
    if isinstance(kept, BaseException):
        return kept
    if isinstance(kept, State):
        return exception_of(kept)
    if isinstance(kept, list | tuple | set):
        for inner in kept:  # pyright: ignore[reportUnknownVariableType] # the states that a flow returned
            if isinstance(inner, State) and inner.is_final() and not inner.is_completed():
                return exception_of(inner)
    return _stand_in(state)(str(kept) if isinstance(kept, str) else state.message or f"The run is {state.name}.")


def raise_state_exception(state: State) -> None:
    """Raise why a run did not complete; nothing for one that did, or has not finished."""
    if state.is_final() and not state.is_completed():
        raise exception_of(state)


def is_state(value: Any) -> TypeGuard[State]:
    return isinstance(value, State)


def _stand_in(state: State) -> type[RunError]:
    if state.name == NOT_READY:
        return UpstreamTaskError
    match state.type:
        case StateType.CRASHED:
            return CrashedRun
        case StateType.CANCELLED:
            return CancelledRun
        case _:
            return FailedRun


def _kept(state: State) -> Any:
    """The value that belongs to a state, from memory or from storage."""
    match state.data:
        case ResultRecord(result=value):
            return value
        case {"storage_key": str()}:
            metadata = msgspec.convert(state.data, ResultRecordMetadata)
            return _store().read(metadata.storage_key).result
        case None:
            raise MissingResult(
                "The run completed, but its value was not kept: it ran in another process without persist_result=True. "
                "Set persist_result=True on the flow or task, or HEADRACE_RESULTS_PERSIST_BY_DEFAULT=true."
            )
        case data:
            return data


def _store() -> ResultStore:
    run = context.innermost()
    return (run and run.result_store) or ResultStore()


def _resolve(state: State, raise_on_failure: bool, retry_result_failure: bool) -> Any:
    if not in_async_context():
        return value_of(state, raise_on_failure)
    return _awaitable(lambda: value_of(state, raise_on_failure))


def _awaitable(find: Callable[[], Any]) -> Coroutine[Any, Any, Any]:
    async def result() -> Any:
        return find()

    return result()


def in_async_context() -> bool:
    """Whether the caller can await: inside an async run, or, outside of any run, inside a running event loop."""
    run = context.innermost()
    if run is not None:
        return run.is_async
    if "asyncio" not in sys.modules:
        return False
    import asyncio

    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True


resolve_results_with(_resolve)
