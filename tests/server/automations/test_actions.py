"""Every action does what it says through the services of the nouns, once, and tells of it (contract §8)."""

from uuid import uuid4

import pytest

from headrace.settings import Settings
from tests.server.api import Api, Json
from tests.server.automations.acting import act, carry_out, only, rows
from tests.server.automations.fired import event, fire
from tests.server.automations.made import NOTHING, make
from tests.server.told import told

NOBODY = "00000000-0000-4000-8000-000000000000"


@pytest.fixture
def settings(database_settings: Settings) -> Settings:
    return database_settings


async def deployed(api: Api, **fields: Json) -> Json:
    """A deployment in a work pool of its own."""
    pool = (await api.post("/work_pools/", {"name": f"pool-{uuid4().hex}", "type": "process"})).json
    named = {"name": "d", "flow_id": await api.flow(), "work_pool_name": pool["name"]}
    made = await api.post("/deployments/", named | fields)
    assert made.status == 201, made.json
    return made.json | {"pool": pool}


async def run_of(api: Api, state: str = "RUNNING", **fields: Json) -> str:
    return await api.flow_run({"type": state}, **fields)


async def test_an_action_that_does_nothing_is_told_of_all_the_same(api: Api, settings: Settings) -> None:
    only(await act(api, settings, NOTHING), status="EXECUTED", attempts=1, reason=None)
    *_, triggered, executed = await told(api.store, "automation")
    assert executed.event == "prefect.automation.action.executed"
    assert executed.follows == triggered.id
    assert executed.resource == triggered.resource
    assert executed.related == triggered.related
    assert executed.payload == triggered.payload


@pytest.mark.parametrize("source", ["selected", "inferred"])
async def test_a_deployment_is_run_on_behalf_of_the_automation(api: Api, settings: Settings, source: str) -> None:
    deployment = await deployed(api, parameters={"a": 1, "kept": 2}, enforce_parameter_schema=False)
    target = {"deployment_id": deployment["id"]} if source == "selected" else {"source": "inferred"}
    parameters = {"a": "{{ event.payload.x }} by {{ automation.name }}", "list": ["{{ event.resource.id }}"]}
    action = {"type": "run-deployment", **target, "parameters": parameters, "schedule_after": 60}
    related = [(f"prefect.deployment.{deployment['id']}", "deployment")]
    row = only(await act(api, settings, action, related=related), status="EXECUTED", result={"status_code": 201})
    (run,) = (await api.post("/flow_runs/filter")).json
    automation = (await api.post("/automations/filter")).json[0]
    assert run["created_by"] == {"id": automation["id"], "type": "AUTOMATION", "display_value": "watch"}
    assert run["parameters"] == {"a": "1 by watch", "kept": 2, "list": ["my.thing"]}
    assert run["idempotency_key"] == f"automation {automation['id']}, action 0, invocation {row['id']}"
    assert run["state_name"] == "Scheduled"
    assert run["expected_start_time"] > run["created"]
    executed = (await told(api.store, "automation"))[-1]
    assert executed.related[:2] == [
        {"prefect.resource.id": f"prefect.deployment.{deployment['id']}", "prefect.resource.role": "target"},
        {
            "prefect.resource.id": f"prefect.flow-run.{run['id']}",
            "prefect.resource.role": "flow-run",
            "prefect.resource.name": run["name"],
        },
    ]


async def test_placeholders_among_parameters_are_resolved(api: Api, settings: Settings) -> None:
    await api.post("/variables/", {"name": "region", "value": {"zone": 1}})
    deployment = await deployed(api, enforce_parameter_schema=False)
    parameters = {
        "json": {"__prefect_kind": "json", "value": "[1, 2]"},
        "variable": {"__prefect_kind": "workspace_variable", "variable_name": "region"},
        "nested": {
            "__prefect_kind": "json",
            "value": {"__prefect_kind": "jinja", "template": "[{{ event.payload.x }}]"},
        },
        "spelled": "{{ variables.region.zone }}",
    }
    action = {"type": "run-deployment", "deployment_id": deployment["id"], "parameters": parameters}
    only(await act(api, settings, action), status="EXECUTED")
    (run,) = (await api.post("/flow_runs/filter")).json
    assert run["parameters"] == {"json": [1, 2], "variable": {"zone": 1}, "nested": [1], "spelled": "1"}


