"""`headrace event queues`."""

from collections.abc import Iterator

import msgspec

from headrace.cli.display import duration
from headrace.cli.output import Column, Output, show_json, show_list
from headrace.cli.session import client
from headrace.wire.queues import Queues


class _Queue(msgspec.Struct, frozen=True):
    """One line of the table."""

    id: str
    waiting: int
    age: float | None
    handled: int
    parked: int | None
    aside: int


def queues(*, output: Output = "table") -> None:
    """Show how far the server is with the events that have arrived: what waits, for how long, and what was kept aside.

    Try:

        headrace event queues

    Args:
        output: A table for people or JSON for programs.
    """
    with client() as api:
        status = api.read_queues()
    if output == "json":
        show_json(status)
        return
    columns = [
        Column[_Queue]("Queue", lambda queue: queue.id),
        Column[_Queue]("Waiting", lambda queue: str(queue.waiting)),
        Column[_Queue]("Oldest", lambda queue: "" if queue.age is None else duration(queue.age)),
        Column[_Queue]("Handled", lambda queue: str(queue.handled)),
        Column[_Queue]("Parked", lambda queue: "" if queue.parked is None else str(queue.parked)),
        Column[_Queue]("Quarantined", lambda queue: str(queue.aside), lambda queue: "red" if queue.aside else ""),
    ]
    show_list(list(_lines(status)), columns, output)


def _lines(status: Queues) -> Iterator[_Queue]:
    taken = status.ingest
    yield _Queue("ingest", taken.depth, taken.oldest_age, taken.persisted + taken.duplicates, None, taken.quarantined)
    for each in status.consumers:
        yield _Queue(each.name, each.depth, each.oldest_age, each.handled, each.parked, each.quarantined)
