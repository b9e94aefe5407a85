"""When the server ends a flow run's state by itself, if nobody else does until then.

Every state that is written sets the run's deadline anew, so no run waits for a process that may be dead:

    Pending, claimed by a worker or runner      the claim's time; longer while infrastructure is being made
    Running, under a lease that was asked for   the lease's end; each sign of life moves it on
    Cancelling                                  the time that a cancellation may take
    Paused                                      the pause's own time-out
    AwaitingRetry, in the process of the run    when it is due, and the time of a claim after that

What is Scheduled waits for its time and for a worker, and what is over waits for nothing. A run that is Running
without a lease is given a deadline by its first heartbeat, if it sends any (`heartbeat_lease`).
"""

from datetime import datetime
from typing import Protocol, assert_never
from uuid import UUID

import msgspec

from headrace.rules.common_rules import later
from headrace.settings import ServerServicesSettings
from headrace.wire.flow_runs import FlowRunPolicy
from headrace.wire.states import State, StateType


class Claimed(Protocol):
    """What tells whether somebody fetches a run and starts it elsewhere."""

    @property
    def deployment_id(self) -> UUID | None: ...
    @property
    def work_queue_id(self) -> UUID | None: ...


class Deadline(msgspec.Struct, frozen=True):
    """A moment, or none; for a lease also how many seconds it lasts after each sign of life."""

    at: datetime | None = None
    lease_seconds: float | None = None


NO_DEADLINE = Deadline()


def deadline_of(
    state: State,
    run: Claimed,
    policy: FlowRunPolicy,
    services: ServerServicesSettings,
    lease_seconds: float | None = None,
) -> Deadline:
    """The deadline of a state as it is stored; `policy` is the run's own once it has entered the state."""
    match state.type:
        case StateType.COMPLETED | StateType.FAILED | StateType.CANCELLED | StateType.CRASHED:
            return NO_DEADLINE
        case StateType.RUNNING:
            if lease_seconds is None:
                return NO_DEADLINE
            return Deadline(later(state.timestamp, lease_seconds), lease_seconds)
        case StateType.SCHEDULED:
            due = state.state_details.scheduled_time
            if policy.retry_type != "in_process" or due is None:
                return NO_DEADLINE
            return Deadline(later(max(due, state.timestamp), services.liveness.claim_timeout_seconds))
        case StateType.PENDING:
            return _claim(state, services) if is_fetched(run) else NO_DEADLINE
        case StateType.PAUSED:
            return Deadline(state.state_details.pause_timeout)
        case StateType.CANCELLING:
            return Deadline(later(state.timestamp, services.cancellation_cleanup.cancelling_timeout_seconds))
        case _:
            assert_never(state.type)


def is_fetched(run: Claimed) -> bool:
    """Whether a worker or runner fetches the run, and may fetch it once more."""
    return run.deployment_id is not None or run.work_queue_id is not None


def _claim(state: State, services: ServerServicesSettings) -> Deadline:
    """Whoever claims a run says so by the state's name once it makes infrastructure, which may take long."""
    due = state.state_details.scheduled_time
    claimed = state.timestamp if due is None else max(due, state.timestamp)
    return Deadline(later(claimed, claim_seconds(state.name, services)))


def claim_seconds(state_name: str, services: ServerServicesSettings) -> float:
    """How long a run may be in a Pending state of this name."""
    liveness = services.liveness
    return liveness.claim_timeout_seconds if state_name == "Pending" else liveness.infrastructure_timeout_seconds
