"""`/work_pools` answers as the contract says, on both databases."""

from typing import Any
from uuid import UUID

import pytest

from tests.server.api import Api

PROCESS = {"name": "local", "type": "process"}
TEMPLATE: dict[str, Any] = {
    "job_configuration": {"command": "{{ command }}"},
    "variables": {"type": "object", "properties": {"command": {"type": "string", "default": "go"}}},
}


async def test_a_pool_is_made_with_a_default_queue_and_is_not_ready(api: Api) -> None:
    made = await api.post("/work_pools/", PROCESS | {"base_job_template": TEMPLATE, "description": "here"})
    assert made.status == 201
    pool = made.json
    assert pool.keys() >= {"id", "created", "updated"}
    assert (pool["name"], pool["type"], pool["description"]) == ("local", "process", "here")
    assert (pool["status"], pool["is_paused"]) == ("NOT_READY", False)
    assert (pool["concurrency_limit"], pool["active_slots"]) == (None, None)
    assert pool["storage_configuration"] == {
        "bundle_upload_step": None,
        "bundle_execution_step": None,
        "default_result_storage_block_id": None,
    }
    queues = (await api.post("/work_pools/local/queues/filter")).json
    assert [(queue["id"], queue["name"], queue["priority"]) for queue in queues] == [
        (pool["default_queue_id"], "default", 1)
    ]
    assert queues[0]["description"] == "The work pool's default queue."
    assert (await api.get("/work_pools/local")).json == pool


async def test_a_job_template_keeps_the_order_of_its_keys(api: Api) -> None:
    properties = {name: {"type": "string"} for name in ("zebra", "a", "longest of them", "b")}
    template = {"job_configuration": {"z": 1, "a": 2}, "variables": {"type": "object", "properties": properties}}
    pool = (await api.post("/work_pools/", PROCESS | {"base_job_template": template})).json
    assert list(pool["base_job_template"]["variables"]["properties"]) == list(properties)
    read = (await api.get("/work_pools/local")).json
    assert list(read["base_job_template"]["variables"]["properties"]) == list(properties)


async def test_a_name_that_is_taken_is_refused(api: Api) -> None:
    await api.post("/work_pools/", PROCESS)
    refused = await api.post("/work_pools/", PROCESS)
    assert refused.status == 409
    assert "already exists" in refused.json["detail"]
    assert (await api.post("/work_pools/count")).json == 1


@pytest.mark.parametrize("name", ["prefect", "Prefect-managed", "PREFECT x"])
async def test_names_of_the_products_own_pools_are_reserved(api: Api, name: str) -> None:
    assert (await api.post("/work_pools/", {"name": name, "type": "process"})).status == 403
    assert (await api.delete(f"/work_pools/{name}")).status == 403
    assert (await api.patch(f"/work_pools/{name}", {"description": "mine"})).status == 403
    assert (await api.patch(f"/work_pools/{name}", {"is_paused": True})).status == 404
    assert (await api.get(f"/work_pools/{name}")).status == 404


@pytest.mark.parametrize(
    ("wrong", "place"),
    [
        ({"name": "a/b"}, "name"),
        ({"name": ""}, "name"),
        ({"type": "process"}, "name"),
        ({"name": "x", "concurrency_limit": -1}, "concurrency_limit"),
        ({"name": "x", "concurrency_limit": "many"}, "concurrency_limit"),
        ({"name": "x", "is_paused": "maybe"}, "is_paused"),
        ({"name": "x", "base_job_template": []}, "base_job_template"),
        ({"name": "x", "base_job_template": {"job_configuration": {}}}, "base_job_template"),
        ({"name": "x", "storage_configuration": {"other": 1}}, "storage_configuration"),
        ({"name": "x", "nonsense": 1}, "nonsense"),
    ],
)
async def test_what_does_not_fit_is_refused_by_name(api: Api, wrong: dict[str, Any], place: str) -> None:
    refused = await api.post("/work_pools/", wrong)
    assert refused.status == 422
    assert refused.json["exception_message"] == "Invalid request received."
    assert refused.json["exception_detail"][0]["loc"][:2] == ["body", place]
    assert (await api.post("/work_pools/count")).json == 0


