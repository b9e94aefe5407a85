"""Automations as code says them, and the triggers of deployments."""

from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from headrace import flow
from headrace.automations import (
    Automation,
    CancelFlowRun,
    CompoundTrigger,
    DoNothing,
    EventTrigger,
    Posture,
    RunDeployment,
    SequenceTrigger,
)
from headrace.client.orchestration import HeadraceClient, SyncHeadraceClient, get_client
from headrace.events import DeploymentCompoundTrigger, DeploymentEventTrigger, DeploymentSequenceTrigger
from headrace.events.filters import AutomationFilter
from headrace.events.schemas.events import ResourceSpecification
from headrace.sdk.triggers import DeploymentTrigger, deployment_trigger
from headrace.wire import triggers as wire
from headrace.wire.errors import DefinitionError, ObjectNotFound, Unprocessable
from headrace.wire.filters.automations import AutomationFilterTags

SHIPPED = EventTrigger(expect=["order.shipped"])


@flow
def loads() -> None: ...


def an_automation(**fields: Any) -> Automation:
    return Automation(**{"name": "ships", "trigger": SHIPPED, "actions": [DoNothing()]} | fields)


def test_a_trigger_reacts_unless_it_says_otherwise() -> None:
    assert SHIPPED.posture is Posture.Reactive
    late = EventTrigger(expect=["order.shipped"], posture="Proactive", within=timedelta(minutes=5))  # type: ignore[arg-type]
    assert (late.posture, late.within) == (Posture.Proactive, 300.0)
    with pytest.raises(ValueError, match="10 seconds"):
        EventTrigger(posture=Posture.Proactive, within=3)
    both = CompoundTrigger(triggers=[SHIPPED, late], within=timedelta(hours=1))  # type: ignore[arg-type]
    assert (both.require, both.within, both.needed) == ("all", 3600.0, 2)
    assert SequenceTrigger(triggers=[SHIPPED]).within is None


def test_an_automation_is_made_read_changed_and_deleted(recorded: SyncHeadraceClient) -> None:
    made = an_automation(description="what it does", tags=["orders"]).create()
    assert made.id is not None
    read = Automation.read(id=made.id)
    assert (read.name, read.description, read.tags, read.enabled) == ("ships", "what it does", ["orders"], True)
    assert read.trigger.expect == ["order.shipped"]
    assert Automation.read(name="ships").id == made.id

    made.name, made.actions = "sends", [CancelFlowRun()]
    made.update()
    read = Automation.read(id=made.id)
    assert (read.name, read.actions) == ("sends", [CancelFlowRun()])

    assert made.disable()
    assert not Automation.read(id=made.id).enabled
    assert made.enable()
    assert Automation.read(id=made.id).enabled

    assert made.delete()
    assert not made.delete()
    assert not made.enable()
    with pytest.raises(ObjectNotFound):
        Automation.read(id=made.id)
    with pytest.raises(ObjectNotFound, match="sends"):
        Automation.read(name="sends")


async def test_async_code_awaits_the_same(recorded: SyncHeadraceClient) -> None:
    made = await an_automation().create()
    again = await Automation.aread(name="ships")
    assert again.id == made.id
    assert await again.adisable()
    assert await again.aenable()
    await again.aupdate()
    assert await (await an_automation(name="second").acreate()).adelete()
    assert await made.delete()


def test_what_was_not_created_cannot_be_changed(recorded: SyncHeadraceClient) -> None:
    with pytest.raises(DefinitionError, match="no id yet"):
        an_automation().delete()
    with pytest.raises(DefinitionError, match="by its id or by its name"):
        Automation.read()


def test_an_automation_that_would_set_itself_off_is_refused(recorded: SyncHeadraceClient) -> None:
    with pytest.raises((Unprocessable, ValueError), match="infinite loop"):
        an_automation(
            trigger=EventTrigger(expect=["prefect.flow-run.Running"]), actions=[RunDeployment(source="inferred")]
        ).create()


def test_the_typed_client_finds_automations(recorded: SyncHeadraceClient) -> None:
    ids = [an_automation(name=name, tags=[name[:1]]).create().id for name in ("apples", "apricots", "berries")]
    fruit = AutomationFilter(tags=AutomationFilterTags(all_=["a"]))
    assert [each.name for each in recorded.read_automations(automations=fruit)] == ["apples", "apricots"]
    assert recorded.count_automations(automations=fruit) == 2
    assert recorded.find_automation("berries") == recorded.read_automation(ids[2])
    assert recorded.find_automation(str(ids[0])) == recorded.find_automation(ids[0])
    assert recorded.find_automation("nuts") is None
    assert recorded.find_automation(uuid4()) is None
    recorded.pause_automation(ids[0])
    assert not recorded.read_automation(str(ids[0])).enabled
    recorded.resume_automation(ids[0])
    owned = an_automation(owner_resource="acme.order.17")
    owned.create()
    assert [each.id for each in recorded.read_resource_related_automations("acme.order.17")] == [owned.id]
    recorded.delete_resource_owned_automations("acme.order.17")
    assert recorded.read_resource_related_automations("acme.order.17") == []
    recorded.delete_automation(ids[0])
    with pytest.raises(ObjectNotFound):
        recorded.delete_automation(ids[0])


