"""Asking about runs and changing them, against a real server."""

import json
import subprocess
from datetime import timedelta
from pathlib import Path
from uuid import UUID, uuid4

import msgspec
import pytest

from headrace.client.orchestration import SyncHeadraceClient
from headrace.wire.cancellations import CancellationStep
from headrace.wire.flow_runs import FlowRunCreate
from headrace.wire.logs import LogCreate
from headrace.wire.states import State, StateCreate, StateType
from headrace.wire.task_runs import TaskRunCreate
from headrace.wire.times import now
from tests.cli.conftest import Command
from tests.processes import HEADRACE, ServerProcess, clean_environ

NOBODY = "0199d3a0-5c1b-7000-8000-000000000000"


@pytest.fixture
def flow(api: SyncHeadraceClient) -> str:
    """The name of a flow that no other test uses."""
    name = f"flow-{uuid4()}"
    api.create_flow_from_name(name)
    return name


def make_run(api: SyncHeadraceClient, flow: str, *states: State, tags: list[str] | None = None) -> UUID:
    """A run of the flow that has gone through the states."""
    flow_id = api.create_flow_from_name(flow)
    run = api.post_flow_run(FlowRunCreate(flow_id=flow_id, tags=tags or []))
    for state in states:
        api.set_flow_run_state(run.id, state, force=True)
    return run.id


def listed(served: Command, *arguments: str) -> list[str]:
    answer = served("flow-run", "ls", "-o", "id", *arguments)
    assert answer.returncode == 0, answer.stderr
    return answer.stdout.split()


def test_runs_are_listed_with_flow_name_and_state(served: Command, api: SyncHeadraceClient, flow: str) -> None:
    id = make_run(api, flow, State(type=StateType.RUNNING), State(type=StateType.COMPLETED))
    header, row = served("flow-run", "ls", "--flow", flow).stdout.splitlines()
    assert header.split() == ["ID", "FLOW", "NAME", "STATE", "STARTED", "TOOK"]
    assert row.startswith(f"{id}  {flow}  {api.read_flow_run(id).name}  Completed")


def test_filters_choose_runs(served: Command, api: SyncHeadraceClient, flow: str) -> None:
    failed = make_run(api, flow, State(type=StateType.FAILED), tags=["nightly", "eu"])
    late = make_run(api, flow, State(type=StateType.SCHEDULED, name="Late"), tags=["nightly"])
    assert set(listed(served, "--flow", flow)) == {str(failed), str(late)}
    assert listed(served, "--flow", flow, "--state", "failed") == [str(failed)]
    assert listed(served, "--flow", flow, "--state", "Late") == [str(late)]
    assert set(listed(served, "--flow", flow, "--state", "Failed", "--state", "Late")) == {str(failed), str(late)}
    assert listed(served, "--flow", flow, "--tag", "nightly", "--tag", "eu") == [str(failed)]
    assert len(listed(served, "--flow", flow, "--limit", "1")) == 1
    assert len(listed(served, "--flow", flow, "--since", "1h")) == 2
    assert listed(served, "--flow", f"not-{flow}") == []


def test_more_runs_than_one_answer_holds_are_listed(served: Command, api: SyncHeadraceClient, flow: str) -> None:
    made = {str(make_run(api, flow)) for _ in range(205)}
    assert set(listed(served, "--flow", flow, "--limit", "1000")) == made


def test_an_empty_list_says_so_beside_the_data(served: Command) -> None:
    answer = served("flow-run", "ls", "--flow", "no-such-flow")
    assert (answer.returncode, answer.stdout) == (0, "")
    assert "No flow run matches" in answer.stderr
    assert json.loads(served("flow-run", "ls", "--flow", "no-such-flow", "-o", "json").stdout) == []


