"""`/deployments` answers as the contract says, on both databases."""

from uuid import UUID, uuid4

import pytest

from tests.server.api import Api
from tests.server.deployments.deployed import Json, deploy, pool


async def test_a_new_deployment_has_what_it_was_given_and_the_labels_of_its_flow(api: Api) -> None:
    flow_id = await api.flow(labels={"team": "x"})
    made = await deploy(api, flow_id=flow_id, tags=["t"], labels={"own": 1}, parameters={"a": 1}, version="v1")
    assert made["labels"] == {"team": "x", "prefect.flow.id": flow_id, "own": 1}
    assert (made["tags"], made["parameters"], made["version"]) == (["t"], {"a": 1}, "v1")
    assert (made["status"], made["paused"], made["enforce_parameter_schema"]) == ("NOT_READY", False, True)
    assert (made["parameter_openapi_schema"], made["pull_steps"], made["schedules"]) == ({}, [], [])
    assert made["concurrency_limit"] is made["global_concurrency_limit"] is made["work_queue_id"] is None
    assert (await api.get(f"/deployments/{made['id']}")).json == made


async def test_the_same_name_of_the_same_flow_changes_what_is_given_and_keeps_the_rest(api: Api) -> None:
    flow_id = await api.flow()
    made = await deploy(api, flow_id=flow_id, tags=["t"], parameters={"a": 1}, description="d")
    again = await api.post("/deployments/", {"name": "nightly", "flow_id": flow_id, "parameters": {"a": 2}})
    assert again.status == 200
    assert again.json["id"] == made["id"]
    assert again.json["created"] == made["created"]
    assert (again.json["parameters"], again.json["tags"], again.json["description"]) == ({"a": 2}, ["t"], "d")
    assert (await deploy(api, flow_id=await api.flow()))["id"] != made["id"]


async def test_an_upsert_replaces_all_schedules_by_those_of_the_request(api: Api) -> None:
    flow_id = await api.flow()
    await deploy(api, flow_id=flow_id, schedules=[{"schedule": {"interval": 60}, "slug": "a"}])
    wanted = {"name": "nightly", "flow_id": flow_id, "schedules": [{"schedule": {"cron": "0 9 * * *"}}]}
    again = (await api.post("/deployments/", wanted)).json
    assert [schedule["schedule"]["cron"] for schedule in again["schedules"]] == ["0 9 * * *"]
    assert (await api.post("/deployments/", wanted | {"schedules": []})).json["schedules"] == []


@pytest.mark.parametrize(
    ("fields", "status"),
    [
        ({"name": "a/b"}, 422),
        ({"name": ""}, 422),
        ({"foo": 1}, 422),
        ({"flow_id": str(UUID(int=7))}, 409),
        ({"flow_id": "x"}, 422),
        ({"work_pool_name": "nope"}, 404),
        ({"storage_document_id": str(UUID(int=7))}, 409),
        ({"infrastructure_document_id": str(UUID(int=7))}, 409),
        ({"concurrency_limit": 0}, 422),
        ({"concurrency_limit": 2**31}, 422),
        ({"concurrency_limit": 1, "global_concurrency_limit_id": str(UUID(int=7))}, 422),
        ({"global_concurrency_limit_id": str(UUID(int=7))}, 404),
        ({"concurrency_options": {"collision_strategy": "NOPE"}}, 422),
        ({"concurrency_options": {"collision_strategy": "ENQUEUE", "grace_period_seconds": 5}}, 422),
        ({"paused": None}, 422),
        ({"parameters": None}, 422),
        ({"tags": None}, 422),
        ({"schedules": None}, 422),
        ({"schedules": [{}]}, 422),
        ({"schedules": [{"schedule": {}}]}, 422),
        ({"schedules": [{"schedule": {"interval": 0}}]}, 422),
        ({"schedules": [{"schedule": {"interval": "soon"}}]}, 422),
        ({"schedules": [{"schedule": {"interval": 60, "cron": "* * * * *"}}]}, 422),
        ({"schedules": [{"schedule": {"interval": 60, "timezone": "Mars/Base"}}]}, 422),
        ({"schedules": [{"schedule": {"cron": "61 * * * *"}}]}, 422),
        ({"schedules": [{"schedule": {"cron": "R * * * *"}}]}, 422),
        ({"schedules": [{"schedule": {"rrule": "FREQ=NEVER"}}]}, 422),
        ({"schedules": [{"schedule": {"rrule": "FREQ=DAILY;BYMONTH=2;BYMONTHDAY=30"}}]}, 422),
        ({"schedules": [{"schedule": {"interval": 60}, "max_scheduled_runs": 0}]}, 422),
        ({"schedules": [{"schedule": {"interval": 60}, "slug": "a"}, {"schedule": {"interval": 9}, "slug": "a"}]}, 409),
    ],
)
async def test_what_does_not_fit_is_refused_and_leaves_nothing_behind(api: Api, fields: Json, status: int) -> None:
    refused = await api.post("/deployments/", {"name": "nightly", "flow_id": await api.flow(), **fields})
    assert refused.status == status, refused.json
    assert (await api.post("/deployments/count")).json == 0


