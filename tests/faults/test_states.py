"""A server that is killed while runs go on: each state of a run has its event, and no event is without its state."""

import http.client
import json
import os
import signal
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from headrace.server.store import make_store
from headrace.server.store.base import Statement
from tests.conftest import settings_for
from tests.processes import ServerProcess, serving

CALLERS = 4
STATES = 200
_TELLING = "SELECT id FROM events WHERE event LIKE 'prefect.flow-run.%'"
_STATES = Statement("SELECT id FROM flow_run_states")
_UNTOLD = Statement(f"SELECT id FROM flow_run_states WHERE id NOT IN ({_TELLING})")
_UNCAUSED = Statement(f"{_TELLING} AND id NOT IN (SELECT id FROM flow_run_states)")
_UNFOUND = Statement(
    f"{_TELLING} AND (SELECT count(*) FROM event_resources r WHERE r.seq = events.seq AND r.role = 'flow') <> 1"
)


class Caller(threading.Thread):
    """Takes one run after the other through its states, until the server is gone; `acknowledged` are their ids."""

    def __init__(self, server: ServerProcess, flow_id: str, enough: Callable[[], None]) -> None:
        super().__init__()
        self._server, self._flow_id, self._enough = server, flow_id, enough
        self.acknowledged: list[str] = []

    def run(self) -> None:
        connection = http.client.HTTPConnection(urlsplit(self._server.api_url).netloc, timeout=30)
        try:
            while True:
                self._one_run(connection)
        except (http.client.HTTPException, OSError):
            return
        finally:
            connection.close()

    def _one_run(self, connection: http.client.HTTPConnection) -> None:
        run = post(connection, "/flow_runs/", {"flow_id": self._flow_id, "state": {"type": "PENDING"}})
        self._acknowledge(run["state_id"])
        for type in ("RUNNING", "COMPLETED"):
            self._acknowledge(
                post(connection, f"/flow_runs/{run['id']}/set_state", {"state": {"type": type}})["state"]["id"]
            )

    def _acknowledge(self, id: str) -> None:
        self.acknowledged.append(id)
        self._enough()


def post(connection: http.client.HTTPConnection, path: str, body: Any) -> Any:
    connection.request("POST", f"/api{path}", json.dumps(body), {"Content-Type": "application/json"})
    return json.loads(connection.getresponse().read())


@pytest.mark.parametrize("database", ["sqlite", "postgres"])
async def test_states_and_their_events_are_both_there_or_both_not(
    database: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    url = None if database == "sqlite" else request.getfixturevalue("postgres_url")
    with serving(tmp_path, url) as server:
        connection = http.client.HTTPConnection(urlsplit(server.api_url).netloc, timeout=30)
        flow_id = post(connection, "/flows/", {"name": "doomed"})["id"]
        connection.close()
        left = threading.Semaphore(0)
        callers = [Caller(server, flow_id, left.release) for _ in range(CALLERS)]
        for caller in callers:
            caller.start()
        for _ in range(STATES):
            assert left.acquire(timeout=60)
        os.kill(server.process.pid, signal.SIGKILL)
        for caller in callers:
            caller.join(60)

    store = make_store(settings_for(tmp_path, url))
    await store.open()
    try:
        states = {str(row[0]) for row in await store.fetch(_STATES)}
        assert {id for caller in callers for id in caller.acknowledged} <= states
        for wrong in (_UNTOLD, _UNCAUSED, _UNFOUND):
            assert await store.fetch(wrong) == []
    finally:
        await store.close()
