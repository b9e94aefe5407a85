"""States of flow runs and task runs (contract §4.1)."""

from collections.abc import Callable
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

import msgspec

from headrace.wire.base import Body, Wire, assume_utc
from headrace.wire.ids import uuid7
from headrace.wire.times import now


class StateType(StrEnum):
    """The nine kinds of state; a state's name refines its type."""

    __hash__ = str.__hash__  # the same value as Enum's own, which is written in Python and ten times slower

    SCHEDULED = "SCHEDULED"
    PENDING = "PENDING"
    RUNNING = "RUNNING"
    COMPLETED = "COMPLETED"
    FAILED = "FAILED"
    CANCELLED = "CANCELLED"
    CRASHED = "CRASHED"
    PAUSED = "PAUSED"
    CANCELLING = "CANCELLING"


TERMINAL_STATES = frozenset({StateType.COMPLETED, StateType.CANCELLED, StateType.FAILED, StateType.CRASHED})


class StateDetails(Wire, kw_only=True):
    """What belongs to a state beyond its type, name and message; unknown keys are ignored both ways."""

    flow_run_id: UUID | None = None
    task_run_id: UUID | None = None
    child_flow_run_id: UUID | None = None
    scheduled_time: datetime | None = None
    cache_key: str | None = None
    cache_expiration: datetime | None = None
    deferred: bool | None = False
    untrackable_result: bool = False
    pause_timeout: datetime | None = None
    pause_reschedule: bool = False
    pause_key: str | None = None
    run_input_keyset: dict[str, str] | None = None
    refresh_cache: bool | None = None
    retriable: bool | None = None
    transition_id: UUID | None = None
    task_parameters_id: UUID | None = None
    traceparent: str | None = None
    deployment_concurrency_lease_id: UUID | None = None

    def __post_init__(self) -> None:
        """Datetimes without an offset are read as UTC."""
        assume_utc(self)


class _Kinds:
    """Questions that can be asked of anything with a state type."""

    __slots__ = ()
    type: StateType

    def is_scheduled(self) -> bool:
        return self.type == StateType.SCHEDULED

    def is_pending(self) -> bool:
        return self.type == StateType.PENDING

    def is_running(self) -> bool:
        return self.type == StateType.RUNNING

    def is_completed(self) -> bool:
        return self.type == StateType.COMPLETED

    def is_failed(self) -> bool:
        return self.type == StateType.FAILED

    def is_crashed(self) -> bool:
        return self.type == StateType.CRASHED

    def is_cancelled(self) -> bool:
        return self.type == StateType.CANCELLED

    def is_cancelling(self) -> bool:
        return self.type == StateType.CANCELLING

    def is_paused(self) -> bool:
        return self.type == StateType.PAUSED

    def is_final(self) -> bool:
        return self.type in TERMINAL_STATES


class State(_Kinds, Wire, kw_only=True):
    """One state of one run: a fact that is never changed once it is stored."""

    type: StateType
    id: UUID = msgspec.field(default_factory=uuid7)
    name: str = ""
    timestamp: datetime = msgspec.field(default_factory=now)
    message: str | None = None
    data: Any = None
    state_details: StateDetails = msgspec.field(default_factory=StateDetails)

    def __post_init__(self) -> None:
        """A state without a name takes its type's, and a scheduled one without a time is due now."""
        self.type = StateType(self.type)
        if not self.name:
            self.name = default_name(self.type)
        if self.type == StateType.SCHEDULED and self.state_details.scheduled_time is None:
            self.state_details.scheduled_time = self.timestamp

    def result(self, raise_on_failure: bool = True, retry_result_failure: bool = True) -> Any:
        """The value the run returned, or its exception raised (or returned, if not `raise_on_failure`).

        Awaitable inside a running event loop, as in Prefect. Needs the SDK, which knows how values are kept.
        """
        return _result_of(self, raise_on_failure, retry_result_failure)


class StateCreate(_Kinds, Body, kw_only=True):
    """A proposed state. The server stamps its id and time (contract §4.1)."""

    type: StateType
    name: str | None = None
    message: str | None = None
    data: Any = None
    state_details: StateDetails = msgspec.field(default_factory=StateDetails)


def default_name(type_: StateType) -> str:
    """The name of a state that was given none: its type, capitalised."""
    return type_.value.capitalize()


def _unresolved(state: State, raise_on_failure: bool, retry_result_failure: bool) -> Any:
    from headrace.wire.errors import MissingResult

    raise MissingResult(
        f"The result of state {state.id} cannot be read: import headrace's flow or task first, "
        "they know where results are kept."
    )


_result_of: Callable[[State, bool, bool], Any] = _unresolved


def resolve_results_with(resolver: Callable[[State, bool, bool], Any]) -> None:
    """Let the SDK, which this layer must not import, say how `State.result` finds a value."""
    global _result_of
    _result_of = resolver
