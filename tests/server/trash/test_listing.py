"""The trash lists what can be restored, however it was deleted, and counts it."""

from typing import Any
from uuid import UUID

from headrace.server.store.base import Statement
from headrace.server.store.marks import PURGING
from headrace.wire.operations import OperationNoun
from tests.server.api import Api
from tests.server.trash.changes import restore


async def the_trash(api: Api, query: str = "") -> list[Any]:
    answer = await api.get("/x/trash", query)
    assert answer.status == 200, answer.json
    return answer.json


async def test_what_is_deleted_is_listed_newest_first_with_its_operation(api: Api) -> None:
    flow = await api.flow(name="mill")
    running = await api.flow_run({"type": "RUNNING"}, flow_id=flow, name="grind-1")
    over = await api.flow_run({"type": "COMPLETED"}, flow_id=flow, name="grind-2")
    task = await api.task_run(await api.flow_run({"type": "RUNNING"}, flow_id=flow), name="stone")
    await api.task_run(running, name="went-along")
    variable = (await api.post("/variables/", {"name": "answer", "value": 42})).json["id"]
    assert (await api.get("/x/trash/summary")).json["counts"] == {}
    for path in (f"flow_runs/{running}", f"flow_runs/{over}", f"task_runs/{task}", f"variables/{variable}"):
        assert (await api.delete(f"/{path}")).status == 204
        assert (await api.delete(f"/{path}")).status == 404

    found = await the_trash(api)
    assert [(one["noun"], one["name"], one["state_name"]) for one in found] == [
        ("variables", "answer", None),
        ("task_runs", "stone", "Pending"),
        ("flow_runs", "grind-2", "Completed"),
        ("flow_runs", "grind-1", "Running"),
    ]
    assert all(one["purge_at"] > one["deleted_at"] for one in found)
    assert [one["id"] for one in await the_trash(api, "q=RIND")] == [over, running]
    assert [one["id"] for one in await the_trash(api, "noun=variables")] == [variable]
    assert [one["id"] for one in await the_trash(api, "limit=2&offset=1")] == [task, over]
    assert await the_trash(api, f"operation_id={found[1]['operation_id']}") == [found[1]]

    summary = (await api.get("/x/trash/summary")).json
    assert summary["counts"] == {"flow_runs": 2, "task_runs": 1, "variables": 1}
    assert (summary["operations"], summary["oldest"], summary["overdue"]) == (4, found[-1]["deleted_at"], 0)
    assert summary["next_purge"] == found[-1]["purge_at"]


async def test_what_is_restored_is_in_the_trash_no_more(api: Api) -> None:
    run = await api.flow_run({"type": "COMPLETED"})
    await api.delete(f"/flow_runs/{run}")
    await restore(api.store, OperationNoun.FLOW_RUNS, [UUID(run)], None)
    assert await the_trash(api) == []
    assert (await api.get("/x/trash/summary")).json["counts"] == {}


async def test_what_is_partly_purged_is_neither_listed_nor_restored(api: Api) -> None:
    variable = (await api.post("/variables/", {"name": "answer", "value": 42})).json["id"]
    await api.delete(f"/variables/{variable}")
    await api.store.execute(Statement("UPDATE variables SET deleted_by = $1"), PURGING)
    assert await the_trash(api) == []
    done = await restore(api.store, OperationNoun.VARIABLES, [UUID(variable)], None)
    assert (done.restored, done.gone) == ([], [UUID(variable)])
