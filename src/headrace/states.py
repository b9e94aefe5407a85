"""States, and functions that make them."""

from headrace.sdk.resolution import exception_of as get_state_exception
from headrace.sdk.resolution import is_state, raise_state_exception
from headrace.sdk.resolution import value_of as get_state_result
from headrace.sdk.states import (
    AwaitingConcurrencySlot,
    AwaitingRetry,
    Cancelled,
    Cancelling,
    Completed,
    Crashed,
    Failed,
    InfrastructurePending,
    Late,
    Paused,
    Pending,
    Retrying,
    Running,
    Scheduled,
    Submitting,
    Suspended,
    TimedOut,
)
from headrace.wire.states import TERMINAL_STATES, State, StateDetails, StateType

__all__ = [
    "TERMINAL_STATES",
    "AwaitingConcurrencySlot",
    "AwaitingRetry",
    "Cancelled",
    "Cancelling",
    "Completed",
    "Crashed",
    "Failed",
    "InfrastructurePending",
    "Late",
    "Paused",
    "Pending",
    "Retrying",
    "Running",
    "Scheduled",
    "State",
    "StateDetails",
    "StateType",
    "Submitting",
    "Suspended",
    "TimedOut",
    "get_state_exception",
    "get_state_result",
    "is_state",
    "raise_state_exception",
]
