"""What goes along with what is deleted: each once, after what it belongs to, in pages of any size."""

from collections.abc import Sequence
from uuid import UUID

import pytest

from headrace.server.store.base import Store
from headrace.server.trash import contents
from headrace.wire.operations import OperationNoun
from tests.server.api import Api

_RUNS, _FLOWS, _DEPLOYMENTS = OperationNoun.FLOW_RUNS, OperationNoun.FLOWS, OperationNoun.DEPLOYMENTS


async def _along(
    store: Store, noun: OperationNoun, ids: Sequence[str], *, children: bool = True, size: int = 100
) -> list[tuple[OperationNoun, str]]:
    """What goes along with each of these in turn, as those do that are far from each other."""
    themselves = {UUID(id) for id in ids}

    async def among(asked: Sequence[UUID]) -> set[UUID]:
        return themselves.intersection(asked)

    found: list[tuple[OperationNoun, str]] = []
    async with store.view() as view:
        for id in ids:
            async for page in contents.pages(view, noun, [UUID(id)], children=children, size=size, meant=among):
                found += [(of, str(one)) for of, one in page]
    return found


async def _subflow(api: Api, parent: str, flow_id: str) -> str:
    task = await api.task_run(parent)
    return await api.flow_run({"type": "COMPLETED"}, flow_id=flow_id, parent_task_run_id=task)


async def test_a_flow_takes_deployments_and_runs_along_and_a_deployment_what_it_has_yet_to_run(api: Api) -> None:
    """And a run its subflow runs, if that is wanted."""
    flow, other = await api.flow(), await api.flow()
    deployment = (await api.post("/deployments/", {"name": "d", "flow_id": flow})).json["id"]
    parent = await api.flow_run({"type": "COMPLETED"}, flow_id=flow)
    child = await _subflow(api, parent, other)
    grandchild = await _subflow(api, child, other)
    waiting = (await api.post(f"/deployments/{deployment}/create_flow_run", {})).json["id"]
    below = [(_RUNS, child), (_RUNS, grandchild)]

    assert await _along(api.store, _RUNS, [parent]) == below
    assert await _along(api.store, _RUNS, [parent], children=False) == []
    assert await _along(api.store, _DEPLOYMENTS, [deployment]) == [(_RUNS, waiting)]
    runs = [(_RUNS, parent), (_RUNS, waiting)]
    assert await _along(api.store, _FLOWS, [flow]) == [(_DEPLOYMENTS, deployment), *runs, *below]
    assert await _along(api.store, _FLOWS, [flow], children=False) == [(_DEPLOYMENTS, deployment), *runs]
    assert await _along(api.store, _FLOWS, [other]) == below


@pytest.mark.parametrize("size", [1, 2, 3, 100])
async def test_a_run_below_several_that_go_comes_once(api: Api, size: int) -> None:
    """With the nearest of them, wherever in the tree these are."""
    flows, other = [await api.flow(), await api.flow()], await api.flow()
    top = await api.flow_run({"type": "COMPLETED"}, flow_id=flows[0])
    first = await _subflow(api, top, other)
    middle = await _subflow(api, first, flows[1])
    below = [await _subflow(api, middle, other) for _ in range(3)]
    last = await _subflow(api, below[0], flows[0])
    beside = [await api.flow_run({"type": "COMPLETED"}, flow_id=flow) for flow in flows for _ in range(2)]
    theirs = {top, first, middle, *below, last, *beside}

    of_flows = [id for _, id in await _along(api.store, _FLOWS, flows, size=size)]
    of_runs = [id for _, id in await _along(api.store, _RUNS, [top, middle], size=size)]

    assert len(of_flows) == len(theirs)
    assert set(of_flows) == theirs
    assert of_flows.index(first) > of_flows.index(top)
    assert min(map(of_flows.index, below)) > of_flows.index(middle)
    assert len(of_runs) == 5
    assert set(of_runs) == {first, *below, last}


async def test_the_first_of_what_goes_along_is_what_is_left(api: Api) -> None:
    """With all that is below it, which would not be found once it is deleted."""
    flow, other = await api.flow(), await api.flow()
    runs = [await api.flow_run({"type": "COMPLETED"}, flow_id=flow) for _ in range(3)]
    below = {run: await _subflow(api, run, other) for run in runs}

    async with api.store.transaction() as transaction:
        found = await contents.first(transaction, _FLOWS, [UUID(flow)], children=True, most=2)

    ids = [str(id) for _, id in found]
    assert len(ids) == 4
    assert set(ids[2:]) == {below[run] for run in ids[:2]}
