"""Events as a Prefect client sends them about its task runs (contract §7)."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

EPOCH = datetime(2026, 1, 1, tzinfo=UTC)
Json = Any


def event(
    number: int,
    task_run_id: UUID,
    flow_run_id: str | None,
    *,
    second: float = 0,
    type: str = "RUNNING",
    name: str | None = None,
    task_run: dict[str, Json] | None = None,
    state: dict[str, Json] | None = None,
) -> dict[str, Json]:
    """Event number n (which is its id), at that second."""
    name = name or type.capitalize()
    named = {"name": "t-0", "task_key": "t", "dynamic_key": str(task_run_id)}
    related = [] if flow_run_id is None else [role("flow-run", f"prefect.flow-run.{flow_run_id}")]
    return {
        "id": str(UUID(int=number)),
        "occurred": (EPOCH + timedelta(seconds=second)).isoformat(),
        "event": f"prefect.task-run.{name}",
        "resource": {
            "prefect.resource.id": f"prefect.task-run.{task_run_id}",
            "prefect.resource.name": "t-0",
            "prefect.orchestration": "client",
        },
        "related": [*related, role("tag", "prefect.tag.x")],
        "payload": {
            "intended": {"from": None, "to": type},
            "initial_state": None,
            "validated_state": {"type": type, "name": name, "message": "", "state_details": {}, "data": None}
            | (state or {}),
            "task_run": named | (task_run or {}),
        },
    }


def role(name: str, id: str) -> dict[str, str]:
    """A related resource."""
    return {"prefect.resource.id": id, "prefect.resource.role": name}


def lifecycle(first: int, task_run_id: UUID, flow_run_id: str | None, **task_run: Json) -> list[dict[str, Json]]:
    """A task run that is retried once and then completes, with all that the real client tells each time."""
    at = EPOCH.isoformat()
    base = {
        "empirical_policy": {"retries": 1, "retry_delay": 0},
        "tags": ["x"],
        "labels": {},
        "task_inputs": {"n": [{"input_type": "task_run", "id": str(UUID(int=99))}]},
        "expected_start_time": at,
        "flow_run_run_count": 1,
        **task_run,
    }
    steps: list[tuple[str, str | None, dict[str, Json]]] = [
        ("PENDING", None, {"run_count": 0, "flow_run_run_count": 0, "total_run_time": 0.0}),
        ("RUNNING", None, {"run_count": 1, "start_time": at, "total_run_time": 0.0}),
        ("SCHEDULED", "AwaitingRetry", {"run_count": 1, "start_time": at, "total_run_time": 1.0}),
        ("RUNNING", "Retrying", {"run_count": 2, "start_time": at, "total_run_time": 1.0}),
        ("COMPLETED", None, {"run_count": 2, "start_time": at, "end_time": at, "total_run_time": 2.5}),
    ]
    return [
        event(first + n, task_run_id, flow_run_id, second=n, type=type, name=name, task_run=base | told)
        for n, (type, name, told) in enumerate(steps)
    ]
