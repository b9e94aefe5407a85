"""From `headrace deploy` to a run's end, by a worker that is a process of its own."""

import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
import yaml

from headrace.client.orchestration import SyncHeadraceClient
from headrace.wire.flow_runs import FlowRun
from headrace.wire.work_pools import WorkPoolCreate
from tests.cli.conftest import Command
from tests.processes import HEADRACE, ServerProcess, clean_environ, stop
from tests.sdk.steps.repositories import commit, repository

FLOW = """
from headrace import flow
from grains import GRAIN

@flow(log_prints=True)
def mills():
    print("grinding", GRAIN)
"""


@pytest.fixture(scope="module")
def api(api: SyncHeadraceClient) -> SyncHeadraceClient:
    """With a work pool."""
    api.create_work_pool(WorkPoolCreate(name="mill", type="process"))
    return api


@pytest.fixture(scope="module")
def worker(
    server: ServerProcess, api: SyncHeadraceClient, tmp_path_factory: pytest.TempPathFactory
) -> Iterator["subprocess.Popen[bytes]"]:
    """A worker of the pool, which looks often and waits for little."""
    home = tmp_path_factory.mktemp("worker")
    environ = clean_environ(home) | {
        "HEADRACE_API_URL": server.api_url,
        "HEADRACE_RUNNER_GRACE_SECONDS": "2",
        "HEADRACE_RUNNER_POLL_FREQUENCY": "0.5",
    }
    with (home / "output.txt").open("wb") as output:
        command = [HEADRACE, "worker", "start", "--pool", "mill"]
        process = subprocess.Popen(command, env=environ, cwd=home, stdout=output, stderr=subprocess.STDOUT)
    yield process
    stop(process)


@pytest.fixture
def deploy(served: Command, tmp_path: Path, worker: "subprocess.Popen[bytes]") -> Callable[..., str]:
    """Deploy the flow with these pull steps; the name of the deployment. Its code is nowhere but where they lead."""

    def made(pull: list[Any]) -> str:
        name = f"d-{uuid4()}"
        entry = {"name": name, "entrypoint": "milling.py:mills", "work_pool": {"name": "mill"}, "pull": pull}
        (tmp_path / "headrace.yaml").write_text(yaml.safe_dump({"deployments": [entry]}))
        (tmp_path / "milling.py").write_text(FLOW)
        (tmp_path / "grains.py").write_text("GRAIN = None")
        answer = served("deploy")
        assert answer.returncode == 0, answer.stderr
        for file in ("milling.py", "grains.py"):
            (tmp_path / file).unlink()
        shutil.rmtree(tmp_path / "__pycache__", ignore_errors=True)
        return f"mills/{name}"

    return made


def until(condition: Callable[[], bool], what: str, timeout: float = 60) -> None:
    deadline = time.monotonic() + timeout
    while not condition():
        assert time.monotonic() < deadline, what
        time.sleep(0.05)


def test_a_worker_clones_the_code_and_runs_it(served: Command, deploy: Callable[..., str], tmp_path: Path) -> None:
    origin = repository(tmp_path / "origin" / "mill")
    commit(origin, "grains.py", "GRAIN = 'rye'")
    commit(origin, "milling.py", FLOW)
    name = deploy([{"git_clone": {"repository": f"file://{origin}", "branch": "main"}}])
    answer = served("deployment", "run", name, "--watch", "--watch-interval", "0.1", "--watch-timeout", "50s")
    assert answer.returncode == 0, answer.stderr
    assert "grinding rye" in served("flow-run", "logs", answer.stdout.strip()).stdout


def test_a_pull_step_that_fails_ends_the_run_and_says_why(served: Command, deploy: Callable[..., str]) -> None:
    name = deploy([{"run_shell_script": {"script": "bash -c 'echo no grain; exit 3'"}}])
    answer = served("deployment", "run", name, "--watch", "--watch-interval", "0.1", "--watch-timeout", "50s")
    assert answer.returncode == 1
    assert "The pull step 1 of 1, run_shell_script, failed" in answer.stderr
    assert "exited with code 3: no grain" in answer.stderr


def test_cancelling_ends_a_pull_step_with_all_its_processes(
    served: Command, deploy: Callable[..., str], api: SyncHeadraceClient, tmp_path: Path
) -> None:
    script = f"bash -c 'echo $$ > {tmp_path}/pid; trap \"\" TERM; while true; do sleep 1; done'"
    name = deploy([{"run_shell_script": {"script": script}}])
    run_id = served("deployment", "run", name).stdout.strip()
    pid = tmp_path / "pid"
    until(lambda: pid.exists() and bool(pid.read_text().strip()), "the step did not begin")

    def run() -> FlowRun:
        return api.read_flow_run(UUID(run_id))

    assert served("flow-run", "cancel", run_id).returncode == 0
    until(lambda: run().state_name == "Cancelled", f"the run is {run().state_name}")
    process = Path("/proc") / pid.read_text().strip()
    until(lambda: not process.exists(), "the step's process lives on")
    assert "Traceback" not in served("flow-run", "logs", run_id).stdout