def test_a_run_is_shown_for_people_and_for_programs(served: Command, api: SyncHeadraceClient, flow: str) -> None:
    id = make_run(api, flow, State(type=StateType.FAILED, message="it rained"))
    lines = served("flow-run", "inspect", id).stdout.splitlines()
    facts = dict(line.split(maxsplit=1) for line in lines)
    assert facts["flow"] == flow
    assert facts["state"] == "Failed"
    assert facts["message"] == "it rained"
    shown = json.loads(served("flow-run", "inspect", id, "-o", "json").stdout)
    assert (shown["id"], shown["state"]["message"]) == (str(id), "it rained")


@pytest.mark.parametrize("command", ["inspect", "logs", "cancel", "delete"])
def test_a_run_that_does_not_exist_is_one_line_that_names_it(served: Command, command: str) -> None:
    answer = served("flow-run", command, NOBODY)
    assert answer.returncode == 1
    (line,) = answer.stderr.splitlines()
    assert line == f"headrace: There is no flow run {NOBODY}; headrace flow-run ls shows those there are."


def test_cancelling_ends_what_has_not_begun_and_asks_what_runs(
    served: Command, api: SyncHeadraceClient, flow: str
) -> None:
    waiting = make_run(api, flow, State(type=StateType.SCHEDULED))
    running = make_run(api, flow, State(type=StateType.RUNNING))
    answer = served("flow-run", "cancel", waiting, running)
    assert answer.returncode == 0, answer.stderr
    assert answer.stderr.splitlines() == [f"Flow run {waiting} is cancelled.", f"Flow run {running} is cancelling."]
    assert api.read_flow_run(waiting).state_type == StateType.CANCELLED
    assert api.read_flow_run(running).state_type == StateType.CANCELLING


def test_whoever_waits_is_told_each_step_until_all_is_over(
    server: ServerProcess, served: Command, api: SyncHeadraceClient, flow: str, tmp_path: Path
) -> None:
    run = make_run(api, flow, State(type=StateType.RUNNING))
    command = [HEADRACE, "flow-run", "cancel", str(run), "--wait"]
    environ = clean_environ(tmp_path) | {"HEADRACE_API_URL": server.api_url}
    with subprocess.Popen(command, env=environ, stderr=subprocess.PIPE, text=True) as waiting:
        assert waiting.stderr is not None
        assert waiting.stderr.readline() == f"Flow run {run} is cancelling.\n"
        assert waiting.stderr.readline().startswith(f"{run}: the server ends it by 20")
        step = CancellationStep(step="killed", by="runner host-1", infrastructure="gone")
        api.note_cancellation_step(run, step)
        assert waiting.stderr.readline().startswith(f"{run}: runner host-1 has ended its processes after ")
        api.set_flow_run_state(run, State(type=StateType.CANCELLED), force=True)
        assert waiting.stderr.readline().startswith(f"{run}: Cancelled by headrace after ")
        assert waiting.wait(60) == 0
    shown = served("flow-run", "cancellation", str(run)).stdout
    assert "infrastructure   gone" in shown
    assert "by runner host-1" in shown


def test_a_run_can_be_made_cancelled_at_once(served: Command, api: SyncHeadraceClient, flow: str) -> None:
    run = make_run(api, flow, State(type=StateType.RUNNING))
    answer = served("flow-run", "cancel", str(run), "--force", "--wait")
    assert answer.returncode == 0
    assert f"Flow run {run} is cancelled." in answer.stderr
    assert "whether its processes are gone is unknown" in answer.stderr
    again = served("flow-run", "cancellation", str(make_run(api, flow)))
    assert again.returncode != 0
    assert "was never asked to be cancelled" in again.stderr


def test_a_finished_run_cannot_be_cancelled_and_says_why(served: Command, api: SyncHeadraceClient, flow: str) -> None:
    done = make_run(api, flow, State(type=StateType.COMPLETED))
    answer = served("flow-run", "cancel", done)
    assert answer.returncode == 1
    assert f"Flow run {done} is not cancelled: " in answer.stderr
    assert "terminal state" in answer.stderr


