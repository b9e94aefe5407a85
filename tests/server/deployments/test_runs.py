"""Runs that are asked of a deployment: what they take over, and what is refused."""

from typing import Any

import pytest

from tests.server.api import Api
from tests.server.deployments.deployed import Json, deploy, pool

SCHEMA = {"type": "object", "properties": {"n": {"type": "integer"}, "s": {"type": "string"}}, "required": ["n"]}


async def run(api: Api, deployment: Json, **body: Json) -> Json:
    """A new run of the deployment."""
    made = await api.post(f"/deployments/{deployment['id']}/create_flow_run", body)
    assert made.status == 201, made.json
    return made.json


async def test_a_run_takes_over_what_its_deployment_says(api: Api) -> None:
    await pool(api)
    flow_id = await api.flow(labels={"team": "x"})
    deployment = await deploy(
        api,
        flow_id=flow_id,
        work_pool_name="pool",
        parameters={"a": 1, "b": 1},
        tags=["d"],
        labels={"own": 1},
        version="v1",
        job_variables={"image": "i"},
    )
    made = await run(api, deployment, parameters={"b": 2}, tags=["r"], labels={"mine": True}, name="me")
    assert made["parameters"] == {"a": 1, "b": 2}
    assert sorted(made["tags"]) == ["d", "r"]
    assert made["labels"] == {
        "team": "x",
        "own": 1,
        "prefect.flow.id": flow_id,
        "prefect.deployment.id": deployment["id"],
        "mine": True,
    }
    assert (made["name"], made["deployment_version"], made["auto_scheduled"]) == ("me", "v1", False)
    assert (made["work_pool_name"], made["work_queue_name"]) == ("pool", "default")
    assert made["work_queue_id"] == deployment["work_queue_id"]
    assert (made["state_type"], made["state_name"]) == ("SCHEDULED", "Scheduled")
    read = (await api.get(f"/flow_runs/{made['id']}")).json
    volatile = {"estimated_start_time_delta", "estimated_run_time"}
    assert {key: read[key] for key in read.keys() - volatile} == {key: made[key] for key in made.keys() - volatile}


async def test_an_idempotency_key_makes_one_run(api: Api) -> None:
    deployment = await deploy(api)
    made = await run(api, deployment, idempotency_key="k")
    again = await api.post(f"/deployments/{deployment['id']}/create_flow_run", {"idempotency_key": "k"})
    assert (again.status, again.json["id"]) == (200, made["id"])


async def test_a_run_can_be_put_into_another_queue_of_the_pool_but_not_without_one(api: Api) -> None:
    await pool(api)
    deployment = await deploy(api, work_pool_name="pool", job_variables={"image": "i"})
    made = await run(api, deployment, work_queue_name="fresh")
    assert (made["work_pool_name"], made["work_queue_name"]) == ("pool", "fresh")
    refused = await api.post(
        f"/deployments/{(await deploy(api, 'bare'))['id']}/create_flow_run", {"work_queue_name": "q"}
    )
    assert refused.status == 400


async def test_job_variables_of_a_run_have_to_be_complete(api: Api) -> None:
    await pool(api)
    deployment = await deploy(api, work_pool_name="pool")
    path = f"/deployments/{deployment['id']}/create_flow_run"
    refused = await api.post(path, {})
    assert refused.status == 422
    assert "'image' is a required property" in refused.json["detail"]
    assert (await api.post(path, {"job_variables": {"image": 3}})).status == 422
    assert (await api.post(path, {"job_variables": {"image": "i"}})).status == 201


async def test_job_variables_of_a_run_can_change_until_it_begins_to_what_the_pool_takes(api: Api) -> None:
    await pool(api)
    deployment = await deploy(api, work_pool_name="pool", job_variables={"image": "i"})
    path = f"/flow_runs/{(await run(api, deployment))['id']}"
    assert (await api.patch(path, {"job_variables": {"size": "big"}})).status == 422
    assert (await api.patch(path, {"job_variables": {"size": 2}})).status == 204
    assert (await api.get(path)).json["job_variables"] == {"size": 2}
    await api.post(f"{path}/set_state", {"state": {"type": "PENDING"}})
    assert (await api.patch(path, {"job_variables": {"size": 3}})).status == 400


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ({"n": 2}, {"n": 2}),
        ({"extra": 1}, {"n": 1, "extra": 1}),
        ({"n": {"__prefect_kind": "json", "value": "5"}}, {"n": 5}),
        ({"s": {"__prefect_kind": "jinja", "template": "a{{ 1 + 1 }}"}}, {"n": 1, "s": "a2"}),
        ({"s": {"__prefect_kind": "none", "value": "v"}}, {"n": 1, "s": "v"}),
        ({"s": {"__prefect_kind": "json"}}, {"n": 1}),
        ({"n": {"__prefect_kind": "workspace_variable", "variable_name": "nine"}}, {"n": 9}),
        ({"s": {"__prefect_kind": "workspace_variable"}}, {"n": 1}),
    ],
)
async def test_parameters_are_resolved_and_checked(api: Api, given: Json, kept: Json) -> None:
    await api.post("/variables/", {"name": "nine", "value": 9})
    deployment = await deploy(api, parameter_openapi_schema=SCHEMA, parameters={"n": 1})
    assert (await run(api, deployment, parameters=given))["parameters"] == kept


