"""The real Prefect, in its own environment, against a real headrace server."""

import json
import os
import subprocess
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import pytest

from tests.processes import serving, stop

ROOT = Path(__file__).parents[2]
SCRIPTS = Path(__file__).parent / "scripts"
PEER = ROOT / ".peer" / "bin"


@dataclass
class Peer:
    """Prefect's Python and command line, pointed at one server."""

    api_url: str
    home: Path

    @cached_property
    def seen(self) -> dict[str, Any]:
        """What the process that ran the flows saw."""
        return self.script("run_flows.py")

    @cached_property
    def read(self) -> dict[str, Any]:
        """What the client read back afterwards."""
        return self.script("read_back.py", json.dumps(self.seen))

    def script(self, name: str, *arguments: str) -> dict[str, Any]:
        """Run one of our scripts with the real client; its last line of output is JSON."""
        done = self._run(str(PEER / "python"), str(SCRIPTS / name), *arguments)
        assert done.returncode == 0, done.stdout + done.stderr
        return json.loads(done.stdout.splitlines()[-1])

    def cli(self, *arguments: str) -> str:
        """What `prefect …` printed; it must have succeeded."""
        done = self._run(str(PEER / "prefect"), *arguments)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    @contextmanager
    def running(self, *command: str, **variables: str) -> Iterator[subprocess.Popen[bytes]]:
        """A process of the peer's, `prefect …` or `python …`, until the block ends; what it prints is in `output`."""
        with self.output.open("ab") as output:
            process = subprocess.Popen(
                [str(PEER / command[0]), *command[1:]],
                env=self._environ() | variables,
                cwd=self.home,
                stdout=output,
                stderr=subprocess.STDOUT,
            )
        try:
            yield process
        finally:
            stop(process)

    @property
    def output(self) -> Path:
        """What processes that were `running` have printed."""
        return self.home / "output.txt"

    def ask(self, method: str, path: str, body: Any = None) -> Any:
        """What the server under test answers to one request."""
        sent = None if body is None else json.dumps(body).encode()
        headers = {"Content-Type": "application/json"}
        request = urllib.request.Request(f"{self.api_url}{path}", sent, headers, method=method)
        with urllib.request.urlopen(request, timeout=30) as answer:
            return json.loads(answer.read() or b"null")

    def _run(self, *command: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(command, env=self._environ(), cwd=self.home, capture_output=True, text=True, timeout=110)

    def _environ(self) -> dict[str, str]:
        environ = {k: v for k, v in os.environ.items() if not k.startswith(("PREFECT_", "HEADRACE_"))}
        return environ | {
            "PREFECT_API_URL": self.api_url,
            "PREFECT_HOME": str(self.home),
            "PREFECT_LOGGING_TO_API_BATCH_INTERVAL": "0.2",
            "DO_NOT_TRACK": "1",
            "COLUMNS": "400",
        }


@pytest.fixture(scope="session")
def peer_installed() -> None:
    """A missing environment is a failure, not a skip: without it the contract is unproved."""
    assert (PEER / "prefect").exists(), "Prefect is not installed in .peer: run `make peer`."


@pytest.fixture(scope="module")
def peer_on_sqlite(tmp_path_factory: pytest.TempPathFactory, peer_installed: None) -> Iterator[Peer]:
    """The real client beside a server on SQLite."""
    with serving(tmp_path_factory.mktemp("headrace")) as server:
        yield Peer(server.api_url, tmp_path_factory.mktemp("prefect"))


@pytest.fixture(scope="module")
def peer_on_postgres(
    tmp_path_factory: pytest.TempPathFactory, fresh_postgres_url: Callable[[], str], peer_installed: None
) -> Iterator[Peer]:
    """The real client beside a server on PostgreSQL."""
    with serving(tmp_path_factory.mktemp("headrace"), fresh_postgres_url()) as server:
        yield Peer(server.api_url, tmp_path_factory.mktemp("prefect"))


@pytest.fixture(scope="module", params=["sqlite", "postgres"])
def peer(request: pytest.FixtureRequest) -> Peer:
    """The real client beside a server of its own, on each database."""
    return request.getfixturevalue(f"peer_on_{request.param}")
