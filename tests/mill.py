"""One of each noun in a server, for tests that look at everything."""

import json
import urllib.request
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4


@dataclass
class Mill:
    """A server's address, and the ids of what it holds, by noun."""

    api_url: str
    ids: dict[str, str] = field(default_factory=dict)

    def call(self, method: str, path: str, body: Any = None) -> Any:
        """The decoded answer to one request, which must succeed."""
        request = urllib.request.Request(
            self.api_url + path,
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={"Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=20) as answer:
            read = answer.read()
        return json.loads(read) if read else None

    def make(self, noun: str, path: str, body: Any) -> str:
        """Make an object and remember its id."""
        self.ids[noun] = self.call("POST", path, body)["id"]
        return self.ids[noun]


def furnish(api_url: str) -> Mill:
    """Make one of each noun, all named after a mill."""
    mill = Mill(api_url)
    for make in (_work, _runs, _kept, _blocks, _happenings):
        make(mill)
    return mill


def _work(mill: Mill) -> None:
    mill.make("work_pool", "/work_pools/", {"name": "mill-pool", "type": "process"})
    mill.make("flow", "/flows/", {"name": "grind-grain", "tags": ["grain"]})
    deployment = {
        "name": "mill-deployment",
        "flow_id": mill.ids["flow"],
        "work_pool_name": "mill-pool",
        "parameters": {"sacks": 3},
        "parameter_openapi_schema": {"type": "object", "properties": {"sacks": {"type": "integer"}}},
        "schedules": [{"schedule": {"interval": 3600}, "active": True}],
    }
    mill.make("deployment", "/deployments/", deployment)


def _runs(mill: Mill) -> None:
    run = mill.make("flow_run", f"/deployments/{mill.ids['deployment']}/create_flow_run", {"name": "milling-run"})
    states = f"/flow_runs/{run}/set_state"
    for type in ("PENDING", "RUNNING"):
        mill.call("POST", states, {"state": {"type": type}})
    task = {"flow_run_id": run, "task_key": "sift", "dynamic_key": "0", "name": "sift-0", "state": {"type": "PENDING"}}
    mill.make("task_run", "/task_runs/", task)
    for type in ("RUNNING", "COMPLETED"):
        mill.call("POST", f"/task_runs/{mill.ids['task_run']}/set_state", {"state": {"type": type}})
    line = {"name": "mill", "level": 20, "message": "the wheel turns", "timestamp": "2026-08-01T12:00:00Z"}
    mill.call("POST", "/logs/", [line | {"flow_run_id": run}])
    mill.call("POST", states, {"state": {"type": "COMPLETED"}})
    mill.make("flow_run_waiting", "/flow_runs/", {"flow_id": mill.ids["flow"], "name": "waiting-run"})


def _kept(mill: Mill) -> None:
    mill.make("variable", "/variables/", {"name": "mill_stones", "value": 2, "tags": ["stone"]})
    artifact = {"key": "mill-report", "type": "markdown", "data": "# Flour", "flow_run_id": mill.ids["flow_run"]}
    mill.make("artifact", "/artifacts/", artifact)
    mill.make("global_limit", "/v2/concurrency_limits/", {"name": "mill-gate", "limit": 3})
    mill.make("tag_limit", "/concurrency_limits/", {"tag": "mill-tag", "concurrency_limit": 2})


def _blocks(mill: Mill) -> None:
    secret = mill.call("GET", "/block_types/slug/secret")
    schemas = {"block_schemas": {"block_type_id": {"any_": [secret["id"]]}}}
    schema = mill.call("POST", "/block_schemas/filter", schemas)[0]
    document = {
        "name": "mill-key",
        "data": {"value": "hidden"},
        "block_type_id": secret["id"],
        "block_schema_id": schema["id"],
    }
    mill.make("block_document", "/block_documents/", document)


def _happenings(mill: Mill) -> None:
    """An event, and an automation that waits for others."""
    happened = datetime.now(UTC) - timedelta(minutes=10)  # The UIs ask for what is over, up to a whole minute.
    mill.ids["event"], mill.ids["event_day"] = str(uuid4()), happened.date().isoformat()
    event = {
        "id": mill.ids["event"],
        "occurred": happened.isoformat(),
        "event": "mill.wheel.stopped",
        "resource": {"prefect.resource.id": "mill.wheel", "prefect.resource.name": "the-wheel"},
        "related": [
            {"prefect.resource.id": f"prefect.flow.{mill.ids['flow']}", "prefect.resource.role": "flow"},
            {"prefect.resource.id": "prefect.tag.grain", "prefect.resource.role": "tag"},
        ],
        "payload": {"reason": "no water"},
    }
    mill.call("POST", "/events", [event])
    automation = {
        "name": "mill-watch",
        "trigger": {
            "type": "event",
            "posture": "Reactive",
            "expect": ["mill.flooded"],
            "match": {"prefect.resource.id": "mill.*"},
        },
        "actions": [
            {"type": "pause-deployment", "source": "selected", "deployment_id": mill.ids["deployment"]},
        ],
    }
    mill.make("automation", "/automations/", automation)
