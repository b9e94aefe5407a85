"""Schedules of deployments: changed by slug, made into runs, and what becomes of runs that a change invalidates."""

from uuid import uuid4

import pytest

from tests.server.api import Api
from tests.server.deployments.deployed import Json, deploy

PAST = {"start_time": "2020-01-01T00:00:00Z", "end_time": "2020-01-01T02:00:00Z", "min_runs": 2, "min_time": 0}
FUTURE = {"start_time": "2036-01-01T00:00:00Z", "min_runs": 2, "min_time": 0}
HOURLY = {"interval": 3600, "anchor_date": "2020-01-01T00:00:00Z"}


async def schedules(api: Api, deployment: Json) -> list[tuple[str | None, bool, float | None]]:
    """Slug, whether active, and interval of a deployment's schedules in order."""
    found = (await api.get(f"/deployments/{deployment['id']}/schedules")).json
    return [(each["slug"], each["active"], each["schedule"].get("interval")) for each in found]


async def runs(api: Api, deployment: Json) -> list[str]:
    """Where and when the deployment's runs come from, as "auto 2020"."""
    wanted = {"flow_runs": {"deployment_id": {"any_": [deployment["id"]]}}, "sort": "EXPECTED_START_TIME_ASC"}
    found = (await api.post("/flow_runs/filter", wanted)).json
    return [f"{'auto' if run['auto_scheduled'] else 'asked'} {run['expected_start_time'][:4]}" for run in found]


async def planned(api: Api) -> Json:
    """A deployment with two late runs and two future ones by schedule, and a future one that was asked for."""
    deployment = await deploy(api, schedules=[{"schedule": HOURLY, "slug": "hourly"}], paused=True)
    path = f"/deployments/{deployment['id']}"
    await api.post(f"{path}/schedule", PAST)
    await api.post(f"{path}/schedule", FUTURE)
    asked = {"state": {"type": "SCHEDULED", "state_details": {"scheduled_time": "2037-01-01T00:00:00Z"}}}
    await api.post(f"{path}/create_flow_run", asked)
    assert await runs(api, deployment) == ["auto 2020", "auto 2020", "auto 2036", "auto 2036", "asked 2037"]
    return deployment


async def test_schedules_are_added_read_changed_and_removed(api: Api) -> None:
    deployment = await deploy(api)
    path = f"/deployments/{deployment['id']}/schedules"
    given = [
        {"schedule": {"interval": 3600}, "slug": "a", "parameters": {"p": 1}},
        {"schedule": {"cron": "0 9 * * *", "timezone": "Europe/Berlin"}, "max_scheduled_runs": 3},
        {"schedule": {"rrule": "FREQ=DAILY"}, "active": False},
    ]
    added = await api.post(path, given)
    assert added.status == 201
    by_interval, by_cron, by_rule = added.json
    assert by_interval["schedule"]["interval"] == 3600.0
    assert by_interval["schedule"]["timezone"] == "UTC"
    assert by_cron["schedule"] == {"cron": "0 9 * * *", "timezone": "Europe/Berlin", "day_or": True}
    assert by_rule["schedule"] == {"rrule": "DTSTART:20200101T000000\nFREQ=DAILY", "timezone": "UTC"}
    assert {each["id"] for each in (await api.get(path)).json} == {each["id"] for each in added.json}
    assert (await api.patch(f"{path}/{by_cron['id']}", {"active": False, "slug": "nine"})).status == 204
    newest = (await api.get(path)).json[0]
    assert (newest["id"], newest["active"], newest["slug"]) == (by_cron["id"], False, "nine")
    assert (newest["max_scheduled_runs"], newest["schedule"]) == (3, by_cron["schedule"])
    assert (await api.delete(f"{path}/{by_rule['id']}")).status == 204
    assert (await api.delete(f"{path}/{by_rule['id']}")).status == 404
    assert (await api.patch(f"{path}/{uuid4()}", {})).status == 404


