"""What is in the trash, from the command line, against a real server."""

import json
from uuid import UUID, uuid4

import pytest

from headrace.cli.following import follow
from headrace.client.orchestration import SyncHeadraceClient
from headrace.wire.operations import OperationCreate, OperationKind, Target
from headrace.wire.states import StateType
from tests.cli.conftest import Command, at_terminal, make_runs
from tests.processes import ServerProcess


@pytest.fixture
def flow(api: SyncHeadraceClient) -> str:
    """The name of a new flow with two runs that completed and one that failed, all of them deleted."""
    name = f"flow-{uuid4().hex}"
    types = (StateType.COMPLETED, StateType.COMPLETED, StateType.FAILED)
    made = [UUID(id) for id in make_runs(api, name, *types)]
    deleted = api.create_operation(OperationCreate(kind=OperationKind.DELETE, target=Target(ids=made)))
    assert follow(api, deleted.id, quiet=True).changed == 3
    return name


def shown(served: Command, flow: str) -> int:
    return len(served("flow-run", "ls", "--flow", flow, "-o", "id").stdout.split())


def test_runs_are_restored_by_options_and_by_ids(served: Command, flow: str) -> None:
    assert shown(served, flow) == 0
    dry = served("trash", "restore", "--flow", flow, "--dry-run", "-o", "json")
    assert json.loads(dry.stdout)["total"] == 3
    failed = served("trash", "restore", "--flow", flow, "--state", "Failed")
    assert failed.returncode == 0, failed.stderr
    assert failed.stderr.startswith("1 flow run restored in ")
    assert "Delete again with: headrace undo " in failed.stderr
    assert shown(served, flow) == 1
    samples = json.loads(served("trash", "restore", "--flow", flow, "--dry-run", "-o", "json").stdout)["samples"]
    piped = served("trash", "restore", "--stdin", stdin="\n".join(one["id"] for one in samples))
    assert piped.stderr.startswith("2 flow runs restored in "), piped.stderr
    assert shown(served, flow) == 3


def test_what_is_in_the_trash_is_listed_and_summed_up(served: Command, flow: str) -> None:
    header, *rows = served("trash", "ls", "--noun", "flow-runs", "-n", "3").stdout.splitlines()
    assert header.split() == ["ID", "WHAT", "NAME", "STATE", "DELETED", "PURGED", "OPERATION"]
    assert {row.split()[1] for row in rows} == {"flow"}
    assert sum("Failed" in row for row in rows) == 1
    [operation] = {row.split()[-1] for row in rows}
    ids = served("trash", "ls", "--operation", operation, "-o", "id").stdout.split()
    assert len(ids) == 3
    found = json.loads(served("trash", "summary", "-o", "json").stdout)
    assert found["counts"]["flow_runs"] >= 3
    assert "next purge" in served("trash", "summary").stdout
    assert served("trash", "restore", *ids).returncode == 0
    assert served("trash", "ls", "--operation", operation, "-o", "id").stdout == ""
    assert shown(served, flow) == 3


def test_emptying_needs_the_number_from_a_person_and_a_yes_from_a_program(
    server: ServerProcess, served: Command, flow: str
) -> None:
    refused = served("trash", "empty")
    assert refused.returncode == 2
    assert "would be removed for good: say --yes if that is meant." in refused.stderr
    code, told = at_terminal(server, server.home, "y", "trash", "empty", "--noun", "flow-runs")
    assert code == 1, told
    assert "This cannot be undone." in told
    assert "Nothing is removed." in told
    emptied = served("trash", "empty", "--noun", "flow-runs", "--yes")
    assert emptied.returncode == 0, emptied.stderr
    assert "to be removed for good" in emptied.stderr
    assert "Undo with" not in emptied.stderr


def test_what_one_operation_deleted_is_removed_for_good(served: Command, api: SyncHeadraceClient, flow: str) -> None:
    [run] = make_runs(api, flow, StateType.COMPLETED)
    deleted = json.loads(served("flow-run", "delete", run, "-o", "json").stdout)
    emptied = served("trash", "empty", "--operation", deleted["id"], "--yes")
    assert emptied.returncode == 0, emptied.stderr
    again = served("undo", deleted["id"])
    assert again.returncode == 1
    assert "removed for good" in again.stderr


@pytest.mark.parametrize(
    "arguments",
    [
        ("restore",),
        ("restore", "--noun", "flows", "--state", "Failed"),
        ("restore", "--operation", "x"),
        ("restore", "--operation", "01234567-89ab-7def-8123-456789abcdef", "--all"),
        ("empty", "--operation", "01234567-89ab-7def-8123-456789abcdef", "--noun", "flows"),
    ],
)
def test_what_is_meant_must_be_said_in_one_way(headrace: Command, arguments: tuple[str, ...]) -> None:
    assert headrace("trash", *arguments).returncode == 2
