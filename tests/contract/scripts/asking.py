"""The real client asks for events: a page, the pages that follow, and filters of every kind.

Prints what it was told as one JSON line. Run in the peer's environment, with PREFECT_API_URL at the server under test.
"""

import asyncio
import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from uuid import uuid4

from prefect import flow
from prefect.client.orchestration import PrefectClient, get_client
from prefect.events.clients import get_events_client
from prefect.events.filters import (
    EventAnyResourceFilter,
    EventFilter,
    EventNameFilter,
    EventOccurredFilter,
    EventOrder,
    EventRelatedFilter,
    EventResourceFilter,
)
from prefect.events.schemas.events import Event, RelatedResource, Resource


@flow
def sift_flour() -> None: ...


def sack(number: int, kind: str) -> Event:
    return Event(
        id=uuid4(),
        occurred=datetime.now(UTC) - timedelta(seconds=60 - number),
        event=f"sack.{kind}",
        resource=Resource({"prefect.resource.id": f"sack.{number}", "grain": "rye" if number % 2 else "oats"}),
        related=[RelatedResource({"prefect.resource.id": "cart.1", "prefect.resource.role": "carrier"})],
        payload={"number": number, "weight": {"kg": 12.5}},
    )


async def sacks_of(client: PrefectClient, wanted: EventFilter, limit: int = 50) -> AsyncIterator[str]:
    """The resources of all events that match, page by page."""
    page = await client.read_events(filter=wanted, limit=limit)
    while True:
        for event in page.events:
            yield event.resource.id
        if page.next_page is None:
            return
        page = await client.read_events_page(str(page.next_page))


async def ask() -> dict[str, object]:
    async with get_events_client() as sender:
        for number in range(1, 6):
            await sender.emit(sack(number, "filled"))
        await sender.emit(sack(6, "torn"))
    sacks = EventNameFilter(prefix=["sack."])
    recently = EventOccurredFilter(since=datetime.now(UTC) - timedelta(minutes=10), until=datetime.now(UTC))
    questions = {
        "oldest_first": EventFilter(event=sacks, occurred=recently, order=EventOrder.ASC),
        "by_name": EventFilter(event=EventNameFilter(name=["sack.torn"])),
        "by_label": EventFilter(event=sacks, resource=EventResourceFilter(labels={"grain": ["!oats"]})),
        "by_id": EventFilter(resource=EventResourceFilter(id=["sack.4"])),
        "any_resource": EventFilter(any_resource=EventAnyResourceFilter(id=["cart.1"]), event=sacks),
        "related": EventFilter(related=EventRelatedFilter(role=["carrier"], id=["cart.1"])),
    }
    found: dict[str, object] = {}
    async with get_client() as client:
        for name, wanted in questions.items():
            found[name] = [sack async for sack in sacks_of(client, wanted, limit=2)]
        page = await client.read_events(filter=questions["by_id"], limit=1)
        found["total"] = page.total
        found["payload"] = page.events[0].payload
        run_id = (await client.read_flow_runs(limit=1))[0].id
        states = EventFilter(
            resource=EventResourceFilter(id=[f"prefect.flow-run.{run_id}"]),
            event=EventNameFilter(prefix=["prefect.flow-run."], exclude_name=["prefect.flow-run.heartbeat"]),
            order=EventOrder.ASC,
        )
        found["run"] = [event.event for event in (await client.read_events(filter=states, limit=50)).events]
    return found


sift_flour()
print(json.dumps(asyncio.run(ask())))
