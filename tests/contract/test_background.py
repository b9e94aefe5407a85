"""The real client delays tasks and serves them, by the queue of a headrace server."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.contract.conftest import ROOT, SCRIPTS, Peer
from tests.processes import clean_environ, stop

pytestmark = pytest.mark.xdist_group("contract-background")
Seen = dict[str, Any]


@pytest.fixture(scope="module")
def peer(peer_on_postgres: Peer) -> Peer:
    """The queue's own tests run on both databases; here one is enough."""
    return peer_on_postgres


@pytest.fixture(scope="module")
def seen(peer: Peer) -> Iterator[Seen]:
    """What the process that delayed saw, while another served."""
    with peer.running("python", str(SCRIPTS / "background.py"), "serve"):
        yield peer.script("background.py", "delay")


def names(peer: Peer, id: str) -> list[str]:
    return [state["name"] for state in peer.ask("GET", f"/task_run_states/?task_run_id={id}")]


def test_a_delayed_task_is_executed_and_its_value_comes_back(seen: Seen, peer: Peer) -> None:
    assert seen["value"] == "rye flour"
    assert seen["after"] == "Completed"
    assert names(peer, seen["id"]) == ["Scheduled", "Pending", "Running", "Completed"]
    assert seen["many"] == [f"sack {number} flour" for number in range(10)]


def test_an_async_task_is_awaited(seen: Seen) -> None:
    assert seen["awaited"] == "fine bran"


def test_a_failure_is_retried_and_told(seen: Seen, peer: Peer) -> None:
    id, type, message = seen["spilt"]
    assert type == "FAILED"
    assert "the sack has a hole" in message
    assert names(peer, id) == ["Scheduled", "Pending", "Running", "Retrying", "Failed"], "it does not wait"


def test_a_task_that_a_flow_delays_is_executed_too(seen: Seen) -> None:
    assert seen["in_flow"]["value"] == "oat flour"


def test_workers_of_both_kinds_share_a_server(seen: Seen, peer: Peer, tmp_path: Path) -> None:
    environ = clean_environ(tmp_path) | {"HEADRACE_API_URL": peer.api_url}
    command = [sys.executable, str(ROOT / "examples" / "background_tasks.py")]
    with (tmp_path / "output.txt").open("wb") as output:
        ours = subprocess.Popen([*command, "serve"], env=environ, stdout=output, stderr=subprocess.STDOUT)
    try:
        done = subprocess.run(command, env=environ, capture_output=True, text=True, timeout=100)
        assert len(peer.ask("POST", "/task_workers/filter", {})) == 2
    finally:
        stop(ours)
    assert done.stdout == "new pictures: lake-400.png, hill-400.png, mill-400.png\n", done.stderr


def test_the_worker_is_listed(seen: Seen, peer: Peer) -> None:
    (worker,) = [one for one in peer.ask("POST", "/task_workers/filter", {}) if len(one["task_keys"]) == 3]
    assert {key.rpartition("-")[0] for key in worker["task_keys"]} == {"grind", "sift", "spill"}
