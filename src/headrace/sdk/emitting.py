"""`emit_event`: users' own events, sent in the background with the events of their runs (contract §6.1, §6.4)."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from headrace.sdk.context import FlowRunContext, TaskRunContext, innermost
from headrace.sdk.event_types import Event
from headrace.sdk.session import Session, session
from headrace.sdk.surroundings import surroundings
from headrace.sdk.values import plain
from headrace.wire import events as wire
from headrace.wire.base import encode
from headrace.wire.errors import HeadraceError
from headrace.wire.ids import uuid7
from headrace.wire.times import now

LARGEST = 1_500_000
"""Bytes of an event as JSON that the API takes at most (contract §6.1)."""

_log = logging.getLogger("headrace.events")


def emit_event(
    event: str,
    resource: Mapping[str, str],
    occurred: datetime | None = None,
    related: Iterable[Mapping[str, str]] | None = None,
    payload: Mapping[str, Any] | None = None,
    id: UUID | None = None,
    follows: wire.Event | None = None,
    **kwargs: Any,
) -> Event | None:
    """Tell the API that something happened to a resource; it is sent in the background, in order.

    Inside of a run the run, its flow, deployment, work queue, work pool and tags are among the related resources.
    `follows` is the event that led to this one. An event that cannot be made, because it has no resource id for
    example, is told by a warning and None: nothing fails for the sake of an event.

    >>> emit_event("order.shipped", {"prefect.resource.id": "acme.order.17"}, payload={"parcels": 2})
    """
    try:
        made = _made(event, resource, occurred, related, payload, id, follows, kwargs)
        emit(made)
    except (HeadraceError, TypeError, ValueError, AttributeError) as error:
        _log.warning("The event %r was not sent: %s", event, error)
        return None
    return made


def emit(event: Event, to: Session | None = None) -> None:
    """Send an event in the background, with what surrounds the current code among its related resources."""
    flow_run, task_run = FlowRunContext.get(), TaskRunContext.get()
    run = innermost()
    session_ = to or (run.session if run is not None else session())
    session_.recorder.put(_complete(event, lambda: surroundings(flow_run, task_run)))


def _complete(event: Event, around: Callable[[], list[dict[str, str]]]) -> Callable[[], wire.Event]:
    """Makes the event as it is sent; what that takes of time is the recorder's."""

    def complete() -> wire.Event:
        known = {resource.id for resource in event.involved_resources}
        related = [labels for labels in around() if labels[wire.RESOURCE_ID] not in known]
        return wire.Event(
            id=event.id,
            occurred=event.occurred,
            event=event.event,
            resource=event.resource,
            related=[*event.related, *related],
            payload=event.payload,
            follows=event.follows,
        )

    return complete


def _made(
    name: str,
    resource: Mapping[str, str],
    occurred: datetime | None,
    related: Iterable[Mapping[str, str]] | None,
    payload: Mapping[str, Any] | None,
    id_: UUID | None,
    follows: wire.Event | None,
    more: Mapping[str, Any],
) -> Event:
    if more:
        raise TypeError(f"emit_event has no parameter {next(iter(more))!r}.")
    fields: dict[str, Any] = {"resource": resource, "related": list(related or ())}
    made = Event(
        id=id_ or uuid7(), event=name, occurred=occurred or now(), payload=plain(dict(payload or {})), **fields
    )
    if follows is not None and made.comes_soon_after(follows):
        made.follows = follows.id
    if (size := len(encode(made))) > LARGEST:
        raise ValueError(f"it has {size} bytes, and at most {LARGEST} are taken. Keep what is large as an artifact.")
    return made
