"""Runs that the real client executes: made over the API, and watched until what is waited for has happened."""

import os
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from tests.contract.conftest import Peer

PATIENCE = 100.0
"""Seconds after which what is waited for will not come: the client takes seconds to begin anything."""
FINAL = {"COMPLETED", "FAILED", "CRASHED", "CANCELLED"}
Json = Any


class Runs:
    """The runs of one server."""

    def __init__(self, peer: Peer, pids: Path) -> None:
        self.peer, self.pids = peer, pids

    def make(self, deployment: str, **body: Json) -> str:
        """A run of the deployment, to be executed now; its id."""
        id = self.peer.ask("GET", f"/deployments/name/{deployment}")["id"]
        return self.peer.ask("POST", f"/deployments/{id}/create_flow_run", body)["id"]

    def run(self, id: str) -> Json:
        return self.peer.ask("GET", f"/flow_runs/{id}")

    def states(self, id: str) -> list[str]:
        """The names of the states that a run has been in."""
        return [state["name"] for state in self.peer.ask("GET", f"/flow_run_states/?flow_run_id={id}")]

    def find(self, **filter: Json) -> list[Json]:
        """The runs that match, the newest first."""
        return self.peer.ask("POST", "/flow_runs/filter", {"flow_runs": filter})

    def end(self, id: str) -> Json:
        """The run once it is over."""
        return self.until(id, *FINAL)

    def until(self, id: str, *wanted: str) -> Json:
        """The run once the type or name of its state is one of these."""

        def found() -> Json:
            run = self.run(id)
            return run if {run["state_type"], run["state_name"]} & set(wanted) else None

        return until(found, lambda: f"the run has been {self.states(id)}, {self.peer.output}")

    def pid(self, id: str) -> int:
        """The process of a run that stays, once it does."""
        file = self.pids / id
        until(lambda: file.exists() and file.read_text(), lambda: f"the run is {self.states(id)}, {self.peer.output}")
        return int(file.read_text())


def until(happened: Callable[[], Json], told: Callable[[], str] = lambda: "it did not come to pass") -> Json:
    """What is given once it is anything at all."""
    deadline = time.monotonic() + PATIENCE
    while not (found := happened()):
        assert time.monotonic() < deadline, told()
        time.sleep(0.1)
    return found


def gone(pids: Sequence[int]) -> bool:
    """Whether none of the processes is there; one that nobody has waited for yet counts as gone."""
    return not any(_alive(pid) for pid in pids)


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
        return "State:\tZ" not in Path(f"/proc/{pid}/status").read_text()
    except (ProcessLookupError, FileNotFoundError):
        return False
