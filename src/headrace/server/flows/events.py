"""`prefect.flow.<change>`: what a flow's events say (contract §6.3)."""

from datetime import datetime

from headrace.server.events.facts import Change, happened, resource
from headrace.wire.events import Event
from headrace.wire.flows import Flow


def flow_changed(change: Change, flow: Flow, moment: datetime) -> Event:
    """The event of a flow that was made, changed or deleted, as it is now or was last."""
    payload = {"name": flow.name, "tags": flow.tags, "labels": flow.labels or {}}
    return happened(f"prefect.flow.{change}", resource("flow", flow.id, flow.name), moment, payload=payload)
