"""The server of this home folder: the file that says where it is, and starting and stopping it.

`server.json` is locked by the server for as long as it lives. A file that nobody locks is what a killed
server left, whatever process has its pid by now.
"""

import contextlib
import fcntl
import os
import signal
import subprocess
import sys
import time
from collections.abc import Generator, Sequence
from pathlib import Path
from typing import TextIO

import msgspec

from headrace.cli.errors import CommandFailed

_PATIENCE_SECONDS = 30.0
_POLL_SECONDS = 0.05


class LocalServer(msgspec.Struct, frozen=True):
    """A running server: its process, the URL of its API, and the database it serves."""

    pid: int
    url: str
    database: str

    def healthy(self) -> bool:
        """Whether it answers."""
        return answers(self.url)


def answers(url: str) -> bool:
    """Whether an API at this URL says that it is healthy."""
    from urllib.request import urlopen

    try:
        with urlopen(f"{url}/health", timeout=2) as answer:
            return answer.status == 200
    except OSError:
        return False


def running(path: Path) -> LocalServer | None:
    """The server that holds this file, or None."""
    try:
        with path.open("r+") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                return _read(file)
    except FileNotFoundError:
        pass
    return None


@contextlib.contextmanager
def announced(path: Path, server: LocalServer) -> Generator[None, None, None]:
    """Say in the file where this process serves, until the block ends.

    Does nothing while another server, of another database, holds the file.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield
            return
        os.ftruncate(file.fileno(), 0)
        os.pwrite(file.fileno(), msgspec.json.encode(server), 0)
        try:
            yield
        finally:
            path.unlink(missing_ok=True)


def launch(home: Path, arguments: Sequence[str]) -> LocalServer:
    """Start a server in the background and wait until it answers.

    Its output goes to `server.log` in the home folder. Raises `CommandFailed` with its last line if it ends.
    """
    home.mkdir(parents=True, exist_ok=True)
    log = home / "server.log"
    with log.open("a") as output:
        begin = output.tell()
        process = subprocess.Popen(
            [sys.executable, "-m", "headrace", "server", "start", *arguments],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise CommandFailed(f"The server did not start: {_last_line(log, begin)}")
        server = running(home / "server.json")
        if server is not None and server.pid == process.pid and server.healthy():
            return server
        time.sleep(_POLL_SECONDS)
    process.terminate()
    raise CommandFailed(f"The server did not answer within {_PATIENCE_SECONDS:.0f} s; {log} says what it did.")


def stop(path: Path, server: LocalServer) -> None:
    """Ask the server to end and wait until it has. Raises `CommandFailed` if it does not."""
    with contextlib.suppress(ProcessLookupError):
        os.kill(server.pid, signal.SIGTERM)
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while time.monotonic() < deadline:
        now = running(path)
        if now is None or now.pid != server.pid:
            return
        time.sleep(_POLL_SECONDS)
    raise CommandFailed(
        f"The server (process {server.pid}) was asked to stop and still runs after {_PATIENCE_SECONDS:.0f} s; "
        f"kill -9 {server.pid} ends it, and loses nothing that was acknowledged."
    )


def _read(file: TextIO) -> LocalServer | None:
    with contextlib.suppress(msgspec.DecodeError):
        return msgspec.json.decode(file.read(), type=LocalServer)
    return None


def _last_line(log: Path, begin: int) -> str:
    lines = log.read_bytes()[begin:].decode(errors="replace").strip().splitlines()
    return lines[-1].removeprefix("headrace: ") if lines else f"it said nothing; its log is {log}."
