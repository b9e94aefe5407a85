"""Who executes runs, the runs' own processes and the server are killed at each step: every run comes to its end.

Three runs are caught in the same moment: one while its flow is loaded (Pending), one while it runs, and one that
ignores that it is being cancelled.
"""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import UUID

import pytest

from headrace.server.store.base import Dialect
from headrace.wire.deployments import DeploymentCreate
from tests.processes import HEADRACE, ServerProcess, clean_environ, free_port, stop, until_healthy
from tests.serving import Watched, environ_for, is_alive, kill, running, serving_flows, until

pytestmark = pytest.mark.xdist_group("serving")

FLOWS = """
import os, signal, subprocess, sys, time
from pathlib import Path
from headrace import flow, serve

def write(name, *pids):
    Path(f"{name}.part").write_text(" ".join(map(str, pids)))
    Path(f"{name}.part").rename(name)

def until_go():
    while not Path("go").exists():
        time.sleep(0.02)

@flow
def runs():
    write("runs.pids", os.getpid())
    until_go()

@flow
def deaf():
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
    write("deaf.pids", os.getpid(), child.pid)
    while True:
        try:
            time.sleep(600)
        except BaseException:
            pass
"""
SERVED = f"""{FLOWS}
@flow
def held(): ...

deployments = [each.to_deployment(each.name) for each in (runs, deaf, held)]
deployments[-1].entrypoint = "held.py:held"
serve(*deployments)
"""
HELD = f"""{FLOWS}
@flow
def held(): ...

if "HEADRACE__FLOW_RUN_ID" in os.environ and not Path("go").exists():
    write("held.pids", os.getpid())
    until_go()
"""
SERVER = {
    "HEADRACE_SERVER_SERVICES_LIVENESS_LOOP_SECONDS": "0.2",
    "HEADRACE_SERVER_SERVICES_LIVENESS_PATIENCE_SECONDS": "5",
    "HEADRACE_SERVER_SERVICES_LIVENESS_CLAIM_TIMEOUT_SECONDS": "6",
    "HEADRACE_SERVER_SERVICES_LIVENESS_INFRASTRUCTURE_TIMEOUT_SECONDS": "6",
    "HEADRACE_SERVER_SERVICES_CANCELLATION_CLEANUP_LOOP_SECONDS": "0.2",
    "HEADRACE_SERVER_SERVICES_CANCELLATION_CLEANUP_CANCELLING_TIMEOUT_SECONDS": "8",
}
RUNNER = {
    "HEADRACE_WORKER_QUERY_SECONDS": "0.5",
    "HEADRACE_FLOWS_LEASE_SECONDS": "4",
    "HEADRACE_RUNNER_GRACE_SECONDS": "2",
}
ENDED = ("Completed", "Failed", "Crashed", "Cancelled")


class Server:
    """A server that can be killed and started again at the same address."""

    def __init__(self, home: Path, database_url: str | None) -> None:
        self._home, self._port = home, free_port()
        self._environ = clean_environ(home) | SERVER
        if database_url is not None:
            self._environ["HEADRACE_SERVER_DATABASE_URL"] = database_url
        self.api_url = f"http://127.0.0.1:{self._port}/api"
        self.start()

    def start(self) -> None:
        with (self._home / "server-output.txt").open("ab") as output:
            command = [HEADRACE, "server", "start", "--host", "127.0.0.1", "--port", str(self._port)]
            self.process = subprocess.Popen(command, env=self._environ, stdout=output, stderr=subprocess.STDOUT)
        until_healthy(ServerProcess(self.api_url, self._home, self.process))

    def kill(self) -> None:
        kill(self.process.pid)
        self.process.wait()


@pytest.fixture(params=list(Dialect), ids=str)
def server(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Server]:
    home = tmp_path / "server"
    home.mkdir()
    url = None if request.param is Dialect.SQLITE else request.getfixturevalue("postgres_url")
    server = Server(home, url)
    yield server
    stop(server.process)


@pytest.fixture
def watched(server: Server) -> Iterator[Watched]:
    watched = Watched(server.api_url)
    yield watched
    watched.close()


