"""Rules that flow runs and task runs have in common, and what they are made of."""

from datetime import UTC, datetime, timedelta
from typing import cast

from headrace.rules.bookkeeping import amended, detailed
from headrace.rules.facts import Facts
from headrace.rules.runs import Run
from headrace.rules.transitions import Abort, Amend, Proposal, Verdict, Wait
from headrace.wire.states import State, StateDetails, StateType

_LAST_MOMENT = datetime.max.replace(tzinfo=UTC)
_SECOND = timedelta(seconds=1)


def copy_scheduled_time(proposal: Proposal[Run], facts: Facts) -> Verdict:
    """A run that is picked up keeps the time it is due at, so that it does not start before."""
    initial = current_state(proposal)
    return Amend(state=with_details(proposal.state, scheduled_time=initial.state_details.scheduled_time))


def wait_for_scheduled_time(proposal: Proposal[Run], facts: Facts) -> Verdict:
    """A run does not start before its time. Less than half a second early counts as on time."""
    due = current_state(proposal).state_details.scheduled_time
    if due is None or due <= proposal.now:
        return None
    seconds, rest = divmod(due - proposal.now, _SECOND)
    delay = seconds + round(rest / _SECOND)
    return Wait(delay, "Scheduled time is in the future") if delay > 0 else None


def prevent_pending(proposal: Proposal[Run], facts: Facts) -> Verdict:
    """A run is picked up once; who has picked it up may only refine the name, as in Submitting."""
    initial, state = current_state(proposal), proposal.state
    if initial.type is StateType.PENDING and state.name not in (initial.name, "Pending"):
        return Amend(state=with_details(state, scheduled_time=initial.state_details.scheduled_time))
    return Abort(f"This run is in a {initial.type} state and cannot transition to a PENDING state.")


def current_state(proposal: Proposal[Run]) -> State:
    """The state that the run is in, for rules whose from-types say that there is one."""
    assert proposal.run.state is not None
    return proposal.run.state


def with_details(state: State, **details: object) -> State:
    """A copy of the state with these of its details set."""
    return amended(state, state_details=detailed(state.state_details, **details))


def awaiting_retry(proposal: Proposal[Run], scheduled_time: datetime) -> State:
    """The state in which a failed run rests until its next attempt; it keeps the failure's message and data.

    What makes a task run a background task, its deferral and its stored parameters, stays with it.
    """
    held = current_state(proposal).state_details
    return proposal.instead(
        StateType.SCHEDULED,
        name="AwaitingRetry",
        message=proposal.state.message,
        data=proposal.state.data,
        details=StateDetails(
            scheduled_time=scheduled_time, deferred=held.deferred, task_parameters_id=held.task_parameters_id
        ),
    )


def has_persisted_result(state: State) -> bool:
    """Whether the state's data describes a result that is kept somewhere (contract §4.3)."""
    data: object = state.data
    return isinstance(data, dict) and cast("dict[str, object]", data).get("type") != "unpersisted"


def later(moment: datetime, seconds: float) -> datetime:
    """The moment that many seconds after, or the last one there is where the calendar ends before."""
    try:
        return moment + timedelta(seconds=seconds)
    except OverflowError:
        return _LAST_MOMENT if seconds > 0 else moment
