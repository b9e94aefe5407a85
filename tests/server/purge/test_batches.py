"""Purging: what was deleted goes for good, whole, in batches, and nothing else does."""

import asyncio
from uuid import UUID, uuid4

import pytest

from headrace.server.purge import batches
from headrace.server.store.base import Statement, Store
from headrace.server.store.marks import PURGING
from headrace.server.trash import service as trash
from headrace.wire.operations import ConflictResolution, OperationNoun
from tests.server.api import Api
from tests.server.deployments.deployed import deploy
from tests.server.purge.deleted import (
    DUE,
    LATER,
    OF_RUNS,
    check_nothing_dangles,
    delete_marked,
    delete_runs,
    dump,
    full_run,
    full_task_run,
    operation,
    purge,
    record,
    rows_in,
    strange,
    totals,
    write_lines,
)


@pytest.mark.parametrize("settled", [False, True], ids=["hidden", "marked"])
async def test_a_deleted_run_goes_with_all_that_belongs_to_it_and_nothing_else_does(api: Api, settled: bool) -> None:
    flow = await api.flow()
    await full_run(api, flow)
    before, shown = await dump(api.store), await totals(api.store)
    gone = [await full_run(api, flow, tasks=2) for _ in range(3)]
    with_them = await rows_in(api.store)
    deleted = await delete_runs(api.store, *gone, settled=settled)
    assert await totals(api.store) == shown
    done = await purge(api.store)
    assert await dump(api.store) == before
    assert await totals(api.store) == shown
    await check_nothing_dangles(api.store)
    removed = sum(with_them.values()) - sum(len(rows) for rows in before.values())
    assert await record(api.store, deleted) == (True, removed, 0)
    assert sum(batch.rows for batch in done) == removed
    assert set(OF_RUNS) - {"hidden_runs"} <= {table for batch in done for table in batch.counts}


async def test_nothing_goes_before_its_time(api: Api) -> None:
    run = await full_run(api, await api.flow())
    await delete_runs(api.store, run)
    before = await dump(api.store)
    assert await batches.remove(api.store, DUE.replace(year=DUE.year - 1), 1_000, 100) is None
    assert await dump(api.store) == before


async def test_what_was_restored_stays_and_what_another_operation_deleted_waits_for_its_own_time(api: Api) -> None:
    flow = await api.flow()
    restored, again, gone = [await full_run(api, flow) for _ in range(3)]
    first = await delete_runs(api.store, restored, again, gone, settled=True)
    for table, column in (("flow_runs", "id"), ("task_runs", "flow_run_id"), ("artifacts", "flow_run_id")):
        back = Statement(f"UPDATE {table} SET deleted_at = NULL, deleted_by = NULL WHERE {column} = $1")
        for run in (restored, again):
            await api.store.execute(back, UUID(run))
    add = Statement("UPDATE tallies SET total = total + 2 WHERE slot = -1")
    await api.store.execute(add)
    second = await delete_runs(api.store, again, due=LATER.replace(year=2040))
    await purge(api.store)
    left = await api.store.fetch(Statement("SELECT id FROM flow_runs"))
    assert {UUID(str(id)) for (id,) in left} == {UUID(restored), UUID(again)}
    assert (await record(api.store, first))[0]
    assert not (await record(api.store, second))[0]
    await check_nothing_dangles(api.store)
    await purge(api.store, LATER.replace(year=2041))
    assert (await rows_in(api.store))["flow_runs"] == 1
    await check_nothing_dangles(api.store)


@pytest.mark.parametrize("settled", [False, True], ids=["hidden", "marked"])
async def test_a_batch_is_small_however_much_belongs_to_one_run(api: Api, settled: bool) -> None:
    flow = await api.flow()
    run = await full_run(api, flow, tasks=5, lines=100)
    deleted = await delete_runs(api.store, run, settled=settled)
    done = await purge(api.store, rows=10)
    assert len(done) > 10
    assert await rows_in(api.store) == {"flows": 1}
    await check_nothing_dangles(api.store)
    assert (await record(api.store, deleted))[0]


@pytest.mark.parametrize("settled", [False, True], ids=["hidden", "marked"])
async def test_what_is_partly_gone_stays_out_of_sight_and_cannot_be_given_back(api: Api, settled: bool) -> None:
    run = await full_run(api, await api.flow(), tasks=3, lines=20)
    deleted = await delete_runs(api.store, run, settled=settled)
    shown = await totals(api.store)
    while (await rows_in(api.store, ["task_runs"])).get("task_runs") == 3:
        assert await batches.remove(api.store, LATER, 8, 100) is not None
    assert (await rows_in(api.store, ["flow_runs"])) == {"flow_runs": 1}
    assert await totals(api.store) == shown
    await check_nothing_dangles(api.store)
    for table, column in (("hidden_runs", "operation_id"), ("flow_runs", "deleted_by")):
        rows = await api.store.fetch(Statement(f"SELECT {column} FROM {table} WHERE {column} IS NOT NULL"))
        assert all(UUID(str(owner)) == PURGING != deleted for (owner,) in rows), table
    for operation_id in (deleted, None):
        async with api.store.transaction() as transaction:
            restored = await trash.restore(
                transaction, operation_id, OperationNoun.FLOW_RUNS, [UUID(run)], LATER, ConflictResolution.SKIP
            )
        assert (restored.restored, restored.gone) == ([], [UUID(run)])
    assert (await api.get("/x/trash", "noun=flow_runs")).json == []
    await check_nothing_dangles(api.store)
    await purge(api.store)
    await check_nothing_dangles(api.store)