async def test_a_slug_names_one_schedule_of_a_deployment(api: Api) -> None:
    deployment = await deploy(api, schedules=[{"schedule": HOURLY, "slug": "a"}, {"schedule": HOURLY, "slug": "b"}])
    path = f"/deployments/{deployment['id']}/schedules"
    assert (await api.post(path, [{"schedule": HOURLY, "slug": "a"}])).status == 409
    assert (await api.post(path, [{"schedule": HOURLY, "slug": "c"}, {"schedule": HOURLY, "slug": "c"}])).status == 409
    id = next(each["id"] for each in deployment["schedules"] if each["slug"] == "a")
    assert (await api.patch(f"{path}/{id}", {"slug": "b"})).status == 409
    assert sorted(await schedules(api, deployment)) == [("a", True, 3600.0), ("b", True, 3600.0)]
    await deploy(api, "other", schedules=[{"schedule": HOURLY, "slug": "a"}])


@pytest.mark.parametrize(
    ("patch", "status", "expected"),
    [
        ([{"slug": "a", "active": False}], 204, [("a", False, 60.0), ("b", True, 120.0)]),
        ([{"slug": "c", "schedule": {"interval": 5}}], 204, [("a", True, 60.0), ("b", True, 120.0), ("c", True, 5.0)]),
        ([{"slug": "c", "replaces": "a"}], 204, [("b", True, 120.0), ("c", True, 60.0)]),
        ([{"slug": "a", "replaces": "a", "active": False}], 204, [("a", False, 60.0), ("b", True, 120.0)]),
        (
            [{"slug": "c", "replaces": "x", "schedule": {"interval": 5}}],
            204,
            [("a", True, 60.0), ("b", True, 120.0), ("c", True, 5.0)],
        ),
        ([], 204, [("a", True, 60.0), ("b", True, 120.0)]),
        ([{"active": False}], 422, None),
        ([{"slug": "c"}], 422, None),
        ([{"slug": "b", "replaces": "a"}], 422, None),
        ([{"slug": "c", "replaces": "a"}, {"slug": "d", "replaces": "a"}], 422, None),
        ([{"slug": "a", "active": False}, {"slug": "a", "active": True}], 422, None),
        ([{"slug": "a", "schedule": {"cron": "x"}}], 422, None),
    ],
)
async def test_schedules_that_all_have_slugs_are_patched_by_them(
    api: Api, patch: Json, status: int, expected: Json
) -> None:
    given = [{"schedule": {"interval": 60}, "slug": "a"}, {"schedule": {"interval": 120}, "slug": "b"}]
    deployment = await deploy(api, schedules=given)
    patched = await api.patch(f"/deployments/{deployment['id']}", {"schedules": patch})
    assert patched.status == status, patched.json
    assert sorted(await schedules(api, deployment)) == (expected or [("a", True, 60.0), ("b", True, 120.0)])


async def test_schedules_without_slugs_are_replaced_all_together(api: Api) -> None:
    deployment = await deploy(api, schedules=[{"schedule": HOURLY}, {"schedule": HOURLY, "slug": "s"}])
    path = f"/deployments/{deployment['id']}"
    assert (await api.patch(path, {"schedules": [{"slug": "s", "active": False}]})).status == 422
    assert len(await schedules(api, deployment)) == 2
    await api.patch(path, {"schedules": [{"schedule": {"interval": 5}}]})
    assert await schedules(api, deployment) == [(None, True, 5.0)]
    await api.patch(path, {"schedules": []})
    assert await schedules(api, deployment) == []


async def test_a_run_by_schedule_says_where_it_comes_from(api: Api) -> None:
    given = [{"schedule": HOURLY, "slug": "hourly", "parameters": {"b": 2}}]
    deployment = await deploy(api, schedules=given, parameters={"a": 1, "b": 1}, tags=["t"], version="v1")
    made = await api.post(f"/deployments/{deployment['id']}/schedule", FUTURE | {"max_runs": 1})
    assert (made.status, made.json) == (200, None)
    (run,) = (await api.post("/flow_runs/filter")).json
    schedule_id = deployment["schedules"][0]["id"]
    assert run["parameters"] == {"a": 1, "b": 2}
    assert (run["tags"], run["deployment_version"], run["auto_scheduled"]) == (["auto-scheduled", "t"], "v1", True)
    assert run["idempotency_key"] == f"scheduled {deployment['id']} {schedule_id} 2036-01-01 00:00:00+00:00"
    assert run["created_by"] == {"id": schedule_id, "type": "SCHEDULE", "display_value": "hourly"}
    assert run["labels"]["prefect.deployment.id"] == deployment["id"]
    assert run["expected_start_time"] == run["next_scheduled_start_time"] == "2036-01-01T00:00:00Z"
    state = run["state"]
    assert (state["type"], state["name"], state["message"]) == ("SCHEDULED", "Scheduled", "Flow run scheduled")
    assert state["state_details"]["scheduled_time"] == "2036-01-01T00:00:00Z"
    assert [each["id"] for each in await api.states("flow_run", run["id"])] == [state["id"]]


