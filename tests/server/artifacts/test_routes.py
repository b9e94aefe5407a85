"""`/artifacts` answers as the contract says, on both databases."""

import asyncio
from datetime import datetime
from typing import Any
from uuid import uuid4

import pytest

from tests.server.api import Api

Json = Any


async def make(api: Api, **fields: Json) -> Json:
    made = await api.post("/artifacts/", fields)
    assert made.status == 201, made.json
    return made.json


async def latest(api: Api, key: str) -> Json:
    """The collection of a key, or None."""
    found = (await api.post("/artifacts/latest/filter", {"artifacts": {"key": {"any_": [key]}}})).json
    return found[0] if found else None


async def test_every_call_makes_a_new_artifact_and_the_last_is_the_latest_of_its_key(api: Api) -> None:
    first = await make(api, key="report", type="markdown", data="# one", description="d", metadata_={"a": "b"})
    second = await make(api, key="report", type="table", data=[{"n": 1}])
    assert first["id"] != second["id"]
    assert (await api.get(f"/artifacts/{first['id']}")).json == first
    assert (await api.get("/artifacts/report/latest")).json == second
    collection = await latest(api, "report")
    assert collection["latest_id"] == second["id"]
    assert collection["id"] not in {first["id"], second["id"]}
    assert {name: collection[name] for name in ("type", "data", "description", "metadata_")} == {
        "type": "table",
        "data": [{"n": 1}],
        "description": None,
        "metadata_": None,
    }


@pytest.mark.parametrize("data", [None, "text", 50.5, 7, False, [], {}, {"a": [1, None]}])
async def test_data_is_any_json_and_comes_back_as_it_was(api: Api, data: Json) -> None:
    made = await make(api, data=data)
    assert made["data"] == data
    assert (await api.get(f"/artifacts/{made['id']}")).json["data"] == data


async def test_an_artifact_without_a_key_is_in_no_collection(api: Api) -> None:
    await make(api, data=1)
    assert (await api.post("/artifacts/count")).json == 1
    assert (await api.post("/artifacts/latest/count")).json == 0


async def test_long_metadata_is_cut(api: Api) -> None:
    made = await make(api, key="k", metadata_={"long": "x" * 501, "fits": "y" * 500})
    assert made["metadata_"] == {"long": "x" * 500 + "...", "fits": "y" * 500}
    await api.patch(f"/artifacts/{made['id']}", {"metadata_": {"long": "z" * 600}})
    assert (await api.get(f"/artifacts/{made['id']}")).json["metadata_"] == {"long": "z" * 500 + "..."}


async def test_a_change_of_the_latest_shows_in_its_collection_too(api: Api) -> None:
    made = await make(api, key="k", data=1, description="old")
    assert (await api.patch(f"/artifacts/{made['id']}", {"data": 2})).status == 204
    shown = await latest(api, "k")
    read = (await api.get(f"/artifacts/{made['id']}")).json
    assert (shown["data"], read["data"]) == (2, 2)
    assert (shown["description"], read["description"]) == ("old", "old")
    assert datetime.fromisoformat(read["updated"]) > datetime.fromisoformat(made["updated"])
    await api.patch(f"/artifacts/{made['id']}", {"data": None, "description": None})
    assert (await latest(api, "k"))["data"] is None


async def test_a_change_of_an_older_one_leaves_the_collection_alone(api: Api) -> None:
    older, newest = await make(api, key="k", data=1), await make(api, key="k", data=2)
    await api.patch(f"/artifacts/{older['id']}", {"data": 3})
    assert (await api.get(f"/artifacts/{older['id']}")).json["data"] == 3
    shown = await latest(api, "k")
    assert (shown["latest_id"], shown["data"]) == (newest["id"], 2)


async def test_deleting_the_latest_shows_the_one_before_and_deleting_the_last_ends_the_collection(api: Api) -> None:
    ids = [(await make(api, key="k", data=number))["id"] for number in range(3)]
    collection = await latest(api, "k")
    assert (await api.delete(f"/artifacts/{ids[2]}")).status == 204
    shown = await latest(api, "k")
    assert (shown["id"], shown["latest_id"], shown["data"]) == (collection["id"], ids[1], 1)
    await api.delete(f"/artifacts/{ids[0]}")
    assert (await latest(api, "k"))["latest_id"] == ids[1]
    await api.delete(f"/artifacts/{ids[1]}")
    assert await latest(api, "k") is None
    assert (await api.get("/artifacts/k/latest")).status == 404
    assert (await api.delete(f"/artifacts/{ids[1]}")).status == 404


