"""A firing is written with its events and one row for each action, or not at all (contract §6.3, §8)."""

from uuid import UUID, uuid4

import pytest

from headrace.rules.triggers.ledgers import RootFiring
from headrace.server.automations import firing, service
from headrace.server.store.base import Statement
from headrace.wire.firings import Firing
from tests.server.api import Api, Json
from tests.server.automations.fired import NOON, event, fire
from tests.server.automations.made import NOTHING, make
from tests.server.told import Told, told

ACTIONS = Statement("SELECT count(*) FROM automation_actions")


async def news(api: Api) -> list[Told]:
    """The events about what automations do, in their order."""
    return [each for each in await told(api.store, "automation") if not each.event.endswith("created")]


def role(id: str, name: str) -> Json:
    return {"prefect.resource.id": id, "prefect.resource.role": name}


async def test_a_firing_tells_of_itself_and_of_each_action_that_follows(api: Api) -> None:
    deployment = uuid4()
    actions = [NOTHING, {"type": "pause-deployment", "source": "inferred"}]
    made = await make(api, actions=actions, actions_on_trigger=[NOTHING])
    cause = event("my.thing", (f"prefect.deployment.{deployment}", "deployment"))
    fired = await fire(api.store, made, cause, **{"prefect.resource.id": "my.thing"})

    own = {"prefect.resource.id": f"prefect.automation.{made['id']}", "prefect.resource.name": "watch"}
    first, *rest = await news(api)
    assert (first.event, first.follows, first.id) == ("prefect.automation.triggered", None, fired.id)
    assert first.resource == own | {"prefect.posture": "Reactive"}
    assert first.related == [role(f"prefect.event.{cause.id}", "triggering-event")]
    assert first.payload["triggering_labels"] == {"prefect.resource.id": "my.thing"}
    assert first.payload["triggering_event"]["id"] == str(cause.id)

    assert [each.event for each in rest] == ["prefect.automation.action.triggered"] * 3
    assert [each.payload["action_index"] for each in rest] == [0, 1, 2]
    assert [each.payload["action_type"] for each in rest] == ["do-nothing", "pause-deployment", "do-nothing"]
    assert [each.follows for each in rest] == [cause.id, cause.id, first.id]
    assert len({each.payload["invocation"] for each in rest}) == 3
    acting = own | {"prefect.posture": "Reactive", "prefect.trigger-type": "event"}
    assert all(each.resource == acting for each in rest)
    by_firing = role(f"prefect.event.{first.id}", "automation-triggered-event")
    assert rest[1].related == [
        role(f"prefect.deployment.{deployment}", "target"),
        by_firing,
        role(f"prefect.event.{cause.id}", "triggering-event"),
    ]
    assert rest[2].related == [by_firing, role(f"prefect.event.{first.id}", "triggering-event")]


async def test_a_firing_without_an_event_tells_so(api: Api) -> None:
    made = await make(api)
    await fire(api.store, made, None)
    first, second = await news(api)
    assert (first.related, first.payload["triggering_event"]) == ([], None)
    assert (second.follows, len(second.related)) == (None, 1)


async def test_a_firing_that_is_rolled_back_leaves_nothing(api: Api) -> None:
    found = await service.read(api.store, UUID((await make(api))["id"]))
    fired = Firing(trigger=found.trigger, triggered=NOON, triggering_event=event())

    async def failing() -> None:
        async with api.store.transaction() as transaction:
            await firing.record(transaction, [RootFiring(found, fired)], NOON)
            raise RuntimeError("the evaluation failed")

    with pytest.raises(RuntimeError):
        await failing()
    assert await news(api) == []
    assert (await api.store.fetch(ACTIONS))[0][0] == 0
