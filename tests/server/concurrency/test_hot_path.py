"""Runs that have nothing to do with limits cost not one statement for them."""

import pytest

from headrace.server.store.base import Dialect, Store
from tests.server.api import Api
from tests.server.concurrency.watched import Watched

WRITES = {Dialect.POSTGRES: 1, Dialect.SQLITE: 5}
"""The statements that put a flow run into a state and tell of it: on SQLite each table is written by one."""
NAMES = 1
"""The one look-up of what a run's events are related to, for all its states."""


@pytest.fixture
def watched(store: Store) -> Watched:
    return Watched(store)


@pytest.fixture
def api(api: Api, watched: Watched) -> Api:
    return api.over(watched)


async def test_a_flow_run_without_a_deployment_costs_what_its_states_cost(api: Api, watched: Watched) -> None:
    flow_id = await api.flow()
    watched.seen.clear()
    run = await api.flow_run({"type": "PENDING"}, flow_id=flow_id)
    await api.propose("flow_runs", run, "RUNNING")
    await api.propose("flow_runs", run, "COMPLETED", data={"type": "unpersisted"})
    assert len(watched.seen) == NAMES + 3 * WRITES[watched.dialect]
    assert not [statement for statement in watched.seen if "concurrency" in statement]


async def test_a_run_of_a_deployment_that_holds_no_slot_ends_without_asking_for_limits(
    api: Api, watched: Watched
) -> None:
    flow_id = await api.flow()
    made = await api.post("/deployments/", {"name": "free", "flow_id": flow_id})
    run = await api.flow_run({"type": "RUNNING"}, flow_id=flow_id, deployment_id=made.json["id"])
    watched.seen.clear()
    await api.propose("flow_runs", run, "COMPLETED")
    assert len(watched.seen) == WRITES[watched.dialect]


async def test_a_task_run_without_tags_does_not_look_for_limits(api: Api, watched: Watched) -> None:
    flow_run = await api.flow_run({"type": "RUNNING"})
    watched.seen.clear()
    run = await api.task_run(flow_run)
    for type in ("RUNNING", "COMPLETED"):
        assert (await api.propose("task_runs", run, type)).json["status"] == "ACCEPT"
    assert watched.seen
    assert not [statement for statement in watched.seen if "concurrency" in statement]


async def test_slots_of_names_without_a_limit_cost_one_look_up(api: Api, watched: Watched) -> None:
    body = {"names": ["tag:a", "tag:b"], "slots": 1}
    assert (await api.post("/v2/concurrency_limits/increment-with-lease", body)).json["limits"] == []
    assert len(watched.seen) == 1
