"""Background tasks through real faults: whichever process is killed at whichever step, each comes to its end once."""

import json
import os
import signal
import subprocess
import sys
import time
import urllib.request
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.processes import ServerProcess, clean_environ, free_port, serving, stop

MILL = Path(__file__).parent / "scripts" / "mill.py"
GRACE = "HEADRACE_SERVER_SERVICES_TASK_LEASES_GRACE_SECONDS"
QUICK = {
    GRACE: "0",
    "HEADRACE_SERVER_TASKS_BEGIN_TIMEOUT": "5",
}
PATIENCE = 120.0
FINAL = {"COMPLETED", "FAILED", "CRASHED", "CANCELLED"}


class Mill:
    """The processes that delay and execute tasks, and the book in which these write that they are executed."""

    def __init__(self, folder: Path, api_url: str) -> None:
        self._folder, self._api_url = folder, api_url
        self.book = folder / "book.txt"
        self.book.touch()
        self._environ = clean_environ(folder / "home") | {
            "HEADRACE_API_URL": api_url,
            "HEADRACE_TASKS_WORKER_LEASE_SECONDS": "2",
            "MILL_BOOK": str(self.book),
        }

    def delay(self, many: int, *retries: str) -> list[str]:
        """The ids of so many delayed runs."""
        command = [sys.executable, str(MILL), "delay", str(many), *retries]
        done = subprocess.run(command, env=self._environ, capture_output=True, text=True, timeout=PATIENCE)
        assert done.returncode == 0, done.stderr
        return done.stdout.split()

    @contextmanager
    def worker(self, *dying_at: str) -> Iterator[subprocess.Popen[bytes]]:
        with (self._folder / "workers.txt").open("ab") as output:
            process = subprocess.Popen(
                [sys.executable, str(MILL), "serve", *dying_at],
                env=self._environ,
                stdout=output,
                stderr=subprocess.STDOUT,
            )
        try:
            yield process
        finally:
            stop(process)

    def executed(self) -> Counter[int]:
        """How often each task was executed."""
        return Counter(map(int, self.book.read_text().split()))

    def run(self, id: str) -> Any:
        with urllib.request.urlopen(f"{self._api_url}/task_runs/{id}") as answer:
            return json.loads(answer.read())

    def ends(self, ids: Sequence[str]) -> list[str]:
        """The types of the states in which the runs have ended; waits until all have."""
        until(lambda: all(self._types(ids[start : start + 200]) <= FINAL for start in range(0, len(ids), 200)))
        return [self.run(id)["state_type"] for id in ids[:200]]

    def _types(self, ids: Sequence[str]) -> set[str]:
        body = json.dumps({"task_runs": {"id": {"any_": list(ids)}}}).encode()
        request = urllib.request.Request(
            f"{self._api_url}/task_runs/filter", body, {"Content-Type": "application/json"}
        )
        try:
            with urllib.request.urlopen(request) as answer:
                return {run["state_type"] for run in json.loads(answer.read())}
        except OSError:
            return {"nobody answers"}


def until(happened: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not happened():
        assert time.monotonic() < deadline, "it did not come to pass"
        time.sleep(0.05)


@pytest.fixture(params=["sqlite", "postgres"])
def database(request: pytest.FixtureRequest) -> str | None:
    return None if request.param == "sqlite" else request.getfixturevalue("postgres_url")


def test_a_thousand_tasks_are_executed_once_each_by_two_workers(database: str | None, tmp_path: Path) -> None:
    with serving(tmp_path, database, settings=QUICK) as server:
        mill = Mill(tmp_path, server.api_url)
        with mill.worker(), mill.worker():
            ids = mill.delay(1000)
            assert set(mill.ends(ids)) == {"COMPLETED"}
    assert mill.executed() == Counter(range(1000))


@pytest.mark.parametrize(
    ("step", "retries", "end", "executed"),
    [
        ("delivered", 0, "COMPLETED", 1),
        ("begun", 0, "COMPLETED", 1),
        ("executing", 0, "CRASHED", 1),
        ("executing", 1, "COMPLETED", 2),
        ("recorded", 0, "COMPLETED", 1),
    ],
)
def test_a_worker_may_be_killed_at_any_step(
    step: str, retries: int, end: str, executed: int, database: str | None, tmp_path: Path
) -> None:
    with serving(tmp_path, database, settings=QUICK) as server:
        mill = Mill(tmp_path, server.api_url)
        with mill.worker(step) as doomed:
            (id,) = mill.delay(1, str(retries))
            doomed.wait(PATIENCE)
        with mill.worker():
            assert mill.ends([id]) == [end]
    assert mill.executed() == Counter({0: executed})


def test_the_server_may_be_killed_while_tasks_are_executed(database: str | None, tmp_path: Path) -> None:
    port = free_port()
    with ExitStack() as workers:
        with serving(tmp_path, database, settings=QUICK, port=port) as killed:
            mill = Mill(tmp_path, killed.api_url)
            ids = mill.delay(200)
            workers.enter_context(mill.worker())
            workers.enter_context(mill.worker())
            until(lambda: len(mill.executed()) >= 50)
            kill(killed)
        with serving(tmp_path, database, settings=QUICK | {GRACE: "6"}, port=port):
            assert set(mill.ends(ids)) == {"COMPLETED"}
            workers.close()
    assert mill.executed() == Counter(range(200))


def kill(server: ServerProcess) -> None:
    os.kill(server.process.pid, signal.SIGKILL)
    server.process.wait()