async def test_a_schedule_that_cannot_be_followed_is_named_by_its_place(api: Api) -> None:
    schedules = [{"schedule": {"interval": 60}}, {"schedule": {"cron": "x"}}]
    refused = await api.post("/deployments/", {"name": "d", "flow_id": await api.flow(), "schedules": schedules})
    assert refused.json["exception_detail"][0]["loc"] == ["body", "schedules", 1, "schedule", "cron"]


async def test_parameters_are_checked_at_first_only_if_the_request_says_so(api: Api) -> None:
    wanted = {
        "name": "d",
        "flow_id": await api.flow(),
        "parameters": {"n": "x"},
        "parameter_openapi_schema": {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["m"]},
    }
    refused = await api.post("/deployments/", wanted | {"enforce_parameter_schema": True})
    assert refused.status == 422
    assert "Validation failed for field 'n'" in refused.json["exception_detail"][0]["msg"]
    assert (await api.post("/deployments/", wanted)).status == 201
    fits = wanted | {"name": "e", "enforce_parameter_schema": True, "parameters": {"n": 1}}
    assert (await api.post("/deployments/", fits)).status == 201


@pytest.mark.parametrize("name", [str(UUID(int=0)), "name/nobody/none"])
async def test_a_deployment_that_does_not_exist_is_not_found(api: Api, name: str) -> None:
    missing = await api.get(f"/deployments/{name}")
    assert missing.status == 404
    assert missing.json["detail"] == "Deployment not found"


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("DELETE", "", None),
        ("PATCH", "", {}),
        ("POST", "/pause_deployment", None),
        ("POST", "/resume_deployment", None),
        ("POST", "/schedule", {}),
        ("GET", "/schedules", None),
        ("POST", "/schedules", []),
        ("PATCH", f"/schedules/{UUID(int=1)}", {}),
        ("DELETE", f"/schedules/{UUID(int=1)}", None),
        ("POST", "/create_flow_run", {}),
        ("POST", "/create_flow_run/bulk", [{}]),
        ("GET", "/work_queue_check", None),
    ],
)
async def test_nothing_can_be_done_with_a_deployment_that_does_not_exist(
    api: Api, method: str, path: str, body: Json
) -> None:
    assert (await api.call(method, f"/deployments/{uuid4()}{path}", body)).status == 404


async def test_a_deployment_is_found_by_the_names_of_its_flow_and_its_own(api: Api) -> None:
    flow = (await api.post("/flows/", {"name": "load it"})).json
    made = await deploy(api, "my deployment", flow_id=flow["id"])
    assert (await api.get("/deployments/name/load it/my deployment")).json == made


async def test_deployments_are_listed_paged_and_counted(api: Api) -> None:
    for name in ("b", "c", "a"):
        await deploy(api, name, tags=[name])

    async def names(**body: Json) -> list[str]:
        return [found["name"] for found in (await api.post("/deployments/filter", body)).json]

    assert await names() == ["a", "b", "c"]
    assert await names(sort="CREATED_DESC") == ["a", "c", "b"]
    assert await names(limit=1, offset=1) == ["b"]
    assert await names(limit=0) == []
    assert await names(deployments={"tags": {"any_": ["a", "c"]}}) == ["a", "c"]
    page = (await api.post("/deployments/paginate", {"page": 2, "limit": 2})).json
    assert [found["name"] for found in page["results"]] == ["c"]
    assert (page["count"], page["limit"], page["pages"], page["page"]) == (3, 2, 2, 2)
    assert (await api.post("/deployments/count", {"deployments": {"name": {"like_": "A"}}})).json == 1