async def test_a_deployment_is_paused_and_resumed(api: Api, settings: Settings) -> None:
    deployment = await deployed(api)
    path, related = f"/deployments/{deployment['id']}", [(f"prefect.deployment.{deployment['id']}", "deployment")]
    only(await act(api, settings, {"type": "pause-deployment", "deployment_id": deployment["id"]}), status="EXECUTED")
    assert (await api.get(path)).json["paused"] is True
    resumed = await act(api, settings, {"type": "resume-deployment", "source": "inferred"}, related=related)
    assert resumed[-1]["status"] == "EXECUTED"
    assert (await api.get(path)).json["paused"] is False


async def test_a_pool_and_a_queue_are_paused_and_resumed(api: Api, settings: Settings) -> None:
    deployment = await deployed(api)
    pool, queue = deployment["pool"], deployment["work_queue_id"]

    async def paused() -> tuple[bool, bool]:
        found = (await api.get(f"/work_pools/{pool['name']}")).json, (await api.get(f"/work_queues/{queue}")).json
        return found[0]["is_paused"], found[1]["is_paused"]

    await act(
        api,
        settings,
        {"type": "pause-work-pool", "work_pool_id": pool["id"]},
        {"type": "pause-work-queue", "work_queue_id": queue},
    )
    assert await paused() == (True, True)
    related = [(f"prefect.work-pool.{pool['id']}", "work-pool"), (f"prefect.work-queue.{queue}", "work-queue")]
    done = await act(
        api,
        settings,
        {"type": "resume-work-pool", "source": "inferred"},
        {"type": "resume-work-queue", "source": "inferred"},
        related=related,
    )
    assert await paused() == (False, False)
    assert [row["result"] for row in done] == [{"status_code": 204}] * 4


async def test_an_automation_pauses_itself_and_is_resumed_by_another(api: Api, settings: Settings) -> None:
    made = await make(api, actions_on_trigger=[{"type": "pause-automation", "source": "inferred"}])
    await fire(api.store, made, event())
    await carry_out(api, settings)
    assert (await api.get(f"/automations/{made['id']}")).json["enabled"] is False
    await act(api, settings, {"type": "resume-automation", "automation_id": made["id"]})
    assert (await api.get(f"/automations/{made['id']}")).json["enabled"] is True


@pytest.mark.parametrize("through", ["resource", "related", "labels"])
async def test_the_flow_run_an_event_is_about_is_cancelled(api: Api, settings: Settings, through: str) -> None:
    run = await run_of(api)
    id = f"prefect.flow-run.{run}"
    action = {"type": "cancel-flow-run"}
    match through:
        case "resource":
            done = await act(api, settings, action, on=id)
        case "related":
            done = await act(api, settings, action, related=[(id, "flow-run")])
        case _:
            done = await act(api, settings, action, **{"prefect.resource.id": id})
    only(done, status="EXECUTED", result={"status_code": 201})
    automation = (await api.post("/automations/filter")).json[0]
    state = (await api.states("flow_run", run))[-1]
    assert (state["type"], state["name"]) == ("CANCELLING", "Cancelling")
    assert state["message"] == f"Cancelled by Automation {automation['id']}"


async def test_a_run_is_suspended_for_an_hour_and_resumed(api: Api, settings: Settings) -> None:
    deployment = await deployed(api)
    run = await run_of(api, deployment_id=deployment["id"], flow_id=deployment["flow_id"])
    suspend, resume = {"type": "suspend-flow-run"}, {"type": "resume-flow-run"}
    done = await act(api, settings, suspend, resume, on=f"prefect.flow-run.{run}")
    assert [row["status"] for row in done] == ["EXECUTED", "EXECUTED"], done
    _, suspended, resumed = await api.states("flow_run", run)
    assert (suspended["type"], suspended["name"]) == ("PAUSED", "Suspended")
    assert suspended["message"].startswith("Suspended by Automation ")
    assert suspended["state_details"]["pause_reschedule"] is True
    assert suspended["state_details"]["pause_timeout"] > suspended["timestamp"]
    assert resumed["name"] == "Resuming"


