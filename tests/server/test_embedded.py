"""The server inside the caller's process: the same answers, and little to load."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import msgspec

from headrace.server.embedded import open_embedded
from headrace.settings import load

HEAVY = (
    "uvicorn",
    "starlette",
    "sqlalchemy",
    "alembic",
    "structlog",
    "websockets",
    "uvloop",
    "headrace.server.http.asgi",
)


async def test_it_answers_as_the_server_does_and_keeps_what_it_was_told(tmp_path: Path) -> None:
    settings = load({"HEADRACE_HOME": str(tmp_path)})
    embedded = await open_embedded(settings)
    made = await embedded.request("POST", "/flows/", body=b'{"name":"mill"}')
    refused = await embedded.request("POST", "/flows/", body=b"{")
    await embedded.close()
    assert (made.status, refused.status) == (201, 422)
    embedded = await open_embedded(settings)
    read = await embedded.request("GET", "/flows/name/mill")
    await embedded.close()
    assert msgspec.json.decode(read.body) == msgspec.json.decode(made.body)


async def test_a_run_that_is_recorded_in_process_leaves_its_events(tmp_path: Path) -> None:
    embedded = await open_embedded(load({"HEADRACE_HOME": str(tmp_path)}))

    async def post(path: str, body: Any) -> Any:
        return msgspec.json.decode((await embedded.request("POST", path, body=msgspec.json.encode(body))).body)

    flow = await post("/flows/", {"name": "mill"})
    run = await post("/flow_runs/", {"flow_id": flow["id"], "state": {"type": "PENDING"}})
    for type in ("RUNNING", "COMPLETED"):
        await post(f"/flow_runs/{run['id']}/set_state", {"state": {"type": type}})
    page = await post("/events/filter", {"filter": {"order": "ASC"}})
    await embedded.close()

    assert [event["event"] for event in page["events"]] == [
        "prefect.flow.created",
        *(f"prefect.flow-run.{name}" for name in ("Pending", "Running", "Completed")),
    ]


def test_it_loads_neither_the_network_nor_the_database_toolkit(tmp_path: Path) -> None:
    script = f"""
import asyncio, sys
from headrace.server.embedded import open_embedded
from headrace.settings import load

async def main():
    embedded = await open_embedded(load({{"HEADRACE_HOME": {str(tmp_path)!r}}}))
    assert (await embedded.request("POST", "/flows/", body=b'{{"name":"mill"}}')).status == 201
    await embedded.close()

asyncio.run(main())
print(*sorted(set(sys.modules) & set({HEAVY!r})))
"""
    ran = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert (ran.returncode, ran.stdout.strip(), ran.stderr) == (0, "", "")
