"""`headrace op`, as a user runs it, with a server that carries operations out."""

import json
from uuid import UUID, uuid4

import pytest

from headrace.client.orchestration import SyncHeadraceClient
from headrace.wire.operations import Operation, OperationCreate, OperationKind, OperationOptions, Target
from headrace.wire.states import State, StateCreate, StateType
from tests.cli.conftest import Command, make_runs


def _runs(api: SyncHeadraceClient, *types: StateType) -> list[UUID]:
    return [UUID(id) for id in make_runs(api, f"flow-{uuid4()}", *types)]


def _delete(api: SyncHeadraceClient, ids: list[UUID]) -> Operation:
    return api.create_operation(OperationCreate(kind=OperationKind.DELETE, target=Target(ids=ids), reason="too old"))


def _set_state(api: SyncHeadraceClient, ids: list[UUID], type: StateType) -> Operation:
    options = OperationOptions(state=StateCreate(type=type))
    return api.create_operation(OperationCreate(kind=OperationKind.SET_STATE, target=Target(ids=ids), options=options))


def test_an_operation_is_watched_to_its_end(served: Command, api: SyncHeadraceClient) -> None:
    """What it did is told in a line."""
    operation = _delete(api, _runs(api, StateType.COMPLETED, StateType.COMPLETED))
    watched = served("op", "watch", operation.id)
    assert watched.returncode == 0, watched.stderr
    assert watched.stderr.startswith("2 flow runs deleted in ")


def test_what_was_asked_for_is_listed_and_shown(served: Command, api: SyncHeadraceClient) -> None:
    """Who, what, why and how far."""
    operation = _delete(api, _runs(api, StateType.COMPLETED))
    served("op", "watch", operation.id)

    listed = served("op", "ls", "--kind", "delete", "-n", "1").stdout.splitlines()
    shown = served("op", "show", operation.id).stdout

    assert listed[0].split() == ["ID", "WHAT", "STATUS", "DONE", "FAILED", "CREATED", "BY", "REASON"]
    assert str(operation.id) in listed[1]
    assert "delete flow_runs" in listed[1]
    assert "too old" in shown
    assert "1/1" in shown
    assert "can be undone" in shown
    assert str(operation.id) in served("op", "ls", "-o", "id").stdout.split()
    assert str(operation.id) not in served("op", "ls", "--open", "-o", "id").stdout.split()


def test_items_that_fail_make_it_fail_and_are_tried_again(served: Command, api: SyncHeadraceClient) -> None:
    """Why they failed is told once, however many they are."""
    ids = _runs(api, StateType.COMPLETED, StateType.COMPLETED, StateType.RUNNING)
    operation = _set_state(api, ids, StateType.CANCELLING)

    watched = served("op", "watch", operation.id)

    assert watched.returncode == 1
    assert "1 flow run set in " in watched.stderr
    assert "2 × Run is already in terminal state COMPLETED." in watched.stderr
    assert f"headrace op retry {operation.id} tries them again" in watched.stderr
    assert "2 × Run is already" in served("op", "show", operation.id).stdout

    for id in ids[:2]:
        api.set_flow_run_state(id, State(type=StateType.RUNNING), force=True)
    again = served("op", "retry", operation.id)
    assert again.returncode == 0, again.stderr
    assert again.stderr.startswith("3 flow runs set in ")


def test_programs_get_json_and_the_exit_code(served: Command, api: SyncHeadraceClient) -> None:
    """Without a word to people."""
    operation = _set_state(api, _runs(api, StateType.COMPLETED), StateType.CANCELLING)
    watched = served("op", "watch", operation.id, "-o", "json")
    assert watched.returncode == 1
    assert json.loads(watched.stdout)["failed"] == 1


def test_what_is_over_cannot_be_stopped(served: Command, api: SyncHeadraceClient) -> None:
    """It says what to do instead."""
    operation = _delete(api, _runs(api, StateType.COMPLETED))
    served("op", "watch", operation.id)
    refused = served("op", "abort", operation.id)
    assert refused.returncode == 1
    assert "has ended already (completed): undo it" in refused.stderr


@pytest.mark.parametrize("command", ["show", "watch", "abort", "retry"])
def test_an_unknown_operation_is_said_to_be_none(served: Command, command: str) -> None:
    """With how to find those there are."""
    nobody = "0199d3a0-5c1b-7000-8000-000000000000"
    answer = served("op", command, nobody)
    assert answer.returncode == 1
    assert f"There is no operation {nobody}; headrace op ls shows those there are." in answer.stderr
    wrong = served("op", command, "nonsense")
    assert wrong.returncode == 2
    assert "'nonsense' is not the id of an operation" in wrong.stderr


def test_an_operation_is_carried_out_without_a_server(headrace: Command) -> None:
    """A process that records by itself does it in the request."""
    assert headrace("op", "ls").stderr == "There are no operations.\n"
