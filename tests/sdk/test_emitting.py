"""Users' own events: what they say, what surrounds them, and that nothing fails for them."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from headrace import flow, runtime, tags, task
from headrace.events import Event, emit_event
from headrace.sdk import session
from headrace.wire import events as wire
from headrace.wire.errors import ServiceUnavailable, Unprocessable
from tests.sdk.fake import FakeAPI

ORDER = {"prefect.resource.id": "acme.order.17"}
MOMENT = datetime(2026, 1, 1, 12, tzinfo=UTC)


def sent(api: FakeAPI) -> list[wire.Event]:
    """Users' events that reached the API, in the order in which they did."""
    session.flush_all(20)
    return [event for event in api.events if not event.event.startswith("prefect.")]


def related(event: wire.Event) -> list[tuple[str, str | None]]:
    return [(labels["prefect.resource.role"], labels.get("prefect.resource.name")) for labels in event.related]


def test_an_event_reaches_the_api_as_it_was_said(api: FakeAPI) -> None:
    id_ = uuid4()
    said = emit_event(
        "order.shipped",
        ORDER,
        occurred=MOMENT,
        related=[{"prefect.resource.id": "acme.customer.3", "prefect.resource.role": "customer"}],
        payload={"parcels": 2, "at": MOMENT},
        id=id_,
    )
    (event,) = sent(api)
    assert said is not None
    assert (event.id, event.event, event.occurred, event.resource) == (id_, "order.shipped", MOMENT, ORDER)
    assert event.payload == {"parcels": 2, "at": "2026-01-01T12:00:00Z"}
    assert [dict(labels) for labels in event.related] == [
        {"prefect.resource.id": "acme.customer.3", "prefect.resource.role": "customer"}
    ]
    assert event.follows is None


def test_events_and_the_states_of_tasks_arrive_in_the_order_in_which_they_happened(api: FakeAPI) -> None:
    @task
    def works() -> None:
        emit_event("inside", ORDER)

    emit_event("before", ORDER)
    works()
    emit_event("after", ORDER)
    session.flush_all(20)
    names = [event.event for event in api.events]
    assert names == [
        "before",
        "prefect.task-run.Pending",
        "prefect.task-run.Running",
        "inside",
        "prefect.task-run.Completed",
        "after",
    ]


def test_what_surrounds_an_event_is_related_to_it(api: FakeAPI) -> None:
    @task(name="ships", tags={"task-tag"}, task_run_name="ships-17")
    def ships() -> None:
        emit_event("in.task", ORDER, related=[{"prefect.resource.id": "acme.customer.3", "prefect.resource.role": "x"}])

    @flow(name="logistics", flow_run_name="today")
    def logistics() -> None:
        emit_event("in.flow", ORDER)
        emit_event("of.flow", {"prefect.resource.id": f"prefect.flow-run.{runtime.flow_run.id}"})
        ships()

    with tags("flow-tag"):
        logistics()
    in_flow, of_flow, in_task = sent(api)
    around = [("flow-run", "today"), ("flow", "logistics"), ("tag", None)]
    assert related(in_flow) == around
    assert related(of_flow) == around[1:]
    assert related(in_task) == [
        ("x", None),
        ("flow-run", "today"),
        ("task-run", "ships-17"),
        ("flow", "logistics"),
        ("tag", None),
        ("tag", None),
    ]
    assert [labels["prefect.resource.id"] for labels in in_task.related[-2:]] == [
        "prefect.tag.flow-tag",
        "prefect.tag.task-tag",
    ]
    assert in_flow.related[0]["prefect.resource.id"] == f"prefect.flow-run.{api.only_run.id}"


@pytest.mark.parametrize(("apart", "followed"), [(299, True), (-299, True), (300, False), (-3600, False)])
def test_an_event_follows_another_that_came_shortly_before(api: FakeAPI, apart: int, followed: bool) -> None:
    first = emit_event("first", ORDER, occurred=MOMENT)
    second = emit_event("second", ORDER, occurred=MOMENT + timedelta(seconds=apart), follows=first)
    assert first is not None
    assert second is not None
    assert second.follows == (first.id if followed else None)


def test_a_time_without_a_zone_is_utc(api: FakeAPI) -> None:
    said = emit_event("order.shipped", ORDER, occurred=MOMENT.replace(tzinfo=None))
    assert said is not None
    assert said.occurred == MOMENT


