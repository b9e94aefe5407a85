"""`/automations` answers as the contract says, on both databases (contract §8)."""

from typing import Any
from uuid import uuid4

import pytest

from headrace.server.store.base import Statement
from tests.server.api import Api, Json
from tests.server.automations.made import NOTHING, REACTIVE, body, make

EVENTS = Statement("SELECT event, resource_id FROM events ORDER BY seq")


async def events(api: Api) -> list[tuple[str, str]]:
    return [(row[0], row[1]) for row in await api.store.fetch(EVENTS)]


async def test_what_is_left_out_has_its_default(api: Api) -> None:
    made = await make(api, tags=["a"])
    trigger = made["trigger"]
    assert {key: made[key] for key in ("name", "description", "enabled", "tags")} == {
        "name": "watch",
        "description": "",
        "enabled": True,
        "tags": ["a"],
    }
    assert trigger == {
        "type": "event",
        "id": trigger["id"],
        "match": {},
        "match_related": {},
        "after": [],
        "expect": ["something.happened"],
        "for_each": [],
        "posture": "Reactive",
        "threshold": 1,
        "within": 0.0,
    }
    assert (made["actions"], made["actions_on_trigger"], made["actions_on_resolve"]) == ([NOTHING], [], [])
    assert (await api.get(f"/automations/{made['id']}")).json == made


async def test_triggers_are_given_their_ids_by_the_server(api: Api) -> None:
    chosen = str(uuid4())
    compound = {
        "type": "compound",
        "id": chosen,
        "require": "all",
        "within": 10,
        "triggers": [REACTIVE | {"id": chosen}, {"type": "sequence", "within": None, "triggers": [REACTIVE]}],
    }
    made = await make(api, trigger=compound)
    ids = _ids(made["trigger"])
    assert len(set(ids)) == 4
    assert chosen not in ids
    assert (await api.call("PUT", f"/automations/{made['id']}", body(trigger=made["trigger"]))).status == 204
    after = _ids((await api.get(f"/automations/{made['id']}")).json["trigger"])
    assert not set(ids) & set(after)


def _ids(trigger: Json) -> list[str]:
    return [trigger["id"], *(id for child in trigger.get("triggers", []) for id in _ids(child))]


async def test_put_replaces_all_of_an_automation(api: Api) -> None:
    made = await make(api, description="old", tags=["old"], actions_on_trigger=[NOTHING])
    answer = await api.call("PUT", f"/automations/{made['id']}", body(name="other", actions=[], enabled=False))
    assert answer.status == 204
    after = (await api.get(f"/automations/{made['id']}")).json
    assert (after["name"], after["description"], after["tags"], after["enabled"]) == ("other", "", [], False)
    assert (after["actions"], after["actions_on_trigger"]) == ([], [])
    assert after["created"] == made["created"]
    assert after["updated"] > made["updated"]


async def test_patch_switches_an_automation_off_and_on_again(api: Api) -> None:
    made = await make(api)
    path = f"/automations/{made['id']}"
    for wanted in (False, True):
        assert (await api.patch(path, {"enabled": wanted})).status == 204
        assert (await api.get(path)).json["enabled"] is wanted
    assert (await api.patch(path, {"enabled": False, "name": "x"})).status == 422


async def test_a_missing_automation_is_said_to_be_missing(api: Api) -> None:
    path = f"/automations/{uuid4()}"
    for answer in (
        await api.get(path),
        await api.call("PUT", path, body()),
        await api.patch(path, {"enabled": True}),
        await api.delete(path),
    ):
        assert answer.status == 404
        assert answer.json["exception_message"] == "Automation not found"


async def test_every_change_leaves_an_event(api: Api) -> None:
    made = await make(api)
    path, resource = f"/automations/{made['id']}", f"prefect.automation.{made['id']}"
    await api.call("PUT", path, body(name="other"))
    await api.patch(path, {"enabled": False})
    await api.patch(path, {"enabled": False})
    await api.delete(path)
    assert [told for told in await events(api) if told[0].startswith("prefect.")] == [
        (f"prefect.automation.{change}", resource) for change in ("created", "updated", "updated", "deleted")
    ]


async def test_automations_are_filtered_sorted_and_counted(api: Api) -> None:
    for name, tags in (("b", ["x", "y"]), ("a", ["x"]), ("c", [])):
        await make(api, name=name, tags=tags)

    async def names(**filter: Json) -> list[str]:
        return [found["name"] for found in (await api.post("/automations/filter", filter)).json]

    assert await names() == ["a", "b", "c"]
    assert await names(sort="NAME_DESC") == ["c", "b", "a"]
    assert await names(sort="CREATED_DESC") == ["c", "a", "b"]
    assert await names(limit=1, offset=1) == ["b"]
    assert await names(automations={"tags": {"all_": ["x", "y"]}}) == ["b"]
    assert await names(automations={"tags": {"any_": ["x", "z"]}}) == ["a", "b"]
    assert await names(automations={"tags": {"is_null_": True}}) == ["c"]
    assert await names(automations={"name": {"any_": ["c", "a"]}}) == ["a", "c"]
    assert await names(automations={"created": {"before_": "2020-01-01T00:00:00Z"}}) == []
    either = {"operator": "or_", "name": {"any_": ["c"]}, "tags": {"all_": ["y"]}}
    assert await names(automations=either) == ["b", "c"]
    assert (await api.post("/automations/count")).json == 3
    assert (await api.post("/automations/count", {"automations": either})).json == 2


