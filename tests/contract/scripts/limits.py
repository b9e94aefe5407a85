"""Concurrency limits of tags and global ones, and the slots that running code takes, through the real client.

Prints what came back as one JSON line. Run in the peer's environment, with PREFECT_API_URL at the server under test.
"""

import asyncio
import json
import sys

from prefect import flow, get_client, task
from prefect.client.schemas.actions import GlobalConcurrencyLimitCreate, GlobalConcurrencyLimitUpdate
from prefect.concurrency.asyncio import concurrency, rate_limit
from prefect.exceptions import ObjectNotFound

seen: dict = {}


async def active(name: str) -> int:
    async with get_client() as client:
        return (await client.read_global_concurrency_limit_by_name(name)).active_slots


@task(tags=["sluice"])
async def through_the_sluice() -> int:
    return await active("tag:sluice")


@flow(name="contract-limits")
async def uses_limits() -> None:
    seen["in_task"] = await through_the_sluice()
    async with concurrency("gate", occupy=2, strict=True):
        seen["inside"] = await active("gate")
    seen["after"] = await active("gate")
    await rate_limit("stream", occupy=1, strict=True)
    seen["rate"] = await active("stream")


async def tags(client) -> None:
    await client.create_concurrency_limit(tag="sluice", concurrency_limit=4)
    limit = await client.read_concurrency_limit_by_tag("sluice")
    seen["tag"] = [limit.tag, limit.concurrency_limit, limit.active_slots]
    seen["tags"] = [found.tag for found in await client.read_concurrency_limits(limit=10, offset=0)]
    await client.reset_concurrency_limit_by_tag("sluice")


async def limits(client) -> None:
    await client.create_global_concurrency_limit(GlobalConcurrencyLimitCreate(name="gate", limit=3))
    await client.create_global_concurrency_limit(
        GlobalConcurrencyLimitCreate(name="stream", limit=5, slot_decay_per_second=0.001)
    )
    await client.update_global_concurrency_limit("gate", GlobalConcurrencyLimitUpdate(limit=2))
    gate = await client.read_global_concurrency_limit_by_name("gate")
    seen["gate"] = [gate.name, gate.limit, gate.active, gate.active_slots]
    listed = await client.read_global_concurrency_limits(limit=10, offset=0)
    seen["limits"] = sorted(found.name for found in listed)


async def leave(client) -> None:
    await client.delete_global_concurrency_limit_by_name("gate")
    await client.delete_concurrency_limit_by_tag("sluice")
    seen["gone"] = []
    for call in (
        client.read_global_concurrency_limit_by_name("gate"),
        client.read_concurrency_limit_by_tag("sluice"),
    ):
        try:
            await call
        except ObjectNotFound:
            seen["gone"].append(True)


async def main() -> dict:
    async with get_client() as client:
        await tags(client)
        await limits(client)
        await uses_limits()
        await leave(client)
    return seen


if __name__ == "__main__":
    json.dump(asyncio.run(main()), sys.stdout)
    print()
