"""Limits on tags: a task run with tags holds a slot of each tag that has a limit while it runs (contract §12.1)."""

from __future__ import annotations

import time
from collections.abc import Iterable
from typing import TYPE_CHECKING

from headrace.sdk.drivers import Driver
from headrace.sdk.session import Session

if TYPE_CHECKING:
    from headrace.sdk.leases import Lease
    from headrace.wire.task_runs import TaskRun

_LEASE_SECONDS = 60.0
_REMEMBERED = 5.0
"""Seconds for which tags that have no limit are not asked about again (contract §10)."""

_MOST_REMEMBERED = 1000

_unlimited: dict[tuple[Session, frozenset[str]], float] = {}


async def hold_tags(driver: Driver, run: TaskRun, session: Session) -> Lease | None:
    """Slots of all the run's tags, waiting for them as long as it takes; None if no tag has a limit."""
    known = (session, frozenset(run.tags))
    if _unlimited.get(known, 0.0) > time.monotonic():
        return None
    # Most runs have no tags: what follows is imported by those that do.
    from headrace.sdk.slots import Waiting, hold
    from headrace.wire.concurrency import LeaseHolder

    holder = LeaseHolder(type="task_run", id=run.id)
    lease = await hold(driver, _names(run.tags), 1, Waiting(None), holder=holder, lease_duration=_LEASE_SECONDS)
    if lease is None:
        if len(_unlimited) >= _MOST_REMEMBERED:
            _unlimited.clear()
        _unlimited[known] = time.monotonic() + _REMEMBERED
    return lease


def _names(tags: Iterable[str]) -> list[str]:
    return [f"tag:{tag}" for tag in sorted(set(tags))]
