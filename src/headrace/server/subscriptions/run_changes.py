"""State changes of flow runs, read from the log of events (contract §6.3)."""

from collections.abc import Callable, Sequence

import msgspec

from headrace.wire.events import RESOURCE_ID, RESOURCE_NAMES, RESOURCE_ROLE, ReceivedEvent, Resource
from headrace.wire.streams import RunChange, RunChangeFilter

_PREFIX = "prefect.flow-run."
_STATE_TYPE = "prefect.state-type"

RunChangeTest = Callable[[RunChange], bool]


def run_change(event: ReceivedEvent) -> RunChange | None:
    """The state change that an event tells of, or None if it tells of something else, such as a heartbeat."""
    labels = event.resource
    if not event.event.startswith(_PREFIX) or _STATE_TYPE not in labels:
        return None
    try:
        return msgspec.convert(
            {
                "flow_run_id": labels[RESOURCE_ID].removeprefix(_PREFIX),
                "name": labels.get(RESOURCE_NAMES[0], ""),
                "flow_id": _related(event.related, "flow"),
                "deployment_id": _related(event.related, "deployment"),
                "state_id": event.id,
                "state_type": labels[_STATE_TYPE],
                "state_name": labels.get("prefect.state-name", event.event.removeprefix(_PREFIX)),
                "state_message": labels.get("prefect.state-message", ""),
                "timestamp": event.occurred,
                "run_count": labels.get("prefect.run-count", "0"),
            },
            RunChange,
            strict=False,
        )
    except msgspec.ValidationError:  # a client may send any labels under this name
        return None


def _related(related: Sequence[Resource], role: str) -> str | None:
    """The id of the first related resource of a role, which is also its kind."""
    for labels in related:
        if labels[RESOURCE_ROLE] == role:
            return labels[RESOURCE_ID].removeprefix(f"prefect.{role}.")
    return None


def compile_run_filter(wanted: RunChangeFilter) -> RunChangeTest:
    """The test whether a change is one that the filter asks for."""
    asked: tuple[tuple[Sequence[object] | None, Callable[[RunChange], object]], ...] = (
        (wanted.flow_run_id, lambda change: change.flow_run_id),
        (wanted.flow_id, lambda change: change.flow_id),
        (wanted.deployment_id, lambda change: change.deployment_id),
        (wanted.state_type, lambda change: change.state_type),
        (wanted.state_name, lambda change: change.state_name),
    )
    tests = [(frozenset(values), read) for values, read in asked if values is not None]
    return lambda change: all(read(change) in values for values, read in tests)