async def test_artifacts_are_found_by_their_own_filter(api: Api) -> None:
    run, task = str(uuid4()), str(uuid4())
    a = (await make(api, key="alpha", type="markdown", flow_run_id=run))["id"]
    b = (await make(api, key="beta", type="table", task_run_id=task))["id"]
    c = (await make(api, type="result"))["id"]
    d = (await make(api))["id"]

    async def found(**criteria: Json) -> set[str]:
        return {one["id"] for one in (await api.post("/artifacts/filter", {"artifacts": criteria})).json}

    assert await found() == {a, b, c, d}
    assert await found(id={"any_": [a, c]}) == {a, c}
    assert await found(id={"any_": []}) == set()
    assert await found(key={"any_": ["alpha"]}) == {a}
    assert await found(key={"like_": "ET"}) == {b}
    assert await found(key={"exists_": True}) == {a, b}
    assert await found(key={"exists_": False}) == {c, d}
    assert await found(flow_run_id={"any_": [run]}) == {a}
    assert await found(task_run_id={"any_": [task]}) == {b}
    assert await found(type={"any_": ["table", "result"]}) == {b, c}
    assert await found(type={"not_any_": ["result"]}) == {a, b}
    assert await found(key={"any_": ["alpha"]}, type={"any_": ["table"]}) == set()
    assert await found(key={"any_": ["alpha"]}, type={"any_": ["table"]}, operator="or_") == {a, b}
    assert (await api.post("/artifacts/count", {"artifacts": {"key": {"exists_": True}}})).json == 2


async def test_collections_are_found_by_what_their_latest_shows(api: Api) -> None:
    old = await make(api, key="alpha", type="markdown")
    new = await make(api, key="alpha", type="table")
    other = await make(api, key="beta", type="markdown")

    async def found(**criteria: Json) -> set[str]:
        rows = (await api.post("/artifacts/latest/filter", {"artifacts": criteria})).json
        count = (await api.post("/artifacts/latest/count", {"artifacts": criteria})).json
        assert count == len(rows)
        return {row["latest_id"] for row in rows}

    assert await found() == {new["id"], other["id"]}
    assert await found(latest_id={"any_": [old["id"]]}) == set()
    assert await found(latest_id={"any_": [new["id"]]}) == {new["id"]}
    assert await found(type={"any_": ["markdown"]}) == {other["id"]}
    assert await found(key={"like_": "alph"}) == {new["id"]}
    assert await found(key={"exists_": False}) == set()


async def test_artifacts_are_found_by_the_runs_that_left_them(api: Api) -> None:
    flow_id = await api.flow(name="wanted")
    run = await api.flow_run(flow_id=flow_id, name="one")
    task = await api.task_run(run, name="step")
    of_run = (await make(api, key="a", flow_run_id=run))["id"]
    of_task = (await make(api, key="b", flow_run_id=run, task_run_id=task))["id"]
    await make(api, key="c", flow_run_id=await api.flow_run(name="two"))
    await make(api, key="d")

    async def found(**filters: Json) -> set[str]:
        rows = (await api.post("/artifacts/filter", filters)).json
        assert (await api.post("/artifacts/count", filters)).json == len(rows)
        latest_rows = (await api.post("/artifacts/latest/filter", filters)).json
        assert {row["latest_id"] for row in latest_rows} == {row["id"] for row in rows}
        return {row["id"] for row in rows}

    assert await found(flow_runs={"name": {"any_": ["one"]}}) == {of_run, of_task}
    assert await found(task_runs={"name": {"any_": ["step"]}}) == {of_task}
    assert await found(flows={"name": {"any_": ["wanted"]}}) == {of_run, of_task}
    assert await found(flows={"name": {"any_": ["wanted"]}}, flow_runs={"name": {"any_": ["two"]}}) == set()
    assert await found(deployments={"name": {"any_": ["x"]}}) == set()