@pytest.fixture
def logged(api: SyncHeadraceClient, flow: str) -> UUID:
    """A finished run that logged `line 0` (debug) to `line 249` (info), a second apart."""
    id = make_run(api, flow, State(type=StateType.COMPLETED))
    begun = now() - timedelta(hours=1)
    api.create_logs(
        [
            LogCreate(
                name="test",
                level=20 if number else 10,
                message=f"line {number}",
                timestamp=begun + timedelta(seconds=number),
                flow_run_id=id,
            )
            for number in range(250)
        ]
    )
    return id


def messages(served: Command, *arguments: object) -> list[int]:
    answer = served("flow-run", "logs", *arguments)
    assert answer.returncode == 0, answer.stderr
    return [int(line.rsplit(maxsplit=1)[1]) for line in answer.stdout.splitlines()]


def test_logs_are_printed_whole_in_order_or_cut_at_either_end(served: Command, logged: UUID) -> None:
    assert messages(served, logged) == list(range(250))
    assert messages(served, logged, "--head", 2) == [0, 1]
    assert messages(served, logged, "--tail", 2) == [248, 249]
    assert messages(served, logged, "--tail", 2, "-r") == [249, 248]
    assert messages(served, logged, "--head", 2, "-r") == [1, 0]
    assert messages(served, logged, "-r") == list(range(249, -1, -1))
    assert messages(served, logged, "--head", 1, "--level", "info") == [1]
    assert messages(served, logged, "--tail", 3, "--follow") == [247, 248, 249]
    assert len(json.loads(served("flow-run", "logs", logged, "-o", "json").stdout)) == 250


def test_a_line_names_the_task_run_that_logged_it(served: Command, api: SyncHeadraceClient, flow: str) -> None:
    id = make_run(api, flow)
    body = TaskRunCreate(flow_run_id=id, task_key="pump", dynamic_key="0", name="pump-0")
    line = LogCreate(name="test", level=30, message="dry", timestamp=now(), flow_run_id=id)
    task_run_id = api.post_task_run(body).id
    api.create_logs([line, msgspec.structs.replace(line, task_run_id=task_run_id, message="no water")])
    own, task = served("flow-run", "logs", id).stdout.splitlines()
    assert own.endswith("WARNING  dry")
    assert task.endswith("WARNING  pump-0: no water")


def test_flows_are_listed_and_inspected_by_name_and_by_id(served: Command, api: SyncHeadraceClient, flow: str) -> None:
    make_run(api, flow)
    id = str(api.read_flow_by_name(flow).id)
    assert served("flow", "ls", "--name", flow, "-o", "id").stdout.split() == [id]
    by_name, by_id = served("flow", "inspect", flow).stdout, served("flow", "inspect", id).stdout
    assert by_name == by_id
    assert "runs     1" in by_name
    missing = served("flow", "inspect", "no-such-flow")
    assert (missing.returncode, missing.stderr.count("\n")) == (1, 1)
    assert "There is no flow no-such-flow" in missing.stderr


def test_task_runs_are_listed_by_flow_run_and_inspected(served: Command, api: SyncHeadraceClient, flow: str) -> None:
    parent = make_run(api, flow)
    failed = StateCreate(type=StateType.FAILED, message="no water")
    body = TaskRunCreate(flow_run_id=parent, task_key="pump", dynamic_key="0", name="pump-0", state=failed)
    id = str(api.post_task_run(body).id)
    assert served("task-run", "ls", "--flow-run", parent, "-o", "id").stdout.split() == [id]
    assert served("task-run", "ls", "--flow-run", parent, "--state", "Completed", "-o", "id").stdout == ""
    assert "no water" in served("task-run", "inspect", id).stdout
    missing = served("task-run", "inspect", NOBODY)
    assert missing.stderr == f"headrace: There is no task run {NOBODY}; headrace task-run ls shows those there are.\n"
