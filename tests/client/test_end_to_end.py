"""The same calls do the same over the network and in process."""

from collections.abc import Generator
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace

import pytest

from headrace.client.connection import Connection, connect, disconnect
from headrace.client.http.transport import HttpTransport
from headrace.client.local import LocalTransport
from headrace.client.orchestration import SyncHeadraceClient
from headrace.settings import load
from headrace.wire.errors import InvalidRequest, ObjectAlreadyExists, ObjectNotFound, Unprocessable
from headrace.wire.events import Event
from headrace.wire.filters import (
    FlowRunFilter,
    FlowRunFilterId,
    FlowRunFilterTags,
    LogFilter,
    LogFilterFlowRunId,
    TaskRunFilter,
    TaskRunFilterFlowRunId,
)
from headrace.wire.flow_runs import FlowRun
from headrace.wire.ids import uuid7
from headrace.wire.logs import LogCreate
from headrace.wire.orchestration import SetStateStatus
from headrace.wire.states import State, StateDetails, StateType
from headrace.wire.task_runs import TaskRunInput
from headrace.wire.times import now
from tests.processes import ServerProcess, serving

FLOW = SimpleNamespace(name="etl", version="v1", retries=1, retry_delay_seconds=0.0)
TASK = SimpleNamespace(
    name="load",
    task_key="load-1",
    version=None,
    tags={"slow"},
    retries=2,
    retry_delay_seconds=[1.0, 2.0],
    retry_jitter_factor=None,
)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Generator[ServerProcess]:
    with serving(tmp_path_factory.mktemp("home")) as server:
        yield server


@pytest.fixture(params=["network", "in process"])
def connection(request: pytest.FixtureRequest, tmp_path: Path) -> Generator[Connection]:
    """A connection to a server, and one to a database without a server."""
    settings = load({"HEADRACE_HOME": str(tmp_path)})
    if request.param == "network":
        server: ServerProcess = request.getfixturevalue("server")
        settings = load({"HEADRACE_HOME": str(tmp_path), "HEADRACE_API_URL": server.api_url})
    yield connect(settings)
    disconnect(settings)


@pytest.fixture
def client(connection: Connection) -> SyncHeadraceClient:
    return connection.sync


@pytest.fixture
def run(client: SyncHeadraceClient) -> FlowRun:
    return client.create_flow_run(FLOW, parameters={"day": 1}, tags=["nightly"])


def test_a_run_goes_through_its_states(client: SyncHeadraceClient, run: FlowRun) -> None:
    assert (run.state_type, run.tags, run.parameters) == (StateType.PENDING, ["nightly"], {"day": 1})
    for kind in (StateType.RUNNING, StateType.COMPLETED):
        assert client.set_flow_run_state(run.id, State(type=kind)).status is SetStateStatus.ACCEPT
    done = client.read_flow_run(run.id)
    assert done.state is not None
    assert (done.state.type, done.run_count) == (StateType.COMPLETED, 1)
    assert [state.type for state in client.read_flow_run_states(run.id)] == ["PENDING", "RUNNING", "COMPLETED"]
    assert client.read_flow(run.flow_id).name == "etl"


def test_a_failure_that_is_retried_is_answered_with_the_state_to_wait_in(
    client: SyncHeadraceClient, run: FlowRun
) -> None:
    client.set_flow_run_state(run.id, State(type=StateType.RUNNING))
    answer = client.set_flow_run_state(run.id, State(type=StateType.FAILED, message="no"))
    assert (answer.status, answer.state and answer.state.name) == (SetStateStatus.REJECT, "AwaitingRetry")
    assert answer.details.reason


def test_a_run_that_is_early_is_told_to_wait(client: SyncHeadraceClient) -> None:
    later = StateDetails(scheduled_time=now() + timedelta(hours=1))
    run = client.create_flow_run(FLOW, state=State(type=StateType.SCHEDULED, state_details=later))
    answer = client.set_flow_run_state(run.id, State(type=StateType.RUNNING))
    assert answer.status is SetStateStatus.WAIT
    assert 3500 < (answer.details.delay_seconds or 0) <= 3600
    assert client.set_flow_run_state(run.id, State(type=StateType.RUNNING), force=True).status is SetStateStatus.ACCEPT


def test_a_key_seen_before_gives_the_run_of_then(client: SyncHeadraceClient) -> None:
    first = client.create_flow_run(FLOW, idempotency_key=(key := str(uuid7())))
    assert client.create_flow_run(FLOW, idempotency_key=key).id == first.id


