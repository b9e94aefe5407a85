"""What goes along with what is deleted, what stands in the way of giving it back, and what the trash can do itself."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from headrace.server.operations import freezing
from headrace.server.operations.worker import Operations
from headrace.settings import Settings
from tests.server.api import Api, Json
from tests.server.operations.deeds import accept, finish, in_batches, tick
from tests.server.purge.deleted import purge


@pytest.fixture
async def worker(api: Api, database_settings: Settings) -> AsyncIterator[Operations]:
    """With batches of two."""
    worker = Operations(api.store, in_batches(database_settings, 2))
    yield worker
    await worker.drain()


async def _do(api: Api, kind: str, noun: str, target: Json, **options: Any) -> Json:
    answer = await api.post("/x/operations", {"kind": kind, "noun": noun, "target": target, "options": options})
    assert answer.status == 202, answer.json
    return answer.json


async def _nouns(api: Api, operation: Json) -> list[str]:
    return [item["noun"] for item in (await api.get(f"/x/operations/{operation['id']}/items")).json]


async def _subflow(api: Api, parent: str) -> str:
    return await api.flow_run({"type": "COMPLETED"}, parent_task_run_id=await api.task_run(parent))


async def test_a_flow_takes_its_deployments_and_runs_along_and_they_come_back(api: Api) -> None:
    """Each is an item once, also a subflow run of one flow that belongs to another that is deleted too."""
    flows = [await api.flow(), await api.flow()]
    deployment = (await api.post("/deployments/", {"name": "d", "flow_id": flows[0]})).json["id"]
    runs = [await api.flow_run({"type": "COMPLETED"}, flow_id=flows[0]), await api.flow_run(flow_id=flows[1])]
    task = await api.task_run(runs[0])
    runs.append(await api.flow_run({"type": "COMPLETED"}, flow_id=flows[1], parent_task_run_id=task))
    paths = [f"/flows/{id}" for id in flows] + [f"/deployments/{deployment}"] + [f"/flow_runs/{id}" for id in runs]

    done = await _do(api, "delete", "flows", {"ids": flows})

    assert sorted(await _nouns(api, done)) == ["deployments", *["flow_runs"] * 3, *["flows"] * 2]
    assert (done["total"], done["changed"], done["skipped"]) == (6, 6, 0)
    assert [(await api.get(path)).status for path in paths] == [404] * 6
    undone = (await api.post(f"/x/operations/{done['id']}/undo")).json
    assert (undone["status"], undone["changed"]) == ("completed", 6)
    assert [(await api.get(path)).status for path in paths] == [200] * 6


async def test_what_is_made_in_a_flow_before_it_is_deleted_goes_along(api: Api, worker: Operations) -> None:
    """So that no run is without its flow."""
    flow = await api.flow()
    operation = await accept(api.store, noun="flows", target={"ids": [flow]})
    await freezing.settle(api.store)
    late = await api.flow_run({"type": "COMPLETED"}, flow_id=flow)
    await tick(worker)

    done = await finish(worker, operation.id)

    assert (done.total, done.changed) == (2, 2)
    assert (await api.get(f"/flow_runs/{late}")).status == 404


@pytest.mark.parametrize("children", [True, False])
async def test_subflow_runs_go_along_where_that_is_wanted(api: Api, children: bool) -> None:
    """At any depth, each once, also if it matches itself."""
    root = await api.flow_run({"type": "COMPLETED"}, tags=["old"])
    child = await _subflow(api, root)
    await api.patch(f"/flow_runs/{child}", {"tags": ["old"]})
    grandchild = await _subflow(api, child)

    done = await _do(
        api, "delete", "flow_runs", {"filters": {"flow_runs": {"tags": {"all_": ["old"]}}}}, children=children
    )

    assert done["total"] == done["changed"] == (3 if children else 2)
    assert (await api.get(f"/flow_runs/{grandchild}")).status == (404 if children else 200)


async def test_everything_is_deleted_where_that_is_said(api: Api) -> None:
    """Also a tree."""
    await _subflow(api, await api.flow_run({"type": "COMPLETED"}))
    done = await _do(api, "delete", "flow_runs", {"everything": True})
    assert (done["total"], done["changed"]) == (2, 2)
    assert (await api.post("/flow_runs/filter", {})).json == []


async def test_a_restore_with_conflicts_restores_nothing_and_lists_them(api: Api) -> None:
    """Until it is said what to do about them."""
    names = ["taken", "free"]
    ids = [(await api.post("/variables/", {"name": name, "value": 1})).json["id"] for name in names]
    deleted = await _do(api, "delete", "variables", {"ids": ids})
    assert (await api.post("/variables/", {"name": "taken", "value": 2})).status == 201

    failed = (await api.post(f"/x/operations/{deleted['id']}/undo")).json

    assert (failed["status"], failed["changed"], failed["failed"]) == ("failed", 0, 1)
    assert "1 item has a conflict, so that nothing was restored" in failed["error"]
    (group,) = (await api.get(f"/x/operations/{failed['id']}/failures")).json
    assert (group["status"], group["samples"]) == ("conflict", [ids[0]])
    assert "its name 'taken' has been taken since" in group["error"]
    assert (await api.get("/variables/name/free")).status == 404
    again = (await api.post(f"/x/operations/{failed['id']}/retry_failed")).json
    assert "given up as a whole" in again["detail"]
    assert (await api.get(f"/x/operations/{deleted['id']}")).json["purge_at"] is not None

    answer = await api.post(f"/x/operations/{deleted['id']}/undo", {"on_conflict": "skip", "reason": "needed"})
    skipping = answer.json
    assert (skipping["status"], skipping["changed"], skipping["failed"]) == ("completed", 1, 1)
    assert skipping["reason"] == "needed"
    assert (await api.get("/variables/name/free")).status == 200
    left = (await api.get(f"/x/operations/{deleted['id']}")).json
    assert left["undone_by"] == skipping["id"]
    assert left["purge_at"] is not None

    await api.delete("/variables/name/taken")
    done = (await api.post(f"/x/operations/{skipping['id']}/retry_failed")).json
    assert (done["status"], done["changed"], done["failed"]) == ("completed", 2, 0)
    assert (await api.get("/variables/name/taken")).json["value"] == 1


async def test_what_an_undo_has_left_out_is_restored_by_another(api: Api) -> None:
    """Under a new name; what came back before is let alone. Until then it can be removed for good."""
    ids = [(await api.post("/variables/", {"name": name, "value": 1})).json["id"] for name in ("taken", "free")]
    deleted = await _do(api, "delete", "variables", {"ids": ids})
    assert (await api.post("/variables/", {"name": "taken", "value": 2})).status == 201
    undo = f"/x/operations/{deleted['id']}/undo"
    skipping = (await api.post(undo, {"on_conflict": "skip"})).json
    assert (skipping["changed"], skipping["failed"]) == (1, 1)

    renaming = (await api.post(undo, {"on_conflict": "rename"})).json

    assert (renaming["status"], renaming["changed"], renaming["failed"]) == ("completed", 1, 0)
    assert renaming["id"] != skipping["id"]
    assert (await api.get("/variables/name/taken_restored")).json["value"] == 1
    assert (await api.post(undo)).json["id"] == renaming["id"]
    left = (await api.get(f"/x/operations/{deleted['id']}")).json
    assert (left["undone_by"], left["purge_at"]) == (renaming["id"], None)


async def test_what_an_undo_has_left_out_can_be_purged(api: Api) -> None:
    ids = [(await api.post("/variables/", {"name": name, "value": 1})).json["id"] for name in ("taken", "free")]
    deleted = await _do(api, "delete", "variables", {"ids": ids})
    assert (await api.post("/variables/", {"name": "taken", "value": 2})).status == 201
    await api.post(f"/x/operations/{deleted['id']}/undo", {"on_conflict": "skip"})
    summary = (await api.get("/x/trash/summary")).json
    assert (summary["counts"], summary["operations"]) == ({"variables": 1}, 1)
    purge = {"kind": "purge", "noun": "variables", "target": {"operation_id": deleted["id"]}}
    assert (await api.post("/x/operations", purge)).status == 202


async def test_what_is_in_the_trash_is_restored_by_a_filter(api: Api) -> None:
    """Whichever operation has deleted it; what is not deleted is not meant."""
    old = [await api.flow_run({"type": "COMPLETED"}, tags=["old"]) for _ in range(2)]
    other = await api.flow_run({"type": "COMPLETED"})
    await _do(api, "delete", "flow_runs", {"ids": old})
    await _do(api, "delete", "flow_runs", {"ids": [other]})
    kept = await api.flow_run({"type": "COMPLETED"}, tags=["old"])
    target = {"filters": {"flow_runs": {"tags": {"all_": ["old"]}}}}

    told = (await api.post("/x/operations/preview", {"kind": "restore", "target": target})).json
    done = await _do(api, "restore", "flow_runs", target)

    assert told["total"] == done["total"] == done["changed"] == 2
    assert kept not in [sample["id"] for sample in told["samples"]]
    assert [(await api.get(f"/flow_runs/{id}")).status for id in (*old, other)] == [200, 200, 404]
    everything = await _do(api, "restore", "flow_runs", {"everything": True})
    assert (everything["total"], everything["changed"]) == (1, 1)
    undone = (await api.post(f"/x/operations/{everything['id']}/undo")).json
    assert (undone["kind"], undone["changed"]) == ("delete", 1)
    assert (await api.get(f"/flow_runs/{other}")).status == 404


async def test_what_one_operation_deleted_is_due_at_once_when_it_is_purged(api: Api) -> None:
    """The purge is over when it is accepted; removing takes its time."""
    deleted = await _do(api, "delete", "flow_runs", {"ids": [await api.flow_run({"type": "COMPLETED"})]})
    done = await _do(api, "purge", "flow_runs", {"operation_id": deleted["id"]})
    assert (done["status"], done["total"], done["undoable"]) == ("completed", 1, False)
    due = (await api.get(f"/x/operations/{deleted['id']}")).json
    assert due["purge_at"] == done["finished"]


async def test_some_of_the_trash_is_purged_by_ids(api: Api) -> None:
    """What is not deleted is not touched."""
    ids = [await api.flow_run({"type": "COMPLETED"}) for _ in range(3)]
    await _do(api, "delete", "flow_runs", {"ids": ids[:2]})

    preview = await api.post("/x/operations/preview", {"kind": "purge", "target": {"ids": ids[1:]}})
    done = await _do(api, "purge", "flow_runs", {"ids": ids[1:]})

    assert (preview.json["total"], preview.json["reversible"]) == (1, False)
    assert (done["status"], done["total"], done["changed"]) == ("completed", 1, 1)
    assert done["purge_at"] == done["finished"]
    assert (await api.get(f"/flow_runs/{ids[2]}")).status == 200


async def test_the_trash_is_read_page_by_page(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each object once."""
    monkeypatch.setattr(freezing, "PAGE", 2)
    ids = [await api.flow_run({"type": "COMPLETED"}) for _ in range(5)]
    await _do(api, "delete", "flow_runs", {"ids": ids})
    done = await _do(api, "restore", "flow_runs", {"everything": True})
    assert (done["total"], done["changed"]) == (5, 5)


