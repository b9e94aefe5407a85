"""Automations as clients send them: what is taken, what is made of it, and what is refused (contract §8)."""

from typing import Any
from uuid import UUID

import msgspec
import pytest

from headrace.wire.actions import CallWebhook, RunDeployment
from headrace.wire.automations import AutomationCreate
from headrace.wire.triggers import CompoundTrigger, EventTrigger, SequenceTrigger, event_triggers, renewed

ID = "11111111-1111-1111-1111-111111111111"
REACTIVE = {"type": "event", "posture": "Reactive"}
PROACTIVE = {"type": "event", "posture": "Proactive"}
_decode = msgspec.json.Decoder(AutomationCreate, strict=False).decode


def read(trigger: Any = None, *actions: Any, **fields: Any) -> AutomationCreate:
    body = {"name": "a", "trigger": trigger or REACTIVE, "actions": list(actions) or [{"type": "do-nothing"}]}
    return _decode(msgspec.json.encode(body | fields))


def compound(*triggers: Any, **fields: Any) -> dict[str, Any]:
    return {"type": "compound", "require": "any", "within": None, "triggers": list(triggers)} | fields


@pytest.mark.parametrize(
    ("trigger", "within"),
    [
        (REACTIVE, 0.0),
        (REACTIVE | {"within": 1.5}, 1.5),
        (REACTIVE | {"within": "PT1M"}, 60.0),
        (PROACTIVE, 10.0),
        (PROACTIVE | {"within": 0}, 10.0),
        (PROACTIVE | {"within": 10}, 10.0),
        (compound(REACTIVE, within="PT1H"), 3600.0),
        (compound(REACTIVE, within=None), None),
        ({"type": "sequence", "within": 5, "triggers": [REACTIVE, REACTIVE]}, 5.0),
    ],
)
def test_durations_become_seconds(trigger: Any, within: float | None) -> None:
    assert read(trigger).trigger.within == within


def test_names_and_labels_are_kept_once_in_their_order() -> None:
    trigger = read(REACTIVE | {"expect": ["b", "a", "b"], "after": ["x", "x"], "for_each": ["k", "j", "k"]}).trigger
    assert isinstance(trigger, EventTrigger)
    assert (trigger.expect, trigger.after, trigger.for_each) == (["b", "a"], ["x"], ["k", "j"])


@pytest.mark.parametrize(
    ("match_related", "related"),
    [({}, []), ({"a": "b"}, [{"a": "b"}]), ([], []), ([{"a": "b"}, {}], [{"a": "b"}, {}])],
)
def test_related_specifications_are_a_list(match_related: Any, related: list[Any]) -> None:
    trigger = read(REACTIVE | {"match_related": match_related}).trigger
    assert isinstance(trigger, EventTrigger)
    assert trigger.related == related


@pytest.mark.parametrize(("require", "needed"), [("any", 1), ("all", 2), (1, 1), (2, 2)])
def test_a_compound_trigger_knows_how_many_it_needs(require: Any, needed: int) -> None:
    trigger = read(compound(REACTIVE, PROACTIVE, require=require)).trigger
    assert isinstance(trigger, CompoundTrigger)
    assert trigger.needed == needed


def test_ids_are_given_anew_to_every_trigger() -> None:
    nested = compound(REACTIVE | {"id": ID}, {"type": "sequence", "within": 1, "triggers": [REACTIVE | {"id": ID}]})
    before = read(nested | {"id": ID}).trigger
    after = renewed(before)
    assert isinstance(after, CompoundTrigger)
    assert isinstance(after.triggers[1], SequenceTrigger)
    ids = [after.id, after.triggers[1].id, *(leaf.id for leaf in event_triggers(after))]
    assert len(set(ids)) == 4
    assert UUID(ID) not in ids


def test_a_payload_that_is_an_object_is_kept_as_its_text() -> None:
    (action,) = read(None, {"type": "call-webhook", "block_document_id": ID, "payload": {"a": "{{ b }}"}}).actions
    assert isinstance(action, CallWebhook)
    assert action.payload == '{\n  "a": "{{ b }}"\n}'


def test_a_run_may_be_scheduled_for_later() -> None:
    (action,) = read(None, {"type": "run-deployment", "source": "inferred", "schedule_after": "PT5M"}).actions
    assert isinstance(action, RunDeployment)
    assert (action.schedule_after, action.selected_id) == (300.0, None)


