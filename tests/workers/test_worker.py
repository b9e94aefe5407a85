"""A process worker: it makes its pool, executes what is due there as its job template says, and ends in order."""

import json
import signal
import subprocess
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from headrace.wire.deployments import DeploymentCreate
from headrace.wire.errors import ObjectNotFound
from headrace.wire.filters import WorkerFilter
from headrace.wire.variables import VariableCreate
from headrace.wire.work_pools import WorkPoolCreate, WorkPoolUpdate
from tests.processes import HEADRACE, free_port
from tests.serving import Watched, environ_for, is_alive, kill, running, until

pytestmark = pytest.mark.xdist_group("serving")

CODE = """
import os, signal, subprocess, sys, time
from pathlib import Path
from headrace import flow

def write(name, *words):
    Path(f"{name}.part").write_text(" ".join(map(str, words)))
    Path(f"{name}.part").rename(name)

@flow(log_prints=True)
def shows(name: str):
    write(name, os.environ.get("GRAIN"), os.getcwd(), os.environ["HEADRACE__FLOW_RUN_ID"])

@flow
def waits(name: str):
    write(f"{name}.pid", os.getpid())
    while not Path(f"{name}.go").exists():
        time.sleep(0.02)

@flow
def deaf(name: str):
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
    write(f"{name}.pid", os.getpid(), child.pid)
    while True:
        try:
            time.sleep(600)
        except BaseException:
            pass
"""
SHORT = {
    "HEADRACE_WORKER_QUERY_SECONDS": "0.5",
    "HEADRACE_WORKER_HEARTBEAT_SECONDS": "1",
    "HEADRACE_FLOWS_LEASE_SECONDS": "3",
    "HEADRACE_RUNNER_GRACE_SECONDS": "1",
}


class Mill:
    """A work pool of this test alone, the code of its flows, and its workers."""

    def __init__(self, watched: Watched, folder: Path) -> None:
        self.watched, self.folder, self.pool = watched, folder, f"mill-{uuid4().hex[:8]}"
        (folder / "flows.py").write_text(CODE)

    @contextmanager
    def worker(self, *options: str, **settings: str) -> Iterator[subprocess.Popen[bytes]]:
        """A worker of the pool, once it is known to the server."""
        name = f"miller-{uuid4().hex[:8]}"
        command = [HEADRACE, "worker", "start", "--pool", self.pool, "--name", name, *options]
        environ = environ_for(self.watched.api_url, self.folder, **(SHORT | settings))
        with running(command, environ, self.folder) as process:
            until(lambda: name in self.online(), "the worker")
            yield process

    def online(self) -> list[str]:
        try:
            return [each.name for each in self.watched.client.read_workers_for_work_pool(self.pool, WorkerFilter())]
        except ObjectNotFound:
            return []

    def deploy(self, flow: str, queue: str | None = None, **job_variables: Any) -> str:
        """The name of a new deployment of a flow to the pool."""
        client, name = self.watched.client, f"{flow}-{uuid4().hex[:8]}"
        client.post_deployment(
            DeploymentCreate(
                name=name,
                flow_id=client.create_flow_from_name(flow),
                entrypoint=f"flows.py:{flow}",
                path=str(self.folder),
                work_pool_name=self.pool,
                work_queue_name=queue,
                job_variables=job_variables,
            )
        )
        return name

    def words(self, name: str) -> list[str]:
        """What a flow wrote to a file."""
        file = self.folder / name
        until(file.exists, name)
        return file.read_text().split()

    def output(self) -> str:
        return (self.folder / "output.txt").read_text()


@pytest.fixture
def mill(watched: Watched, tmp_path: Path) -> Mill:
    return Mill(watched, tmp_path)


def test_a_worker_makes_its_pool_and_executes_its_runs_as_the_job_template_says(mill: Mill, watched: Watched) -> None:
    with mill.worker() as worker:
        pool = watched.client.read_work_pool(mill.pool)
        assert pool.type == "process"
        watched.client.create_variable(VariableCreate(name=f"grain_{mill.pool[-8:]}", value="rye"))
        grain = f"{{{{ headrace.variables.grain_{mill.pool[-8:]} }}}}"
        run = watched.until_state(watched.begin(mill.deploy("shows", env={"GRAIN": grain}), name="first"), "Completed")
        assert mill.words("first") == ["rye", str(mill.folder), str(run.id)]
        assert run.labels["prefect.work-pool.name"] == mill.pool
        assert run.labels["prefect.worker.type"] == "process"
        assert watched.states(run.id) == ["Scheduled", "Pending", "Submitting", "Running", "Completed"]
        worker.send_signal(signal.SIGTERM)
        assert worker.wait(30) == 0
    told = [event["event"] for event in events_of(watched, "prefect.worker.")]
    for name in ("started", "submitted-flow-run", "executed-flow-run", "stopped"):
        assert f"prefect.worker.{name}" in told


def test_a_job_that_cannot_be_started_crashes_its_run_with_the_reason(mill: Mill, watched: Watched) -> None:
    with mill.worker():
        run = watched.until_state(watched.begin(mill.deploy("shows", command="no-such-mill"), name="none"), "Crashed")
        assert "No such file or directory: 'no-such-mill'" in ((run.state and run.state.message) or "")
        run = watched.until_state(watched.begin(mill.deploy("shows", working_dir="/nowhere"), name="none"), "Crashed")
        assert "The working_dir of the job is /nowhere" in ((run.state and run.state.message) or "")