WRONG: list[tuple[Callable[[], Event | None], str]] = [
    (lambda: emit_event("order.shipped", {}), "prefect.resource.id"),
    (lambda: emit_event("order.shipped", {"prefect.resource.id": ""}), "prefect.resource.id"),
    (lambda: emit_event("order.shipped", {**ORDER, "weight": 3}), "weight"),  # type: ignore[dict-item]
    (lambda: emit_event("", ORDER), "1 to 1024"),
    (lambda: emit_event("x" * 1025, ORDER), "1025"),
    (lambda: emit_event("order.shipped", ORDER, related=[ORDER]), "role"),
    (lambda: emit_event("order.shipped", ORDER, related=[ORDER] * 101), "101"),
    (lambda: emit_event("order.shipped", ORDER, payload={"x": "y" * 1_500_000}), "1500000"),
    (lambda: emit_event("order.shipped", ORDER, colour="red"), "colour"),
    (lambda: emit_event("order.shipped", {str(n): "" for n in range(501)} | ORDER), "500"),
]


@pytest.mark.parametrize("number", range(len(WRONG)))
def test_an_event_that_cannot_be_is_told_and_fails_nothing(
    api: FakeAPI, caplog: pytest.LogCaptureFixture, number: int
) -> None:
    emit, reason = WRONG[number]
    assert emit() is None
    assert sent(api) == []
    assert "was not sent" in caplog.text
    assert reason in caplog.text


def test_values_that_json_does_not_know_are_shown(api: FakeAPI) -> None:
    emit_event("order.shipped", ORDER, payload={"what": object})
    (event,) = sent(api)
    assert event.payload == {"what": "<class 'object'>"}


def test_a_payload_that_changes_later_is_sent_as_it_was(api: FakeAPI) -> None:
    payload: dict[str, Any] = {"parcels": [1]}
    emit_event("order.shipped", ORDER, payload=payload)
    payload["parcels"].append(2)
    (event,) = sent(api)
    assert event.payload == {"parcels": [1]}


def test_an_event_that_the_api_refuses_takes_no_task_run_with_it(api: FakeAPI) -> None:
    def refuse(events: list[wire.Event]) -> None:
        if any(event.event == "refused" for event in events):
            raise Unprocessable("no")
        api.events.extend(events)

    api.post_events = refuse  # type: ignore[method-assign]

    @task
    def works() -> None:
        emit_event("refused", ORDER)
        emit_event("taken", ORDER)

    works()
    assert [event.event for event in sent(api)] == ["taken"]
    assert [event.resource["prefect.state-name"] for event in api.task_run_events] == [
        "Pending",
        "Running",
        "Completed",
    ]


def test_events_wait_for_an_api_that_is_away(api: FakeAPI) -> None:
    failures = iter([ServiceUnavailable("away"), ServiceUnavailable("away")])
    api.refuse_events = lambda: next(failures, None)
    emit_event("order.shipped", ORDER)
    assert [event.event for event in sent(api)] == ["order.shipped"]


def test_an_event_knows_its_resources() -> None:
    flow_run = uuid4()
    event = Event(
        event="order.shipped",
        resource={"prefect.resource.id": f"prefect.flow-run.{flow_run}", "prefect.name": "today"},
        related=[
            {"prefect.resource.id": "a", "prefect.resource.role": "customer", "prefect.resource.name": "Anna"},
            {"prefect.resource.id": "b", "prefect.resource.role": "customer"},
        ],
    )
    assert (event.resource.id, event.resource.name) == (f"prefect.flow-run.{flow_run}", "today")
    assert event.resource.prefect_object_id("prefect.flow-run") == UUID(str(flow_run))
    with pytest.raises(ValueError, match=r"no prefect\.flow"):
        event.resource.prefect_object_id("prefect.flow")
    assert [resource.id for resource in event.involved_resources[1:]] == ["a", "b"]
    assert event.resource_in_role["customer"].id == "a"
    assert [resource.id for resource in event.resources_in_role["customer"]] == ["a", "b"]
    assert event.find_resource_label("prefect.name") == "today"
    assert event.find_resource_label("related:customer:prefect.resource.name") == "Anna"
    assert event.find_resource_label("related:carrier:prefect.resource.name") is None