async def test_what_is_deleted_anew_by_an_undo_of_an_undo_is_purged(api: Api) -> None:
    """It goes by the items of the first operation."""
    id = await api.flow_run({"type": "COMPLETED"})
    deleted = await _do(api, "delete", "flow_runs", {"ids": [id]})
    restored = (await api.post(f"/x/operations/{deleted['id']}/undo")).json
    again = (await api.post(f"/x/operations/{restored['id']}/undo")).json
    assert again["purge_at"] is not None
    await _do(api, "purge", "flow_runs", {"operation_id": again["id"]})

    await purge(api.store)

    assert (await api.post("/x/operations/preview", {"kind": "restore", "target": {"everything": True}})).json[
        "total"
    ] == 0


@pytest.mark.parametrize("page", [1, 2, 3, 100])
async def test_a_flow_with_many_runs_is_read_page_by_page(api: Api, monkeypatch: pytest.MonkeyPatch, page: int) -> None:
    """Each run is an item once, and all come back."""
    monkeypatch.setattr(freezing, "PAGE", page)
    flows = [await api.flow(), await api.flow()]
    runs = [await api.flow_run({"type": "COMPLETED"}, flow_id=flow) for flow in flows for _ in range(4)]
    runs += [await _subflow(api, run) for run in runs[:2]]

    done = await _do(api, "delete", "flows", {"ids": flows})

    assert (done["total"], done["changed"], done["skipped"]) == (12, 12, 0)
    assert [(await api.get(f"/flow_runs/{id}")).status for id in runs] == [404] * 10
    assert (await api.post(f"/x/operations/{done['id']}/undo")).json["changed"] == 12