def test_runs_are_changed_found_counted_and_deleted(client: SyncHeadraceClient, run: FlowRun) -> None:
    client.update_flow_run(run.id, name="renamed", tags=[tag := str(run.id)])
    client.update_flow_run_labels(run.id, {"team": "data"})
    tagged = FlowRunFilter(tags=FlowRunFilterTags(all_=[tag]))
    assert [found.name for found in client.read_flow_runs(flow_run_filter=tagged)] == ["renamed"]
    assert client.count_flow_runs(flow_run_filter=tagged) == 1
    assert client.read_flow_run(run.id).labels["team"] == "data"
    client.delete_flow_run(run.id)
    assert client.count_flow_runs(flow_run_filter=tagged) == 0
    with pytest.raises(ObjectNotFound, match=f"GET /flow_runs/{run.id} was answered with 404: Flow run not found"):
        client.read_flow_run(run.id)


def test_more_runs_than_fit_on_a_page_are_all_read(client: SyncHeadraceClient) -> None:
    tag = str(uuid7())
    made = [client.create_flow_run(FLOW, tags=[tag]).id for _ in range(205)]
    tagged = FlowRunFilter(tags=FlowRunFilterTags(all_=[tag]))
    assert [run.id for run in client.read_flow_runs(flow_run_filter=tagged, limit=None)] == made[::-1]
    assert len(client.read_flow_runs(flow_run_filter=tagged)) == 200
    page = client.paginate_flow_runs(flow_run_filter=tagged, page=3, limit=100)
    assert (page.count, page.pages, len(page.results)) == (205, 3, 5)


def test_log_lines_are_kept_in_order(client: SyncHeadraceClient, run: FlowRun) -> None:
    begun = now()
    lines = [
        LogCreate(name="n", level=20, message=str(n), timestamp=begun + timedelta(seconds=n), flow_run_id=run.id)
        for n in range(250)
    ]
    client.create_logs(lines)
    of_run = LogFilter(flow_run_id=LogFilterFlowRunId(any_=[run.id]))
    assert [line.message for line in client.read_logs(of_run, limit=None)] == [str(n) for n in range(250)]
    csv = client.download_flow_run_logs(run.id)
    assert csv.startswith("timestamp,level,flow_run_id,task_run_id,message")
    assert len(csv.strip().splitlines()) == 251


def test_task_runs_are_made_and_moved(client: SyncHeadraceClient, run: FlowRun) -> None:
    inputs = {"x": [TaskRunInput(input_type="constant", type="int")]}
    made = client.create_task_run(TASK, run.id, "0", extra_tags=["x"], task_inputs=inputs)
    assert client.create_task_run(TASK, run.id, "0").id == made.id
    assert (made.tags, made.empirical_policy.retries, made.empirical_policy.retry_delay) == (["slow", "x"], 2, [1, 2])
    client.set_flow_run_state(run.id, State(type=StateType.RUNNING))
    assert client.set_task_run_state(made.id, State(type=StateType.RUNNING)).status is SetStateStatus.ACCEPT
    assert client.read_task_run(made.id).run_count == 1
    assert [state.type for state in client.read_task_run_states(made.id)] == ["PENDING", "RUNNING"]
    of_run = TaskRunFilter(flow_run_id=TaskRunFilterFlowRunId(any_=[run.id]))
    assert [found.id for found in client.read_task_runs(task_run_filter=of_run)] == [made.id]
    assert client.count_task_runs(task_run_filter=of_run) == 1
    client.delete_task_run(made.id)
    with pytest.raises(ObjectNotFound):
        client.read_task_run(made.id)


def test_inputs_are_handed_over(client: SyncHeadraceClient, run: FlowRun) -> None:
    client.create_flow_run_input(run.id, "answer-1", '{"ok": true}', sender="me")
    with pytest.raises(ObjectAlreadyExists):
        client.create_flow_run_input(run.id, "answer-1", "2")
    assert client.read_flow_run_input(run.id, "answer-1") == '{"ok": true}'
    assert [given.key for given in client.filter_flow_run_input(run.id, "answer")] == ["answer-1"]
    assert client.filter_flow_run_input(run.id, "answer", exclude_keys=["answer-1"]) == []
    client.delete_flow_run_input(run.id, "answer-1")
    with pytest.raises(ObjectNotFound):
        client.read_flow_run_input(run.id, "answer-1")


def test_a_paused_run_is_resumed(client: SyncHeadraceClient, run: FlowRun) -> None:
    assert client.resume_flow_run(run.id).status is SetStateStatus.ABORT
    client.set_flow_run_state(run.id, State(type=StateType.RUNNING))
    client.set_flow_run_state(
        run.id, State(type=StateType.PAUSED, state_details=StateDetails(pause_key="k", pause_timeout=now()))
    )
    assert client.resume_flow_run(run.id).state is not None


