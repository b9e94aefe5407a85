"""Signs of life of flow runs."""

import os
import threading
from types import SimpleNamespace
from typing import Any
from uuid import uuid4

import pytest

from headrace import flow, tags
from headrace.sdk import heartbeats
from headrace.sdk.heartbeats import Heart
from headrace.settings import context as settings_context
from headrace.wire import events as wire
from headrace.wire.errors import ServiceUnavailable
from tests.sdk.fake import FakeAPI


class Clock:
    """Seconds that a test lets pass."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def heart(clock: Clock, monkeypatch: pytest.MonkeyPatch) -> Heart:
    """A heart whose thread does nothing: the test beats itself."""
    monkeypatch.setattr(Heart, "_run", lambda self: None)
    return Heart(clock)


def run_of(api: FakeAPI, every: float = 180, **fields: Any) -> Any:
    """What a heart knows of a run."""
    known = {"deployment_id": None, "work_queue_id": None, "work_pool_id": None, "tags": ["nightly"]} | fields
    return SimpleRun(
        flow=SimpleNamespace(name="logistics"),
        flow_run=SimpleNamespace(id=uuid4(), name="today", flow_id=uuid4(), **known),
        session=SimpleNamespace(
            settings=SimpleNamespace(flows=SimpleNamespace(heartbeat_frequency=every)), recording=api
        ),
    )


class SimpleRun(SimpleNamespace):
    """Told apart from others by identity, as contexts are."""

    __hash__ = object.__hash__
    __eq__ = object.__eq__


def test_a_run_beats_after_a_second_and_then_as_often_as_the_settings_say(
    api: FakeAPI, heart: Heart, clock: Clock
) -> None:
    with heart.beating(run_of(api)):
        beats = []
        for clock.now in (0, 0.9, 1.0, 180, 181, 360, 361):
            heart.beat_due()
            beats.append(len(api.events))
        assert beats == [0, 0, 1, 1, 2, 2, 3]
        assert heart.beat_due() == 180
    clock.now = 10_000
    assert heart.beat_due() is None, "a run that has ended beats no more"
    assert len(api.events) == 3


def test_the_sign_says_which_run_goes_on_and_what_it_belongs_to(api: FakeAPI, heart: Heart, clock: Clock) -> None:
    run = run_of(api, work_queue_id=(queue := uuid4()), work_queue_name="urgent")
    with heart.beating(run):
        clock.now = 1.0
        heart.beat_due()
    (event,) = api.events
    assert event.event == "prefect.flow-run.heartbeat"
    assert event.resource == {
        "prefect.resource.id": f"prefect.flow-run.{run.flow_run.id}",
        "prefect.resource.name": "today",
    }
    assert [(each["prefect.resource.role"], each.get("prefect.resource.name")) for each in event.related] == [
        ("flow", "logistics"),
        ("work-queue", "urgent"),
        ("tag", None),
    ]
    assert event.related[1]["prefect.resource.id"] == f"prefect.work-queue.{queue}"


def test_a_sign_that_does_not_get_through_is_followed_by_the_next(api: FakeAPI, heart: Heart, clock: Clock) -> None:
    failures = iter([ServiceUnavailable("away")])
    api.refuse_events = lambda: next(failures, None)
    with heart.beating(run_of(api)):
        for clock.now in (1.0, 181.0):
            heart.beat_due()
    assert len(api.events) == 1


def test_without_a_frequency_nothing_beats(api: FakeAPI, heart: Heart) -> None:
    with heart.beating(run_of(api, every=0)):
        assert heart.beat_due() is None


def test_a_forked_child_beats_for_none_of_its_parents_runs(api: FakeAPI) -> None:
    with heartbeats.HEART.beating(run_of(api)):
        child = os.fork()
        if child == 0:
            os._exit(0 if heartbeats.HEART.beat_due() is None else 1)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def test_a_flow_that_takes_its_time_beats_and_a_short_one_does_not(api: FakeAPI) -> None:
    beaten = threading.Event()
    take = api.post_events

    def post_events(events: list[wire.Event]) -> None:
        take(events)
        if any(event.event == heartbeats.EVENT for event in events):
            beaten.set()

    api.post_events = post_events  # type: ignore[method-assign]

    @flow
    def short() -> None: ...

    @flow
    def waits() -> None:
        assert beaten.wait(30)

    short()
    with tags("slow"):
        waits()
    beats = [event for event in api.events if event.event == heartbeats.EVENT]
    assert [event.resource["prefect.resource.id"] for event in beats] == [
        f"prefect.flow-run.{api.run_named('waits').id}"
    ]
    assert beats[0].related[-1]["prefect.resource.id"] == "prefect.tag.slow"


def test_the_settings_can_do_without(api: FakeAPI, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HEADRACE_FLOWS_HEARTBEAT_FREQUENCY", "0")
    settings_context.reload()
    began: list[object] = []
    monkeypatch.setattr(Heart, "_begin", lambda self, run: began.append(run))

    @flow
    def quiet() -> None: ...

    quiet()
    assert began == []
