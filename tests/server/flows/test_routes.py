"""`/flows` answers as the contract says, on both databases."""

from uuid import UUID, uuid4

import pytest

from tests.server.api import Api


async def test_a_name_makes_one_flow_and_the_first_call_decides_what_it_is(api: Api) -> None:
    made = await api.post("/flows/", {"name": "load", "tags": ["a"], "labels": {"team": "x", "n": 1}})
    again = await api.post("/flows/", {"name": "load", "tags": ["b"]})
    assert (made.status, again.status) == (201, 200)
    assert again.json == made.json
    assert made.json["tags"] == ["a"]
    assert made.json["labels"] == {"team": "x", "n": 1}


@pytest.mark.parametrize("name", ["", "a/b", "50%", "a&b", "<a>"])
async def test_a_name_that_cannot_stand_in_a_path_is_refused_by_name(api: Api, name: str) -> None:
    refused = await api.post("/flows/", {"name": name})
    assert refused.status == 422
    assert refused.json["exception_detail"][0]["loc"] == ["body", "name"]
    assert (await api.post("/flows/count")).json == 0


async def test_a_flow_is_read_by_id_and_by_name(api: Api) -> None:
    made = (await api.post("/flows/", {"name": "load it"})).json
    assert (await api.get(f"/flows/{made['id']}")).json == made
    assert (await api.get("/flows/name/load it")).json == made


@pytest.mark.parametrize("path", [f"/flows/{UUID(int=0)}", "/flows/name/nobody"])
async def test_a_flow_that_does_not_exist_is_not_found(api: Api, path: str) -> None:
    missing = await api.get(path)
    assert missing.status == 404
    assert missing.json["detail"] == "Flow not found"


async def test_tags_are_replaced_and_nothing_else_can_be_changed(api: Api) -> None:
    flow_id = await api.flow(tags=["a"])
    assert (await api.patch(f"/flows/{flow_id}", {"tags": ["b", "c"]})).status == 204
    assert (await api.get(f"/flows/{flow_id}")).json["tags"] == ["b", "c"]
    assert (await api.patch(f"/flows/{flow_id}", {})).status == 204
    assert (await api.get(f"/flows/{flow_id}")).json["tags"] == ["b", "c"]
    refused = await api.patch(f"/flows/{flow_id}", {"name": "other"})
    assert refused.status == 422
    assert refused.json["exception_detail"][0]["loc"] == ["body", "name"]
    assert (await api.patch(f"/flows/{uuid4()}", {"tags": []})).status == 404


async def test_deleting_a_flow_takes_its_runs_and_their_logs_with_it_and_frees_the_name(api: Api) -> None:
    made = (await api.post("/flows/", {"name": "gone"})).json
    kept = await api.flow_run()
    run = await api.flow_run(flow_id=made["id"])
    line = {"name": "n", "level": 20, "message": "m", "timestamp": "2026-01-01T00:00:00Z"}
    await api.post("/logs/", [line | {"flow_run_id": run}, line | {"flow_run_id": kept}])
    assert (await api.delete(f"/flows/{made['id']}")).status == 204
    assert (await api.get(f"/flow_runs/{run}")).status == 404
    assert (await api.get(f"/flow_runs/{kept}")).status == 200
    assert [found["flow_run_id"] for found in (await api.post("/logs/filter")).json] == [kept]
    assert (await api.delete(f"/flows/{made['id']}")).status == 404
    assert (await api.post("/flows/", {"name": "gone"})).status == 201


async def test_flows_are_listed_by_name_unless_told_otherwise(api: Api) -> None:
    for name in ("b", "c", "a"):
        await api.post("/flows/", {"name": name})

    async def names(**body: object) -> list[str]:
        return [flow["name"] for flow in (await api.post("/flows/filter", body)).json]

    assert await names() == ["a", "b", "c"]
    assert await names(sort="NAME_DESC") == ["c", "b", "a"]
    assert await names(sort="CREATED_DESC") == ["a", "c", "b"]
    assert await names(limit=1, offset=1) == ["b"]
    assert await names(limit=0) == []
    assert await names(flows={"name": {"like_": "B"}}) == ["b"]


async def test_a_page_says_how_many_there_are(api: Api) -> None:
    for name in ("a", "b", "c"):
        await api.post("/flows/", {"name": name})
    page = (await api.post("/flows/paginate", {"page": 2, "limit": 2})).json
    assert [flow["name"] for flow in page["results"]] == ["c"]
    assert (page["count"], page["limit"], page["pages"], page["page"]) == (3, 2, 2, 2)
    assert (await api.post("/flows/count", {"flows": {"name": {"any_": ["a", "x"]}}})).json == 1


async def test_bulk_delete_deletes_what_matches_and_refuses_a_key_it_does_not_know(api: Api) -> None:
    ids = [await api.flow() for _ in range(3)]
    refused = await api.post("/flows/bulk_delete", {"flow": {"id": {"any_": []}}})
    assert refused.status == 422
    assert refused.json["exception_detail"][0]["loc"] == ["body", "flow"]
    assert (await api.post("/flows/bulk_delete", {"limit": 51})).status == 422
    done = await api.post("/flows/bulk_delete", {"flows": {"id": {"any_": ids[:2]}}})
    assert sorted(done.json["deleted"]) == sorted(ids[:2])
    assert [flow["id"] for flow in (await api.post("/flows/filter")).json] == ids[2:]
