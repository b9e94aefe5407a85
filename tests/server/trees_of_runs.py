"""Trees of flow runs, task runs and subflow runs, as clients make them."""

from datetime import datetime
from typing import Any
from uuid import uuid4

from headrace.server.store.base import Statement
from headrace.wire.times import as_utc
from tests.server.api import Api, Json

OPEN = {"SCHEDULED", "PENDING", "RUNNING", "PAUSED", "CANCELLING"}
_OPEN_RUNS = "SELECT id FROM {} WHERE state_type IN ('SCHEDULED', 'PENDING', 'RUNNING', 'PAUSED', 'CANCELLING')"
_LEASES = Statement("SELECT id, holder_type, holder_id FROM concurrency_leases")


async def deployment(api: Api, flow_id: str, **fields: Json) -> str:
    """A new deployment's id."""
    made = await api.post("/deployments/", {"name": uuid4().hex, "flow_id": flow_id, **fields})
    assert made.status == 201, made.json
    return made.json["id"]


async def subflow(api: Api, parent: str, state: Json = None, **fields: Json) -> str:
    """A subflow run inside a flow run, tracked by a task run of that."""
    tracking = await api.task_run(parent)
    return await api.flow_run(state or {"type": "RUNNING"}, parent_task_run_id=tracking, **fields)


async def state_of(api: Api, run: str, kind: str = "flow_runs") -> str:
    """The type of a run's state."""
    return (await api.get(f"/{kind}/{run}")).json["state_type"]


async def states_of(api: Api, *runs: str, kind: str = "flow_runs") -> list[str]:
    return [await state_of(api, run, kind) for run in runs]


async def run_of(api: Api, run: str, kind: str = "flow_runs") -> dict[str, Any]:
    return (await api.get(f"/{kind}/{run}")).json


async def open_runs(api: Api) -> list[tuple[str, str]]:
    """Every run of the database that is not over: its kind and id."""
    return [
        (kind, str(row[0]))
        for kind in ("flow_runs", "task_runs")
        for row in await api.store.fetch(Statement(_OPEN_RUNS.format(kind)))
    ]


async def leases(api: Api) -> list[tuple[str, ...]]:
    """Every lease on slots that is still there."""
    return [tuple(map(str, row)) for row in await api.store.fetch(_LEASES)]


def moment(text: str) -> datetime:
    return as_utc(datetime.fromisoformat(text))