async def test_a_default_that_does_not_fit_its_own_schema_is_refused(api: Api) -> None:
    template = {
        "job_configuration": {"c": "{{ c }}"},
        "variables": {"properties": {"c": {"type": "string", "default": 5}}},
    }
    refused = await api.post("/work_pools/", PROCESS | {"base_job_template": template})
    assert refused.status == 422
    assert refused.json["detail"].startswith("Validation failed for work pool's job variable defaults: ")


async def test_a_default_that_refers_to_a_block_needs_the_block(api: Api) -> None:
    def template(reference: Any) -> dict[str, Any]:
        schema = {"type": "object", "default": {"$ref": reference}}
        return {"job_configuration": {"c": "{{ c }}"}, "variables": {"properties": {"c": schema}}}

    unknown = {"block_document_id": str(UUID(int=1))}
    assert (await api.post("/work_pools/", PROCESS | {"base_job_template": template(unknown)})).status == 404
    for nonsense in ({"block_document_id": "x"}, {}, 5):
        assert (await api.post("/work_pools/", PROCESS | {"base_job_template": template(nonsense)})).status == 422
    assert (await api.post("/work_pools/count")).json == 0


async def test_old_clients_are_not_shown_where_results_are_kept(api: Api) -> None:
    await api.post("/work_pools/", PROCESS)
    for agent, shown in ((b"prefect/3.3.7 (API 0.8.4)", False), (b"prefect/3.3.8 (API 0.8.4)", True), (b"curl", True)):
        api.headers[b"user-agent"] = agent
        for pool in ((await api.get("/work_pools/local")).json, (await api.post("/work_pools/filter")).json[0]):
            assert ("default_result_storage_block_id" in pool["storage_configuration"]) is shown


async def test_only_what_is_given_changes(api: Api) -> None:
    before = (await api.post("/work_pools/", PROCESS | {"description": "old", "concurrency_limit": 2})).json
    assert before["active_slots"] == 0
    assert (await api.patch("/work_pools/local", {})).status == 204
    changed = await api.patch("/work_pools/local", {"description": "new", "base_job_template": TEMPLATE})
    assert changed.status == 204
    after = (await api.get("/work_pools/local")).json
    assert (after["description"], after["base_job_template"], after["concurrency_limit"]) == ("new", TEMPLATE, 2)
    assert after["updated"] > before["updated"]
    await api.patch("/work_pools/local", {"concurrency_limit": None})
    assert (await api.get("/work_pools/local")).json["active_slots"] is None


async def test_the_storage_configuration_is_replaced_as_a_whole(api: Api) -> None:
    await api.post("/work_pools/", PROCESS)
    await api.patch("/work_pools/local", {"storage_configuration": {"bundle_upload_step": {"a": 1}}})
    await api.patch("/work_pools/local", {"storage_configuration": {"bundle_execution_step": {"b": 1}}})
    stored = (await api.get("/work_pools/local")).json["storage_configuration"]
    assert (stored["bundle_upload_step"], stored["bundle_execution_step"]) == (None, {"b": 1})


