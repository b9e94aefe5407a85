"""The real client deploys flows to a process pool, and its worker executes and ends their runs."""

import json
import os
import shutil
import signal
import subprocess
from collections.abc import Callable, Iterator
from contextlib import suppress

import pytest

from tests.contract.conftest import SCRIPTS, Peer
from tests.contract.execution import Runs, gone, until
from tests.processes import serving

pytestmark = pytest.mark.xdist_group("contract-worker")

DEPLOYMENTS = {
    "mill-quick/deployed": {"work_queue_name": "default"},
    "mill-quick/urgent": {"work_queue_name": "urgent"},
    "mill-brief/narrow": {"work_queue_name": "narrow"},
    "mill-slow/deployed": {"limit": 1},
    "mill-child/deployed": {},
    "mill-parent/deployed": {},
}
SOON = {
    "HEADRACE_SERVER_SERVICES_CANCELLATION_CLEANUP_CANCELLING_TIMEOUT_SECONDS": "10",
    "HEADRACE_SERVER_SERVICES_CANCELLATION_CLEANUP_LOOP_SECONDS": "1",
}


@pytest.fixture(scope="module")
def runs(
    tmp_path_factory: pytest.TempPathFactory, fresh_postgres_url: Callable[[], str], peer_installed: None
) -> Iterator[Runs]:
    """The runs of a server that ends a cancelling after ten seconds; the client itself takes about as long."""
    with serving(tmp_path_factory.mktemp("headrace"), fresh_postgres_url(), settings=SOON) as server:
        yield Runs(Peer(server.api_url, tmp_path_factory.mktemp("prefect")), tmp_path_factory.mktemp("pids"))


@pytest.fixture(scope="module")
def deployed(runs: Runs) -> Runs:
    """A pool with three queues and its deployments, all made on the client's command line."""
    peer = runs.peer
    shutil.copy(SCRIPTS / "mill_flows.py", peer.home)
    everything = [described(name, str(peer.home)) for name in DEPLOYMENTS]
    (peer.home / "prefect.yaml").write_text(json.dumps({"name": "mill", "deployments": everything}))
    peer.cli("work-pool", "create", "mill", "--type", "process")
    for queue, body in (("urgent", {"priority": 1}), ("narrow", {"concurrency_limit": 1})):
        peer.ask("POST", "/work_pools/mill/queues", {"name": queue, **body})
    said = peer.cli("--no-prompt", "deploy", "--all")
    assert said.count("successfully created") == len(DEPLOYMENTS), said
    return runs


def described(name: str, folder: str) -> object:
    """A deployment as `prefect.yaml` says it."""
    flow, _, deployment = name.partition("/")
    more = dict(DEPLOYMENTS[name])
    queue, limit = more.pop("work_queue_name", None), more.pop("limit", None)
    return {
        "name": deployment,
        "entrypoint": f"mill_flows.py:{flow.removeprefix('mill-')}",
        "work_pool": {"name": "mill"} | ({"work_queue_name": queue} if queue else {}),
        "pull": [{"prefect.deployments.steps.set_working_directory": {"directory": folder}}],
    } | ({"concurrency_limit": limit} if limit else {})


@pytest.fixture(scope="module")
def queued(deployed: Runs) -> dict[str, str]:
    """Runs that wait before any worker is there; the pool lets one be under way."""
    deployed.peer.ask("PATCH", "/work_pools/mill", {"concurrency_limit": 1})
    return {"later": deployed.make("mill-quick/deployed"), "first": deployed.make("mill-quick/urgent")}


@pytest.fixture(scope="module")
def worker(queued: dict[str, str], deployed: Runs) -> Iterator["subprocess.Popen[bytes]"]:
    quick = {"PREFECT_WORKER_QUERY_SECONDS": "1", "MILL_PIDS": str(deployed.pids)}
    with deployed.peer.running("prefect", "worker", "start", "--pool", "mill", "--name", "miller", **quick) as process:
        yield process


@pytest.fixture(scope="module")
def under_way(worker: "subprocess.Popen[bytes]", queued: dict[str, str], deployed: Runs) -> dict[str, str]:
    """Runs that are begun together, when those that tell of priority are over."""
    for id in queued.values():
        deployed.end(id)
    deployed.peer.ask("PATCH", "/work_pools/mill", {"concurrency_limit": None})
    names = {"slow": "mill-slow/deployed", "parent": "mill-parent/deployed"}
    narrow = {f"narrow {place}": "mill-brief/narrow" for place in ("one", "two")}
    return {name: deployed.make(deployment) for name, deployment in (names | narrow).items()}


def test_a_worker_executes_what_is_deployed_by_the_priority_of_its_queue(
    worker: "subprocess.Popen[bytes]", queued: dict[str, str], deployed: Runs
) -> None:
    first, later = deployed.end(queued["first"]), deployed.end(queued["later"])
    assert [first["state_type"], later["state_type"]] == ["COMPLETED", "COMPLETED"]
    assert first["end_time"] <= later["start_time"]
    assert deployed.peer.ask("GET", "/work_pools/mill")["status"] == "READY"


def test_a_queue_lets_no_more_runs_be_under_way_than_its_limit(under_way: dict[str, str], deployed: Runs) -> None:
    both = [deployed.end(under_way[f"narrow {place}"]) for place in ("one", "two")]
    one, two = sorted(both, key=lambda run: run["start_time"])
    assert [one["state_type"], two["state_type"]] == ["COMPLETED", "COMPLETED"]
    assert one["end_time"] <= two["start_time"]


def test_a_running_run_is_cancelled_and_its_process_ended(under_way: dict[str, str], deployed: Runs) -> None:
    id = under_way["slow"]
    pid = deployed.pid(id)
    deployed.peer.cli("flow-run", "cancel", id)
    assert deployed.end(id)["state_type"] == "CANCELLED"
    until(lambda: gone([pid]))


def test_a_parent_is_cancelled_with_its_subflow(under_way: dict[str, str], deployed: Runs) -> None:
    parent = under_way["parent"]
    (child,) = until(lambda: [run for run in deployed.find() if run["parent_task_run_id"] is not None])
    pids = [deployed.pid(parent), deployed.pid(child["id"])]
    deployed.peer.ask("POST", f"/flow_runs/{parent}/set_state", {"state": {"type": "CANCELLING"}})
    assert [deployed.end(id)["state_type"] for id in (parent, child["id"])] == ["CANCELLED", "CANCELLED"]
    until(lambda: gone(pids))


def test_a_run_of_a_killed_worker_is_cancelled_in_time_and_its_slot_is_free(
    worker: "subprocess.Popen[bytes]", under_way: dict[str, str], deployed: Runs
) -> None:
    deployed.end(under_way["slow"])
    id = deployed.make("mill-slow/deployed")
    pid = deployed.pid(id)
    try:
        os.kill(worker.pid, signal.SIGKILL)
        worker.wait()
        deployed.peer.ask("POST", f"/flow_runs/{id}/set_state", {"state": {"type": "CANCELLING"}})
        assert deployed.end(id)["state_type"] == "CANCELLED"
        assert deployed.peer.ask("GET", f"/x/flow_runs/{id}/cancellation")["final_by"] == "server"
        limits = deployed.peer.ask("POST", "/v2/concurrency_limits/filter", {})
        assert [limit["active_slots"] for limit in limits] == [0]
    finally:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