@pytest.mark.parametrize(
    ("trigger", "at"),
    [
        ({"type": "metric", "posture": "Metric", "metric": {}}, "$.trigger.type"),
        ({"type": "event"}, "$.trigger"),
        (REACTIVE | {"posture": "Lazy"}, "$.trigger.posture"),
        (REACTIVE | {"within": -1}, "$.trigger"),
        (REACTIVE | {"within": "10"}, "$.trigger"),
        (REACTIVE | {"within": None}, "$.trigger.within"),
        (PROACTIVE | {"within": 9.9}, "$.trigger"),
        (REACTIVE | {"match": {"a": 1}}, "$.trigger.match[...]"),
        (compound(REACTIVE, require=0), "$.trigger"),
        (compound(REACTIVE, require=2), "$.trigger"),
        (compound(REACTIVE, require="some"), "$.trigger.require"),
        ({"type": "compound", "require": "any", "triggers": [REACTIVE]}, "$.trigger"),
        (compound(compound(PROACTIVE | {"within": 1})), "$.trigger.triggers[0].triggers[0]"),
    ],
)
def test_a_trigger_that_cannot_be_is_refused_where_it_is_wrong(trigger: Any, at: str) -> None:
    with pytest.raises(msgspec.ValidationError) as refused:
        read(trigger)
    assert str(refused.value).endswith(f"at `{at}`")


@pytest.mark.parametrize(
    ("kind", "key"),
    [
        ("run-deployment", "deployment_id"),
        *((f"{verb}-deployment", "deployment_id") for verb in ("pause", "resume")),
        *((f"{verb}-work-pool", "work_pool_id") for verb in ("pause", "resume")),
        *((f"{verb}-work-queue", "work_queue_id") for verb in ("pause", "resume")),
        *((f"{verb}-automation", "automation_id") for verb in ("pause", "resume")),
    ],
)
def test_a_target_is_named_or_inferred(kind: str, key: str) -> None:
    for fine in ({key: ID}, {"source": "selected", key: ID}, {"source": "inferred"}):
        read(None, {"type": kind} | fine)
    for wrong in ({}, {"source": "selected"}, {"source": "inferred", key: ID}, {"source": "guessed"}):
        with pytest.raises(msgspec.ValidationError):
            read(None, {"type": kind} | wrong)


@pytest.mark.parametrize(
    "action",
    [
        {"type": "nope"},
        {},
        {"type": "change-flow-run-state"},
        {"type": "change-flow-run-state", "state": "BROKEN"},
        {"type": "send-notification", "block_document_id": ID},
        {"type": "call-webhook"},
        {"type": "run-deployment", "source": "inferred", "schedule_after": -1},
    ],
)
def test_an_action_that_cannot_be_is_refused(action: Any) -> None:
    with pytest.raises(msgspec.ValidationError):
        read(None, action)


FLOW_RUNS = {"prefect.resource.id": "prefect.flow-run.*"}
ONE_FLOW = {"prefect.resource.id": f"prefect.flow.{ID}"}


@pytest.mark.parametrize("state", ["Scheduled", "Pending", "Running", "*"])
def test_a_run_may_not_have_its_own_deployment_run_again(state: str) -> None:
    starting = REACTIVE | {"expect": [f"prefect.flow-run.{state}", "other"]}
    inferred, selected = (
        {"type": "run-deployment", "source": "inferred"},
        {"type": "run-deployment", "deployment_id": ID},
    )
    narrow = starting | {"match": FLOW_RUNS, "match_related": ONE_FLOW}
    for trigger, action in ((starting, inferred), (narrow, inferred), (starting, selected)):
        with pytest.raises(msgspec.ValidationError, match="infinite loop"):
            read(trigger, {"type": "do-nothing"}, action)
        read(trigger, action, enabled=False)
    read(narrow, selected)
    read(starting, {"type": "do-nothing"}, actions_on_trigger=[inferred])


@pytest.mark.parametrize(
    ("match", "match_related", "loops"),
    [
        ({}, {}, True),
        (FLOW_RUNS, {}, True),
        ({"prefect.resource.id": "*"}, {}, True),
        ({"prefect.resource.id": ["prefect.flow-run.*", "x"]}, {}, True),
        ({}, [ONE_FLOW, FLOW_RUNS], True),
        (FLOW_RUNS, ONE_FLOW, False),
        ({"prefect.resource.name": "x"}, {}, False),
        (FLOW_RUNS | {"prefect.resource.name": "x"}, {}, False),
        (ONE_FLOW, {"prefect.resource.id": "*"}, False),
    ],
)
def test_only_a_trigger_that_every_run_pulls_is_a_loop(match: Any, match_related: Any, loops: bool) -> None:
    trigger = REACTIVE | {"expect": ["prefect.flow-run.*"], "match": match, "match_related": match_related}
    action = {"type": "run-deployment", "deployment_id": ID}
    if loops:
        with pytest.raises(msgspec.ValidationError, match="may lead to an infinite loop"):
            read(trigger, action)
    else:
        read(trigger, action)


@pytest.mark.parametrize(
    "trigger",
    [
        REACTIVE | {"expect": ["prefect.flow-run.Completed"]},
        REACTIVE | {"expect": []},
        REACTIVE | {"after": ["prefect.flow-run.Running"], "expect": ["x"]},
        PROACTIVE | {"expect": ["prefect.flow-run.Running"]},
        compound(REACTIVE | {"expect": ["prefect.flow-run.Running"]}),
    ],
)
def test_what_ends_by_itself_is_no_loop(trigger: Any) -> None:
    read(trigger, {"type": "run-deployment", "source": "inferred"})
