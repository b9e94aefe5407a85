"""Actions on the flow run that an event is about. States are changed in the transaction that ends the action."""

from datetime import timedelta
from uuid import UUID

from headrace.server.automations.actions.work import ActionFailed, Work
from headrace.server.automations.events import Ending
from headrace.server.flow_runs import resuming
from headrace.server.flow_runs import service as flow_runs
from headrace.server.states.proposals import Outcome
from headrace.server.store.base import Connection
from headrace.wire.actions import ChangeFlowRunState
from headrace.wire.errors import ObjectNotFound
from headrace.wire.operations import OperationNoun
from headrace.wire.orchestration import SetStateStatus
from headrace.wire.states import State, StateDetails, StateType

SUSPENDED_FOR = timedelta(hours=1)
"""For how long a run that is suspended may be resumed."""


async def cancel(work: Work) -> None:
    """Propose that the run is cancelled."""
    message = f"Cancelled by Automation {work.automation.id}"
    await _change(work, State(type=StateType.CANCELLING, timestamp=work.now, message=message))


async def suspend(work: Work) -> None:
    """Propose that the run leaves its process until it is resumed."""
    details = StateDetails(pause_reschedule=True, pause_timeout=work.now + SUSPENDED_FOR)
    message = f"Suspended by Automation {work.automation.id}"
    suspended = State(
        type=StateType.PAUSED, name="Suspended", timestamp=work.now, message=message, state_details=details
    )
    await _change(work, suspended)


async def change_state(work: Work, action: ChangeFlowRunState) -> None:
    """Propose the state that the action names."""
    message = action.message or f"State changed by Automation {work.automation.id}"
    wanted = State(type=action.state, name=action.name or "", timestamp=work.now, message=message)
    await _change(work, wanted, force=action.force)


async def resume(work: Work) -> None:
    """Let the run go on."""
    outcome = await resuming.resume(work.store, work.target(), None, work.asker, _ending(work))
    _require_accepted(outcome, "Failed to resume flow run")


async def delete(work: Work) -> Ending:
    """Delete the run, on behalf of the automation."""
    from headrace.server.operations.authors import Author
    from headrace.server.operations.deleting import delete_now

    author, id = Author(by=work.asker.on_behalf_of), work.target()
    # An attempt that was cut off may have deleted it.
    if not await delete_now(work.store, work.settings, OperationNoun.FLOW_RUNS, [id], author) and not work.is_repeated:
        raise ObjectNotFound("Flow run not found")
    return Ending(result={"status_code": 204})


async def _change(work: Work, state: State, *, force: bool = False) -> None:
    id: UUID = work.target()
    outcome = await flow_runs.set_state(work.store, id, state, force=force, asker=work.asker, with_it=_ending(work))
    _require_accepted(outcome, "Failed to set state")


def _ending(work: Work) -> flow_runs.Companion:
    async def end(transaction: Connection) -> None:
        await work.end_within(transaction, Ending(result={"status_code": 201}))

    return end


def _require_accepted(outcome: Outcome, what: str) -> None:
    if outcome.status is not SetStateStatus.ACCEPT:
        reason = outcome.details.reason or f"the answer was {outcome.status.value}"
        raise ActionFailed(f"{what}: {reason}", {"status_code": outcome.http_status})
