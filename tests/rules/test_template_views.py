"""What templates of automations can say of events, firings and objects, and the filters they have for it."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import msgspec
import pytest

from headrace.rules import templates
from headrace.rules.template_views import EventView, FiringView
from headrace.wire.automations import Automation
from headrace.wire.events import ReceivedEvent
from headrace.wire.firings import Firing
from headrace.wire.flow_runs import FlowRun
from headrace.wire.flows import Flow
from headrace.wire.triggers import EventTrigger, Posture

ID = UUID("00000000-0000-4000-8000-000000000001")
NOON = datetime(2026, 8, 1, 12, tzinfo=UTC)
EVENT = ReceivedEvent(
    id=ID,
    occurred=NOON,
    received=NOON,
    event="mill.turned",
    resource={"prefect.resource.id": f"prefect.flow-run.{ID}", "prefect.resource.name": "wheel", "my.label": "L"},
    related=[
        {"prefect.resource.id": "prefect.flow.1", "prefect.resource.role": "flow", "prefect.name": "grind"},
        {"prefect.resource.id": "prefect.tag.a", "prefect.resource.role": "tag"},
        {"prefect.resource.id": "prefect.tag.b", "prefect.resource.role": "tag"},
    ],
    payload={"x": 1, "nested": {"y": ["z"]}},
)
TRIGGER = EventTrigger(posture=Posture.Reactive, expect=["mill.turned"])
FIRING = Firing(trigger=TRIGGER, triggered=NOON, triggering_event=EVENT, triggering_labels={"my.label": "L"})


def context(**more: Any) -> dict[str, Any]:
    named = {
        "event": EventView(EVENT),
        "firing": FiringView(FIRING),
        "automation": Automation(id=ID, name="watch", trigger=TRIGGER, actions=[]),
        "flow": Flow(id=ID, name="grind"),
        "flow_run": FlowRun(id=ID, flow_id=ID, name="brisk-otter"),
        "ui_base": "https://mill.example.com/",
        "now": NOON + timedelta(hours=1),
    }
    return named | more


@pytest.mark.parametrize(
    ("template", "said"),
    [
        ("{{ event.event }} {{ event.id }}", f"mill.turned {ID}"),
        ("{{ event.resource.id }}", f"prefect.flow-run.{ID}"),
        ("{{ event.resource.name }} {{ event.related[0].name }} {{ event.related[1].name }}", "wheel grind None"),
        ("{{ event.resource['my.label'] }} {{ event.resource.labels['my.label'] }}", "L L"),
        ("{{ event.resource.get('none', 'else') }}", "else"),
        ("{{ event.payload.x }} {{ event.payload.nested.y[0] }}", "1 z"),
        ("{{ event.occurred.isoformat() }}", "2026-08-01T12:00:00+00:00"),
        ("{% for one in event.related %}{{ one.role }},{% endfor %}", "flow,tag,tag,"),
        ("{{ event.related | map(attribute='id') | list }}", "['prefect.flow.1', 'prefect.tag.a', 'prefect.tag.b']"),
        ("{{ event.resource_in_role['tag'].id }}", "prefect.tag.a"),
        ("{{ event.resources_in_role['tag'] | length }} {{ event.involved_resources | length }}", "2 4"),
        ("{{ event.find_resource_label('my.label') }}", "L"),
        ("{{ event.find_resource_label('related:flow:prefect.name') }}", "grind"),
        ("{{ event.find_resource_label('related:none:prefect.name') }}", "None"),
        ("{{ event.nothing.at.all }}|{{ nobody.here }}", "|"),
        ("{{ firing.triggering_labels['my.label'] }} {{ firing.trigger.type }}", "L event"),
        ("{{ firing.triggering_event.resource.name }} {{ firing.trigger_states[0] }}", "wheel Triggered"),
        ("{{ automation.name }} {{ automation.trigger.expect[0] }}", "watch mill.turned"),
        ("{{ event.resource | tojson }}", msgspec.json.encode(EVENT.resource).decode()),
        ("{{ event.payload | tojson }}", '{"x":1,"nested":{"y":["z"]}}'),
        ("{{ automation | ui_url }}", f"https://mill.example.com/automations/automation/{ID}"),
        ("{{ event | ui_url }}", f"https://mill.example.com/events/event/2026-08-01/{ID}"),
        ("{{ flow_run | ui_url }}", f"https://mill.example.com/runs/flow-run/{ID}"),
        ("{{ flow | ui_url }}", f"https://mill.example.com/flows/flow/{ID}"),
        ("{{ event.payload | ui_url }}", "None"),
        (
            "{{ event.resource | ui_resource_events_url }}",
            f"https://mill.example.com/events?resource=prefect.flow-run.{ID}",
        ),
        ("{{ event.resource.id | flow_run_id }}", str(ID)),
        ("{{ flow_run | ui_url | flow_run_id }}", str(ID)),
        ("{{ 'nothing' | flow_run_id }}", "None"),
        ("{{ event.occurred | humanize_naturaltime }}", "an hour ago"),
        ("{{ event.occurred | humanize_naturalday }}", "today"),
        ("{{ 12345 | humanize_intcomma }} {{ 90 | humanize_precisedelta }}", "12,345 1 minute and 30 seconds"),
    ],
)
def test_templates_say(template: str, said: str) -> None:
    assert templates.render(template, context()) == said


def test_json_of_whole_events_and_firings_is_theirs() -> None:
    assert msgspec.json.decode(templates.render("{{ event | tojson }}", context())) == msgspec.to_builtins(EVENT)
    firing = msgspec.json.decode(templates.render("{{ firing | tojson }}", context()))
    assert firing == msgspec.to_builtins(FIRING)
    assert msgspec.json.decode(templates.render("{{ event }}", context()))["event"] == "mill.turned"


def test_json_cannot_break_out_of_a_page() -> None:
    assert templates.render("{{ x | tojson }}", {"x": "</script>"}) == '"\\u003c/script\\u003e"'


def test_links_are_relative_where_no_ui_is_known() -> None:
    assert templates.render("{{ flow | ui_url }}", context(ui_base=None)) == f"flows/flow/{ID}"


@pytest.mark.parametrize(
    "template",
    [
        "{{ event._event.id }}",
        "{{ event.__class__.__mro__ }}",
        "{{ flow_run.__struct_fields__ }}",
        "{{ event.resource._labels }}",
        "{{ firing.json.__class__ }}",
    ],
)
def test_what_is_private_stays_so(template: str) -> None:
    try:
        said = templates.render(template, context())
    except templates.TemplateError as error:
        said = str(error)
        assert "unsafe" in said
    else:
        assert said == ""


def test_payloads_cannot_be_changed() -> None:
    with pytest.raises(templates.TemplateError, match=r"not safe|unsafe"):
        templates.render("{{ event.payload.update({'x': 2}) }}", context())


@pytest.mark.parametrize(
    ("template", "names", "variables"),
    [
        ("plain", set(), set()),
        ("{{ flow.name }} {{ event.id }}", {"flow", "event"}, set()),
        ("{{ variables.region }} {{ variables['zone'] }}", {"variables"}, {"region", "zone"}),
        ("{% for flow in event.related %}{{ flow.id }}{% endfor %}", {"event"}, set()),
        ("{{ broken", set(), set()),
    ],
)
def test_what_a_template_asks_for_is_known_before_it_is_rendered(
    template: str, names: set[str], variables: set[str]
) -> None:
    assert templates.uses(template) == (names, variables)
