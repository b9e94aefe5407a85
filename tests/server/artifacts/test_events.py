"""What the log says of the collections of artifacts (contract §6.3)."""

from typing import Any

from tests.server.api import Api
from tests.server.told import found_by, names, told

CREATED, UPDATED, DELETED = (f"prefect.artifact-collection.{change}" for change in ("created", "updated", "deleted"))


async def artifact(api: Api, **fields: Any) -> str:
    return (await api.post("/artifacts/", {"key": "report", "type": "markdown", **fields})).json["id"]


async def test_a_key_is_told_of_with_its_first_artifact_and_with_each_newer_one(api: Api) -> None:
    run = await api.flow_run()
    task = await api.task_run(run)
    first = await artifact(api, data="# one", description="the first", flow_run_id=run, task_run_id=task)
    second = await artifact(api, data={"x": 2})

    events = await told(api.store, "artifact-collection")
    assert [event.event for event in events] == [CREATED, UPDATED]
    assert [event.payload for event in events] == [
        {"key": "report", "type": "markdown", "data": "# one", "description": "the first"},
        {"key": "report", "type": "markdown", "data": {"x": 2}, "description": None},
    ]
    collection = events[0].resource["prefect.resource.id"]
    assert events[0].name == "report"
    assert await found_by(api.store, events[0]) == [
        (collection, None),
        (f"prefect.artifact.{first}", "latest"),
        (f"prefect.flow-run.{run}", "flow-run"),
        (f"prefect.task-run.{task}", "task-run"),
    ]
    assert await found_by(api.store, events[1]) == [(collection, None), (f"prefect.artifact.{second}", "latest")]


async def test_a_collection_falls_back_to_the_artifact_before_and_goes_with_its_last(api: Api) -> None:
    first, second = await artifact(api, data=1), await artifact(api, data=2)
    await api.delete(f"/artifacts/{second}")
    await api.delete(f"/artifacts/{first}")

    events = (await told(api.store))[2:]
    assert [(event.event, event.payload["data"]) for event in events] == [(UPDATED, 1), (DELETED, 1)]
    assert {event.related[0]["prefect.resource.id"] for event in events} == {f"prefect.artifact.{first}"}


async def test_what_changes_nothing_about_a_collection_leaves_no_event(api: Api) -> None:
    first = await artifact(api)
    await artifact(api)
    await api.post("/artifacts/", {"type": "markdown", "data": "has no key"})
    await api.patch(f"/artifacts/{first}", {"data": "progress"})
    await api.delete(f"/artifacts/{first}")

    assert await names(api.store) == [CREATED, UPDATED]


async def test_large_data_is_not_repeated_but_its_size_is_told(api: Api) -> None:
    await artifact(api, data="x" * 200_000)

    payload = (await told(api.store))[0].payload
    assert payload["data"] is None
    assert payload["data_bytes"] == 200_002


async def test_the_result_of_a_run_that_names_a_key_is_told_of_with_its_state(api: Api) -> None:
    run = await api.flow_run({"type": "RUNNING"})
    await api.propose("flow_runs", run, "COMPLETED", data={"artifact_key": "result", "value": 1})

    assert (await names(api.store))[-2:] == ["prefect.flow-run.Completed", CREATED]