async def test_single_task_runs_and_artifacts_go_and_leave_their_run(api: Api) -> None:
    run = await full_run(api, await api.flow())
    before = await dump(api.store)
    task = await full_task_run(api, run)
    apart = await full_task_run(api, None)
    made = await api.post("/artifacts/", {"key": "mine", "type": "table", "data": "1", "flow_run_id": run})
    await delete_marked(api.store, "task_runs", task, apart)
    await delete_marked(api.store, "artifacts", made.json["id"])
    await purge(api.store, rows=50, items=1)
    after = await dump(api.store)
    assert after == before
    await check_nothing_dangles(api.store)


async def test_a_flow_goes_when_nothing_of_it_is_left_whatever_comes_first(api: Api) -> None:
    flow = await api.flow()
    run = await full_run(api, flow)
    deployment = (await deploy(api, flow_id=flow, schedules=[{"schedule": {"interval": 60}}]))["id"]
    assert await rows_in(api.store, ["deployment_schedules"])
    items = [("flows", flow), ("deployments", deployment), ("flow_runs", run)]
    deleted = await operation(api.store, *items, noun="flows")
    for table, column, id in (
        ("flows", "id", flow),
        ("deployments", "id", deployment),
        ("deployment_schedules", "deployment_id", deployment),
        ("flow_runs", "flow_id", flow),
    ):
        mark = Statement(f"UPDATE {table} SET deleted_at = $1, deleted_by = $2 WHERE {column} = $3")
        await api.store.execute(mark, DUE, deleted, UUID(id))
    await purge(api.store)
    assert await rows_in(api.store, ("flows", "deployments", "deployment_schedules", "flow_runs")) == {}
    assert (await record(api.store, deleted))[::2] == (True, 0)


async def test_a_flow_waits_for_a_run_that_can_be_asked_back_for_longer(api: Api) -> None:
    flow = await api.flow()
    run = await full_run(api, flow)
    await delete_runs(api.store, run, settled=True, due=LATER.replace(year=2040))
    of_flow = await delete_marked(api.store, "flows", flow)
    await purge(api.store)
    assert (await record(api.store, of_flow))[0]
    assert set(await rows_in(api.store)) >= {"flows", "flow_runs", "logs"}
    await purge(api.store, LATER.replace(year=2041))
    assert await rows_in(api.store) == {}
    await check_nothing_dangles(api.store)


async def test_small_things_go_with_what_refers_to_them(api: Api) -> None:
    variable = (await api.post("/variables/", {"name": "v", "value": 1})).json["id"]
    trigger = {"type": "event", "match": {"prefect.resource.id": "r.*"}, "posture": "Reactive", "threshold": 1}
    body = {"name": "a", "trigger": trigger | {"within": 0}, "actions": [{"type": "do-nothing"}]}
    automation = (await api.post("/automations/", body)).json["id"]
    before = await rows_in(api.store)
    assert {"variables", "automations"} <= set(before)
    await delete_marked(api.store, "variables", variable)
    await delete_marked(api.store, "automations", automation)
    await purge(api.store)
    left = await rows_in(api.store)
    assert not {table for table in left if table.startswith(("variables", "automation"))}
    await check_nothing_dangles(api.store)


async def test_a_purge_that_somebody_asks_for_takes_what_anybody_deleted(api: Api) -> None:
    flow = await api.flow()
    live, marked, hidden = [await full_run(api, flow) for _ in range(3)]
    far = LATER.replace(year=2040)
    await delete_runs(api.store, marked, settled=True, due=far)
    await delete_runs(api.store, hidden, due=far)
    items = [("flow_runs", id) for id in (strange(), live, marked, hidden)]
    asked = await operation(api.store, *items, kind="purge")
    await purge(api.store)
    left = await api.store.fetch(Statement("SELECT id FROM flow_runs"))
    assert [UUID(str(id)) for (id,) in left] == [UUID(live)]
    assert (await record(api.store, asked))[0]
    await check_nothing_dangles(api.store)


async def test_what_is_being_given_back_is_let_alone(api: Api) -> None:
    run = await full_run(api, await api.flow())
    deleted = await delete_runs(api.store, run)
    undo = Statement(
        "INSERT INTO operations (id, created, kind, noun, status, undoes)"
        " VALUES ($1, $2, 'restore', 'flow_runs', 'running', $3)"
    )
    await api.store.execute(undo, uuid4(), DUE, deleted)
    assert await purge(api.store) == []
    await api.store.execute(Statement("UPDATE operations SET finished = $1 WHERE undoes = $2"), LATER, deleted)
    assert await purge(api.store) != []


async def test_two_servers_never_remove_the_same_batch(api: Api, store: Store) -> None:
    flow = await api.flow()
    runs = [await full_run(api, flow) for _ in range(6)]
    kept = await rows_in(api.store)
    for run in runs:
        await delete_runs(store, run)
    done = await asyncio.gather(*(purge(store, rows=20, items=1) for _ in range(3)))
    await check_nothing_dangles(store)
    counted = sum(batch.rows for some in done for batch in some)
    counted += sum(batch.rows for batch in await purge(store, rows=20, items=1))
    assert counted == sum(kept.values()) - 1
    await check_nothing_dangles(store)


async def test_lines_that_came_while_the_run_was_going_go_too(api: Api) -> None:
    run = await full_run(api, await api.flow(), lines=30)
    await delete_runs(api.store, run)
    await batches.remove(api.store, LATER, 10, 1)
    await write_lines(api.store, 3, run, None)
    await purge(api.store, rows=10)
    assert await rows_in(api.store) == {"flows": 1}
