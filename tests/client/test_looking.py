"""The calls that look: at what the web UI shows, at the server's queues, at events; over the network and in process."""

from collections.abc import Generator
from datetime import timedelta
from pathlib import Path
from uuid import uuid4

import pytest

from headrace.client.connection import connect, disconnect
from headrace.client.orchestration import SyncHeadraceClient
from headrace.client.schemas.actions import FlowRunCreate
from headrace.client.schemas.filters import TaskRunFilter, TaskRunFilterStartTime
from headrace.events.filters import EventFilter, EventNameFilter, EventOrder
from headrace.settings import load
from headrace.states import Completed, Running, Scheduled
from headrace.wire.errors import ObjectNotFound
from headrace.wire.events import Countable, Event
from headrace.wire.times import now
from tests.processes import ServerProcess, serving


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Generator[ServerProcess]:
    with serving(tmp_path_factory.mktemp("home")) as server:
        yield server


@pytest.fixture(params=["network", "in process"])
def client(request: pytest.FixtureRequest, tmp_path: Path) -> Generator[SyncHeadraceClient]:
    if request.param == "network":
        api_url = request.getfixturevalue("server").api_url
        settings = load({"HEADRACE_HOME": str(tmp_path), "HEADRACE_API_URL": api_url})
    else:
        settings = load({"HEADRACE_HOME": str(tmp_path)})
    yield connect(settings).sync
    disconnect(settings)


def test_what_the_web_ui_shows(client: SyncHeadraceClient) -> None:
    flow = client.create_flow_from_name(f"flow-{uuid4()}")
    due = client.post_flow_run(FlowRunCreate(flow_id=flow))
    client.set_flow_run_state(due.id, Scheduled(now() + timedelta(hours=1)), force=True)
    ended = client.post_flow_run(FlowRunCreate(flow_id=flow))
    client.set_flow_run_state(ended.id, Running(), force=True)
    client.set_flow_run_state(ended.id, Completed(), force=True)
    assert client.count_deployments_by_flow([flow]) == {flow: 0}
    (next_run,) = client.read_next_runs_by_flow([flow]).values()
    assert next_run is not None
    assert next_run.id == due.id
    assert client.count_task_runs_by_flow_run([ended.id]) == {ended.id: 0}
    assert {point.id for point in client.read_flow_run_points()} >= {ended.id}
    today = TaskRunFilter(start_time=TaskRunFilterStartTime(after_=now() - timedelta(hours=1)))
    assert all(bar.completed == 0 for bar in client.read_dashboard_task_run_counts(today))
    assert client.count_task_runs_by_state().RUNNING == 0
    assert client.read_task_workers() == client.read_task_workers(["nobody-takes-this"]) == []
    schema = {"type": "object", "properties": {"day": {"type": "integer"}}}
    assert client.validate_schema_values(schema, {"day": 1}).valid
    assert not client.validate_schema_values(schema, {"day": "one"}).valid
    with pytest.raises(ObjectNotFound):
        client.read_task_run_with_flow_run_name(uuid4())
    state = client.read_flow_run_states(ended.id)[-1]
    assert client.read_flow_run_state(state.id) == state
    with pytest.raises(ObjectNotFound):
        client.read_task_run_state(uuid4())


def test_events_are_read_page_by_page_and_counted(client: SyncHeadraceClient) -> None:
    name = f"event-{uuid4()}"
    ids = [uuid4() for _ in range(7)]
    client.post_events(
        Event(id=id_, occurred=now(), event=name, resource={"prefect.resource.id": f"thing.{n % 2}"})
        for n, id_ in enumerate(ids)
    )
    wanted = EventFilter(event=EventNameFilter(name=[name]), order=EventOrder.ASC)
    page = client.read_events(wanted, limit=4)
    assert (page.total, [event.id for event in page.events]) == (7, ids[:4])
    assert page.next_page is not None
    rest = client.read_events_page(page.next_page)
    assert ([event.id for event in rest.events], rest.next_page) == (ids[4:], None)
    assert [(each.value, each.count) for each in client.count_events(wanted, Countable.EVENT)] == [(name, 7)]
    assert [each.count for each in client.count_events(wanted, Countable.RESOURCE)] == [4, 3]


def test_the_server_says_how_it_keeps_up(client: SyncHeadraceClient) -> None:
    queues = client.read_queues()
    assert queues.log.persisted == queues.log.events + queues.log.ended
    assert {"event_persister", "triggers"} <= {service.name for service in client.read_services()}
    assert client.read_quarantined_events(consumer="nobody", limit=None) == []
    assert client.count_quarantined_events(consumer="nobody") == 0
    assert client.replay_quarantined_events(ids=[uuid4()]).replayed == 0
    assert client.drop_quarantined_events(ids=[uuid4()]) == 0