async def test_a_work_pool_gives_its_default_queue_or_the_one_that_is_named_which_is_made(api: Api) -> None:
    await pool(api)
    flow_id = await api.flow()
    made = await deploy(api, flow_id=flow_id, work_pool_name="pool")
    assert (made["work_pool_name"], made["work_queue_name"]) == ("pool", "default")
    moved = await api.post(
        "/deployments/",
        {"name": "nightly", "flow_id": flow_id, "work_pool_name": "pool", "work_queue_name": "fast"},
    )
    assert moved.json["work_queue_name"] == "fast"
    assert moved.json["work_queue_id"] != made["work_queue_id"]
    assert (await api.get("/work_pools/pool/queues/fast")).json["id"] == moved.json["work_queue_id"]


async def test_a_queue_without_a_pool_is_one_of_the_default_agent_pool(api: Api) -> None:
    made = await deploy(api, work_queue_name="special")
    assert (made["work_pool_name"], made["work_queue_name"]) == ("default-agent-pool", "special")


async def test_job_variables_have_to_fit_the_pool_but_may_be_incomplete_or_null(api: Api) -> None:
    await pool(api)
    wanted = {"name": "d", "flow_id": await api.flow(), "work_pool_name": "pool"}
    refused = await api.post("/deployments/", wanted | {"job_variables": {"size": "big"}})
    assert refused.status == 422
    assert refused.json["detail"].startswith("Error creating deployment: Validation failed for field 'size'.")
    made = await api.post("/deployments/", wanted | {"job_variables": {"size": 2, "image": None}})
    assert made.status == 201
    path = f"/deployments/{made.json['id']}"
    assert (await api.patch(path, {"job_variables": {"size": "big"}})).status == 422
    assert (await api.get(path)).json["job_variables"] == {"size": 2, "image": None}


async def test_a_patch_changes_what_it_names(api: Api) -> None:
    made = await deploy(api, tags=["t"], description="d")
    path = f"/deployments/{made['id']}"
    assert (await api.patch(path, {"tags": ["u"], "paused": True, "version": "2"})).status == 204
    changed = (await api.get(path)).json
    assert (changed["tags"], changed["paused"], changed["version"], changed["description"]) == (["u"], True, "2", "d")
    assert changed["updated"] > made["updated"]
    refused = await api.patch(path, {"name": "other"})
    assert refused.json["exception_detail"][0]["loc"] == ["body", "name"]
    assert (await api.patch(path, {"tags": None})).status == 422
    assert (await api.patch(path, {"job_variables": None})).status == 204


async def test_a_patch_moves_a_deployment_within_its_pool_to_another_and_out(api: Api) -> None:
    await pool(api)
    await pool(api, "other")
    made = await deploy(api, work_pool_name="pool")
    path = f"/deployments/{made['id']}"

    async def place() -> tuple[str | None, str | None]:
        found = (await api.get(path)).json
        return found["work_pool_name"], found["work_queue_name"]

    await api.patch(path, {"work_queue_name": "fast"})
    assert await place() == ("pool", "fast")
    assert (await api.patch(path, {"work_pool_name": "nope"})).status == 404
    assert await place() == ("pool", "fast")
    await api.patch(path, {"work_pool_name": "other"})
    assert await place() == ("other", "default")
    await api.patch(path, {"work_pool_name": None})
    assert await place() == (None, None)