def test_a_worker_takes_only_its_queue_and_no_more_than_its_limit(mill: Mill, watched: Watched) -> None:
    with mill.worker("--work-queue", "urgent", "--limit", "1"):
        other = watched.begin(mill.deploy("shows"), name="other")
        urgent = mill.deploy("waits", queue="urgent")
        first, second = watched.begin(urgent, name="a"), watched.begin(urgent, name="b")
        begun = until(lambda: sorted(path.stem for path in mill.folder.glob("?.pid")), "a first run")
        assert begun in (["a"], ["b"])
        waiting = second if begun == ["a"] else first
        assert watched.client.read_flow_run(waiting).state_name in ("Scheduled", "Late")
        for name in "ab":
            (mill.folder / f"{name}.go").touch()
        for run in (first, second):
            watched.until_state(run, "Completed")
        assert watched.client.read_flow_run(other).state_name in ("Scheduled", "Late")


def test_a_limit_of_the_pool_holds_for_its_worker(mill: Mill, watched: Watched) -> None:
    with mill.worker():
        watched.client.update_work_pool(mill.pool, WorkPoolUpdate(concurrency_limit=1))
        deployment = mill.deploy("waits")
        runs = [watched.begin(deployment, name=name) for name in "ab"]
        until(lambda: list(mill.folder.glob("?.pid")), "a first run")
        assert sorted(watched.client.read_flow_run(run).state_name or "" for run in runs)[0] in ("Pending", "Running")
        assert len(list(mill.folder.glob("?.pid"))) == 1
        for name in "ab":
            (mill.folder / f"{name}.go").touch()
        for run in runs:
            watched.until_state(run, "Completed")


def test_a_worker_that_is_asked_to_stop_waits_for_its_runs_and_asked_again_cancels_them(
    mill: Mill, watched: Watched
) -> None:
    deployment = None
    with mill.worker() as worker:
        deployment = mill.deploy("waits")
        run = watched.begin(deployment, name="first")
        mill.words("first.pid")
        worker.send_signal(signal.SIGTERM)
        until(lambda: "Waiting for 1 run to end" in mill.output(), "its word")
        later = watched.begin(deployment, name="later")
        (mill.folder / "first.go").touch()
        assert worker.wait(30) == 0
        assert watched.client.read_flow_run(run).state_name == "Completed"
        assert watched.client.read_flow_run(later).state_name == "Scheduled"
    with mill.worker() as worker:
        (pid,) = mill.words("later.pid")
        worker.send_signal(signal.SIGTERM)
        worker.send_signal(signal.SIGINT)
        assert worker.wait(30) == 0
        assert watched.client.read_flow_run(later).state_name == "Cancelled"
        assert not is_alive(int(pid))


def test_with_run_once_a_worker_executes_what_is_due_and_ends(mill: Mill, watched: Watched) -> None:
    with mill.worker():
        pass
    run = watched.begin(mill.deploy("shows"), name="once")
    with running(
        [HEADRACE, "worker", "start", "--pool", mill.pool, "--run-once"],
        environ_for(watched.api_url, mill.folder, **SHORT),
        mill.folder,
    ) as worker:
        assert worker.wait(30) == 0
    assert watched.client.read_flow_run(run).state_name == "Completed"


def test_a_killed_workers_run_goes_on_and_can_be_cancelled(mill: Mill, watched: Watched) -> None:
    with mill.worker() as worker:
        run = watched.begin(mill.deploy("waits"), name="goes-on")
        doomed = watched.begin(mill.deploy("deaf"), name="doomed")
        pids = [int(pid) for name in ("goes-on.pid", "doomed.pid") for pid in mill.words(name)]
        kill(worker.pid)
        worker.wait()
    assert all(map(is_alive, pids))
    (mill.folder / "goes-on.go").touch()
    watched.until_state(run, "Completed")
    watched.cancel(doomed)
    watched.until_state(doomed, "Cancelled")
    until(lambda: not any(map(is_alive, pids)), "an end of the processes")


def test_a_worker_answers_how_it_is_and_refuses_a_pool_of_another_type(mill: Mill, watched: Watched) -> None:
    port = free_port()
    with mill.worker("--with-healthcheck", HEADRACE_RUNNER_HEALTH_PORT=str(port)):
        said = until(lambda: health(port), "an answer to how the worker is")
        assert json.loads(said) == {"message": "OK"}
        listed = subprocess.run(
            [HEADRACE, "worker", "ls", "--pool", mill.pool],
            env=environ_for(watched.api_url, mill.folder),
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        assert "ONLINE" in listed
    watched.client.create_work_pool(WorkPoolCreate(name=f"{mill.pool}-docker", type="docker"))
    refused = subprocess.run(
        [HEADRACE, "worker", "start", "--pool", f"{mill.pool}-docker", "--type", "process"],
        env=environ_for(watched.api_url, mill.folder),
        capture_output=True,
        text=True,
    )
    assert refused.returncode == 1
    assert "is for workers of the type docker" in refused.stderr


def health(port: int) -> bytes:
    """What a worker answers, once it listens."""
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/health", timeout=10) as answer:
            return answer.read()
    except urllib.error.URLError:
        return b""


def events_of(watched: Watched, prefix: str) -> list[dict[str, Any]]:
    request = urllib.request.Request(
        f"{watched.api_url}/events/filter",
        method="POST",
        data=json.dumps({"filter": {"event": {"prefix": [prefix]}}, "limit": 50}).encode(),
        headers={"Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=20) as answer:
        return json.load(answer)["events"]


def test_two_workers_of_a_pool_execute_each_run_once(mill: Mill, watched: Watched) -> None:
    with mill.worker("--limit", "2"), mill.worker("--limit", "2"):
        deployment = mill.deploy("shows")
        runs = [watched.begin(deployment, name=f"run-{number}") for number in range(8)]
        for run in runs:
            watched.until_state(run, "Completed")
            assert watched.states(run).count("Running") == 1
        workers = {watched.client.read_flow_run(run).labels["prefect.worker.name"] for run in runs}
        assert len(workers) == 2
