"""What becomes of the runs inside a flow run when that is cancelled or ends.

A flow run holds task runs and subflow runs, which hold others in turn. When it is being cancelled, so is all inside
it. When it is over, nothing inside it goes on in its process: task runs and the subflow runs of its own process end
with it. Subflow runs of deployments have processes of their own, and go on unless their parent was cancelled.
"""

from datetime import datetime
from typing import assert_never

import msgspec

from headrace.rules.deadlines import Claimed, is_fetched
from headrace.wire.cancellations import Cancellation
from headrace.wire.states import TERMINAL_STATES, StateType

OPEN_STATES = frozenset(StateType) - TERMINAL_STATES
TAKES_ALONG = frozenset({StateType.CANCELLING, StateType.CANCELLED, StateType.CRASHED})
"""The states of a flow run that others share at once; after the other ends their own reports are waited for."""


class Ending(msgspec.Struct, frozen=True):
    """The state that is proposed for a run inside another."""

    type: StateType
    message: str


def ending_of_subflow_run(parent: StateType, child: Claimed, current: StateType) -> Ending | None:
    """What is proposed for a subflow run whose parent is in that state; None where it goes on."""
    if current in TERMINAL_STATES:
        return None
    elsewhere = is_fetched(child)
    match parent:
        case StateType.CANCELLING:
            return None if current is StateType.CANCELLING else Ending(StateType.CANCELLING, _BEING_CANCELLED)
        case StateType.CANCELLED if elsewhere:
            return None if current is StateType.CANCELLING else Ending(StateType.CANCELLING, _CANCELLED)
        case StateType.CRASHED | StateType.COMPLETED | StateType.FAILED if elsewhere:
            return None
        case _:
            return _with_process(parent, current)


def ending_of_task_run(parent: StateType, current: StateType) -> Ending | None:
    """What is proposed for a task run inside a flow run which is in that state; None where it goes on."""
    if current in TERMINAL_STATES:
        return None
    if parent is StateType.CANCELLING:
        if current is StateType.CANCELLING:
            return None
        return Ending(StateType.CANCELLING if current is StateType.RUNNING else StateType.CANCELLED, _BEING_CANCELLED)
    return _with_process(parent, current)


def _with_process(parent: StateType, current: StateType) -> Ending | None:
    """The end of what goes on in the process of a flow run that is over."""
    match parent:
        case StateType.CANCELLED:
            return Ending(StateType.CANCELLED, _CANCELLED)
        case StateType.CRASHED:
            return Ending(_crashed(current), "The parent flow run crashed.")
        case StateType.COMPLETED | StateType.FAILED:
            return Ending(_crashed(current), f"The parent flow run is {parent.capitalize()}, and this run was left.")
        case StateType.CANCELLING | StateType.SCHEDULED | StateType.PENDING | StateType.RUNNING | StateType.PAUSED:
            return None
        case _:
            assert_never(parent)


def _crashed(current: StateType) -> StateType:
    """What was being cancelled is cancelled, however its process came to its end."""
    return StateType.CANCELLED if current is StateType.CANCELLING else StateType.CRASHED


_BEING_CANCELLED = "The parent flow run is being cancelled."
_CANCELLED = "The parent flow run was cancelled."


def timed_out(cancellation: Cancellation | None, seconds: float) -> str:
    """Why a run is Cancelled by the server at last, with what is known of its processes."""
    said = f"Flow run cancellation timed out after {seconds:g} s; the server marked this flow run as Cancelled."
    match cancellation:
        case None | Cancellation(told=None, killed=None):
            known = "Nobody has said that they would stop it, so its processes may still be there."
        case Cancellation(killed=None, told=told):
            known = f"{told} was told to stop it and has not said that it did, so its processes may still be there."
        case Cancellation(infrastructure="gone", killed=killed):
            known = f"{killed} has ended its processes."
        case Cancellation(killed=killed):
            known = f"{killed} has tried to end its processes; whether they are gone is unknown."
    return f"{said} {known}"


def is_left_over(parent: StateType, parent_ended: datetime | None, moment: datetime, after_seconds: float) -> bool:
    """Whether what is still open inside a flow run is to be ended: after an orderly end its own reports may be late."""
    if parent not in TERMINAL_STATES:
        return False
    if parent in TAKES_ALONG or parent_ended is None:
        return True
    return (moment - parent_ended).total_seconds() >= after_seconds
