"""Real server processes for tests: started as a user starts them, ended by their own id."""

import os
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from socket import socket

HEADRACE = str(Path(sys.executable).with_name("headrace"))


@dataclass(frozen=True)
class ServerProcess:
    """A running `headrace server start`; `home` is its HEADRACE_HOME."""

    api_url: str
    home: Path
    process: subprocess.Popen[bytes]

    def output(self) -> str:
        """Everything it has printed so far."""
        return (self.home / "server-output.txt").read_text()


@contextmanager
def serving(
    home: Path, database_url: str | None = None, *, settings: dict[str, str] | None = None, port: int | None = None
) -> Iterator[ServerProcess]:
    """Serve that home's SQLite file, or the database given, on a free port or the one given, until the block ends."""
    environ = clean_environ(home) | (settings or {})
    if database_url is not None:
        environ["HEADRACE_SERVER_DATABASE_URL"] = database_url
    port = port or free_port()
    with (home / "server-output.txt").open("wb") as output:
        process = subprocess.Popen(
            [HEADRACE, "server", "start", "--host", "127.0.0.1", "--port", str(port)],
            env=environ,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    server = ServerProcess(f"http://127.0.0.1:{port}/api", home, process)
    try:
        until_healthy(server)
        yield server
    finally:
        stop(process)


def until_healthy(server: ServerProcess, timeout: float = 60) -> None:
    """Wait for the first healthy answer; a server that ended instead fails with what it printed."""
    deadline = time.monotonic() + timeout
    while time.monotonic() < deadline:
        assert server.process.poll() is None, f"the server ended: {server.output()}"
        try:
            with urllib.request.urlopen(f"{server.api_url}/health", timeout=2):
                return
        except (urllib.error.URLError, OSError):
            time.sleep(0.05)
    raise AssertionError(f"the server was not healthy within {timeout} s: {server.output()}")


def stop(process: subprocess.Popen[bytes]) -> None:
    """End the process: asked first, then killed."""
    process.terminate()
    try:
        process.wait(20)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def clean_environ(home: Path) -> dict[str, str]:
    """This process's environment with no setting of ours or the peer's but the home."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("HEADRACE_", "PREFECT_"))}
    return kept | {"HEADRACE_HOME": str(home)}


def free_port() -> int:
    """A port that nothing listens on now."""
    with socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]
