"""A fleet under fire: `python -m benchmarks.fleet --runs 1000 --servers 2 --workers 2`.

Runs of one deployment are due at once. Workers execute them over a relay that leads to all servers of one PostgreSQL;
half way, the server that leads the services is killed with -9. Holds when each run has executed once and is
Completed, and another server leads within ten seconds.
"""

import argparse
import json
import os
import signal
import subprocess
import sys
import tempfile
import urllib.request
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from time import monotonic, sleep
from typing import Any

from benchmarks.databases import cluster
from benchmarks.relay import relay
from benchmarks.servers import ROOT, Running, clean_environ, headrace

BULK = 100
PATIENCE = 1_800.0
_FLOW = "benchmarks/fleet_flow.py:leave_a_line"


@dataclass(frozen=True)
class Outcome:
    """How often each run executed, how the runs ended, and how long it took; times in seconds."""

    runs: int
    lines: Counter[str]
    states: dict[str, int]
    seconds: float
    replaced_after: float

    @property
    def held(self) -> bool:
        """Whether each run executed once, and another server led in time."""
        once = len(self.lines) == self.runs and set(self.lines.values()) == {1}
        return once and self.states == {"COMPLETED": self.runs} and self.replaced_after <= 10

    def told(self) -> str:
        """The outcome in a line."""
        twice = sum(times > 1 for times in self.lines.values())
        return (
            f"{self.runs} due runs: {len(self.lines)} executed, {twice} of them more than once, {self.states}, "
            f"in {self.seconds:.0f} s ({self.runs / self.seconds:.1f}/s); leader killed half way, replaced after "
            f"{self.replaced_after:.1f} s: {'held' if self.held else 'MISSED'}"
        )


def run(servers: Sequence[Running], runs: int, workers: int, home: Path) -> Outcome:
    """Execute the runs; one of the servers does not survive it."""
    lines = home / "lines"
    lines.touch()
    with relay([server.url for server in servers]) as url:
        deployment = _deploy(url)
        for start in range(0, runs, BULK):
            bodies = [{"parameters": {"path": str(lines)}}] * min(BULK, runs - start)
            _ask(url, f"/deployments/{deployment}/create_flow_run/bulk", bodies)
        began = monotonic()
        with _workers(url, workers, home):
            _until(lambda: len(lines.read_text().split()) >= runs // 2, f"half of the runs are executed, see {home}")
            survivor, replaced_after = _kill_leader(servers)
            _until(lambda: _states(survivor.url).get("COMPLETED", 0) >= runs, f"all runs are Completed, see {home}")
            seconds = monotonic() - began
        return Outcome(runs, Counter(lines.read_text().split()), _states(survivor.url), seconds, replaced_after)


def _deploy(url: str) -> str:
    _ask(url, "/work_pools/", {"name": "fleet", "type": "process"})
    flow = _ask(url, "/flows/", {"name": "leave-a-line"})["id"]
    body = {
        "name": "fleet",
        "flow_id": flow,
        "work_pool_name": "fleet",
        "entrypoint": _FLOW,
        "path": str(ROOT),
        "enforce_parameter_schema": False,
    }
    return _ask(url, "/deployments/", body)["id"]


@contextmanager
def _workers(url: str, count: int, home: Path) -> Iterator[None]:
    """Workers with a limit that suits a small machine; they drain at the end of the block."""
    environ = clean_environ() | {"HEADRACE_HOME": str(home), "HEADRACE_API_URL": url}
    with ExitStack() as stack:
        for number in range(count):
            output = stack.enter_context((home / f"worker-{number}.txt").open("wb"))
            command = [Path(sys.executable).parent / "headrace", "worker", "start", "--pool", "fleet"]
            options = ["--name", f"worker-{number}", "--limit", "4"]
            process = subprocess.Popen([*command, *options], env=environ, stdout=output, stderr=output)
            stack.callback(process.wait)
            stack.callback(process.terminate)
        yield


def _kill_leader(servers: Sequence[Running]) -> tuple[Running, float]:
    """One that is left, and the seconds until it or another one leads."""
    leader = _leader(servers[0].url)
    doomed = next(server for server in servers if f"-{server.pid}-" in leader)
    survivor = next(server for server in servers if server is not doomed)
    os.kill(doomed.pid, signal.SIGKILL)
    killed = monotonic()
    _until(lambda: _leader(survivor.url) not in ("", leader), "another server leads", every=0.1)
    return survivor, monotonic() - killed


def _leader(url: str) -> str:
    services = _ask(url, "/x/services", None)
    return next((one["holder"] or "" for one in services if one["name"] == "scheduler"), "")


def _states(url: str) -> dict[str, int]:
    found = {}
    for state in ("SCHEDULED", "PENDING", "RUNNING", "COMPLETED", "FAILED", "CRASHED", "CANCELLED"):
        total = _ask(url, "/flow_runs/count", {"flow_runs": {"state": {"type": {"any_": [state]}}}})
        if total:
            found[state] = total
    return found


def _until(done: Any, what: str, every: float = 0.5) -> None:
    deadline = monotonic() + PATIENCE
    while not done():
        if monotonic() > deadline:
            raise RuntimeError(f"it took longer than {PATIENCE:g} s until {what}")
        sleep(every)


def _ask(url: str, path: str, body: Any) -> Any:
    request = urllib.request.Request(
        url + path,
        method="GET" if body is None else "POST",
        data=None if body is None else json.dumps(body).encode(),
        headers={"Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=60) as answer:
        return json.loads(answer.read())


def main() -> int:
    """Run it on a PostgreSQL of its own; answer 1 when it does not hold."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.fleet", description=__doc__)
    parser.add_argument("--runs", type=int, default=1_000)
    parser.add_argument("--servers", type=int, default=2)
    parser.add_argument("--workers", type=int, default=2)
    options = parser.parse_args()
    with cluster() as postgres, ExitStack() as stack:
        home, database = Path(stack.enter_context(tempfile.TemporaryDirectory())), postgres.create("fleet")
        servers = [stack.enter_context(headrace(home, database)) for _ in range(options.servers)]
        outcome = run(servers, options.runs, options.workers, home)
    print(f"{options.servers} servers, {options.workers} workers, {outcome.told()}", flush=True)
    return 0 if outcome.held else 1


if __name__ == "__main__":
    raise SystemExit(main())