@pytest.mark.parametrize(
    ("given", "status", "said"),
    [
        ({"n": "x"}, 409, "Validation failed for field 'n'. Failure reason: 'x' is not of type 'integer'"),
        ({"s": {"__prefect_kind": "jinja", "template": "{{ 1+ }}"}}, 400, "Invalid jinja"),
        ({"s": {"__prefect_kind": "jinja", "template": "{{ 1/0 }}"}}, 400, "ZeroDivisionError"),
        ({"s": {"__prefect_kind": "jinja"}}, 400, "Missing 'template'"),
        ({"s": {"__prefect_kind": "json", "value": "{"}}, 400, "Invalid JSON"),
        ({"s": {"__prefect_kind": "workspace_variable", "variable_name": "nope"}}, 400, "Variable 'nope' not found"),
    ],
)
async def test_parameters_that_do_not_do_make_no_run(api: Api, given: Json, status: int, said: str) -> None:
    deployment = await deploy(api, parameter_openapi_schema=SCHEMA, parameters={"n": 1})
    refused = await api.post(f"/deployments/{deployment['id']}/create_flow_run", {"parameters": given})
    assert refused.status == status
    assert said in refused.json["detail"]
    assert (await api.post("/flow_runs/count")).json == 0


@pytest.mark.parametrize(
    ("schema", "status"),
    [
        (SCHEMA, 409),
        ({"type": "array"}, 409),
        ({"$ref": "#"}, 422),
        ({"properties": {"a": {"$ref": "#/definitions/x"}}}, 409),
    ],
)
async def test_a_schema_that_the_parameters_do_not_fit_or_that_is_none_is_named(
    api: Api, schema: Json, status: int
) -> None:
    deployment = await deploy(api, parameter_openapi_schema=schema, parameters={"a": 1})
    refused = await api.post(f"/deployments/{deployment['id']}/create_flow_run", {})
    assert refused.status == status, refused.json


async def test_whether_parameters_are_checked_is_the_run_s_choice_first_and_then_the_deployment_s(api: Api) -> None:
    strict = await deploy(api, parameter_openapi_schema=SCHEMA)
    lenient = await deploy(api, "lenient", parameter_openapi_schema=SCHEMA, enforce_parameter_schema=False)
    assert (await run(api, strict, enforce_parameter_schema=False))["parameters"] == {}
    assert (await run(api, lenient))["parameters"] == {}
    refused = await api.post(f"/deployments/{lenient['id']}/create_flow_run", {"enforce_parameter_schema": True})
    assert refused.status == 409


async def test_a_bulk_says_of_each_run_how_it_fared(api: Api) -> None:
    deployment = await deploy(api)
    path = f"/deployments/{deployment['id']}/create_flow_run/bulk"
    bad: dict[str, Any] = {"parameters": {"s": {"__prefect_kind": "json", "value": "{"}}}
    good, refused = (await api.post(path, [{}, bad])).json["results"]
    assert (good["status"], good["error"]) == ("CREATED", None)
    assert (await api.get(f"/flow_runs/{good['flow_run_id']}")).status == 200
    assert (refused["status"], refused["flow_run_id"]) == ("FAILED", None)
    assert "Invalid JSON" in refused["error"]
    assert (await api.post(path, [])).json == {"results": []}
    assert (await api.post(path, [{}] * 101)).status == 400


async def test_due_runs_are_given_in_the_order_of_their_time_and_make_their_deployments_ready(api: Api) -> None:
    deployment, other = await deploy(api), await deploy(api, "other")

    async def at(deployment: Json, time: str) -> str:
        state = {"type": "SCHEDULED", "state_details": {"scheduled_time": time}}
        return (await run(api, deployment, state=state))["id"]

    late, early = await at(deployment, "2020-01-02T00:00:00Z"), await at(deployment, "2020-01-01T00:00:00Z")
    future = await at(deployment, "2036-01-01T00:00:00Z")
    await at(other, "2020-01-01T00:00:00Z")
    wanted = {"deployment_ids": [deployment["id"]]}

    async def due(**more: Json) -> list[str]:
        return [found["id"] for found in (await api.post("/deployments/get_scheduled_flow_runs", wanted | more)).json]

    assert await due() == [early, late, future]
    assert await due(scheduled_before="2026-01-01T00:00:00Z") == [early, late]
    assert await due(limit=1) == [early]
    await api.propose("flow_runs", early, "PENDING")
    assert await due(limit=1) == [late]
    polled = (await api.get(f"/deployments/{deployment['id']}")).json
    assert polled["status"] == "READY"
    assert polled["last_polled"] is not None
    assert (await api.get(f"/deployments/{other['id']}")).json["status"] == "NOT_READY"
    assert (await api.post("/deployments/get_scheduled_flow_runs", {})).status == 422
