"""Background tasks of the real client: `serve` executes them, `delay` delays some and prints what came back as JSON.

Run in the peer's environment, with PREFECT_API_URL at the server under test.
"""

import asyncio
import json
import sys

from prefect import flow, task
from prefect.task_worker import serve


@task(persist_result=True)
def grind(grain: str) -> str:
    return f"{grain} flour"


@task(persist_result=True)
async def sift(flour: str) -> str:
    await asyncio.sleep(0)
    return f"fine {flour}"


@task(retries=1, retry_delay_seconds=0, persist_result=True)
def spill() -> None:
    raise ValueError("the sack has a hole")


@flow
def mill() -> dict:
    future = grind.delay("oat")
    return {"id": str(future.task_run_id), "value": future.result(timeout=60)}


async def awaited() -> str:
    future = sift.delay("bran")
    await future.wait_async(timeout=60)
    return await future.result_async(timeout=60)


def delay() -> dict:
    future = grind.delay("rye")
    spilt = spill.delay()
    many = [grind.delay(f"sack {number}") for number in range(10)]
    out = {"id": str(future.task_run_id), "value": future.result(timeout=60)}
    out["after"] = future.state.name
    spilt.wait(timeout=60)
    out["spilt"] = [str(spilt.task_run_id), spilt.state.type.value, spilt.state.message]
    out["many"] = [one.result(timeout=60) for one in many]
    out["awaited"] = asyncio.run(awaited())
    out["in_flow"] = mill()
    return out


if __name__ == "__main__":
    if sys.argv[1:] == ["serve"]:
        serve(grind, sift, spill)
    else:
        print(json.dumps(delay()))
