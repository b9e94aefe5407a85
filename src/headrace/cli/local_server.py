"""The server of a home folder: whether it runs, and starting and stopping it.

A server leaves `server.json` in its home folder while it runs. A file that names a process which is no
server of ours is what a killed one left behind.
"""

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from headrace.cli.errors import CommandFailed
from headrace.settings.announcement import Announcement, read

_PATIENCE_SECONDS = 30.0
_POLL_SECONDS = 0.05


def answers(url: str) -> bool:
    """Whether an API at this URL says that it is healthy."""
    from urllib.request import urlopen

    try:
        with urlopen(f"{url}/health", timeout=2) as answer:
            return answer.status == 200
    except OSError:
        return False


def running(home: Path) -> Announcement | None:
    """The server of this home folder, or None."""
    said = read(home / "server.json")
    return said if said is not None and _is_server(said.pid) else None


def launch(home: Path, arguments: Sequence[str]) -> Announcement:
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
        server = running(home)
        if server is not None and server.pid == process.pid and answers(server.url):
            return server
        time.sleep(_POLL_SECONDS)
    process.terminate()
    raise CommandFailed(f"The server did not answer within {_PATIENCE_SECONDS:.0f} s; {log} says what it did.")


def stop(server: Announcement) -> None:
    """Ask the server to end and wait until it has. Raises `CommandFailed` if it does not."""
    with contextlib.suppress(ProcessLookupError):
        os.kill(server.pid, signal.SIGTERM)
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while time.monotonic() < deadline:
        if not _is_server(server.pid):
            return
        time.sleep(_POLL_SECONDS)
    raise CommandFailed(
        f"The server (process {server.pid}) was asked to stop and still runs after {_PATIENCE_SECONDS:.0f} s; "
        f"kill -9 {server.pid} ends it, and loses nothing that was acknowledged."
    )


def _is_server(pid: int) -> bool:
    """Whether the process is a server of ours and not another one that was given a dead server's id."""
    try:
        # A process that has ended and was not waited for has an empty command line.
        return b"headrace" in Path(f"/proc/{pid}/cmdline").read_bytes()
    except (FileNotFoundError, ProcessLookupError):
        if Path("/proc/self").exists():
            return False
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def _last_line(log: Path, begin: int) -> str:
    lines = log.read_bytes()[begin:].decode(errors="replace").strip().splitlines()
    return lines[-1].removeprefix("headrace: ") if lines else f"it said nothing; its log is {log}."
