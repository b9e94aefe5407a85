"""What a preview tells, and that an operation holds to it."""

import pytest

from tests.server.api import Api, Json

_FILTER = {"filters": {"flow_runs": {"tags": {"all_": ["old"]}}}}


async def _preview(api: Api, target: Json, **fields: Json) -> Json:
    answer = await api.post("/x/operations/preview", {"kind": "delete", "target": target, **fields})
    assert answer.status == 200, answer.json
    return answer.json


async def test_a_preview_counts_by_state_and_what_goes_along(api: Api) -> None:
    """Subflow runs, task runs, lines and artifacts of those that match."""
    over = await api.flow_run({"type": "COMPLETED"}, tags=["old"])
    running = await api.flow_run({"type": "RUNNING"}, tags=["old"], name="busy-bee")
    await api.flow_run({"type": "COMPLETED"})
    parent = await api.task_run(over)
    await api.task_run(running)
    await api.flow_run({"type": "COMPLETED"}, parent_task_run_id=parent)
    line = {"name": "l", "level": 20, "message": "m", "timestamp": "2026-01-01T00:00:00Z", "flow_run_id": over}
    assert (await api.post("/logs/", [line])).status == 201
    assert (await api.post("/artifacts/", {"key": "a", "type": "markdown", "flow_run_id": over})).status == 201

    told = await _preview(api, _FILTER)

    assert (told["total"], told["active"], told["by_state"]) == (2, 1, {"COMPLETED": 1, "RUNNING": 1})
    assert told["rows"] == {"subflow_runs": 1, "task_runs": 2, "logs": 1, "artifacts": 1}
    assert told["samples"][0] == {"id": running, "name": "busy-bee", "state_name": "Running"}
    assert told["reversible"]


@pytest.mark.parametrize(
    "noun", ["flows", "flow_runs", "task_runs", "deployments", "artifacts", "variables", "block_documents",
             "automations"]
)  # fmt: skip
async def test_everything_of_each_noun_can_be_previewed(api: Api, noun: str) -> None:
    """Also where there is none."""
    told = await _preview(api, {"everything": True}, noun=noun)
    assert (told["total"], told["samples"]) == (0, [])


async def test_an_operation_holds_to_its_preview(api: Api) -> None:
    """If others match by now, it says so and does nothing."""
    await api.flow_run({"type": "COMPLETED"}, tags=["old"])
    body = {"kind": "delete", "target": _FILTER}
    body["token"] = (await _preview(api, _FILTER))["token"]
    await api.flow_run({"type": "COMPLETED"}, tags=["old"])

    refused = await api.post("/x/operations", body)

    assert refused.status == 409
    assert refused.json["detail"] == ("2 flow_runs match now, and not 1 as in the preview: preview it again.")
    body["token"] = (await _preview(api, _FILTER))["token"]
    assert (await api.post("/x/operations", body)).status == 202


async def test_a_token_is_for_the_operation_that_was_previewed(api: Api) -> None:
    """Not for another target."""
    token = (await _preview(api, _FILTER))["token"]
    for bad in (token, "nonsense", "é"):
        answer = await api.post("/x/operations", {"kind": "delete", "target": {"everything": True}, "token": bad})
        assert answer.status == 409
        assert "preview it as it is now" in answer.json["detail"]
