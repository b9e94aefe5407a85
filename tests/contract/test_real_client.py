"""An unmodified Prefect 3.8.8 runs its flows against our server and reads everything back."""

import json
import re
from typing import Any

import pytest

from tests.contract.conftest import Peer

pytestmark = pytest.mark.xdist_group("contract")


@pytest.fixture(scope="module")
def seen(peer: Peer) -> dict[str, Any]:
    """What the flows' own process saw."""
    return peer.script("run_flows.py")


@pytest.fixture(scope="module")
def read(peer: Peer, seen: dict[str, Any]) -> dict[str, Any]:
    """What the client read back afterwards."""
    return peer.script("read_back.py", json.dumps(seen))


def test_flows_return_what_they_compute(seen: dict[str, Any]) -> None:
    """Tasks, mapping, a subflow, retries, allow_failure and async flows behave as against Prefect's server."""
    assert seen["tasks"] == 9
    assert seen["parent"] == "abab"
    assert seen["retrying"] == "at last"
    assert seen["tolerant"] == "got RuntimeError"
    assert seen["async"] == [0, 2, 4]


def test_final_states_come_back_to_the_flow(seen: dict[str, Any]) -> None:
    assert seen["failing"] == ["FAILED", "Failed"]
    assert seen["state"] == ["COMPLETED", "Enough", "said so myself"]


def test_a_flow_run_is_recorded_with_its_history(read: dict[str, Any]) -> None:
    tasks = read["tasks"]
    assert (tasks["state"], tasks["run_count"], tasks["parameters"]) == ("Completed", 1, {"n": 3})
    assert tasks["took"] > 0
    assert tasks["ended"]
    assert read["states"] == ["Pending", "Running", "Completed"]


def test_task_runs_are_recorded_from_the_client_s_events(read: dict[str, Any]) -> None:
    assert read["task_runs"] == [["add", "Completed", []]] * 3 + [["double", "Completed", ["math"]]] * 3
    assert read["task_states"] == ["Pending", "Running", "Completed"]


def test_log_lines_are_kept(read: dict[str, Any]) -> None:
    assert "a printed line" in read["logs"]
    assert {"doubling 0", "doubling 1", "doubling 2"} <= set(read["logs"])


def test_a_subflow_is_found_by_its_parent(read: dict[str, Any], seen: dict[str, Any]) -> None:
    assert read["children"] == [seen["child_run_id"]]


def test_retries_are_counted(read: dict[str, Any]) -> None:
    assert read["retried"] == ["Completed", 2]


def test_filters_find_the_failed_run_alone(read: dict[str, Any], seen: dict[str, Any]) -> None:
    assert read["failed"] == [seen["failing_run_id"]]
    assert read["count"] == 2
    assert read["flows"] == [
        f"contract-{name}" for name in ("async", "child", "failing", "parent", "retries", "state", "tasks", "tolerant")
    ]


def test_a_run_is_made_renamed_cancelled_and_deleted(read: dict[str, Any]) -> None:
    """Cancelling a scheduled run writes Cancelled at once, for nothing runs that could be told to stop."""
    assert read["renamed"] == ["renamed", ["by-hand"], "Scheduled"]
    assert read["cancelled"] == ["REJECT", "Cancelled"]
    assert read["deleted"] == "ObjectNotFound"


def test_the_command_line_lists_runs(peer: Peer, read: dict[str, Any], seen: dict[str, Any]) -> None:
    listed = json.loads(peer.cli("flow-run", "ls", "-o", "json"))
    assert {seen["tasks_run_id"], seen["child_run_id"], seen["failing_run_id"]} <= {run["id"] for run in listed}
    failed = json.loads(peer.cli("flow-run", "ls", "--state", "Failed", "-o", "json"))
    assert [run["id"] for run in failed] == [seen["failing_run_id"]]


def test_the_command_line_inspects_a_run(peer: Peer, seen: dict[str, Any]) -> None:
    run = json.loads(peer.cli("flow-run", "inspect", seen["tasks_run_id"], "-o", "json"))
    assert (run["id"], run["state"]["name"]) == (seen["tasks_run_id"], "Completed")


def test_the_command_line_prints_logs_in_order(peer: Peer, seen: dict[str, Any]) -> None:
    lines = peer.cli("flow-run", "logs", seen["tasks_run_id"]).splitlines()
    stamps = [line[:23] for line in lines if re.match(r"\d{4}-\d\d-\d\d ", line)]
    assert len(stamps) >= 5
    assert stamps == sorted(stamps)


def test_the_command_line_deletes_a_run(peer: Peer, seen: dict[str, Any]) -> None:
    peer.cli("--no-prompt", "flow-run", "delete", seen["async_run_id"])
    left = json.loads(peer.cli("flow-run", "ls", "--limit", "200", "-o", "json"))
    assert seen["async_run_id"] not in {run["id"] for run in left}