@pytest.mark.parametrize(
    ("wrong", "status"),
    [
        ({"name": "other"}, 422),
        ({"type": "docker"}, 422),
        ({"concurrency_limit": -1}, 422),
        ({"base_job_template": {"other": 1}}, 422),
        ({"base_job_template": {"job_configuration": {"a": 1}, "variables": {"type": "nonsense"}}}, 422),
        ({"is_paused": None}, 409),
        ({"base_job_template": None}, 409),
        ({"storage_configuration": None}, 409),
    ],
)
async def test_a_change_that_cannot_be_is_refused(api: Api, wrong: dict[str, Any], status: int) -> None:
    before = (await api.post("/work_pools/", PROCESS)).json
    assert (await api.patch("/work_pools/local", wrong)).status == status
    assert (await api.get("/work_pools/local")).json == before


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/work_pools/none"),
        ("PATCH", "/work_pools/none"),
        ("DELETE", "/work_pools/none"),
        ("POST", "/work_pools/none/queues/filter"),
        ("POST", "/work_pools/none/workers/filter"),
        ("POST", "/work_pools/none/concurrency_status"),
        ("POST", "/work_pools/none/get_scheduled_flow_runs"),
    ],
)
async def test_a_pool_that_does_not_exist_is_not_found(api: Api, method: str, path: str) -> None:
    missing = await api.call(method, path, {})
    assert missing.status == 404
    assert missing.json["detail"] == 'Work pool "none" not found.'


async def test_pausing_shows_and_resuming_depends_on_whether_a_worker_is_there(api: Api) -> None:
    async def status() -> str:
        return (await api.get("/work_pools/local")).json["status"]

    await api.post("/work_pools/", PROCESS | {"is_paused": True})
    assert await status() == "PAUSED"
    await api.patch("/work_pools/local", {"is_paused": False})
    assert await status() == "NOT_READY"
    await api.patch("/work_pools/local", {"is_paused": True})
    await api.post("/work_pools/local/workers/heartbeat", {"name": "w"})
    assert await status() == "PAUSED"
    await api.patch("/work_pools/local", {"is_paused": False})
    assert await status() == "READY"


async def test_pools_of_the_agent_type_have_no_status(api: Api) -> None:
    made = (await api.post("/work_pools/", {"name": "agents"})).json
    assert (made["type"], made["status"]) == ("prefect-agent", None)
    await api.post("/work_pools/agents/workers/heartbeat", {"name": "w"})
    await api.patch("/work_pools/agents", {"is_paused": True})
    assert (await api.get("/work_pools/agents")).json["status"] is None


async def test_pools_are_listed_by_name_and_filtered(api: Api) -> None:
    for name, kind in (("b", "process"), ("c", "docker"), ("a", "process")):
        await api.post("/work_pools/", {"name": name, "type": kind})

    async def names(**body: object) -> list[str]:
        return [pool["name"] for pool in (await api.post("/work_pools/filter", body)).json]

    assert await names() == ["a", "b", "c"]
    assert await names(limit=1, offset=1) == ["b"]
    assert await names(limit=0) == []
    assert await names(work_pools={"type": {"any_": ["process"]}}) == ["a", "b"]
    assert (await api.post("/work_pools/count", {"work_pools": {"name": {"any_": ["a", "x"]}}})).json == 1
    assert (await api.post("/work_pools/filter", {"limit": 201})).status == 422
    assert (await api.post("/work_pools/filter", {"offset": -1})).status == 422
    assert (await api.post("/work_pools/filter", {"work_pools": {"color": {}}})).status == 422


async def test_deleting_a_pool_takes_its_queues_and_workers_and_leaves_its_runs(api: Api) -> None:
    await api.post("/work_pools/", PROCESS)
    queue = (await api.post("/work_pools/local/queues", {"name": "fast"})).json
    await api.post("/work_pools/local/workers/heartbeat", {"name": "w"})
    run = await api.flow_run(work_pool_name="local", work_queue_name="fast")
    assert (await api.delete("/work_pools/local")).status == 204
    assert (await api.get("/work_pools/local")).status == 404
    assert (await api.get(f"/work_queues/{queue['id']}")).status == 404
    left = (await api.get(f"/flow_runs/{run}")).json
    assert (left["work_queue_name"], left["work_queue_id"], left["work_pool_id"]) == ("fast", None, None)
    assert (await api.post("/work_pools/", PROCESS)).status == 201
    assert (await api.post("/work_pools/local/workers/filter")).json == []
