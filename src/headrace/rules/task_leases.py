"""What becomes of a background task whose worker gives no sign of life any more.

Nothing waits for a process that may be dead, and no code runs again that must not: a run whose function had not begun
is offered to other workers, one that was executed only if it has retries left.
"""

from datetime import datetime
from typing import assert_never

from headrace.rules.common_rules import later
from headrace.rules.retries import retry_delay
from headrace.rules.runs import OrchestratedTaskRun
from headrace.wire.states import State, StateDetails, StateType

MOST_BEGINNINGS = 5
"""How often a run is begun whose function is never reached, before it counts as what ends its workers."""

_LOST = "The task worker that had this run gave no sign of life any more"


def after_lease(run: OrchestratedTaskRun, begun: int, now: datetime, draw: float) -> State | None:
    """The state that a run is to enter when its lease has ended, or None if it is over.

    `begun` is how many workers have begun it; `draw` in [0, 1) spreads the pause before a retry.
    """
    state = run.state
    if state is None:
        return _over(StateType.CRASHED, f"{_LOST}.", now)
    match state.type:
        case StateType.COMPLETED | StateType.FAILED | StateType.CANCELLED | StateType.CRASHED:
            return None
        case StateType.CANCELLING:
            return _over(StateType.CANCELLED, f"{_LOST} while it was to cancel it.", now)
        case StateType.PENDING if begun >= MOST_BEGINNINGS:
            why = f"{_LOST}, and neither did the {begun - 1} before it: reading its parameters may be what ends them."
            return _over(StateType.CRASHED, why, now)
        case StateType.PENDING:
            return _again(state, now, now, f"{_LOST} before its function was called.")
        case StateType.SCHEDULED:
            due = max(now, state.state_details.scheduled_time or now)
            return _again(state, now, due, state.message)
        case StateType.RUNNING | StateType.PAUSED:
            policy = run.empirical_policy
            if policy.retries is None or run.run_count > policy.retries:
                return _over(StateType.CRASHED, f"{_LOST} while it executed it.", now)
            delay = retry_delay(policy.retry_delay, run.run_count, policy.retry_jitter_factor, draw)
            return _again(state, now, later(now, delay), f"{_LOST} while it executed it.")
        case _:
            assert_never(state.type)


def _over(type: StateType, message: str, now: datetime) -> State:
    return State(type=type, timestamp=now, message=message, state_details=StateDetails(deferred=True))


def _again(held: State, now: datetime, due: datetime, message: str | None) -> State:
    return State(
        type=StateType.SCHEDULED,
        name="AwaitingRetry",
        timestamp=now,
        message=message,
        state_details=StateDetails(
            deferred=True, scheduled_time=due, task_parameters_id=held.state_details.task_parameters_id
        ),
    )
