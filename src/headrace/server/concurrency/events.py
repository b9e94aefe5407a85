"""`prefect.concurrency-limit.<change>`: what a limit's events say (contract §6.3).

Limits on tags are told of under their own names, `tag:<tag>`; one that is part of a deployment is told of there.
"""

from datetime import datetime

from headrace.server.concurrency.queries import Limit
from headrace.server.events.facts import Change, happened, resource
from headrace.wire.events import Event


def limit_changed(change: Change, limit: Limit, moment: datetime) -> Event:
    """The event of a limit that was made, changed or deleted, as it is now or was last."""
    payload = {
        "name": limit.name,
        "limit": limit.slot_limit,
        "active": limit.active,
        "slot_decay_per_second": limit.slot_decay_per_second,
    }
    subject = resource("concurrency-limit", limit.id, limit.name)
    return happened(f"prefect.concurrency-limit.{change}", subject, moment, payload=payload)
