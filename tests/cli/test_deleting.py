"""Deleting from the command line and having it back, against a real server."""

import json
from pathlib import Path
from uuid import UUID, uuid4

import pytest

from headrace.client.orchestration import SyncHeadraceClient
from headrace.wire.filters import FlowFilter, FlowFilterName
from headrace.wire.states import StateType
from tests.cli.conftest import Command, at_terminal, make_runs
from tests.processes import ServerProcess

NOBODY = "01234567-89ab-7def-8123-456789abcdef"


@pytest.fixture
def flow(api: SyncHeadraceClient) -> str:
    """The name of a new flow."""
    name = f"flow-{uuid4().hex}"
    api.create_flow_from_name(name)
    return name


def listed(served: Command, flow: str) -> set[str]:
    return set(served("flow-run", "ls", "--flow", flow, "-n", 500, "-o", "id").stdout.split())


def undo_hint(stderr: str) -> UUID:
    """The operation that the command says can be undone."""
    (line,) = [line for line in stderr.splitlines() if line.startswith("Undo with: headrace undo ")]
    assert "(possible until " in line
    return UUID(line.split()[4])


def test_a_run_is_deleted_told_how_to_undo_and_had_back(served: Command, api: SyncHeadraceClient, flow: str) -> None:
    [run] = make_runs(api, flow, StateType.COMPLETED)
    deleted = served("flow-run", "delete", run, "--reason", "a test")
    assert (deleted.returncode, deleted.stdout) == (0, "")
    assert deleted.stderr.startswith("1 flow run deleted in ")
    assert listed(served, flow) == set()
    operation = api.read_operation(undo_hint(deleted.stderr))
    assert (operation.reason, operation.changed) == ("a test", 1)
    again = served("flow-run", "delete", run)
    assert again.returncode == 0
    assert again.stderr.startswith(f"The flow run {run} is deleted already, so nothing is done;")
    assert served("flow-run", "delete", NOBODY).returncode == 1
    undone = served("undo", operation.id)
    assert undone.returncode == 0, undone.stderr
    assert undone.stderr.startswith("1 flow run restored in ")
    assert listed(served, flow) == {run}


def test_options_say_which_runs_are_meant(served: Command, api: SyncHeadraceClient, flow: str) -> None:
    done = make_runs(api, flow, StateType.COMPLETED, StateType.COMPLETED)
    failed = make_runs(api, flow, StateType.FAILED, tags=["rain"])
    [other] = make_runs(api, flow, StateType.FAILED, name="odd-one")
    dry = served("flow-run", "delete", "--flow", flow, "--state", "Failed", "--dry-run")
    assert dry.returncode == 0, dry.stderr
    shown = dict(line.split("  ", 1) for line in dry.stdout.splitlines())
    assert shown["would delete"].strip() == "2 flow runs"
    assert shown["by state"].strip() == "2 Failed"
    assert "odd-one (Failed)" in shown["such as"]
    assert listed(served, flow) == {*done, *failed, other}
    assert json.loads(served("flow-run", "delete", "--flow", flow, "--dry-run", "-o", "json").stdout)["total"] == 4
    served("flow-run", "delete", "--flow", flow, "--name", "odd")
    assert listed(served, flow) == {*done, *failed}
    served("flow-run", "delete", "--flow", flow, "--tag", "rain")
    assert listed(served, flow) == set(done)
    nothing = served("flow-run", "delete", "--flow", flow, "--older-than", "7d")
    assert (nothing.returncode, nothing.stderr) == (0, "No flow run matches, so nothing is deleted.\n")


def test_many_come_from_a_pipe_and_what_is_gone_already_is_named(
    served: Command, api: SyncHeadraceClient, flow: str
) -> None:
    made = make_runs(api, flow, StateType.COMPLETED, StateType.FAILED)
    first = served("flow-run", "delete", NOBODY, "--stdin", stdin="\n".join([*made, ""]))
    assert first.returncode == 0, first.stderr
    assert first.stderr.startswith("2 flow runs deleted in ")
    assert f"  Flow run {NOBODY}: It was deleted before, or was never there." in first.stderr
    assert listed(served, flow) == set()
    empty = served("flow-run", "delete", "--stdin", stdin="")
    assert (empty.returncode, empty.stderr) == (0, "No flow run came on standard input, so nothing is done.\n")


def test_programs_get_the_operation_at_once_or_when_it_has_ended(
    served: Command, api: SyncHeadraceClient, flow: str
) -> None:
    make_runs(api, flow, StateType.COMPLETED, StateType.COMPLETED)
    ended = json.loads(served("flow-run", "delete", "--flow", flow, "-o", "json").stdout)
    assert (ended["status"], ended["changed"]) == ("completed", 2)
    [run] = make_runs(api, flow, StateType.COMPLETED)
    begun = served("flow-run", "delete", run, "--no-wait")
    assert begun.returncode == 0
    assert "goes on by itself; headrace op watch " in begun.stderr


