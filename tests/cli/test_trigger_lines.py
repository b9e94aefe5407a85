"""Triggers in words."""

from headrace.cli.trigger_lines import lines_of
from headrace.events import CompoundTrigger, EventTrigger, Posture, SequenceTrigger

LATE = EventTrigger(
    expect=["prefect.flow-run.Completed"],
    after=["prefect.flow-run.Running"],
    match={"prefect.resource.id": ["prefect.flow-run.1", "prefect.flow-run.2"]},
    match_related={"prefect.resource.role": "flow", "prefect.resource.name": "nightly"},
    for_each=["prefect.resource.id"],
    posture=Posture.Proactive,
    within=3600,
)


def test_a_trigger_in_words() -> None:
    assert list(lines_of(LATE)) == [
        "fewer than 1 × prefect.flow-run.Completed after prefect.flow-run.Running within 3600 s",
        "  prefect.resource.id is prefect.flow-run.1 or prefect.flow-run.2",
        "  of a related resource prefect.resource.role is flow and prefect.resource.name is nightly",
        "  for each prefect.resource.id",
    ]
    assert list(lines_of(EventTrigger(threshold=3))) == ["3 × any event"]


def test_triggers_within_triggers() -> None:
    outer = CompoundTrigger(
        require="any",
        within=60,
        triggers=[EventTrigger(expect=["a"]), SequenceTrigger(triggers=[EventTrigger(expect=["b"])])],
    )
    assert list(lines_of(outer)) == ["any of within 60 s:", "  1 × a", "  in this order:", "    1 × b"]
