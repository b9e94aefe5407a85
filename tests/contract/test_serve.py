"""The real client's `serve` executes runs of a headrace server: on a schedule, when asked, and until they are ended."""

import signal
import subprocess
from collections.abc import Iterator
from datetime import datetime, timedelta

import pytest

from tests.contract.conftest import SCRIPTS, Peer
from tests.contract.execution import Runs, gone, until

pytestmark = pytest.mark.xdist_group("contract-serve")


@pytest.fixture(scope="module")
def runs(peer_on_sqlite: Peer, tmp_path_factory: pytest.TempPathFactory) -> Runs:
    """The runs of one server."""
    return Runs(peer_on_sqlite, tmp_path_factory.mktemp("pids"))


@pytest.fixture(scope="module")
def served(runs: Runs) -> Iterator["subprocess.Popen[bytes]"]:
    """A process of the client's that serves all deployments."""
    quick = {"PREFECT_RUNNER_POLL_FREQUENCY": "1", "MILL_PIDS": str(runs.pids)}
    with runs.peer.running("python", str(SCRIPTS / "mill_flows.py"), "serve", **quick) as process:
        until(lambda: len(runs.peer.ask("POST", "/deployments/filter", {})) == 8)
        yield process


@pytest.fixture(scope="module")
def made(runs: Runs, served: "subprocess.Popen[bytes]") -> dict[str, str]:
    """Runs of all kinds, begun together because the client takes so long to begin them."""
    names = {"moody": "mill-moody/served", "asking": "mill-asking/served", "suspended": "mill-suspended/served"}
    ids = {name: runs.make(deployment) for name, deployment in names.items()}
    for kind in ("queued", "turned-away"):
        for place in ("first", "second"):
            ids[f"{kind} {place}"] = runs.make(f"mill-brief/{kind}")
    ids["slow"] = runs.make("mill-slow/served")
    return ids


def test_a_run_that_is_asked_for_is_executed(runs: Runs, made: dict[str, str]) -> None:
    said = runs.peer.cli("deployment", "run", "mill-quick/served", "--param", "sacks=3")
    assert "Created flow run" in said
    (run,) = runs.find(deployment_id={"any_": [runs.peer.ask("GET", "/deployments/name/mill-quick/served")["id"]]})
    assert runs.end(run["id"])["state_type"] == "COMPLETED"
    assert run["parameters"] == {"sacks": 3}
    assert runs.states(run["id"])[0] == "Scheduled"
    assert runs.states(run["id"])[-2:] == ["Running", "Completed"]


def test_a_schedule_is_kept(runs: Runs, made: dict[str, str]) -> None:
    deployment = runs.peer.ask("GET", "/deployments/name/mill-quick/scheduled")
    first, *_ = until(
        lambda: [
            run
            for run in runs.find(deployment_id={"any_": [deployment["id"]]})
            if run["auto_scheduled"] and run["state_type"] == "COMPLETED"
        ]
    )
    due, begun = (datetime.fromisoformat(first[name]) for name in ("expected_start_time", "start_time"))
    # The client begins when it is let, which is up to half a second before the time (contract §4.3).
    assert begun >= due - timedelta(seconds=0.5)


def test_a_run_is_tried_again(runs: Runs, made: dict[str, str]) -> None:
    assert runs.end(made["moody"])["state_type"] == "COMPLETED"
    assert runs.states(made["moody"])[-4:] == ["Running", "AwaitingRetry", "Running", "Completed"]


def test_a_paused_run_goes_on_with_what_it_asked_for(runs: Runs, made: dict[str, str]) -> None:
    id = made["asking"]
    runs.until(id, "PAUSED")
    refused = runs.peer.ask("POST", f"/flow_runs/{id}/resume", {"run_input": {"value": "many"}})
    assert refused["status"] == "REJECT"
    answered = runs.peer.ask("POST", f"/flow_runs/{id}/resume", {"run_input": {"value": 12}})
    assert answered["status"] == "ACCEPT"
    assert runs.end(id)["state_type"] == "COMPLETED"


def test_a_suspended_run_leaves_its_process_and_goes_on_in_another(runs: Runs, made: dict[str, str]) -> None:
    id = made["suspended"]
    runs.until(id, "Suspended")
    assert runs.peer.ask("POST", f"/flow_runs/{id}/resume")["status"] == "ACCEPT"
    assert runs.end(id)["state_type"] == "COMPLETED"
    assert "Resuming" in runs.states(id)


def test_a_full_deployment_lets_a_run_wait_for_a_slot(runs: Runs, made: dict[str, str]) -> None:
    both = [made["queued first"], made["queued second"]]
    assert [runs.end(id)["state_type"] for id in both] == ["COMPLETED", "COMPLETED"]
    assert sum("AwaitingConcurrencySlot" in runs.states(id) for id in both) == 1


def test_a_full_deployment_turns_a_run_away(runs: Runs, made: dict[str, str]) -> None:
    both = [made["turned-away first"], made["turned-away second"]]
    assert sorted(runs.end(id)["state_type"] for id in both) == ["CANCELLED", "COMPLETED"]


def test_a_running_run_is_cancelled_and_its_process_ended(runs: Runs, made: dict[str, str]) -> None:
    id = made["slow"]
    pid = runs.pid(id)
    assert "was successfully scheduled for cancellation" in " ".join(runs.peer.cli("flow-run", "cancel", id).split())
    assert runs.end(id)["state_type"] == "CANCELLED"
    until(lambda: gone([pid]))


def test_no_slot_is_held_when_all_is_over(runs: Runs, made: dict[str, str]) -> None:
    for id in made.values():
        runs.end(id)
    limits = runs.peer.ask("POST", "/v2/concurrency_limits/filter", {})
    assert [limit["active_slots"] for limit in limits] == [0] * len(limits)
    assert len(limits) == 2


def test_what_is_served_no_more_is_paused(runs: Runs, made: dict[str, str], served: "subprocess.Popen[bytes]") -> None:
    served.send_signal(signal.SIGINT)
    assert served.wait(60) == 0
    assert runs.peer.ask("GET", "/deployments/name/mill-quick/scheduled")["paused"] is True
