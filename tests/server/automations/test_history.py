"""What automations have done is there to be looked at, page by page, even once they are deleted."""

from datetime import timedelta
from uuid import uuid4

import pytest

from headrace.server.automations.actions import retention
from headrace.server.store.base import Statement
from headrace.settings import Settings
from headrace.wire.times import now
from tests.server.api import Api, Json
from tests.server.automations.acting import carry_out, rows
from tests.server.automations.fired import event, fire
from tests.server.automations.made import NOTHING, make

AGE = Statement("UPDATE automation_firings SET fired_at = $2 WHERE id = $1")


@pytest.fixture
def settings(database_settings: Settings) -> Settings:
    return database_settings


async def firings(api: Api, id: str, query: str = "") -> Json:
    answer = await api.get(f"/x/automations/{id}/firings", query)
    assert answer.status == 200, answer.json
    return answer.json


async def test_a_firing_is_shown_with_its_cause_and_its_actions(api: Api, settings: Settings) -> None:
    made = await make(api, actions=[NOTHING, {"type": "cancel-flow-run"}])
    cause = event("my.thing")
    fired = await fire(api.store, made, cause, **{"prefect.resource.id": "my.thing"})
    await carry_out(api, settings)
    page = await firings(api, made["id"])
    (found,) = page["firings"]
    assert page["next"] is None
    assert (found["id"], found["automation_id"]) == (str(fired.id), made["id"])
    assert (found["state"], found["posture"]) == ("Triggered", "Reactive")
    assert found["labels"] == {"prefect.resource.id": "my.thing"}
    assert (found["event"]["id"], found["event"]["payload"]) == (str(cause.id), {"x": 1})
    first, second = found["actions"]
    assert (first["position"], first["status"], first["attempts"], first["reason"]) == (0, "EXECUTED", 1, None)
    assert (second["action"]["type"], second["status"]) == ("cancel-flow-run", "FAILED")
    assert second["reason"] == "No flow run could be inferred"
    assert second["ended"] is not None


async def test_pages_go_back_through_every_firing_once(api: Api) -> None:
    made, other = await make(api), await make(api, name="other")
    expected = [str((await fire(api.store, made, event())).id) for _ in range(5)][::-1]
    await fire(api.store, other, event())
    seen: list[str] = []
    query = "limit=2"
    while True:
        page = await firings(api, made["id"], query)
        seen += [found["id"] for found in page["firings"]]
        if page["next"] is None:
            break
        query = f"limit=2&before={page['next']}"
    assert seen == expected


async def test_what_a_deleted_automation_has_done_is_kept(api: Api) -> None:
    made = await make(api)
    await fire(api.store, made, None)
    await api.delete(f"/automations/{made['id']}")
    assert len((await firings(api, made["id"]))["firings"]) == 1


async def test_an_automation_that_never_fired_is_told_from_one_that_never_was(api: Api) -> None:
    made = await make(api)
    assert await firings(api, made["id"]) == {"firings": [], "next": None}
    missing = await api.get(f"/x/automations/{uuid4()}/firings")
    assert (missing.status, missing.json["exception_message"]) == (404, "Automation not found")


async def test_old_firings_go_with_their_actions_once_nothing_is_to_be_done(api: Api, settings: Settings) -> None:
    made = await make(api)
    old = await fire(api.store, made, event())
    assert not await retention.trim(api.store, timedelta(0), now() + timedelta(seconds=1))
    assert len((await firings(api, made["id"]))["firings"]) == 1, "its action still waits"
    await carry_out(api, settings)
    new = await fire(api.store, made, event())
    await api.store.execute(AGE, old.id, now() - timedelta(days=31))
    await carry_out(api, settings)
    (left,) = (await firings(api, made["id"]))["firings"]
    assert left["id"] == str(new.id)
    assert len(await rows(api)) == 1
