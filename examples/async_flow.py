"""Async tasks, awaited together.

python examples/async_flow.py
"""

import asyncio

from headrace import flow, get_run_logger, task


@task
async def probe(host: str) -> bool:
    """Whether a host answers; here, whether its name is short."""
    await asyncio.sleep(0.1)
    return len(host) < 8


@flow
async def health_check(hosts: tuple[str, ...] = ("alpha", "beta", "gamma", "epsilon-9")) -> int:
    """How many hosts answer, asking all of them at the same time."""
    answers = await asyncio.gather(*(probe(host) for host in hosts))
    silent = [host for host, well in zip(hosts, answers, strict=True) if not well]
    get_run_logger().warning("no answer from %s", ", ".join(silent))
    return sum(answers)


if __name__ == "__main__":
    asyncio.run(health_check())