@pytest.mark.parametrize("answer", ["y", "n"])
def test_a_person_is_asked_when_runs_are_not_over(
    server: ServerProcess, served: Command, api: SyncHeadraceClient, flow: str, tmp_path: Path, answer: str
) -> None:
    made = make_runs(api, flow, StateType.COMPLETED, StateType.RUNNING)
    code, shown = at_terminal(server, tmp_path, answer, "flow-run", "delete", "--flow", flow)
    assert "2 flow runs: 1 Completed, 1 Running." in shown or "2 flow runs: 1 Running, 1 Completed." in shown
    assert "1 is not over, and will be told to stop." in shown
    assert code == (0 if answer == "y" else 1), shown
    assert listed(served, flow) == (set() if answer == "y" else set(made))


def test_a_person_is_not_asked_about_a_few_that_are_over(
    server: ServerProcess, served: Command, api: SyncHeadraceClient, flow: str, tmp_path: Path
) -> None:
    make_runs(api, flow, StateType.COMPLETED)
    code, shown = at_terminal(server, tmp_path, "n", "flow-run", "delete", "--flow", flow)
    assert code == 0, shown
    assert "[y/N]" not in shown
    assert "Undo with: headrace undo " in shown
    assert listed(served, flow) == set()


def test_the_last_delete_is_undone_unless_one_is_named(served: Command, api: SyncHeadraceClient, flow: str) -> None:
    first, second = make_runs(api, flow, StateType.COMPLETED, StateType.COMPLETED)
    served("flow-run", "delete", first)
    served("flow-run", "delete", second)
    last = served("undo")
    assert last.returncode == 0, last.stderr
    assert last.stderr.startswith("Undoing the delete of 1 flow run, ")
    assert listed(served, flow) == {second}
    served("undo")
    assert listed(served, flow) == {first, second}
    unknown = served("undo", NOBODY)
    assert (unknown.returncode, unknown.stderr) == (
        1,
        f"headrace: There is no operation {NOBODY}; headrace op ls shows those there are.\n",
    )


def test_a_flow_takes_along_its_deployments_and_runs_and_brings_them_back(
    server: ServerProcess, served: Command, api: SyncHeadraceClient, flow: str, tmp_path: Path
) -> None:
    made = make_runs(api, flow, StateType.COMPLETED, StateType.RUNNING)
    api.create_deployment(flow_id=api.create_flow_from_name(flow), name="nightly")
    dry = served("flow", "delete", flow, "--dry-run").stdout
    assert "1, which would be told to stop" in dry
    assert "1 deployment" in dry
    assert "2 flow runs" in dry
    code, shown = at_terminal(server, tmp_path, "n", "flow", "delete", flow)
    assert (code, "1 run of theirs is not over, and will be told to stop." in shown) == (1, True), shown
    deleted = served("flow", "delete", flow)
    assert deleted.returncode == 0, deleted.stderr
    assert deleted.stderr.startswith("1 flow deleted in ")
    assert "2 flow runs" in deleted.stderr.splitlines()[0]
    assert listed(served, flow) == set()
    assert served("flow", "inspect", flow).returncode == 1
    assert served("undo", undo_hint(deleted.stderr)).returncode == 0
    assert listed(served, flow) == set(made)
    assert served("deployment", "inspect", f"{flow}/nightly").returncode == 0


def test_a_name_that_was_taken_meanwhile_is_a_conflict_with_ways_out(
    served: Command, api: SyncHeadraceClient, flow: str
) -> None:
    deleted = served("flow", "delete", flow)
    operation = undo_hint(deleted.stderr)
    api.create_flow_from_name(flow)
    refused = served("undo", operation)
    assert refused.returncode == 1
    assert "(conflict)" in refused.stderr
    assert f"headrace undo {operation} --on-conflict skip leaves these out; rename gives them" in refused.stderr
    renamed = served("undo", operation, "--on-conflict", "rename")
    assert renamed.returncode == 0, renamed.stderr
    assert len(api.read_flows(flow_filter=FlowFilter(name=FlowFilterName(like_=flow)))) == 2


def test_deployments_are_deleted_by_options(served: Command, api: SyncHeadraceClient, flow: str) -> None:
    flow_id = api.create_flow_from_name(flow)
    for name, tags in (("a", ["x"]), ("b", []), ("c", [])):
        api.create_deployment(flow_id=flow_id, name=name, tags=tags)
    assert served("deployment", "delete", "--flow", flow, "--tag", "x").returncode == 0
    gone = served("deployment", "delete", "--stdin", stdin=f"{flow}/b\n")
    assert gone.stderr.startswith("1 deployment deleted in "), gone.stderr
    assert served("deployment", "ls", "--flow", flow, "-o", "id").stdout.count("\n") == 1
    assert served("undo", undo_hint(gone.stderr)).returncode == 0
    assert served("deployment", "inspect", f"{flow}/b").returncode == 0


@pytest.mark.parametrize(
    "arguments",
    [
        ("flow-run", "delete"),
        ("flow-run", "delete", NOBODY, "--all"),
        ("flow-run", "delete", "--all", "--state", "Failed"),
        ("flow-run", "delete", "--older-than", "long"),
        ("flow-run", "delete", "x"),
        ("flow", "delete"),
        ("deployment", "delete"),
        ("undo", "x"),
    ],
)
def test_what_is_meant_must_be_said_in_one_way(headrace: Command, arguments: tuple[str, ...]) -> None:
    assert headrace(*arguments).returncode == 2
