"""What the process of a flow run is told when it gives a sign of life."""

from typing import assert_never

import msgspec

from headrace.wire.flow_runs import FlowRunPolicy
from headrace.wire.leases import Directive
from headrace.wire.states import State, StateType


class Told(msgspec.Struct, frozen=True):
    """What to do; why, where it is not to go on; and whether the sign of life counts."""

    directive: Directive
    reason: str | None = None
    renews: bool = False


def told(state: State | None, policy: FlowRunPolicy) -> Told:
    """What a process hears that says it runs the run which is in this state."""
    if state is None:
        return Told(Directive.STOP, "The run has no state: it has not begun.")
    match state.type:
        case StateType.RUNNING:
            return Told(Directive.GO_ON, renews=True)
        case StateType.SCHEDULED:
            if policy.retry_type == "in_process":
                return Told(Directive.GO_ON, renews=True)
            return Told(Directive.STOP, f"The run is {state.name}: it is to be started anew.")
        case StateType.PENDING:
            return Told(Directive.STOP, f"The run is {state.name}: somebody else has claimed it.")
        case StateType.PAUSED:
            if state.state_details.pause_reschedule:
                return Told(Directive.SUSPEND, f"The run is {state.name}: it goes on elsewhere once it is resumed.")
            return Told(Directive.GO_ON)
        case StateType.CANCELLING:
            return Told(Directive.STOP, "The run is being cancelled.")
        case StateType.COMPLETED | StateType.FAILED | StateType.CANCELLED | StateType.CRASHED:
            why = f": {state.message}" if state.message else "."
            return Told(Directive.STOP, f"The run is over, it is {state.name}{why}")
        case _:
            assert_never(state.type)
