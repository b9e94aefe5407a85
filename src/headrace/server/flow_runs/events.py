"""`prefect.flow-run.<state>`: what a flow run's event says about the state that it entered (contract §6.3)."""

from datetime import timedelta
from typing import Any
from uuid import UUID

from headrace.rules.bookkeeping import FlowRunChanges
from headrace.rules.transitions import Entry
from headrace.server.events.facts import NAME, resource_id
from headrace.server.events.log import LoggedEvent
from headrace.server.flow_runs.queries import Orchestrated
from headrace.server.flow_runs.relations import Related
from headrace.wire.base import encode_text
from headrace.wire.events import RESOURCE_ID
from headrace.wire.states import State, StateType

_LONGEST_MESSAGE = 100_000
"""Characters of a state's message that its event repeats."""
_LONGEST_NAME = 1024
_SOON = timedelta(minutes=5)
"""How close a state must be to the one before for its event to follow that one's."""


def state_entered(run: Orchestrated, entry: Entry[FlowRunChanges], related: Related) -> LoggedEvent:
    """The event of a state that a run enters; `run` is as it was before. Its id is the state's own."""
    state, before = entry.state, run.state
    subject = resource_id("flow-run", run.id)
    labels = {
        RESOURCE_ID: subject,
        NAME: run.name,
        "prefect.run-count": str(entry.changes.run_count),
        "prefect.state-message": _message(state),
        "prefect.state-name": state.name,
        "prefect.state-timestamp": state.timestamp.isoformat(),
        "prefect.state-type": state.type,
    }
    payload = {
        "intended": {"from": None if before is None else before.type, "to": state.type},
        "initial_state": None if before is None else _summary(before),
        "validated_state": _summary(state),
    }
    return LoggedEvent(
        state.id,
        state.timestamp,
        f"prefect.flow-run.{state.name}"[:_LONGEST_NAME],
        subject,
        encode_text(labels),
        related.text,
        related.resources,
        encode_text(payload),
        _follows(run, state),
    )


def _summary(state: State) -> dict[str, Any]:
    summary: dict[str, Any] = {"type": state.type, "name": state.name}
    if state.message:
        summary["message"] = _message(state)
    if state.type is StateType.PAUSED:
        summary["pause_reschedule"] = "true" if state.state_details.pause_reschedule else "false"
    return summary


def _message(state: State) -> str:
    return (state.message or "")[:_LONGEST_MESSAGE]


def _follows(run: Orchestrated, state: State) -> UUID | None:
    """The event of the state before, if that is not long ago; the first state of a scheduled run has no event."""
    before = run.state
    if before is None or state.timestamp - before.timestamp >= _SOON:
        return None
    is_unheard_of = run.auto_scheduled and before.timestamp == run.created
    return None if is_unheard_of else before.id
