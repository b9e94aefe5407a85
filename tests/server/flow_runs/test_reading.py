"""Flow runs and task runs are read as the contract says, on both databases."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from headrace.server.flow_runs import reading as flow_runs
from headrace.server.store.base import Store
from headrace.server.task_runs import reading as task_runs
from headrace.wire.flow_runs import FlowRun
from headrace.wire.sorts import FlowRunSort, TaskRunSort
from headrace.wire.times import now
from tests.server.api import Api
from tests.server.filters.world import BEGINNING, Row, fill, make_world

WORLD = make_world(seed=5)
LAST = BEGINNING + timedelta(days=1)

Key = Callable[[Row], Any]
SORTS: dict[str, tuple[Key, bool]] = {
    "ID_DESC": (lambda row: row["id"], True),
    "START_TIME_ASC": (lambda row: (row["start_time"] or row["expected_start_time"], row["id"]), False),
    "START_TIME_DESC": (lambda row: (row["start_time"] or row["expected_start_time"], row["id"]), True),
    "EXPECTED_START_TIME_ASC": (lambda row: (row["expected_start_time"], row["id"]), False),
    "EXPECTED_START_TIME_DESC": (lambda row: (row["expected_start_time"], row["id"]), True),
    "NAME_ASC": (lambda row: (row["name"], row["id"]), False),
    "NAME_DESC": (lambda row: (row["name"], row["id"]), True),
    "NEXT_SCHEDULED_START_TIME_ASC": (lambda row: (row["next_scheduled_start_time"] or LAST, row["id"]), False),
    "END_TIME_DESC": (lambda row: (row["end_time"] is not None, row["end_time"] or LAST, row["id"]), True),
}


def in_order(noun: str, sort: str) -> list[UUID]:
    key, reverse = SORTS[sort]
    return [row["id"] for row in sorted(WORLD.live(noun), key=key, reverse=reverse)]


@pytest.fixture
async def world(store: Store) -> Store:
    """A store that holds the world."""
    await fill(store, WORLD)
    return store


async def test_every_sort_puts_flow_runs_in_its_order_from_any_offset(world: Store) -> None:
    assert set(FlowRunSort) == set(SORTS)
    for sort in FlowRunSort:
        for offset in (0, 7):
            found = await flow_runs.list_runs(world, {}, sort, 20, offset, now())
            assert [run.id for run in found] == in_order("flow_runs", sort)[offset : offset + 20], sort


async def test_every_sort_puts_task_runs_in_its_order_from_any_offset(world: Store) -> None:
    for sort in TaskRunSort:
        for offset in (0, 7):
            found = await task_runs.list_runs(world, {}, sort, 20, offset, now())
            assert [run.id for run in found] == in_order("task_runs", sort)[offset : offset + 20], sort


async def test_everything_that_was_stored_is_read_back(world: Store) -> None:
    row = next(row for row in WORLD.live("flow_runs") if row["created_by"] and row["idempotency_key"] and row["tags"])
    run = await flow_runs.read(world, row["id"], now())
    assert run is not None
    for name in ("name", "flow_id", "deployment_id", "flow_version", "idempotency_key", "tags", "run_count"):
        assert getattr(run, name) == row[name], name
    for name in ("created", "updated", "expected_start_time", "start_time", "end_time", "total_run_time"):
        assert getattr(run, name) == row[name], name
    assert run.created_by is not None
    assert str(run.created_by.id) == row["created_by"]["id"]


async def test_the_number_of_all_runs_follows_every_kind_of_change(api: Api) -> None:
    async def counts() -> tuple[int, int]:
        return (await api.post("/flow_runs/count")).json, (await api.post("/task_runs/count", {"task_runs": {}})).json

    assert await counts() == (0, 0)
    flow_id = await api.flow()
    runs = [await api.flow_run(flow_id=flow_id) for _ in range(3)]
    for run in runs:
        await api.task_run(run)
    assert await counts() == (3, 3)
    await api.propose("flow_runs", runs[0], "RUNNING")
    assert await counts() == (3, 3)
    await api.delete(f"/flow_runs/{runs[0]}")
    assert await counts() == (2, 2)
    await api.delete(f"/flows/{flow_id}")
    assert await counts() == (0, 0)


async def test_a_run_comes_with_its_whole_current_state(api: Api) -> None:
    run_id = await api.flow_run({"type": "PENDING", "message": "waiting"}, tags=["a"], parameters={"x": [1]})
    run = (await api.get(f"/flow_runs/{run_id}")).json
    assert run["state"]["type"] == run["state_type"] == "PENDING"
    assert run["state"]["id"] == run["state_id"]
    assert run["state"]["message"] == "waiting"
    assert run["state"]["state_details"]["flow_run_id"] == run_id
    assert run["parameters"] == {"x": [1]}
    assert (run["work_pool_id"], run["work_pool_name"], run["auto_scheduled"]) == (None, None, False)
    assert (await api.post("/flow_runs/filter")).json[0] | UNSTEADY == run | UNSTEADY
    assert set(run) == set(FlowRun.__struct_fields__)


UNSTEADY = {"estimated_run_time": 0, "estimated_start_time_delta": 0}


async def test_a_running_run_is_estimated_as_of_the_answer(api: Api) -> None:
    run_id = await api.flow_run()
    await api.propose("flow_runs", run_id, "RUNNING")
    first = (await api.get(f"/flow_runs/{run_id}")).json["estimated_run_time"]
    second = (await api.get(f"/flow_runs/{run_id}")).json["estimated_run_time"]
    assert 0 < first < second


@pytest.mark.parametrize(("path", "message"), [("/flow_runs", "Flow run not found"), ("/task_runs", "Task not found")])
async def test_a_run_that_does_not_exist_is_not_found(api: Api, path: str, message: str) -> None:
    missing = await api.get(f"{path}/{uuid4()}")
    assert missing.status == 404
    assert missing.json["detail"] == message


LISTS = ["/flows", "/flow_runs", "/task_runs", "/logs"]


@pytest.mark.parametrize("noun", LISTS)
async def test_limits_are_held_at_the_edge(api: Api, noun: str) -> None:
    over = await api.post(f"{noun}/filter", {"limit": 201})
    assert (over.status, over.json["detail"]) == (422, "Invalid limit: must be less than or equal to 200.")
    under = await api.post(f"{noun}/filter", {"limit": -1})
    assert (under.status, under.json["detail"]) == (422, "Invalid limit: must be greater than or equal to 0.")
    assert (await api.post(f"{noun}/filter", {"limit": 0})).json == []
    assert (await api.post(f"{noun}/filter", {"limit": 200})).json == []


@pytest.mark.parametrize("noun", LISTS)
@pytest.mark.parametrize("body", [b"", b"null", b"{}", b'{"something_newer": 1}'])
async def test_a_list_can_be_asked_for_without_saying_anything(api: Api, noun: str, body: bytes) -> None:
    assert (await api.post(f"{noun}/filter", body)).status == 200


@pytest.mark.parametrize("noun", LISTS)
@pytest.mark.parametrize(
    ("body", "location", "kind"),
    [
        ({"sort": "SIDEWAYS"}, ["body", "sort"], "enum"),
        ({"offset": -1}, ["body", "offset"], "greater_than_equal"),
        ({"limit": "many"}, ["body", "limit"], "int_parsing"),
    ],
)
async def test_what_does_not_fit_is_named(api: Api, noun: str, body: Any, location: list[str], kind: str) -> None:
    refused = await api.post(f"{noun}/filter", body)
    assert refused.status == 422
    assert refused.json["exception_message"] == "Invalid request received."
    (detail,) = refused.json["exception_detail"]
    assert (detail["loc"], detail["type"]) == (location, kind)


@pytest.mark.parametrize("noun", ["flows", "flow_runs", "task_runs", "logs"])
async def test_an_unknown_key_in_a_filter_is_named(api: Api, noun: str) -> None:
    refused = await api.post(f"/{noun}/filter", {noun: {"colour": {"any_": []}}})
    assert refused.status == 422
    (detail,) = refused.json["exception_detail"]
    assert (detail["loc"], detail["type"]) == (["body", noun, "colour"], "extra_forbidden")


async def test_an_id_that_is_none_is_named_down_to_its_place_in_the_list(api: Api) -> None:
    refused = await api.post("/flow_runs/filter", {"flow_runs": {"id": {"any_": [str(uuid4()), "x"]}}})
    assert refused.json["exception_detail"][0]["loc"] == ["body", "flow_runs", "id", "any_", 1]


@pytest.mark.parametrize("noun", ["flow_runs", "task_runs"])
async def test_pages_of_runs_are_numbered_from_one(api: Api, noun: str) -> None:
    run = await api.flow_run()
    made = [run] + [await api.flow_run() for _ in range(4)] if noun == "flow_runs" else []
    made = made or [await api.task_run(run) for _ in range(5)]
    page = (await api.post(f"/{noun}/paginate", {"page": 2, "limit": 2})).json
    assert [found["id"] for found in page["results"]] == list(reversed(made))[2:4]
    assert (page["count"], page["limit"], page["pages"], page["page"]) == (5, 2, 3, 2)
    past = (await api.post(f"/{noun}/paginate", {"page": 9, "limit": 2})).json
    assert (past["results"], past["count"]) == ([], 5)
    nothing = (await api.post(f"/{noun}/paginate", {"limit": 0})).json
    assert (nothing["results"], nothing["count"], nothing["pages"]) == ([], 5, 0)
    assert (await api.post(f"/{noun}/paginate", {"page": 0})).status == 422


async def test_pages_show_task_runs_in_their_reduced_form(api: Api) -> None:
    task_id = await api.task_run(await api.flow_run())
    (whole,) = (await api.post("/task_runs/filter")).json
    (reduced,) = (await api.post("/task_runs/paginate")).json["results"]
    assert reduced["id"] == whole["id"] == task_id
    assert set(whole) - set(reduced) >= {"dynamic_key", "cache_key", "state_type", "run_count", "labels"}
    assert all(whole[key] == reduced[key] for key in reduced if not key.startswith("estimated"))
