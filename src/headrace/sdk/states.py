"""States made by hand: one function for each name that the platform gives a state."""

from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

from headrace.wire.states import State, StateDetails, StateType
from headrace.wire.times import now


def _make(type_: StateType, name: str, values: dict[str, Any]) -> State:
    given: dict[str, Any] = {"name": name} | values
    return State(type=type_, **given)


def _scheduled(name: str, due: datetime | None, values: dict[str, Any]) -> State:
    details = values.pop("state_details", None) or StateDetails()
    if isinstance(details, dict):
        details = StateDetails(**details)  # pyright: ignore[reportUnknownArgumentType] # the caller's own dict
    if due is not None:
        details.scheduled_time = due
    return _make(StateType.SCHEDULED, name, values | {"state_details": details})


def Scheduled(scheduled_time: datetime | None = None, **values: Any) -> State:
    """Due at a time; without one, now."""
    return _scheduled("Scheduled", scheduled_time, values)


def Late(scheduled_time: datetime | None = None, **values: Any) -> State:
    """Was due some time ago and has not started."""
    return _scheduled("Late", scheduled_time, values)


def AwaitingRetry(scheduled_time: datetime | None = None, **values: Any) -> State:
    """Failed, and runs again at a time."""
    return _scheduled("AwaitingRetry", scheduled_time, values)


def AwaitingConcurrencySlot(scheduled_time: datetime | None = None, **values: Any) -> State:
    """Waits for a slot of a concurrency limit."""
    return _scheduled("AwaitingConcurrencySlot", scheduled_time, values)


def Pending(**values: Any) -> State:
    return _make(StateType.PENDING, "Pending", values)


def Submitting(**values: Any) -> State:
    """Handed to infrastructure."""
    return _make(StateType.PENDING, "Submitting", values)


def InfrastructurePending(**values: Any) -> State:
    """Its infrastructure starts."""
    return _make(StateType.PENDING, "InfrastructurePending", values)


def Running(**values: Any) -> State:
    return _make(StateType.RUNNING, "Running", values)


def Retrying(**values: Any) -> State:
    """Runs again after a failure."""
    return _make(StateType.RUNNING, "Retrying", values)


def Completed(**values: Any) -> State:
    return _make(StateType.COMPLETED, "Completed", values)


def Failed(**values: Any) -> State:
    return _make(StateType.FAILED, "Failed", values)


def TimedOut(**values: Any) -> State:
    """Failed because it took too long."""
    return _make(StateType.FAILED, "TimedOut", values)


def Crashed(**values: Any) -> State:
    return _make(StateType.CRASHED, "Crashed", values)


def Cancelling(**values: Any) -> State:
    return _make(StateType.CANCELLING, "Cancelling", values)


def Cancelled(**values: Any) -> State:
    return _make(StateType.CANCELLED, "Cancelled", values)


def Paused(
    timeout_seconds: float | None = None,
    pause_expiration_time: datetime | None = None,
    reschedule: bool = False,
    pause_key: str | None = None,
    **values: Any,
) -> State:
    """Waits to be resumed, at most until the time that is given as seconds from now or as a moment."""
    if timeout_seconds is not None and pause_expiration_time is not None:
        raise ValueError("A pause ends after timeout_seconds or at pause_expiration_time: give one of them.")
    details = StateDetails(pause_reschedule=reschedule, pause_key=pause_key or uuid4().hex)
    if timeout_seconds is not None:
        pause_expiration_time = now() + timedelta(seconds=timeout_seconds)
    details.pause_timeout = pause_expiration_time
    return _make(StateType.PAUSED, "Paused", {"state_details": details} | values)


def Suspended(
    timeout_seconds: float | None = None,
    pause_expiration_time: datetime | None = None,
    pause_key: str | None = None,
    **values: Any,
) -> State:
    """Paused, with its process ended; resuming starts a new one."""
    return Paused(timeout_seconds, pause_expiration_time, True, pause_key, **({"name": "Suspended"} | values))