async def test_what_an_owner_owns_goes_with_it_and_nothing_else(api: Api) -> None:
    owner = f"prefect.deployment.{uuid4()}"
    owned, other = await make(api, owner_resource=owner), await make(api, name="other")
    selecting = await make(api, actions=[{"type": "pause-deployment", "deployment_id": owner.rpartition(".")[2]}])
    related = (await api.get(f"/automations/related-to/{owner}")).json
    assert {found["id"] for found in related} == {owned["id"], selecting["id"]}
    assert (await api.delete(f"/automations/owned-by/{owner}")).status == 202
    assert (await api.delete(f"/automations/owned-by/{owner}")).status == 202
    left = {found["id"] for found in (await api.post("/automations/filter")).json}
    assert left == {other["id"], selecting["id"]}


async def test_an_owner_is_kept_when_the_rest_is_replaced(api: Api) -> None:
    owned = await make(api, owner_resource="my/thing", trigger=REACTIVE | {"match": {"prefect.resource.id": "old"}})
    replaced = body(trigger=REACTIVE | {"match": {"prefect.resource.id": ["new", "not.*", "!nor.this"]}})
    await api.call("PUT", f"/automations/{owned['id']}", replaced)

    async def related(resource: str) -> int:
        return len((await api.get(f"/automations/related-to/{resource}")).json)

    assert [await related(resource) for resource in ("my/thing", "new", "old", "not.*", "!nor.this")] == [1, 1, 0, 0, 0]
    assert (await api.call("PUT", f"/automations/{owned['id']}", body(owner_resource="x"))).status == 422


@pytest.mark.parametrize(
    ("action", "location"),
    [
        ({"type": "send-notification", "body": "{{ x"}, ["body"]),
        ({"type": "send-notification", "body": "", "subject": "{% for %}"}, ["subject"]),
        ({"type": "call-webhook", "payload": "{{"}, ["payload"]),
        ({"type": "call-webhook", "payload": {"deep": "{{ }"}}, ["payload"]),
        (
            {"type": "run-deployment", "source": "inferred", "parameters": {"a": [{"b": "{{ x"}]}},
            ["parameters", "a", 0, "b"],
        ),
        (
            {
                "type": "run-deployment",
                "source": "inferred",
                "parameters": {"a": {"__prefect_kind": "jinja", "template": "{{"}},
            },
            ["parameters", "a", "template"],
        ),
    ],
    ids=lambda value: str(value["type"]) if isinstance(value, dict) else "at",
)
async def test_a_template_that_cannot_be_rendered_is_refused_where_it_stands(
    api: Api, action: dict[str, Any], location: list[Json]
) -> None:
    if "deployment" not in action["type"]:
        action = action | {"block_document_id": str(uuid4())}
    for list_name in ("actions", "actions_on_trigger"):
        answer = await api.post("/automations/", body(**{list_name: [NOTHING, action]}))
        assert answer.status == 422
        assert answer.json["exception_detail"][0]["loc"] == ["body", list_name, 1, *location]


async def test_job_variables_have_to_fit_the_pool_of_the_selected_deployment(api: Api) -> None:
    variables = {"type": "object", "properties": {"cpus": {"type": "integer"}}}
    template = {"job_configuration": {"cpus": "{{ cpus }}"}, "variables": variables}
    await api.post("/work_pools/", {"name": "pool", "type": "process", "base_job_template": template})
    deployed = {"name": "d", "flow_id": await api.flow(), "work_pool_name": "pool"}
    deployment = (await api.post("/deployments/", deployed)).json["id"]
    action = {"type": "run-deployment", "deployment_id": deployment}
    assert (await api.post("/automations/", body(actions=[action | {"job_variables": {"cpus": 2}}]))).status == 201
    refused = await api.post("/automations/", body(actions=[action | {"job_variables": {"cpus": "many"}}]))
    assert refused.status == 422
    assert "cpus" in refused.json["detail"]


async def test_switching_on_what_would_feed_itself_is_refused(api: Api) -> None:
    feeding = {
        "trigger": REACTIVE | {"expect": ["prefect.flow-run.Running"]},
        "actions": [{"type": "run-deployment", "source": "inferred"}],
    }
    assert (await api.post("/automations/", body(**feeding))).status == 422
    made = await make(api, enabled=False, **feeding)
    path = f"/automations/{made['id']}"
    assert (await api.patch(path, {"enabled": True})).status == 422
    assert (await api.get(path)).json["enabled"] is False


async def test_templates_are_validated_on_their_own(api: Api) -> None:
    for path in ("/automations/templates/validate", "/templates/validate"):
        assert (await api.post(path, "{{ flow.name }}")).status == 204
        refused = await api.post(path, "{{ flow.name")
        assert (refused.status, refused.json["error"]["line"]) == (422, 1)
