"""`prefect.artifact-collection.<change>`: what the events of a key's artifacts say (contract §6.3)."""

from datetime import datetime
from typing import Any

from headrace.server.events.facts import Change, happened, resource
from headrace.wire.artifacts import ArtifactCollection
from headrace.wire.base import encode
from headrace.wire.events import Event, Resource

_LARGEST_DATA = 100_000
"""Bytes of an artifact's JSON that its event repeats."""


def collection_changed(change: Change, collection: ArtifactCollection, moment: datetime) -> Event:
    """The event of a collection that was begun, got another latest artifact or lost its last one.

    Data too large to be repeated is left out, and its size told instead (`data_bytes`).
    """
    payload: dict[str, Any] = {
        "key": collection.key,
        "type": collection.type,
        "data": collection.data,
        "description": collection.description,
    }
    size = len(encode(collection.data))
    if size > _LARGEST_DATA:
        payload |= {"data": None, "data_bytes": size}
    subject = resource("artifact-collection", collection.id, collection.key)
    return happened(f"prefect.artifact-collection.{change}", subject, moment, _related(collection), payload)


def _related(collection: ArtifactCollection) -> list[Resource]:
    related = [resource("artifact", collection.latest_id, role="latest")]
    if collection.flow_run_id is not None:
        related.append(resource("flow-run", collection.flow_run_id, role="flow-run"))
    if collection.task_run_id is not None:
        related.append(resource("task-run", collection.task_run_id, role="task-run"))
    return related