async def test_making_runs_again_makes_only_those_that_are_missing(api: Api) -> None:
    deployment = await deploy(api, schedules=[{"schedule": HOURLY}, {"schedule": HOURLY, "active": False}])
    path = f"/deployments/{deployment['id']}/schedule"
    await api.post(path, PAST)
    await api.post(path, PAST | {"min_runs": 3})
    assert await runs(api, deployment) == ["auto 2020"] * 3
    for window in (PAST | {"max_runs": 0}, PAST | {"end_time": "2019-01-01T00:00:00Z"}):
        assert (await api.post(path, window)).status == 200
    assert await runs(api, deployment) == ["auto 2020"] * 3
    for window in ({"start_time": "0001-01-01T00:00:00Z"}, {"min_time": "PT1H"}, {"min_time": -1}):
        assert (await api.post(path, window)).status == 422


async def test_a_run_by_schedule_is_carried_out_as_any_other(api: Api) -> None:
    deployment = await deploy(api, schedules=[{"schedule": HOURLY}])
    await api.post(f"/deployments/{deployment['id']}/schedule", PAST)
    id = (await api.post("/flow_runs/filter")).json[0]["id"]
    assert (await api.propose("flow_runs", id, "PENDING")).json["status"] == "ACCEPT"
    assert (await api.propose("flow_runs", id, "RUNNING")).json["status"] == "ACCEPT"
    assert (await api.get(f"/flow_runs/{id}")).json["run_count"] == 1


async def test_a_change_takes_back_the_runs_that_were_made_for_the_future(api: Api) -> None:
    kept = ["auto 2020", "auto 2020", "asked 2037"]
    patched = await planned(api)
    await api.patch(f"/deployments/{patched['id']}", {"description": "d"})
    assert await runs(api, patched) == kept
    changed = await planned(api)
    await api.patch(f"/deployments/{changed['id']}/schedules/{changed['schedules'][0]['id']}", {"active": True})
    assert await runs(api, changed) == kept
    again = await planned(api)
    await api.post("/deployments/", {"name": again["name"], "flow_id": again["flow_id"]})
    assert await runs(api, again) == kept


async def test_adding_a_schedule_and_resuming_take_nothing_back(api: Api) -> None:
    deployment = await planned(api)
    before = await runs(api, deployment)
    await api.post(f"/deployments/{deployment['id']}/schedules", [{"schedule": {"interval": 5}}])
    assert (await api.post(f"/deployments/{deployment['id']}/resume_deployment")).status == 200
    assert await runs(api, deployment) == before
    assert (await api.get(f"/deployments/{deployment['id']}")).json["paused"] is False


async def test_pausing_and_removing_a_schedule_take_back_late_runs_too(api: Api) -> None:
    paused = await planned(api)
    assert (await api.post(f"/deployments/{paused['id']}/pause_deployment")).status == 200
    assert await runs(api, paused) == ["asked 2037"]
    assert (await api.get(f"/deployments/{paused['id']}")).json["paused"] is True
    removed = await planned(api)
    await api.delete(f"/deployments/{removed['id']}/schedules/{removed['schedules'][0]['id']}")
    assert await runs(api, removed) == ["asked 2037"]


async def test_a_run_that_has_begun_is_never_taken_back(api: Api) -> None:
    deployment = await planned(api)
    wanted = {"flow_runs": {"deployment_id": {"any_": [deployment["id"]]}}, "sort": "EXPECTED_START_TIME_ASC"}
    id = (await api.post("/flow_runs/filter", wanted)).json[0]["id"]
    await api.patch(f"/flow_runs/{id}", {"empirical_policy": {"retries": 3, "retry_delay": 60}})
    for type in ("PENDING", "RUNNING", "FAILED"):
        await api.propose("flow_runs", id, type)
    assert (await api.get(f"/flow_runs/{id}")).json["state_name"] == "AwaitingRetry"
    await api.post(f"/deployments/{deployment['id']}/pause_deployment")
    assert (await api.get(f"/flow_runs/{id}")).status == 200
