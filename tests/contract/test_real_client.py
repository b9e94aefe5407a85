"""An unmodified Prefect 3.8.8 runs its flows against our server and reads everything back."""

import json
import re

import pytest

from tests.contract.conftest import Peer

pytestmark = pytest.mark.xdist_group("contract")


def test_flows_return_what_they_compute(peer: Peer) -> None:
    """Tasks, mapping, a subflow, retries, allow_failure and async flows behave as against Prefect's server."""
    assert peer.seen["tasks"] == 9
    assert peer.seen["parent"] == "abab"
    assert peer.seen["retrying"] == "at last"
    assert peer.seen["tolerant"] == "got RuntimeError"
    assert peer.seen["async"] == [0, 2, 4]


def test_final_states_come_back_to_the_flow(peer: Peer) -> None:
    assert peer.seen["failing"] == ["FAILED", "Failed"]
    assert peer.seen["state"] == ["COMPLETED", "Enough", "said so myself"]


def test_a_flow_run_is_recorded_with_its_history(peer: Peer) -> None:
    tasks = peer.read["tasks"]
    assert (tasks["state"], tasks["run_count"], tasks["parameters"]) == ("Completed", 1, {"n": 3})
    assert tasks["took"] > 0
    assert tasks["ended"]
    assert peer.read["states"] == ["Pending", "Running", "Completed"]


def test_task_runs_are_recorded_from_the_client_s_events(peer: Peer) -> None:
    assert peer.read["task_runs"] == [["add", "Completed", []]] * 3 + [["double", "Completed", ["math"]]] * 3
    assert peer.read["task_states"] == ["Pending", "Running", "Completed"]


def test_log_lines_are_kept(peer: Peer) -> None:
    assert "a printed line" in peer.read["logs"]
    assert {"doubling 0", "doubling 1", "doubling 2"} <= set(peer.read["logs"])


def test_a_subflow_is_found_by_its_parent(peer: Peer) -> None:
    assert peer.read["children"] == [peer.seen["child_run_id"]]


def test_retries_are_counted(peer: Peer) -> None:
    assert peer.read["retried"] == ["Completed", 2]


def test_filters_find_the_failed_run_alone(peer: Peer) -> None:
    assert peer.read["failed"] == [peer.seen["failing_run_id"]]
    assert peer.read["count"] == 2
    assert peer.read["flows"] == [
        f"contract-{name}" for name in ("async", "child", "failing", "parent", "retries", "state", "tasks", "tolerant")
    ]


def test_a_run_is_made_renamed_cancelled_and_deleted(peer: Peer) -> None:
    """Cancelling a scheduled run writes Cancelled at once, for nothing runs that could be told to stop."""
    assert peer.read["renamed"] == ["renamed", ["by-hand"], "Scheduled"]
    assert peer.read["cancelled"] == ["REJECT", "Cancelled"]
    assert peer.read["deleted"] == "ObjectNotFound"


def test_the_command_line_lists_runs(peer_on_sqlite: Peer) -> None:
    listed = json.loads(peer_on_sqlite.cli("flow-run", "ls", "-o", "json"))
    assert {
        peer_on_sqlite.seen["tasks_run_id"],
        peer_on_sqlite.seen["child_run_id"],
        peer_on_sqlite.seen["failing_run_id"],
    } <= {run["id"] for run in listed}
    failed = json.loads(peer_on_sqlite.cli("flow-run", "ls", "--state", "Failed", "-o", "json"))
    assert [run["id"] for run in failed] == [peer_on_sqlite.seen["failing_run_id"]]


def test_the_command_line_inspects_a_run(peer_on_sqlite: Peer) -> None:
    run = json.loads(peer_on_sqlite.cli("flow-run", "inspect", peer_on_sqlite.seen["tasks_run_id"], "-o", "json"))
    assert (run["id"], run["state"]["name"]) == (peer_on_sqlite.seen["tasks_run_id"], "Completed")


def test_the_command_line_prints_logs_in_order(peer_on_sqlite: Peer) -> None:
    lines = peer_on_sqlite.cli("flow-run", "logs", peer_on_sqlite.seen["tasks_run_id"]).splitlines()
    stamps = [line[:23] for line in lines if re.match(r"\d{4}-\d\d-\d\d ", line)]
    assert len(stamps) >= 5
    assert stamps == sorted(stamps)


def test_the_command_line_deletes_a_run(peer_on_sqlite: Peer) -> None:
    peer_on_sqlite.cli("--no-prompt", "flow-run", "delete", peer_on_sqlite.seen["async_run_id"])
    left = json.loads(peer_on_sqlite.cli("flow-run", "ls", "--limit", "200", "-o", "json"))
    assert peer_on_sqlite.seen["async_run_id"] not in {run["id"] for run in left}
