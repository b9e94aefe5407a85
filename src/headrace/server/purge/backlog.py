"""How far the purge is with what is due, for whoever watches."""

from datetime import datetime

import msgspec

from headrace.server.purge import queries
from headrace.server.purge.service import Purge
from headrace.server.store.base import Store
from headrace.settings import Settings

_SHOWN_FROM = 100 * 1024 * 1024
_EMPTY_PART = 0.2


class Backlog(msgspec.Struct, frozen=True, kw_only=True):
    """What is due and not removed yet; `waiting` is what is deleted and not due.

    `rows` is estimated from what items have taken so far; `eta` is in seconds, None where no purge goes on here.
    """

    operations: int
    items: int
    rows: int
    oldest_overdue_seconds: float
    eta: float | None
    waiting_operations: int
    waiting_items: int


async def read(store: Store, moment: datetime) -> Backlog:
    """The backlog as of a moment."""
    due, waiting = await queries.owed(store, moment)
    service = Purge.of(store)
    overdue = 0.0 if due.oldest is None else max((moment - due.oldest).total_seconds(), 0.0)
    rows = round(due.items * (queries.ROWS_OF_AN_ITEM if service is None else service.rows_of_an_item))
    eta = None
    if not due.operations:
        eta = 0.0
    elif service is not None and service.rate:
        eta = rows / service.rate
    return Backlog(
        operations=due.operations,
        items=due.items,
        rows=rows,
        oldest_overdue_seconds=overdue,
        eta=eta,
        waiting_operations=waiting.operations,
        waiting_items=waiting.items,
    )


async def warnings(store: Store, settings: Settings, moment: datetime) -> list[str]:
    """What whoever runs the server should know: nothing, as long as all goes well."""
    told: list[str] = []
    due = await queries.next_due(store)
    late_after = settings.server.services.purge.late_after_seconds
    if due is not None and (overdue := (moment - due).total_seconds()) > late_after:
        told.append(
            f"The purge falls behind: what was deleted has been due to be removed for {_duration(overdue)}. See "
            "headrace server services ls, whether it runs and is not paused; "
            "HEADRACE_SERVER_SERVICES_PURGE_LONGEST_REST and _SLOWDOWN let it take more of the server."
        )
    space = await store.space()
    if not space.shrinks and space.empty is not None and space.empty > max(_SHOWN_FROM, _EMPTY_PART * space.bytes):
        told.append(
            f"The database file holds {space.empty >> 20} MiB that are empty and cannot be given back, because it was "
            "made without that: stop the server and run headrace server database compact once."
        )
    return told


def _duration(seconds: float) -> str:
    """As people say it, in the largest unit."""
    for unit, length in (("days", 86_400), ("hours", 3_600), ("minutes", 60)):
        if seconds >= 2 * length:
            return f"{seconds / length:.0f} {unit}"
    return f"{seconds:.0f} seconds"