def test_many_runs_are_changed_at_once(client: SyncHeadraceClient) -> None:
    runs = [client.create_flow_run(FLOW) for _ in range(3)]
    these = FlowRunFilter(id=FlowRunFilterId(any_=[run.id for run in runs]))
    changed = client.bulk_set_flow_run_state(these, State(type=StateType.CANCELLED))
    assert {result.status for result in changed.results} == {SetStateStatus.ACCEPT}
    assert set(client.bulk_delete_flow_runs(these)) == {run.id for run in runs}
    assert client.bulk_delete_flow_runs(these) == []


def test_overviews_are_read(client: SyncHeadraceClient, run: FlowRun) -> None:
    client.set_flow_run_state(run.id, State(type=StateType.RUNNING))
    begun = now() - timedelta(hours=1)
    bars = client.read_flow_run_history(start=begun, end=begun + timedelta(hours=2), interval=timedelta(minutes=30))
    assert sum(state.count_runs for bar in bars for state in bar.states) >= 1
    assert client.read_flow_run_graph(run.id).nodes == []
    assert client.read_flow_run_dependencies(run.id) == []
    assert isinstance(client.read_flow_run_lateness(), float)


def test_events_make_task_runs(client: SyncHeadraceClient, run: FlowRun) -> None:
    """`post_events` has committed when it returns, so what it tells of can be read at once."""
    task_run_id, state_id, happened = uuid7(), uuid7(), now()
    timestamp = happened.isoformat()
    event = Event(
        id=state_id,
        occurred=happened,
        event="prefect.task-run.Running",
        resource={
            "prefect.resource.id": f"prefect.task-run.{task_run_id}",
            "prefect.resource.name": "load-0",
            "prefect.state-message": "",
            "prefect.state-type": "RUNNING",
            "prefect.state-name": "Running",
            "prefect.state-timestamp": timestamp,
            "prefect.orchestration": "client",
        },
        related=[{"prefect.resource.id": f"prefect.flow-run.{run.id}", "prefect.resource.role": "flow-run"}],
        payload={
            "intended": {"from": None, "to": "RUNNING"},
            "initial_state": None,
            "validated_state": {
                "id": str(state_id),
                "type": "RUNNING",
                "name": "Running",
                "timestamp": timestamp,
                "message": "",
                "state_details": {"flow_run_id": str(run.id), "task_run_id": str(task_run_id)},
                "data": None,
            },
            "task_run": {"name": "load-0", "task_key": "load-1", "dynamic_key": "0", "flow_run_id": str(run.id)},
        },
    )
    client.post_events([event, event])
    assert client.read_task_run(task_run_id).state_type is StateType.RUNNING


def test_what_is_refused_names_the_field(client: SyncHeadraceClient, run: FlowRun) -> None:
    with pytest.raises((Unprocessable, InvalidRequest), match=r"body\.name"):
        client.create_flow_from_name("a/b")
    with pytest.raises(Unprocessable, match=r"limit"):
        client.bulk_delete_flow_runs(FlowRunFilter(), limit=51)


def test_the_server_says_who_it_is(client: SyncHeadraceClient) -> None:
    assert client.api_healthcheck() is None
    assert client.hello() == "👋"
    client.raise_for_api_version_mismatch()
    assert "server" in client.read_server_settings()
    assert "default_result_storage_block_id" in client.read_server_default_result_storage()


async def test_the_asynchronous_client_does_the_same(connection: Connection) -> None:
    async with connection.asynchronous as client:
        run = await client.create_flow_run(FLOW)
        await client.set_flow_run_state(run.id, State(type=StateType.RUNNING))
        await client.set_flow_run_state(run.id, State(type=StateType.COMPLETED))
        assert (await client.read_flow_run(run.id)).state_name == "Completed"


def test_a_process_in_the_servers_home_finds_the_server(server: ServerProcess) -> None:
    settings = load({"HEADRACE_HOME": str(server.home)})
    connection = connect(settings)
    assert isinstance(connection.transport, LocalTransport)
    assert connection.where == server.api_url
    over_network = HttpTransport(load({"HEADRACE_API_URL": server.api_url}).api)
    flow_id = connection.sync.create_flow_from_name("found")
    assert SyncHeadraceClient(over_network).read_flow(flow_id).name == "found"
    over_network.close()
    disconnect(settings)
