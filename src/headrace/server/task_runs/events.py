"""`prefect.task-run.<state>`: what the server tells of states that it writes to background tasks by itself.

Everything else that happens to task runs is told by their clients (contract §7).
"""

from headrace.rules.bookkeeping import TaskRunChanges
from headrace.rules.transitions import Entry
from headrace.server.events.facts import happened, resource
from headrace.server.task_runs.queries import Orchestrated
from headrace.wire.events import Event
from headrace.wire.states import State


def state_entered(run: Orchestrated, entry: Entry[TaskRunChanges]) -> Event:
    """The event of a state that a run enters; `run` is as it was before. Its id is the state's own."""
    state, before = entry.state, run.state
    labels = {
        "prefect.run-count": str(entry.changes.run_count),
        "prefect.state-message": state.message or "",
        "prefect.state-name": state.name,
        "prefect.state-timestamp": state.timestamp.isoformat(),
        "prefect.state-type": state.type.value,
        "prefect.orchestration": "server",
    }
    related = [] if run.flow_run_id is None else [resource("flow-run", run.flow_run_id, role="flow-run")]
    return happened(
        f"prefect.task-run.{state.name}",
        resource("task-run", run.id, run.name, more=labels),
        state.timestamp,
        [*related, *(resource("tag", tag, role="tag") for tag in sorted(run.tags))],
        {
            "intended": {"from": None if before is None else before.type, "to": state.type},
            "initial_state": None if before is None else _summary(before),
            "validated_state": _summary(state),
        },
        id=state.id,
        follows=None if before is None else before.id,
    )


def _summary(state: State) -> dict[str, str]:
    said = {"type": state.type.value, "name": state.name}
    return said | ({"message": state.message} if state.message else {})