async def test_a_run_is_put_in_any_state(api: Api, settings: Settings) -> None:
    run = await run_of(api)
    broken = {"type": "change-flow-run-state", "state": "FAILED", "name": "Broken", "message": "as said"}
    forced = {"type": "change-flow-run-state", "state": "COMPLETED", "force": True}
    await act(api, settings, broken, forced, on=f"prefect.flow-run.{run}")
    _, first, second = await api.states("flow_run", run)
    assert (first["type"], first["name"], first["message"]) == ("FAILED", "Broken", "as said")
    assert (second["type"], second["name"]) == ("COMPLETED", "Completed")
    assert second["message"].startswith("State changed by Automation ")


async def test_a_run_is_deleted(api: Api, settings: Settings) -> None:
    run = await run_of(api)
    done = await act(api, settings, {"type": "delete-flow-run"}, on=f"prefect.flow-run.{run}")
    only(done, status="EXECUTED", result={"status_code": 204})
    assert (await api.get(f"/flow_runs/{run}")).status == 404


@pytest.mark.parametrize(
    ("action", "reason"),
    [
        ({"type": "cancel-flow-run"}, "No flow run could be inferred"),
        ({"type": "run-deployment", "source": "inferred"}, "No deployment could be inferred"),
        ({"type": "pause-work-queue", "source": "inferred"}, "No work queue could be inferred"),
        ({"type": "pause-work-pool", "work_pool_id": NOBODY}, "not found"),
        ({"type": "pause-automation", "automation_id": NOBODY}, "Automation not found"),
        ({"type": "pause-deployment", "deployment_id": NOBODY}, "Deployment not found"),
        ({"type": "send-notification", "block_document_id": NOBODY, "body": "x"}, "not found"),
        ({"type": "call-webhook", "block_document_id": NOBODY}, "not found"),
    ],
    ids=lambda value: value["type"] if isinstance(value, dict) else "fails",
)
async def test_an_action_without_its_target_fails_for_good(
    api: Api, settings: Settings, action: Json, reason: str
) -> None:
    row = only(await act(api, settings, action), status="FAILED", attempts=1)
    assert reason in row["reason"]
    failed = (await told(api.store, "automation"))[-1]
    assert (failed.event, failed.payload["reason"]) == ("prefect.automation.action.failed", row["reason"])


async def test_a_refused_state_fails_with_the_reason_of_the_refusal(api: Api, settings: Settings) -> None:
    run = await run_of(api, "COMPLETED")
    row = only(await act(api, settings, {"type": "cancel-flow-run"}, on=f"prefect.flow-run.{run}"), status="FAILED")
    assert row["reason"].startswith("Failed to set state: ")
    running = await run_of(api)
    rows_ = await act(api, settings, {"type": "resume-flow-run"}, on=f"prefect.flow-run.{running}")
    assert rows_[-1]["reason"] == "Failed to resume flow run: Cannot resume a flow run that is not paused."


async def test_a_template_that_fails_says_so(api: Api, settings: Settings) -> None:
    deployment = await deployed(api)
    bad = {"type": "run-deployment", "deployment_id": deployment["id"], "parameters": {"a": "{{ 1 / 0 }}"}}
    row = only(await act(api, settings, bad), status="FAILED", attempts=1)
    assert "division by zero" in row["reason"]
    assert (await api.post("/flow_runs/count")).json == 0


async def test_actions_of_a_firing_are_begun_in_their_order(api: Api, settings: Settings) -> None:
    deployment = await deployed(api)
    id = deployment["id"]
    actions = [{"type": f"{verb}-deployment", "deployment_id": id} for verb in ("pause", "resume", "pause")]
    done = await act(api, settings, *actions)
    assert [row["ended"] for row in done] == sorted(row["ended"] for row in done)
    assert (await api.get(f"/deployments/{id}")).json["paused"] is True


async def test_a_failed_action_keeps_the_others_from_nothing(api: Api, settings: Settings) -> None:
    run = await run_of(api)
    missing = {"type": "pause-deployment", "deployment_id": str(uuid4())}
    await act(api, settings, missing, {"type": "cancel-flow-run"}, on=f"prefect.flow-run.{run}")
    assert [row["status"] for row in await rows(api)] == ["FAILED", "EXECUTED"]
