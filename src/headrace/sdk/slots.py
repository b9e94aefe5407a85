"""Taking slots of concurrency limits: waiting until there are some, holding them by a lease, giving them back.

The API answers a wish that cannot be granted now with the time after which to try again (contract §10).
"""

from __future__ import annotations

import logging
import time
from collections.abc import Iterable

from headrace.sdk.context import FlowRunContext, TaskRunContext
from headrace.sdk.dispatch import api
from headrace.sdk.drivers import Driver
from headrace.sdk.leases import KEEPER, Lease
from headrace.wire.chance import CHANCE
from headrace.wire.concurrency import LeaseHolder, LimitSummary
from headrace.wire.errors import Locked, RequestError
from headrace.wire.waiting_errors import SlotsNotAcquired, SlotsTimeout

LEASE_SECONDS = 300.0
_PAUSE = 10.0
"""Seconds between two tries where the API names none."""

_log = logging.getLogger("headrace.concurrency")


class Waiting:
    """How long to go on asking for slots, by time and by number of tries."""

    def __init__(self, timeout_seconds: float | None, max_retries: int | None = None) -> None:
        self._deadline = None if timeout_seconds is None else time.monotonic() + timeout_seconds
        self._left = max_retries

    async def after(self, driver: Driver, locked: Locked, names: list[str]) -> None:
        """Wait before the next try. Raises `SlotsTimeout` or `SlotsNotAcquired` if there is to be none."""
        if self._left is not None:
            if self._left <= 0:
                raise SlotsNotAcquired(f"No slot of {', '.join(names)} was free in the tries that were allowed.")
            self._left -= 1
        delay = _PAUSE * CHANCE.uniform(0.5, 1.5) if locked.retry_after is None else locked.retry_after
        if self._deadline is not None:
            left = self._deadline - time.monotonic()
            if left <= 0:
                raise SlotsTimeout(f"No slot of {', '.join(names)} was free in time.")
            delay = min(delay, left)
        await driver.sleep(delay)


async def hold(
    driver: Driver,
    names: list[str],
    occupy: int,
    waiting: Waiting,
    *,
    holder: LeaseHolder | None = None,
    lease_duration: float = LEASE_SECONDS,
    strict: bool = False,
) -> Lease | None:
    """Slots on all of the limits, renewed until they are released; None if none of the names has a limit."""
    if not names:
        return None
    client = api()
    while True:
        try:
            answer = await driver.call(
                client.increment_concurrency_slots_with_lease,
                names,
                occupy,
                "concurrency",
                lease_duration,
                holder if holder is not None else _holder(),
            )
        except Locked as locked:
            await waiting.after(driver, locked, names)
            continue
        except RequestError as error:
            raise SlotsNotAcquired(f"The slots of {', '.join(names)} cannot be had: {error}") from error
        lease = Lease(client, answer.lease_id, lease_duration, answer.limits, occupy)
        try:
            check_found(names, answer.limits, strict)
        except SlotsNotAcquired:
            await driver.call(lease.release)
            raise
        if not answer.limits:
            return None
        KEEPER.keep(lease)
        return lease


async def pass_rate(
    driver: Driver, names: list[str], occupy: int, waiting: Waiting, strict: bool
) -> list[LimitSummary]:
    """Take slots that come back by themselves, at the rate of the limits, which are given."""
    if not names:
        return []
    client = api()
    while True:
        try:
            found = await driver.call(client.increment_concurrency_slots, names, occupy, "rate_limit")
        except Locked as locked:
            await waiting.after(driver, locked, names)
            continue
        except RequestError as error:
            raise SlotsNotAcquired(f"The slots of {', '.join(names)} cannot be had: {error}") from error
        check_found(names, found, strict)
        return found


def check_found(names: list[str], found: Iterable[LimitSummary], strict: bool) -> None:
    """Say which names have no limit. Raises `SlotsNotAcquired` about them if `strict`."""
    known = {limit.name for limit in found}
    if not (missing := [name for name in names if name not in known]):
        return
    if strict:
        raise SlotsNotAcquired(
            f"There is no concurrency limit named {', '.join(missing)}: make it with the client's "
            "create_global_concurrency_limit, or leave out strict=True."
        )
    _log.debug("There is no concurrency limit named %s, so nothing is limited.", ", ".join(missing))


def names_of(names: str | Iterable[str]) -> list[str]:
    """The names of limits as a list, each once."""
    return [names] if isinstance(names, str) else list(dict.fromkeys(names))


def _holder() -> LeaseHolder | None:
    """The run that takes the slots."""
    if (task_run := TaskRunContext.get()) is not None:
        return LeaseHolder(type="task_run", id=task_run.task_run.id)
    if (flow_run := FlowRunContext.get()) is not None:
        return LeaseHolder(type="flow_run", id=flow_run.flow_run.id)
    return None