async def test_parameters_of_a_patch_are_resolved_and_checked(api: Api) -> None:
    schema = {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]}
    path = f"/deployments/{(await deploy(api, parameter_openapi_schema=schema))['id']}"
    refused = await api.patch(path, {"parameters": {"n": "x"}})
    assert refused.status == 409
    assert refused.json["detail"] == (
        "Error updating deployment: Validation failed for field 'n'. Failure reason: 'x' is not of type 'integer'"
    )
    assert (await api.patch(path, {"parameters": {"n": {"__prefect_kind": "json", "value": "7"}}})).status == 204
    assert (await api.get(path)).json["parameters"] == {"n": 7}
    unresolved = await api.patch(path, {"parameters": {"n": {"__prefect_kind": "jinja", "template": "{{ 1+ }}"}}})
    assert unresolved.status == 400
    assert (await api.patch(path, {"parameters": {"n": "x"}, "enforce_parameter_schema": False})).status == 204


async def test_a_limit_of_its_own_is_made_changed_and_taken_away(api: Api) -> None:
    made = await deploy(api, concurrency_limit=3, concurrency_options={"collision_strategy": "CANCEL_NEW"})
    limit = made["global_concurrency_limit"]
    assert (limit["name"], limit["limit"], limit["active_slots"]) == (f"deployment:{made['id']}", 3, 0)
    assert made["concurrency_options"]["collision_strategy"] == "CANCEL_NEW"
    path = f"/deployments/{made['id']}"
    await api.patch(path, {"concurrency_limit": 5})
    assert (await api.get(path)).json["global_concurrency_limit"]["limit"] == 5
    await api.patch(path, {"description": "d"})
    assert (await api.get(path)).json["global_concurrency_limit"]["id"] == limit["id"]
    await api.patch(path, {"concurrency_limit": None})
    assert (await api.get(path)).json["global_concurrency_limit"] is None
    assert (await api.get(f"/v2/concurrency_limits/{limit['id']}")).status == 404


async def test_a_shared_limit_is_linked_and_its_absence_noticed(api: Api) -> None:
    shared = (await api.post("/v2/concurrency_limits/", {"name": "shared", "limit": 2})).json["id"]
    made = await deploy(api, global_concurrency_limit_id=shared)
    assert made["global_concurrency_limit"]["id"] == shared
    path = f"/deployments/{made['id']}"
    assert (await api.patch(path, {"global_concurrency_limit_id": str(uuid4())})).status == 404
    assert (await api.patch(path, {"global_concurrency_limit_id": None})).status == 204
    assert (await api.get(path)).json["global_concurrency_limit"] is None
    assert (await api.get(f"/v2/concurrency_limits/{shared}")).status == 200


async def test_deleting_a_deployment_takes_its_limit_and_its_waiting_runs_and_frees_the_name(api: Api) -> None:
    flow_id = await api.flow()
    made = await deploy(api, flow_id=flow_id, concurrency_limit=1)
    waiting = (await api.post(f"/deployments/{made['id']}/create_flow_run", {})).json["id"]
    begun = (await api.post(f"/deployments/{made['id']}/create_flow_run", {})).json["id"]
    await api.propose("flow_runs", begun, "RUNNING", force=True)
    assert (await api.delete(f"/deployments/{made['id']}")).status == 204
    assert (await api.get(f"/flow_runs/{waiting}")).status == 404
    assert (await api.get(f"/flow_runs/{begun}")).status == 200
    limit = made["global_concurrency_limit"]["id"]
    assert (await api.get(f"/v2/concurrency_limits/{limit}")).status == 404
    assert (await api.delete(f"/deployments/{made['id']}")).status == 404
    await deploy(api, flow_id=flow_id)


async def test_bulk_delete_deletes_what_matches(api: Api) -> None:
    ids = [(await deploy(api, f"d{number}"))["id"] for number in range(3)]
    assert (await api.post("/deployments/bulk_delete", {"limit": 51})).status == 422
    assert (await api.post("/deployments/bulk_delete", {"deployment": {}})).status == 422
    done = await api.post("/deployments/bulk_delete", {"deployments": {"id": {"any_": ids[:2]}}})
    assert sorted(done.json["deleted"]) == sorted(ids[:2])
    assert [found["id"] for found in (await api.post("/deployments/filter")).json] == ids[2:]


async def test_every_queue_that_does_not_choose_takes_a_deployment_s_runs(api: Api) -> None:
    made = await deploy(api, work_queue_name="special")
    queues = await api.get(f"/deployments/{made['id']}/work_queue_check")
    assert {queue["name"] for queue in queues.json} == {"default", "special"}
