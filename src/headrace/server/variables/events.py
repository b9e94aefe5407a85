"""`prefect.variable.<change>`: what a variable's events say (contract §6.3)."""

from datetime import datetime

from headrace.server.events.facts import Change, happened, resource
from headrace.wire.events import Event
from headrace.wire.variables import Variable


def variable_changed(change: Change, variable: Variable, moment: datetime) -> Event:
    """The event of a variable that was made, changed or deleted, as it is now or was last."""
    payload = {"name": variable.name, "value": variable.value, "tags": variable.tags}
    subject = resource("variable", variable.id, variable.name)
    return happened(f"prefect.variable.{change}", subject, moment, payload=payload)