async def test_the_awaited_client_finds_them_too(recorded: SyncHeadraceClient) -> None:
    made = await an_automation().create()
    client: HeadraceClient = get_client()
    assert (await client.find_automation("ships")) == await client.read_automation(made.id)


def test_a_deployment_is_run_by_its_triggers(recorded: SyncHeadraceClient) -> None:
    def deploy(**options: Any) -> UUID:
        return loads.to_deployment("nightly", **options).apply()

    owner = f"prefect.deployment.{deploy()}"
    deploy(
        triggers=[
            DeploymentEventTrigger(expect=["order.shipped"], parameters={"order": "{{ event.resource.id }}"}),
            {"type": "compound", "require": "any", "triggers": [{"expect": ["a"]}, SHIPPED], "name": "either"},
        ]
    )
    first, second = sorted(recorded.read_resource_related_automations(owner), key=lambda each: each.name)
    assert [first.name, second.name] == ["either", "nightly__automation_1"]
    assert isinstance(first.trigger, wire.CompoundTrigger)
    (action,) = second.actions
    assert isinstance(action, RunDeployment)
    assert f"prefect.deployment.{action.deployment_id}" == owner
    assert action.parameters is not None
    deploy()
    assert recorded.read_resource_related_automations(owner) == [], "what is no longer said is no longer there"


@pytest.mark.parametrize(
    ("trigger", "expected"),
    [
        (DeploymentEventTrigger(expect=["a"], within=5), {"type": "event", "expect": ["a"], "within": 5.0}),
        (DeploymentEventTrigger(posture=Posture.Proactive), {"posture": "Proactive", "within": 10.0}),
        (DeploymentCompoundTrigger(triggers=[SHIPPED], require=1), {"type": "compound", "require": 1}),
        (DeploymentSequenceTrigger(triggers=[SHIPPED], within=60), {"type": "sequence", "within": 60.0}),
    ],
    ids=["event", "proactive", "compound", "sequence"],
)
def test_deployment_triggers_are_the_triggers_of_automations(
    trigger: DeploymentTrigger, expected: dict[str, Any]
) -> None:
    trigger.set_deployment_id(deployment := uuid4())
    automation = trigger.as_automation()
    assert {name: getattr(automation.trigger, name) for name in expected} == expected
    assert automation.owner_resource == trigger.owner_resource() == f"prefect.deployment.{deployment}"
    assert automation.name == f"Automation for deployment {deployment}"


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        ({"type": "metric"}, "metric"),
        ({"type": "event", "expects": ["a"]}, "expects"),
        ({"type": "compound", "triggers": [{"expect": ["a"]}], "require": 3}, "require"),
        ({"type": "sequence"}, "triggers"),
        ({"type": "sequence", "triggers": [{"type": "metric"}]}, "metric"),
    ],
)
def test_a_trigger_of_a_file_that_is_not_whole_is_told(given: dict[str, Any], reason: str) -> None:
    with pytest.raises(DefinitionError, match=reason):
        deployment_trigger(given)


def test_a_deployment_trigger_needs_its_deployment() -> None:
    with pytest.raises(DefinitionError, match="set_deployment_id"):
        DeploymentEventTrigger().as_automation()


@pytest.mark.parametrize(
    ("specification", "every", "every_run"),
    [
        ({}, True, True),
        ({"prefect.resource.id": "*"}, True, True),
        ({"prefect.resource.id": "prefect.flow.*"}, False, False),
        ({"prefect.resource.id": ["prefect.flow-run.*"]}, False, True),
        ({"prefect.resource.id": "prefect.flow-run.*", "team": "data"}, False, False),
    ],
)
def test_a_specification_says_what_it_leaves_out(specification: dict[str, Any], every: bool, every_run: bool) -> None:
    made = ResourceSpecification(specification)
    assert made.matches_every_resource() is every
    assert made.matches_every_resource_of_kind("prefect.flow-run") is every_run


def test_a_specification_matches_resources() -> None:
    made = ResourceSpecification({"prefect.resource.id": "acme.*", "team": ["data", "ml"]})
    resource = {"prefect.resource.id": "acme.order.17", "team": "ml"}
    assert made.matches(resource)
    assert made.includes([{"prefect.resource.id": "x"}, resource])
    assert not made.matches(resource | {"team": "web"})
