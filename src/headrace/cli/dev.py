"""`headrace dev`: run a file's flows again whenever it changes, and show what becomes of each run."""

import contextlib
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Generator
from pathlib import Path
from types import FrameType
from typing import NoReturn

from headrace.cli.errors import UsageError
from headrace.cli.local_server import answers, launch, running
from headrace.cli.local_server import stop as stop_server
from headrace.cli.output import tell
from headrace.cli.run_watch import RunWatch
from headrace.settings import Settings, current, reload
from headrace.settings.announcement import Announcement

_TICK_MILLISECONDS = 250


def dev(file: Path, /) -> None:
    """Serve the API, run a file's flows, and run them again whenever it changes.

    Uses the server that runs already, or starts one for as long as this command runs. A file that says
    what to run under `if __name__ == "__main__":` is run as it is; otherwise each of its flows that
    needs no parameters is called.

    Try:

        headrace dev my_flow.py

    Args:
        file: A Python file with at least one flow.
    """
    if not file.is_file():
        raise UsageError(f"There is no file {file}; give the path of a Python file with a flow.")
    signal.signal(signal.SIGTERM, _interrupt)
    with contextlib.suppress(KeyboardInterrupt), _server() as url:
        tell(f"Recording to {url}. Save {file} to run it again; Ctrl-C stops.\n")
        _run_and_watch(file.resolve())


@contextlib.contextmanager
def _server() -> Generator[str, None, None]:
    """The URL of the API that is there, or of one that runs until the block ends."""
    settings = current()
    found = running(settings.home)
    if settings.api.url is not None and answers(settings.api.url):
        yield settings.api.url
    elif settings.api.url is None and found is not None and answers(found.url):
        with _pointed_at(found.url):
            yield found.url
    else:
        started = _start(settings)
        try:
            with _pointed_at(started.url):
                yield started.url
        finally:
            stop_server(started)


def _start(settings: Settings) -> Announcement:
    port = settings.server.api.port
    return launch(settings.home, ["--port", str(port if _is_free(port) else 0)])


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


@contextlib.contextmanager
def _pointed_at(url: str) -> Generator[None, None, None]:
    """Let this process and those it starts use that API."""
    os.environ["HEADRACE_API_URL"] = url
    reload()
    yield


def _run_and_watch(file: Path) -> NoReturn:
    from watchfiles import PythonFilter, watch

    runs = RunWatch()
    process = _run(file)
    try:
        ticks = watch(file.parent, watch_filter=PythonFilter(), rust_timeout=_TICK_MILLISECONDS, yield_on_timeout=True)
        for changes in ticks:
            runs.tell_news()
            if changes:
                changed = sorted({Path(path).name for _, path in changes})
                tell(f"\n{file.name} runs again: {', '.join(changed)} changed.")
                _end(process)
                process = _run(file)
    finally:
        _end(process)
        runs.tell_news()
    raise KeyboardInterrupt


def _run(file: Path) -> "subprocess.Popen[bytes]":
    """Run the file in a process of its own, so that each time begins with nothing loaded."""
    return subprocess.Popen([sys.executable, "-m", "headrace.cli.run_file", str(file)], cwd=file.parent)


def _end(process: "subprocess.Popen[bytes]") -> None:
    if process.poll() is not None:
        return
    process.send_signal(signal.SIGINT)
    try:
        process.wait(10)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _interrupt(signum: int, frame: FrameType | None) -> NoReturn:
    raise KeyboardInterrupt
