"""The templates of actions are found wherever they stand, and become placeholders that are resolved as others are."""

from typing import Any
from uuid import UUID

import pytest

from headrace.rules import action_templates
from headrace.rules.hydration import hydrate
from headrace.wire.actions import Action, CallWebhook, DoNothing, RunDeployment, SendNotification, Source

BLOCK = UUID(int=1)


def running(**parameters: Any) -> RunDeployment:
    return RunDeployment(source=Source.inferred, parameters=parameters)


@pytest.mark.parametrize(
    ("action", "found"),
    [
        (DoNothing(), {}),
        (SendNotification(block_document_id=BLOCK, subject="s", body="b"), {("subject",): "s", ("body",): "b"}),
        (CallWebhook(block_document_id=BLOCK, payload="{{ p }}"), {("payload",): "{{ p }}"}),
        (RunDeployment(source=Source.inferred), {}),
        (running(plain="text", number=1, none=None), {}),
        (
            running(a="{{ x }}", b=[{"c": "{% if y %}{% endif %}"}]),
            {("parameters", "a"): "{{ x }}", ("parameters", "b", 0, "c"): "{% if y %}{% endif %}"},
        ),
        (
            running(a={"__prefect_kind": "jinja", "template": "plain"}),
            {("parameters", "a", "template"): "plain"},
        ),
        (
            running(a={"__prefect_kind": "json", "value": {"__prefect_kind": "jinja", "template": "[1]"}}),
            {("parameters", "a", "value", "template"): "[1]"},
        ),
    ],
)
def test_templates_are_found_with_their_places(action: Action, found: dict[tuple[Any, ...], str]) -> None:
    assert dict(action_templates.of(action)) == found


def test_the_first_template_at_fault_is_named() -> None:
    with pytest.raises(action_templates.Fault, match="not a valid template") as fault:
        action_templates.check(running(fine="{{ x }}", bad=["{{ y"]))
    assert (fault.value.location, fault.value.source) == (("parameters", "bad", 0), "{{ y")


def test_upgraded_strings_are_rendered_and_placeholders_are_left_to_themselves() -> None:
    given = {
        "said": "{{ word }}!",
        "plain": "{ word }",
        "deep": [{"again": "{{ word }}"}, 1, None],
        "json": {"__prefect_kind": "json", "value": "[1]"},
        "jinja": {"__prefect_kind": "jinja", "template": "{{ word }}?"},
    }
    assert hydrate(action_templates.upgraded(given), {}, {"word": "mill"}) == {
        "said": "mill!",
        "plain": "{ word }",
        "deep": [{"again": "mill"}, 1, None],
        "json": [1],
        "jinja": "mill?",
    }
