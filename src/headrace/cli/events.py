"""`headrace event`."""

import asyncio
import json
import sys
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, TextIO

from cyclopts import App, Parameter

from headrace.cli import quarantine, queues
from headrace.cli.display import ago, local, seconds_of
from headrace.cli.errors import CommandFailed, UsageError
from headrace.cli.output import Column, ListOutput, show_list, tell
from headrace.cli.session import client
from headrace.wire.base import encode_text
from headrace.wire.events import EVENT_PAGE, RESOURCE_ID, RESOURCE_NAMES, Event, ReceivedEvent
from headrace.wire.filters import EventAnyResourceFilter, EventFilter, EventNameFilter, EventOccurredFilter
from headrace.wire.times import now

if TYPE_CHECKING:
    from headrace.client.orchestration import SyncHeadraceClient

app = App(name="event", help="List, follow and emit events, and look after those that were kept aside.")
app.command(quarantine.app)
app.command(queues.queues)

Names = Annotated[
    list[str] | None,
    Parameter(name="--name", help="Only events of this name; prefect.flow-run.* means all that begin so. Repeatable."),
]
Resources = Annotated[
    list[str] | None,
    Parameter(
        name="--resource", help="Only events that a resource of this id has to do with; acme.* means all that begin so."
    ),
]


@app.command
def ls(
    *,
    name: Names = None,
    resource: Resources = None,
    since: str = "24h",
    limit: Annotated[int, Parameter(alias="-n")] = 20,
    output: ListOutput = "table",
) -> None:
    """List events, the latest first.

    Try:

        headrace event ls --name 'prefect.flow-run.*' --since 1h
        headrace event ls --resource prefect.deployment.DEPLOYMENT_ID -o json

    Args:
        since: Only events of this length of time up to now, such as 30m, 24h (if not given) or 7d.
        limit: The most events to list, 20 if not given.
        output: A table for people, JSON for programs, or bare ids for pipes.
    """
    wanted = _filter(name, resource)
    wanted.occurred = EventOccurredFilter(since=now() - timedelta(seconds=_span(since)), until=now())
    with client() as api:
        events = list(_read(api, wanted, limit))
    columns = [
        Column[ReceivedEvent]("Occurred", lambda event: local(event.occurred) or ""),
        Column[ReceivedEvent]("Event", lambda event: event.event),
        Column[ReceivedEvent]("Resource", lambda event: event.resource[RESOURCE_ID]),
        Column[ReceivedEvent]("Name", lambda event: _name_of(event)),
        Column[ReceivedEvent]("When", lambda event: ago(event.occurred)),
    ]
    show_list(events, columns, output, "No event matches. Events of longer ago are shown with --since 7d.")


@app.command
def stream(
    *,
    name: Names = None,
    resource: Resources = None,
    format: Literal["json", "text"] = "json",
    output_file: Path | None = None,
    run_once: bool = False,
) -> None:
    """Print events as they come, from those of the last minute on, until interrupted.

    Try:

        headrace event stream --name 'prefect.flow-run.*' --format text
        headrace event stream --output-file events.jsonl

    Args:
        format: One JSON object a line for programs, or text for people.
        output_file: Add the lines to this file instead.
        run_once: End after the first event.
    """
    wanted = _filter(name, resource)
    if output_file is None:
        asyncio.run(_stream(wanted, format, sys.stdout, run_once))
        return
    try:
        with output_file.open("a", encoding="utf-8") as file:
            asyncio.run(_stream(wanted, format, file, run_once))
    except OSError as error:
        raise CommandFailed(f"The events cannot be written to {output_file}: {error.strerror}") from error


@app.command
def emit(
    event: str,
    /,
    *,
    resource_id: str | None = None,
    resource: str | None = None,
    related: str | None = None,
    payload: str | None = None,
) -> None:
    """Send an event; its id is printed once the API has stored it.

    Try:

        headrace event emit order.shipped --resource-id acme.order.17
        headrace event emit order.shipped --resource-id acme.order.17 --payload '{"parcels": 2}'

    Args:
        event: The name of what happened.
        resource_id: The id of the resource to which it happened.
        resource: Labels of that resource as a JSON object; with --resource-id they are added to it.
        related: One related resource as a JSON object, or a list of them; each has an id and a role.
        payload: What else there is to say, as a JSON object.
    """
    from headrace.sdk import event_types

    labels: dict[str, Any] = {RESOURCE_ID: resource_id} if resource_id is not None else {}
    more: Any = _json(related, "--related", (dict, list)) if related else []
    fields: dict[str, Any] = {
        "resource": labels | (_json(resource, "--resource", dict) if resource else {}),
        "related": [more] if isinstance(more, dict) else more,
        "payload": _json(payload, "--payload", dict) if payload else {},
    }
    made = event_types.Event(event=event, **fields)
    sent = Event(**{name: getattr(made, name) for name in Event.__struct_fields__})
    with client() as api:
        api.post_events([sent])
    print(made.id)
    tell(f"The event {event} of {made.resource.id} is stored.")


async def _stream(wanted: EventFilter, format: str, file: TextIO, once: bool) -> None:
    from headrace.sdk.subscribing import get_events_subscriber

    async with get_events_subscriber(wanted) as events:
        async for event in events:
            file.write((encode_text(event) if format == "json" else _line(event)) + "\n")
            file.flush()
            if once:
                return


def _line(event: Event) -> str:
    return f"{local(event.occurred)} {event.event} {event.resource[RESOURCE_ID]}"


def _read(api: "SyncHeadraceClient", wanted: EventFilter, limit: int) -> Iterator[ReceivedEvent]:
    """The first events, in as many requests as it takes."""
    page = api.read_events(wanted, min(limit, EVENT_PAGE))
    given = 0
    while True:
        yield from page.events[: limit - given]
        given += len(page.events)
        if page.next_page is None or given >= limit:
            return
        page = api.read_events_page(page.next_page)


def _filter(names: list[str] | None, resources: list[str] | None) -> EventFilter:
    chosen = EventFilter()
    if names:
        exact, prefixes = _apart(names)
        if exact and prefixes:
            raise UsageError("--name takes whole names or beginnings with a *, not both at once.")
        chosen.event = EventNameFilter(name=exact or None, prefix=prefixes or None)
    if resources:
        exact, prefixes = _apart(resources)
        if exact and prefixes:
            raise UsageError("--resource takes whole ids or beginnings with a *, not both at once.")
        chosen.any_resource = EventAnyResourceFilter(id=exact or None, id_prefix=prefixes or None)
    return chosen


def _apart(given: list[str]) -> tuple[list[str], list[str]]:
    """What is meant as it stands, and the beginnings of what ends in a star."""
    return [each for each in given if not each.endswith("*")], [each[:-1] for each in given if each.endswith("*")]


def _name_of(event: ReceivedEvent) -> str:
    return next((event.resource[label] for label in RESOURCE_NAMES if label in event.resource), "")


def _span(text: str) -> float:
    try:
        return seconds_of(text)
    except ValueError as error:
        raise UsageError(str(error)) from None


def _json(text: str, option: str, kinds: type | tuple[type, ...]) -> Any:
    try:
        value = json.loads(text)
    except ValueError as error:
        raise UsageError(f"{option} is no JSON: {error}") from None
    if not isinstance(value, kinds):
        raise UsageError(f'{option} takes a JSON object, such as \'{{"key": "value"}}\'.')
    return value
