"""Flows that are served by real processes, and a client that sees what becomes of their runs."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TypeVar
from uuid import UUID

from headrace.client._sync.client import SyncHeadraceClient
from headrace.client.http.transport import HttpTransport
from headrace.settings import APISettings
from headrace.wire.filters import LogFilter, LogFilterFlowRunId
from headrace.wire.flow_runs import FlowRun
from headrace.wire.states import StateType
from tests.processes import clean_environ, stop

T = TypeVar("T")


def until(look: Callable[[], T | None], what: str, seconds: float = 30) -> T:
    """What a look gives once it gives something."""
    deadline = time.monotonic() + seconds
    while True:
        if found := look():
            return found
        assert time.monotonic() < deadline, f"within {seconds} s there was not: {what}"
        time.sleep(0.05)


class Watched:
    """The runs of one server, as a test looks at them."""

    def __init__(self, api_url: str) -> None:
        self.api_url = api_url
        self._transport = HttpTransport(APISettings(url=api_url))
        self.client = SyncHeadraceClient(self._transport)

    def close(self) -> None:
        self._transport.close()

    def deployment(self, name: str) -> UUID:
        """The id of a deployment, once it is there."""

        def look() -> UUID | None:
            found = [each.id for each in self.client.read_deployments(limit=None) if each.name == name]
            return found[0] if found else None

        return until(look, f"the deployment {name}")

    def begin(self, name: str, /, **parameters: object) -> UUID:
        """A new run of a deployment, due now."""
        return self.client.create_flow_run_from_deployment(self.deployment(name), parameters=parameters).id

    def until_state(self, run_id: UUID, *names: str, seconds: float = 30) -> FlowRun:
        """The run, once it is in one of these states."""

        def look() -> FlowRun | None:
            run = self.client.read_flow_run(run_id)
            return run if run.state_name in names else None

        try:
            return until(look, f"a run in {names}", seconds)
        except AssertionError as error:
            raise AssertionError(f"{error}; it is {self.client.read_flow_run(run_id).state_name}") from None

    def cancel(self, run_id: UUID) -> None:
        from headrace.wire.states import State

        self.client.set_flow_run_state(run_id, State(type=StateType.CANCELLING))

    def states(self, run_id: UUID) -> list[str]:
        return [state.name for state in self.client.read_flow_run_states(run_id)]

    def logs(self, run_id: UUID) -> str:
        lines = self.client.read_logs(LogFilter(flow_run_id=LogFilterFlowRunId(any_=[run_id])), limit=None)
        return "\n".join(line.message for line in lines)


def environ_for(api_url: str, home: Path, **settings: str) -> dict[str, str]:
    """The environment of a process that executes runs of a server, looking often and waiting briefly."""
    short = {"HEADRACE_RUNNER_POLL_FREQUENCY": "0.5", "HEADRACE_LOGGING_TO_API_BATCH_INTERVAL": "0.05"}
    return clean_environ(home) | {"HEADRACE_API_URL": api_url, "PYTHONUNBUFFERED": "1"} | short | settings


@contextmanager
def running(command: list[str], environ: dict[str, str], folder: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A process in a folder until the block ends; what it says goes to `output.txt` there."""
    with (folder / "output.txt").open("ab") as output:
        process = subprocess.Popen(command, env=environ, cwd=folder, stdout=output, stderr=subprocess.STDOUT)
    try:
        yield process
    finally:
        stop(process)


@contextmanager
def serving_flows(code: str, api_url: str, folder: Path, **settings: str) -> Iterator[subprocess.Popen[bytes]]:
    """A script that serves flows, until the block ends."""
    (folder / "served.py").write_text(code)
    with running([sys.executable, "served.py"], environ_for(api_url, folder, **settings), folder) as process:
        yield process


def is_alive(pid: int) -> bool:
    """Whether a process runs; one that has ended and was not waited for does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in ("Z", "X")
    except OSError:
        return False


def kill(pid: int) -> None:
    """`kill -9`."""
    with suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)
