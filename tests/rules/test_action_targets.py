"""An action finds what it works on: what it names, or the first of its kind that the event is about."""

from datetime import UTC, datetime
from uuid import UUID

import pytest

from headrace.rules.action_targets import Target, involved, target
from headrace.wire.actions import Action, CancelFlowRun, DoNothing, PauseDeployment, PauseWorkPool, Source
from headrace.wire.events import Event

ONE, TWO, THREE = (UUID(int=number) for number in (1, 2, 3))
NOON = datetime(2026, 8, 1, 12, tzinfo=UTC)


def event(*ids: str) -> Event:
    """An event about the first of these resources, which is related to the others."""
    first, *others = ({"prefect.resource.id": id, "prefect.resource.role": "any"} for id in ids)
    return Event(id=THREE, occurred=NOON, event="x", resource=first, related=others)


RUN = event(f"prefect.flow-run.{ONE}", f"prefect.deployment.{TWO}")
RELATED = event("my.thing", "prefect.flow-run.not-an-id", f"prefect.flow-run.{ONE}", f"prefect.flow-run.{TWO}")
SELECTED = PauseDeployment(deployment_id=THREE)
INFERRED = PauseDeployment(source=Source.inferred)


@pytest.mark.parametrize(
    ("action", "by", "labels", "found"),
    [
        (SELECTED, RUN, {}, Target("deployment", THREE)),
        (SELECTED, None, {}, Target("deployment", THREE)),
        (INFERRED, RUN, {}, Target("deployment", TWO)),
        (INFERRED, RELATED, {}, None),
        (CancelFlowRun(), RUN, {}, Target("flow-run", ONE)),
        (CancelFlowRun(), RELATED, {}, Target("flow-run", ONE)),
        (CancelFlowRun(), None, {"prefect.resource.id": f"prefect.flow-run.{TWO}"}, Target("flow-run", TWO)),
        (CancelFlowRun(), RUN, {"prefect.resource.id": f"prefect.flow-run.{TWO}"}, Target("flow-run", ONE)),
        (CancelFlowRun(), None, {"prefect.flow-run.id": str(TWO)}, None),
        (PauseWorkPool(source=Source.inferred), RUN, {}, None),
        (DoNothing(), RUN, {}, None),
    ],
)
def test_the_target(action: Action, by: Event | None, labels: dict[str, str], found: Target | None) -> None:
    assert target(action, by, labels) == found


def test_a_kind_whose_name_begins_with_another_is_another() -> None:
    assert involved("flow", RUN) is None
    assert involved("flow-run", RUN) == ONE


def test_a_target_is_a_resource() -> None:
    assert Target("work-pool", ONE).resource_id == f"prefect.work-pool.{ONE}"
