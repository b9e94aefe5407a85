"""Flows that the real client serves, deploys and executes. `serve` serves them all, one of them on a schedule."""

import os
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

from prefect import flow, pause_flow_run, serve, suspend_flow_run, task
from prefect.client.schemas.objects import ConcurrencyLimitConfig, ConcurrencyLimitStrategy
from prefect.client.schemas.schedules import IntervalSchedule
from prefect.context import get_run_context
from prefect.deployments import run_deployment

PIDS = Path(os.environ.get("MILL_PIDS", "."))
"""Where runs that last write which process they are, each under the run's id."""


def stay() -> None:
    """Until the process is ended."""
    (PIDS / str(get_run_context().flow_run.id)).write_text(str(os.getpid()))
    time.sleep(600)


@task
def grind(sacks: int) -> int:
    return sacks * 2


@flow(name="mill-quick", log_prints=True)
def quick(sacks: int = 1) -> int:
    print("milling", sacks)
    return grind(sacks)


@flow(name="mill-slow")
def slow() -> None:
    stay()


@flow(name="mill-moody", retries=1)
def moody() -> str:
    if get_run_context().flow_run.run_count == 1:
        raise ValueError("not today")
    return "flour"


@flow(name="mill-asking")
def asking() -> int:
    return pause_flow_run(wait_for_input=int, timeout=120, poll_interval=1)


@flow(name="mill-suspended", persist_result=True)
def suspended() -> str:
    suspend_flow_run(timeout=120, key="once")
    return "went on"


@flow(name="mill-brief")
def brief() -> None:
    time.sleep(2)


@flow(name="mill-child")
def child() -> None:
    stay()


@flow(name="mill-parent")
def parent(deployment: str = "mill-child/deployed") -> None:
    (PIDS / str(get_run_context().flow_run.id)).write_text(str(os.getpid()))
    run_deployment(deployment, timeout=None, poll_interval=1)


def one_at_a_time(full: ConcurrencyLimitStrategy) -> ConcurrencyLimitConfig:
    return ConcurrencyLimitConfig(limit=1, collision_strategy=full)


def serve_all() -> None:
    once = IntervalSchedule(interval=timedelta(days=1), anchor_date=datetime.now(UTC) + timedelta(seconds=8))
    serve(
        quick.to_deployment("scheduled", schedule=once),
        quick.to_deployment("served"),
        slow.to_deployment("served"),
        moody.to_deployment("served"),
        asking.to_deployment("served"),
        suspended.to_deployment("served"),
        brief.to_deployment("queued", concurrency_limit=one_at_a_time(ConcurrencyLimitStrategy.ENQUEUE)),
        brief.to_deployment("turned-away", concurrency_limit=one_at_a_time(ConcurrencyLimitStrategy.CANCEL_NEW)),
        limit=20,
    )


if __name__ == "__main__" and sys.argv[1:] == ["serve"]:
    serve_all()
