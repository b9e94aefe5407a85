"""One change for many flow runs, chosen by a filter."""

from uuid import UUID

from headrace.server.filters import matching_ids
from headrace.server.flow_runs import service
from headrace.server.states.proposals import Asker, Outcome, proposed, refusal
from headrace.server.store.base import Store
from headrace.wire.errors import HeadraceError
from headrace.wire.filters import FlowRunFilter
from headrace.wire.orchestration import BulkSetStateItem, BulkSetStateResult, SetStateStatus
from headrace.wire.states import StateCreate


async def set_states(
    store: Store, chosen: FlowRunFilter | None, limit: int, state: StateCreate, *, force: bool, asker: Asker
) -> BulkSetStateResult:
    """Propose a state for each matching run; what goes wrong with one is its own result (contract §4.6)."""
    results: list[BulkSetStateItem] = []
    for id in await matching_ids(store, "flow_runs", {"flow_runs": chosen}, limit):
        outcome = await _set_state(store, id, state, force, asker)
        results.append(
            BulkSetStateItem(flow_run_id=id, status=outcome.status, state=outcome.state, details=outcome.details)
        )
    return BulkSetStateResult(results=results)


async def _set_state(store: Store, id: UUID, state: StateCreate, force: bool, asker: Asker) -> Outcome:
    try:
        return await service.set_state(store, id, proposed(state, asker.now), force=force, asker=asker)
    except HeadraceError as error:
        return refusal(SetStateStatus.ABORT, str(error))