class Caught:
    """Three runs, each at another step. `pids` are their processes, the run's own first."""

    def __init__(self, watched: Watched, folder: Path) -> None:
        self._watched, self._folder = watched, folder
        self.runs: dict[str, UUID] = {name: watched.begin(name) for name in ("held", "runs", "deaf")}
        self.pids = {name: self._pids(name) for name in self.runs}
        watched.until_state(self.runs["runs"], "Running")
        watched.until_state(self.runs["deaf"], "Running")
        watched.cancel(self.runs["deaf"])
        assert self.states() == {"held": "Submitting", "runs": "Running", "deaf": "Cancelling"}

    def _pids(self, name: str) -> list[int]:
        file = self._folder / f"{name}.pids"
        until(file.exists, f"the process of {name}")
        return [int(pid) for pid in file.read_text().split()]

    def states(self) -> dict[str, str | None]:
        return {name: self._watched.client.read_flow_run(run).state_name for name, run in self.runs.items()}

    def ends(self) -> dict[str, str | None]:
        """How the runs have ended, once they have and none of their processes is left."""
        (self._folder / "go").touch()
        for run in self.runs.values():
            self._watched.until_state(run, *ENDED, seconds=60)
        until(lambda: not any(is_alive(pid) for pids in self.pids.values() for pid in pids), "an end of the processes")
        return self.states()

    def how_often(self, name: str, state: str) -> int:
        return self._watched.states(self.runs[name]).count(state)


@contextmanager
def runner(server: Server, folder: Path) -> Iterator[subprocess.Popen[bytes]]:
    (folder / "held.py").write_text(HELD)
    with serving_flows(SERVED, server.api_url, folder, **RUNNER) as process:
        yield process


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "flows"
    folder.mkdir()
    return folder


def test_runs_whose_runner_is_killed_go_on_by_themselves(server: Server, watched: Watched, folder: Path) -> None:
    with runner(server, folder) as process:
        caught = Caught(watched, folder)
        kill(process.pid)
        process.wait()
        assert caught.ends() == {"held": "Completed", "runs": "Completed", "deaf": "Cancelled"}


def test_runs_whose_processes_are_killed_are_told_of_by_their_runner(
    server: Server, watched: Watched, folder: Path
) -> None:
    with runner(server, folder):
        caught = Caught(watched, folder)
        for pids in caught.pids.values():
            kill(pids[0])
        assert caught.ends() == {"held": "Crashed", "runs": "Crashed", "deaf": "Cancelled"}
        crashed = watched.client.read_flow_run(caught.runs["runs"])
        assert "ended by the signal SIGKILL" in ((crashed.state and crashed.state.message) or "")


def test_runs_that_are_killed_with_their_runner_are_ended_or_executed_anew_by_the_server_and_the_next_runner(
    server: Server, watched: Watched, folder: Path
) -> None:
    with runner(server, folder) as process:
        caught = Caught(watched, folder)
        kill(process.pid)
        process.wait()
        for pids in caught.pids.values():
            for pid in pids:
                kill(pid)
    with runner(server, folder):
        assert caught.ends() == {"held": "Completed", "runs": "Crashed", "deaf": "Cancelled"}
        assert caught.how_often("held", "Running") == 1


def test_runs_go_on_when_the_server_is_killed_and_comes_back(server: Server, watched: Watched, folder: Path) -> None:
    with runner(server, folder) as process:
        caught = Caught(watched, folder)
        server.kill()
        server.start()
        assert caught.ends() == {"held": "Completed", "runs": "Completed", "deaf": "Cancelled"}
        assert {caught.how_often(name, "Running") for name in ("held", "runs", "deaf")} == {1}
        again = watched.begin("runs")
        watched.until_state(again, "Completed")
        assert process.poll() is None


def test_a_worker_goes_on_when_the_server_is_killed_and_comes_back(
    server: Server, watched: Watched, folder: Path
) -> None:
    (folder / "flows.py").write_text(FLOWS)
    command = [HEADRACE, "worker", "start", "--pool", "mill"]
    with running(command, environ_for(server.api_url, folder, **RUNNER), folder) as worker:
        until(lambda: watched.client.read_work_pools(), "the pool")
        watched.client.post_deployment(
            DeploymentCreate(
                name="runs",
                flow_id=watched.client.create_flow_from_name("runs"),
                entrypoint="flows.py:runs",
                path=str(folder),
                work_pool_name="mill",
            )
        )
        first = watched.begin("runs")
        watched.until_state(first, "Running")
        server.kill()
        server.start()
        second = watched.begin("runs")
        watched.until_state(second, "Running")
        (folder / "go").touch()
        for run in (first, second):
            watched.until_state(run, "Completed")
            assert watched.states(run).count("Running") == 1
        assert worker.poll() is None
