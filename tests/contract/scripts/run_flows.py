"""A user's flows, run with the real Prefect client; prints what the user saw as one JSON line.

Run in the peer's environment with PREFECT_API_URL at the server under test.
"""

import asyncio
import json
import sys

from prefect import allow_failure, flow, get_run_logger, task, unmapped
from prefect.context import get_run_context
from prefect.futures import wait
from prefect.states import Completed

seen: dict[str, object] = {}
attempts = {"flaky": 0, "flow": 0}


def flow_run_id() -> str:
    return str(get_run_context().flow_run.id)


@task(tags=["math"])
def double(n: int) -> int:
    get_run_logger().info("doubling %s", n)
    return 2 * n


@task
def add(a: int, b: int) -> int:
    return a + b


@task(retries=2, retry_delay_seconds=0)
def flaky() -> str:
    attempts["flaky"] += 1
    if attempts["flaky"] < 3:
        raise ValueError("not yet")
    return "at last"


@task
def broken() -> None:
    raise RuntimeError("broken on purpose")


@task
async def async_double(n: int) -> int:
    await asyncio.sleep(0)
    return 2 * n


@flow(name="contract-tasks", log_prints=True)
def with_tasks(n: int = 3) -> int:
    seen["tasks_run_id"] = flow_run_id()
    print("a printed line")
    futures = double.map(list(range(n)))
    wait(futures)
    shifted = add.map([f.result() for f in futures], unmapped(1))
    return sum(f.result() for f in shifted)


@flow(name="contract-child")
def child(word: str) -> str:
    seen["child_run_id"] = flow_run_id()
    return double.with_options(name="double-word")(word)


@flow(name="contract-parent")
def parent() -> str:
    seen["parent_run_id"] = flow_run_id()
    return child("ab")


@flow(name="contract-retries", retries=2, retry_delay_seconds=0)
def retrying() -> str:
    seen["retrying_run_id"] = flow_run_id()
    attempts["flow"] += 1
    if attempts["flow"] < 2:
        raise ValueError("first attempt fails")
    return flaky()


@flow(name="contract-failing")
def failing() -> None:
    seen["failing_run_id"] = flow_run_id()
    broken()


@flow(name="contract-tolerant")
def tolerant() -> str:
    future = broken.submit()
    return add_length.submit(allow_failure(future)).result()


@task
def add_length(value: object) -> str:
    return f"got {type(value).__name__}"


@flow(name="contract-async")
async def with_async_tasks() -> list[int]:
    seen["async_run_id"] = flow_run_id()
    return list(await asyncio.gather(*(async_double(n) for n in range(3))))


@flow(name="contract-state")
def returns_state():
    return Completed(message="said so myself", name="Enough")


def main() -> None:
    seen["tasks"] = with_tasks()
    seen["parent"] = parent()
    seen["retrying"] = retrying()
    state = failing(return_state=True)
    seen["failing"] = [state.type.value, state.name]
    seen["tolerant"] = tolerant()
    seen["async"] = asyncio.run(with_async_tasks())
    state = returns_state(return_state=True)
    seen["state"] = [state.type.value, state.name, state.message]
    json.dump(seen, sys.stdout)
    print()


if __name__ == "__main__":
    main()
