"""Deleting flow runs by an operation, over the API, without a network."""

from uuid import uuid4

from tests.server.api import Api

_ALL_OVER = {"type": "COMPLETED"}


async def _delete(api: Api, **target: object) -> dict[str, object]:
    answer = await api.post("/x/operations", {"kind": "delete", "target": target, "reason": "too old"})
    assert answer.status == 202, answer.json
    return answer.json


async def test_runs_named_by_their_ids_are_deleted_and_undone(api: Api) -> None:
    """Both ways nothing is left of them, or missing."""
    kept = await api.flow_run(_ALL_OVER)
    ids = [await api.flow_run(_ALL_OVER) for _ in range(3)]
    before = [(await api.get(f"/flow_runs/{id}")).json for id in ids]

    done = await _delete(api, ids=ids)

    assert (done["status"], done["total"], done["changed"], done["done"]) == ("completed", 3, 3, 3)
    assert done["counts"] == {"flow_runs": 3}
    assert (await api.post("/flow_runs/count", {})).json == 1
    assert (await api.get(f"/flow_runs/{kept}")).status == 200
    assert done["undoable"]

    undone = (await api.post(f"/x/operations/{done['id']}/undo")).json

    assert (undone["kind"], undone["status"], undone["changed"]) == ("restore", "completed", 3)
    assert [(await api.get(f"/flow_runs/{id}")).json for id in ids] == before


async def test_runs_are_deleted_by_a_filter(api: Api) -> None:
    """Those that match, and no others."""
    flow_id = await api.flow()
    ids = [await api.flow_run(_ALL_OVER, flow_id=flow_id, tags=["old"]) for _ in range(3)]
    kept = await api.flow_run(_ALL_OVER, flow_id=flow_id)

    done = await _delete(api, filters={"flow_runs": {"tags": {"all_": ["old"]}}})

    assert (done["total"], done["changed"]) == (3, 3)
    assert (await api.post("/flow_runs/count", {})).json == 1
    assert (await api.get(f"/flow_runs/{kept}")).status == 200
    items = (await api.get(f"/x/operations/{done['id']}/items")).json
    assert {item["id"] for item in items} == set(ids)
    assert [item["status"] for item in items] == ["done"] * 3


async def test_what_is_not_there_is_skipped_and_says_so(api: Api) -> None:
    """Also what was deleted before."""
    id = await api.flow_run(_ALL_OVER)
    first = await _delete(api, ids=[id])
    second = await _delete(api, ids=[id, str(uuid4())])

    assert (first["changed"], first["skipped"]) == (1, 0)
    assert (second["changed"], second["skipped"], second["done"], second["undoable"]) == (0, 2, 2, False)
    skipped = (await api.get(f"/x/operations/{second['id']}/items", "status=skipped")).json
    assert [item["error"] for item in skipped] == ["It was deleted before, or was never there."] * 2