@pytest.mark.parametrize("state", ["COMPLETED", "RUNNING"])
async def test_artifacts_go_with_their_runs(api: Api, state: str) -> None:
    """What a finished run leaves is hidden with it, what one that goes on has left is marked."""
    run = await api.flow_run({"type": state})
    made = await make(api, key="k", flow_run_id=run)
    await api.delete(f"/flow_runs/{run}")
    assert (await api.get(f"/artifacts/{made['id']}")).status == 404
    assert (await api.get("/artifacts/k/latest")).status == 404


async def test_artifacts_are_listed_newest_first_unless_told_otherwise(api: Api) -> None:
    for key in ("b", "c", "a"):
        await make(api, key=key)
    await make(api)

    async def keys(path: str, **body: Json) -> list[Json]:
        return [row["key"] for row in (await api.post(path, body)).json]

    assert await keys("/artifacts/filter") == [None, "a", "c", "b"]
    assert await keys("/artifacts/filter", sort="CREATED_DESC", limit=2, offset=1) == ["a", "c"]
    assert await keys("/artifacts/filter", sort="KEY_ASC", limit=2) == ["a", "b"]
    assert await keys("/artifacts/filter", limit=0) == []
    assert await keys("/artifacts/latest/filter") == ["a", "c", "b"]
    assert await keys("/artifacts/latest/filter", sort="KEY_DESC") == ["c", "b", "a"]
    assert await keys("/artifacts/latest/filter", sort="KEY_ASC", offset=2) == ["c"]
    assert await keys("/artifacts/latest/filter", sort="UPDATED_DESC", limit=1) == ["a"]


@pytest.mark.parametrize(
    ("body", "location"),
    [
        ({"key": "Not A Key"}, ["body", "key"]),
        ({"key": "under_score"}, ["body", "key"]),
        ({"data": 1, "extra": 1}, ["body", "extra"]),
        ({"metadata_": {"a": 1}}, ["body", "metadata_", "[...]"]),
        ({"metadata_": "text"}, ["body", "metadata_"]),
        ({"flow_run_id": "no"}, ["body", "flow_run_id"]),
        ({"type": 5}, ["body", "type"]),
    ],
)
async def test_what_is_no_artifact_is_refused(api: Api, body: Json, location: list[str]) -> None:
    refused = await api.post("/artifacts/", body)
    assert refused.status == 422
    assert refused.json["exception_detail"][0]["loc"][:2] == location[:2]
    assert (await api.post("/artifacts/count")).json == 0


@pytest.mark.parametrize("body", [{"key": "other"}, {"type": "x"}, {"metadata_": [1]}])
async def test_only_data_description_and_metadata_can_be_changed(api: Api, body: Json) -> None:
    made = await make(api, key="k")
    assert (await api.patch(f"/artifacts/{made['id']}", body)).status == 422
    assert (await api.get(f"/artifacts/{made['id']}")).json == made


async def test_an_artifact_that_does_not_exist_is_not_found(api: Api) -> None:
    nobody = f"/artifacts/{uuid4()}"
    answers = [await api.get(nobody), await api.delete(nobody), await api.patch(nobody, {"data": 1})]
    answers.append(await api.get("/artifacts/nothing/latest"))
    assert [answer.status for answer in answers] == [404] * 4


@pytest.mark.parametrize("path", ["/artifacts/filter", "/artifacts/latest/filter"])
@pytest.mark.parametrize(
    "body", [{"limit": 201}, {"limit": -1}, {"offset": -1}, {"sort": "NAME_ASC"}, {"artifacts": {"name": {}}}]
)
async def test_a_listing_that_makes_no_sense_is_refused(api: Api, path: str, body: Json) -> None:
    assert (await api.post(path, body)).status == 422


async def test_callers_who_make_and_delete_under_one_key_at_once_leave_its_newest_as_the_latest(api: Api) -> None:
    async def make_and_delete(number: int) -> None:
        made = await make(api, key="k", data=number)
        if number % 3:
            await api.delete(f"/artifacts/{made['id']}")

    await asyncio.gather(*(make_and_delete(number) for number in range(30)))
    newest = (await api.post("/artifacts/filter", {"limit": 1})).json[0]
    assert (await latest(api, "k"))["latest_id"] == newest["id"]
    everything = (await api.post("/artifacts/filter")).json
    await asyncio.gather(*(api.delete(f"/artifacts/{one['id']}") for one in everything))
    assert await latest(api, "k") is None
