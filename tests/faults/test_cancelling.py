"""A server that is killed while runs are cancelled: what it has answered holds, and all of it comes to its end."""

import asyncio
import http.client
import os
import signal
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from headrace.server.store import make_store
from headrace.server.store.base import Statement, Store
from tests.conftest import settings_for
from tests.faults.calling import Caller, calling
from tests.processes import ServerProcess, serving

RUNS = 24
TIMEOUT = 2.0
SETTINGS = {"HEADRACE_SERVER_SERVICES_CANCELLATION_CLEANUP_CANCELLING_TIMEOUT_SECONDS": f"{TIMEOUT:g}"}
_OPEN = "state_type IN ('SCHEDULED', 'PENDING', 'RUNNING', 'PAUSED', 'CANCELLING')"
_LEFT = [Statement(f"SELECT id FROM {runs} WHERE {_OPEN}") for runs in ("flow_runs", "task_runs")]
_LEASES = Statement("SELECT id FROM concurrency_leases")
# A tree is asked to end as a whole or not at all.
_TORN = Statement(
    """
    SELECT c.id FROM flow_runs c JOIN task_runs t ON t.id = c.parent_task_run_id
    JOIN flow_runs p ON p.id = t.flow_run_id
    WHERE p.state_type = 'CANCELLING' AND (c.state_type = 'RUNNING' OR t.state_type = 'RUNNING')
    """
)
_ENDS = Statement("SELECT flow_run_id FROM flow_run_states WHERE type = 'CANCELLED' GROUP BY 1 HAVING count(*) > 1")
_UNFINISHED = Statement("SELECT flow_run_id FROM cancellations WHERE final_at IS NULL")


def populate(caller: Caller) -> list[str]:
    """Runs of a deployment with a limit, each with a subflow run and task runs under way."""
    flow = caller.post("/flows/", {"name": "doomed"})["id"]
    made = {"name": "d", "flow_id": flow, "concurrency_limit": RUNS}
    deployment = caller.post("/deployments/", made)["id"]
    roots: list[str] = []
    for _ in range(RUNS):
        body = {"flow_id": flow, "deployment_id": deployment, "state": {"type": "SCHEDULED"}}
        root = caller.post("/flow_runs/", body)["id"]
        for type in ("PENDING", "RUNNING"):
            caller.post(f"/flow_runs/{root}/set_state", {"state": {"type": type}})
        tracking = caller.task_run(root, "PENDING")
        inside = caller.post(
            "/flow_runs/", {"flow_id": flow, "parent_task_run_id": tracking, "state": {"type": "RUNNING"}}
        )["id"]
        caller.task_run(root, "RUNNING")
        caller.task_run(inside, "RUNNING")
        roots.append(root)
    return roots


class Cancelling(threading.Thread):
    """Asks runs to end, one after the other, until the server is gone; `acknowledged` are those that were answered."""

    def __init__(self, server: ServerProcess, runs: list[str], enough: Callable[[], None]) -> None:
        super().__init__()
        self._server, self._runs, self._enough = server, runs, enough
        self.acknowledged: list[str] = []

    def run(self) -> None:
        with calling(self._server) as caller:
            try:
                for run in self._runs:
                    caller.post(f"/flow_runs/{run}/set_state", {"state": {"type": "CANCELLING"}})
                    self.acknowledged.append(run)
                    self._enough()
            except (http.client.HTTPException, OSError):
                return


@pytest.mark.parametrize("database", ["sqlite", "postgres"])
async def test_a_server_killed_while_runs_are_cancelled_ends_them_all_when_it_is_back(
    database: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    url = None if database == "sqlite" else request.getfixturevalue("postgres_url")
    with serving(tmp_path, url, settings=SETTINGS) as server:
        with calling(server) as caller:
            runs = populate(caller)
        answered = threading.Semaphore(0)
        callers = [Cancelling(server, runs[start::3], answered.release) for start in range(3)]
        for one in callers:
            one.start()
        for _ in range(RUNS // 2):
            assert answered.acquire(timeout=60)
        os.kill(server.process.pid, signal.SIGKILL)
        for one in callers:
            one.join(60)
    acknowledged = {run for one in callers for run in one.acknowledged}

    store = make_store(settings_for(tmp_path, url))
    await store.open()
    try:
        assert await store.fetch(_TORN) == []
        asked = {str(row[0]) for row in await store.fetch(_UNFINISHED)}
        assert acknowledged <= asked
        with serving(tmp_path, url, settings=SETTINGS) as server:
            with calling(server) as caller:
                for run in set(runs) - acknowledged:
                    caller.post(f"/flow_runs/{run}/set_state", {"state": {"type": "CANCELLING"}})
            await until_nothing_is_left(store)
        assert await store.fetch(_LEASES) == []
        assert await store.fetch(_ENDS) == []
        assert await store.fetch(_UNFINISHED) == []
    finally:
        await store.close()


async def until_nothing_is_left(store: Store) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        if not [row for statement in _LEFT for row in await store.scan(statement)]:
            return
        await asyncio.sleep(0.1)
    raise AssertionError("runs were still open a minute later")
