"""From how an attempt ended to the state of its run."""

from __future__ import annotations

from typing import Any, assert_never

from headrace.sdk.futures import Future
from headrace.sdk.inputs import resolved_to_states
from headrace.sdk.outcomes import Expired, Outcome, Raised, Returned
from headrace.sdk.results import ResultRecord
from headrace.sdk.states import Completed, Crashed, Failed, TimedOut
from headrace.sdk.tracebacks import trim
from headrace.wire.errors import TimedOutRun
from headrace.wire.states import State, StateType

_GROUPS: tuple[type[Any], ...] = (list, tuple, set, frozenset)
_DECIDING = (Future, *_GROUPS)


def state_of(outcome: Outcome, what: str) -> State:
    """The state that an outcome proposes; `what` is "Flow run" or "Task run"."""
    match outcome:
        case Returned(value):
            return state_of_value(value)
        case Raised(error):
            trim(error)
            return failed(error, f"{what} encountered an exception {describe(error)}")
        case Expired(seconds):
            message = f"{what} took longer than its timeout of {seconds:g} seconds."
            return TimedOut(message=message, data=ResultRecord(TimedOutRun(message)))
        case _:
            assert_never(outcome)


def state_of_value(value: Any) -> State:
    """The state of a run that returned a value.

    A state stands for itself. A future, or states and futures in a list, tuple or set, decide together: completed if
    all of them are. Anything else is the result of a completed run.
    """
    if isinstance(value, _DECIDING):
        value = resolved_to_states(value)  # pyright: ignore[reportUnknownArgumentType] # anything a user returns
        if (states := _states_in(value)) is not None:  # pyright: ignore[reportUnknownArgumentType]
            return _together(states, value)  # pyright: ignore[reportUnknownArgumentType]
    elif isinstance(value, dict):
        value = resolved_to_states(value)  # pyright: ignore[reportUnknownArgumentType]
    elif isinstance(value, State):
        if not isinstance(value.data, ResultRecord | dict):
            value.data = ResultRecord(value.data)
        return value
    return Completed(data=ResultRecord(value))


def _states_in(value: Any) -> list[State] | None:
    """The states that a value consists of; None if it is, or holds, anything else."""
    if isinstance(value, State):
        return [value]
    if not isinstance(value, _GROUPS):
        return None
    members: list[Any] = list(value)  # pyright: ignore[reportUnknownArgumentType] # anything a user returns
    states = [member for member in members if isinstance(member, State)]
    return states if states and len(states) == len(members) else None


def _together(states: list[State], value: Any) -> State:
    """One state for several: completed, or the kind of what went wrong and how many it was."""
    record = ResultRecord(value)
    if all(state.is_completed() for state in states):
        return Completed(message="All states completed.", data=record)
    unfinished = [state for state in states if not state.is_final()]
    if unfinished:
        return Failed(message=f"{len(unfinished)}/{len(states)} states are not final.", data=record)
    cancelled = [state for state in states if state.is_cancelled()]
    failed_ = len(states) - sum(state.is_completed() for state in states)
    if len(cancelled) == failed_ == len(states):
        return State(type=StateType.CANCELLED, message=f"{failed_}/{len(states)} states cancelled.", data=record)
    return Failed(message=f"{failed_}/{len(states)} states failed.", data=record)


def failed(error: Exception, message: str) -> State:
    return Failed(message=message, data=ResultRecord(error))


def crashed(end: BaseException, what: str) -> State:
    """The state of a run that something outside of its own code ended."""
    name = type(end).__name__
    match name:
        case "KeyboardInterrupt":
            message = f"{what} was interrupted from the keyboard."
        case "CancelledError":
            message = f"{what} was cancelled by the event loop that it ran in."
        case "Terminated":
            message = f"{what} was ended: {end}."
        case "SystemExit":
            message = f"{what} was ended because its process exits: {describe(end)}"
        case _:
            message = f"{what} was ended by {describe(end)}"
    return Crashed(message=message, data=ResultRecord(end))


def describe(error: BaseException) -> str:
    """`ValueError: boom`, or only the class where there is no message."""
    text = str(error)
    return f"{type(error).__name__}: {text}" if text else type(error).__name__
