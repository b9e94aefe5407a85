"""The command as a user runs it: a process of its own, with a home folder of its own."""

import os
import pty
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from headrace.client.orchestration import SyncHeadraceClient, get_client
from headrace.settings import temporary_settings
from headrace.wire.flow_runs import FlowRunCreate
from headrace.wire.states import StateCreate, StateType
from tests.processes import HEADRACE, ServerProcess, clean_environ, serving

Command = Callable[..., "subprocess.CompletedProcess[str]"]


def run_headrace(
    home: Path, *arguments: object, stdin: str | None = None, **variables: str
) -> "subprocess.CompletedProcess[str]":
    """Run the command to its end, with the settings given as variables."""
    return subprocess.run(
        [HEADRACE, *map(str, arguments)],
        env=clean_environ(home) | variables,
        cwd=home,
        input=stdin,
        stdin=subprocess.DEVNULL if stdin is None else None,
        capture_output=True,
        text=True,
        timeout=60,
    )


@pytest.fixture
def headrace(tmp_path: Path) -> Command:
    """`headrace("flow-run", "ls")` runs it in an empty home folder."""

    def command(*arguments: object, **options: str) -> "subprocess.CompletedProcess[str]":
        return run_headrace(tmp_path, *arguments, **options)

    return command


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    """One server on an empty SQLite file, for all tests of a module."""
    with serving(tmp_path_factory.mktemp("served")) as running:
        yield running


@pytest.fixture(scope="module")
def api(server: ServerProcess) -> Iterator[SyncHeadraceClient]:
    """A client of that server."""
    with temporary_settings({"api.url": server.api_url}), get_client(sync_client=True) as client:
        yield client


@pytest.fixture
def served(server: ServerProcess, tmp_path: Path) -> Command:
    """As `headrace`, with the API URL of the server."""

    def command(*arguments: object, **options: str) -> "subprocess.CompletedProcess[str]":
        return run_headrace(tmp_path, *arguments, HEADRACE_API_URL=server.api_url, **options)

    return command


def make_runs(api: SyncHeadraceClient, flow: str, *types: StateType, **fields: Any) -> list[str]:
    """The ids of new runs of the flow of that name, each in a state of one of the types."""
    flow_id = api.create_flow_from_name(flow)
    wanted = [FlowRunCreate(flow_id=flow_id, state=StateCreate(type=type), **fields) for type in types]
    return [str(api.post_flow_run(one).id) for one in wanted]


def ended(pid: int) -> bool:
    """Whether the process is gone; one that waits to be reaped counts as gone."""
    try:
        return "State:\tZ" in Path(f"/proc/{pid}/status").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return True


def at_terminal(server: ServerProcess, home: Path, answer: str, *arguments: object) -> tuple[int, str]:
    """Run the command with a person at the terminal, who answers its question: the exit code and what was shown."""
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [HEADRACE, *map(str, arguments)],
        env=clean_environ(home) | {"HEADRACE_API_URL": server.api_url, "TERM": "dumb", "COLUMNS": "200"},
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        cwd=home,
    )
    os.close(theirs)
    os.write(ours, f"{answer}\n".encode())
    shown = b""
    while True:
        try:
            part = os.read(ours, 4096)
        except OSError:
            break
        if not part:
            break
        shown += part
    os.close(ours)
    return process.wait(timeout=60), shown.decode()
